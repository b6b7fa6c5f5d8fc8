"""A model made ready for tuning, its vectors with gradients, and what becomes of it afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.encoder.attention import Packed
from core.encoder.batches import Batch
from core.encoder.card import ModelCard
from core.encoder.compress import copy_words, is_whole
from core.encoder.hardware import choose_precision
from core.encoder.pooling import pool
from core.encoder.tokens import Tokens
from core.encoder.tuning.options import ADAPTERS, TuneOptions
from core.errors import CartscapeError, WrongCall

#: Layers that no vector depends on; they get no gradient either.
_UNUSED = "pooler"
#: Weight of AdaLoRA's wish for orthogonal factors, as peft has it.
_ORTHOGONAL = 0.5
#: Kinds whose layers stand in a row, each with weights of its own and all of one form.
_ROWS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "mpnet")
#: Fewer steps leave AdaLoRA no time to move ranks.
_LEAST_STEPS = 10


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Draws of torch that depend on these numbers alone, so that no state of them need be kept."""
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1))
        yield


class Student:
    """The model that learns: its encoder, adapters among it, and which of its weights move."""

    def __init__(self, card: ModelCard, options: TuneOptions, steps: int, device: str) -> None:
        """`steps` is how many there will be at most; AdaLoRA plans its ranks by it."""
        self.card = card
        self.options = options
        self.device = device
        self._modes = tuple(card.pooling.split("+"))
        self.whole: Any
        with seeded(options.seed, 1):
            self.whole = _load(card.folder, masked=options.method == "mlm")
            self.all = sum(p.numel() for p in self.encoder.parameters())
            if options.method == "distil":
                _shorten(self.whole, options.layers, card)
            for name, parameter in self.whole.named_parameters():
                parameter.requires_grad_(_UNUSED not in name)
            if options.method in ADAPTERS:
                self.whole = _adapted(self.whole, options, steps)
        self.whole.to(device)

    @property
    def encoder(self) -> Any:
        """What gives a vector a token; of a model that guesses masked words, the part below the guessing."""
        return self.whole.base_model if self.options.method == "mlm" else self.whole

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """The weights that move, by name."""
        return {name: p for name, p in self.whole.named_parameters() if p.requires_grad}

    def share(self) -> float:
        """Weights that move ÷ weights of the encoder."""
        return sum(p.numel() for p in self.trained.values()) / self.all

    def vectors(self, tokens: Tokens, rows: np.ndarray) -> Tensor:
        """float32 [rows, dim] of some texts, as the encoder of the app makes them, of length 1."""
        ids, mask = self.padded(tokens, rows)
        with self.mixed():
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        lengths = mask.sum(1)
        bounds = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        packed = Packed(ids, ids, bounds, Batch(rows, tokens.lengths[rows]))
        found = pool(states[mask.bool()].float(), packed, self._modes, self.card.normalise)
        return nn.functional.normalize(found, dim=1)

    def mixed(self) -> torch.autocast:
        """Matrices multiplied in bf16 where the device has it, while weights and sums stay fp32."""
        has = choose_precision(self.device) == "bf16"
        return torch.autocast(self.device, torch.bfloat16, enabled=has)

    def padded(self, tokens: Tokens, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Token numbers and which of them are real: int64 [rows, longest] twice."""
        lengths = tokens.lengths[rows]
        mask = np.arange(lengths.max())[None] < lengths[:, None]
        ids = np.full(mask.shape, int(self.whole.config.pad_token_id or 0), np.int64)
        ids[mask] = tokens.of(rows)[0]
        return torch.from_numpy(ids).to(self.device), torch.from_numpy(mask.astype(np.int64)).to(self.device)

    def encode(self, tokens: Tokens, batch: int = 64) -> np.ndarray:
        """float32 [texts, dim] of all texts as the model is now, texts of like length together."""
        out = np.empty((len(tokens.lengths), self.card.dim), np.float32)
        order = np.argsort(tokens.lengths, kind="stable")
        was = self.whole.training
        self.whole.eval()
        with torch.no_grad():
            for at in range(0, len(order), batch):
                rows = order[at : at + batch]
                out[rows] = self.vectors(tokens, rows).cpu().numpy()
        self.whole.train(was)
        return out

    def penalty(self) -> Tensor | float:
        """How far AdaLoRA's factors are from orthogonal; 0 for other methods."""
        if self.options.method != "adalora":
            return 0.0
        found = []
        for name, p in self.trained.items():
            if "lora_A" in name or "lora_B" in name:
                product = p @ p.T if "lora_A" in name else p.T @ p
                found.append(torch.linalg.norm(product - torch.eye(len(product), device=p.device)))
        return _ORTHOGONAL * torch.stack(found).mean()

    def after(self, step: int) -> None:
        """Let AdaLoRA move ranks to where they matter, once the weights of step 1, 2, … have moved."""
        if self.options.method == "adalora":
            self.whole.base_model.update_and_allocate(step)

    def ranks(self) -> dict[str, Any]:
        """What AdaLoRA has seen so far, for a checkpoint; nothing for other methods."""
        if self.options.method != "adalora":
            return {}
        known = self.whole.base_model.rankallocator
        kept = {name: dict(getattr(known, name)) for name in ("ipt", "exp_avg_ipt", "exp_avg_unc")}
        return kept | {"pattern": self.whole.peft_config["default"].rank_pattern or {}}

    def set_ranks(self, kept: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept of `ranks`."""
        if self.options.method == "adalora":
            known = self.whole.base_model.rankallocator
            for name in ("ipt", "exp_avg_ipt", "exp_avg_unc"):
                setattr(known, name, {k: v.to(self.device) for k, v in kept[name].items()})
            self.whole.peft_config["default"].rank_pattern = kept["pattern"] or None

    def write(self, folder: Path) -> None:
        """Write the tuned encoder as a folder of Hugging Face's, adapters merged into its weights.

        Whatever else the first model's folder says (tokenizer, pooling, length) is kept. The student cannot
        be trained further.
        """
        merged = self.whole.merge_and_unload() if self.options.method in ADAPTERS else self.encoder
        with _quiet():
            merged.eval().to("cpu").save_pretrained(folder)
        copy_words(self.card.folder, folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """No word of transformers: a head that is new may well be missing, and progress has its own bar."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load(folder: Path, masked: bool) -> Any:
    from transformers import AutoModel, AutoModelForMaskedLM

    if not is_whole(folder):
        raise WrongCall(
            f"The weights in {folder} are of int8, which cannot learn; name the model it was made of."
        )
    kind: Any = AutoModelForMaskedLM if masked else AutoModel
    try:
        with _quiet():
            return kind.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32)
    except Exception as error:  # transformers lets every kind of error through
        raise CartscapeError(
            f"The model in {folder} cannot be loaded for tuning ({error}); fetch the model again."
        ) from error


def _shorten(model: Any, layers: int, card: ModelCard) -> None:
    """Leave so many of the layers, evenly from the first to the last."""
    whole = int(model.config.num_hidden_layers)
    if card.architecture not in _ROWS:
        raise WrongCall(
            f"Layers of a model of the kind {card.architecture} cannot be left out; choose another method=."
        )
    if layers >= whole:
        raise WrongCall(f"layers={layers} leaves nothing out, as {card.name} has {whole}; ask for fewer.")
    kept = np.linspace(0, whole - 1, layers).round().astype(int) if layers > 1 else [whole - 1]
    name, rows = next(
        (n, m) for n, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) == whole
    )
    at, _, last = name.rpartition(".")
    setattr(model.get_submodule(at), last, nn.ModuleList(rows[int(i)] for i in kept))
    model.config.num_hidden_layers = layers


def _adapted(model: Any, options: TuneOptions, steps: int) -> Any:
    from peft import AdaLoraConfig, LoraConfig, get_peft_model

    # Beside every matrix: at a rank of 8 some 1.5 % of the default model's weights.
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _UNUSED not in name
    ]
    shared: dict[str, Any] = {"target_modules": names, "lora_dropout": 0.05, "bias": "none"}
    config: Any
    if options.method == "lora":
        config = LoraConfig(r=options.rank, lora_alpha=2 * options.rank, **shared)
    else:
        if steps < _LEAST_STEPS:
            raise CartscapeError(
                f"AdaLoRA moves ranks over at least {_LEAST_STEPS} steps, and there are {steps}; ask for "
                "more epochs= or pairs=, or a smaller batch=."
            )
        config = AdaLoraConfig(
            init_r=options.rank + -(-options.rank // 2), target_r=options.rank, lora_alpha=2 * options.rank,
            tinit=steps // 10, tfinal=steps // 4, deltaT=max(1, steps // 100), total_step=steps, **shared,
        )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_peft_model(model, config)
