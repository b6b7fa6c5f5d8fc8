"""A model's folder with smaller weights: float16, or int8 with a scale a row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from core.encoder.bert import is_lean
from core.encoder.card import ModelCard
from core.encoder.layers import rounded
from core.encoder.weights import SCALE, read_files
from core.errors import CartscapeError, WrongCall
from core.store.files import room_on_disk, sync

#: In config.json, how weights are kept that only this app reads.
_KEPT = "cartscape_weights"
_INT8 = "int8"
#: Fewer rows or columns than this are no matrix worth rounding.
_LEAST = 16


def halved(card: ModelCard, folder: Path) -> Path:
    """Write the model with weights of float16, which every library reads; gives the new folder in `folder`.

    Written already, it is not written again. Raises `WrongCall` where weights are int8 already.
    """
    if not is_whole(card.folder):
        raise WrongCall(f"The weights in {card.folder} are of int8 already; name the model it was made of.")
    return _written(card, folder / f"half-{card.fingerprint[:10]}", _halves, {"dtype": "float16"})


def eighth(card: ModelCard, folder: Path) -> Path:
    """Write the model with matrices of int8, each row under its own scale; only this app reads it.

    As `halved`; raises `WrongCall` for a model that is not of BERT's own form, too.
    """
    if not is_lean(card):
        raise WrongCall(
            f"Weights of int8 are for models of BERT's own form, and {card.name} is of the kind "
            f"{card.architecture}."
        )
    if not is_whole(card.folder):
        return card.folder
    return _written(card, folder / f"int8-{card.fingerprint[:10]}", _whole_numbers, {_KEPT: _INT8})


def is_whole(folder: Path) -> bool:
    """Whether a model's weights are as other libraries know them, not rounded to int8 by `eighth`."""
    return json.loads((folder / "config.json").read_text("utf-8")).get(_KEPT) != _INT8


def weight_bytes(folder: Path) -> int:
    """Size of a model's weights on disk."""
    files = [*folder.glob("*.safetensors")] or [*folder.glob("pytorch_model*.bin")]
    return sum(file.stat().st_size for file in files)


def copy_words(source: Path, target: Path) -> None:
    """Copy what a model's folder says beside its weights (tokenizer, pooling, length), where it is absent."""
    for pattern in ("*.json", "*.txt", "*.model", "*/config.json"):
        for file in source.glob(pattern):
            its = target / file.relative_to(source)
            if not its.exists() and not file.name.endswith(".index.json") and file.name != "tuning.json":
                its.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, its)


def _written(
    card: ModelCard,
    final: Path,
    make: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    said: dict[str, str],
) -> Path:
    from safetensors.torch import save_file

    if final.exists():
        return final
    try:
        tensors = read_files(card.folder)
    except Exception as error:  # safetensors and torch raise kinds of their own
        raise CartscapeError(
            f"The weights in {card.folder} cannot be read ({error}); fetch the model again."
        ) from error
    work = final.with_name(f".{final.name}")
    shutil.rmtree(work, ignore_errors=True)
    with room_on_disk(final.parent):
        work.mkdir(parents=True)
        save_file(make(tensors), work / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((card.folder / "config.json").read_text("utf-8"))
        (work / "config.json").write_text(json.dumps(config | said, indent=1), "utf-8")
        copy_words(card.folder, work)
        for file in work.iterdir():
            sync(file)
        work.rename(final)
        sync(final.parent)
    return final


def _halves(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor.to(torch.float16).contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def _whole_numbers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dim() == 2 and min(tensor.shape) >= _LEAST:
            made[name], made[name + SCALE] = rounded(tensor)
        else:
            made[name] = tensor.contiguous()
    return made
