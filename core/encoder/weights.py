"""Weights of a model's folder, under the names that BERT gives them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from core.errors import CartscapeError

_MARK = "embeddings.word_embeddings.weight"
#: Beside a tensor of int8, what each of its rows is to be multiplied by.
SCALE = ".scale"


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of the encoder, by name, without the prefix of the model they were trained in.

    Those that `core.encoder.compress` wrote as int8 are float32 again. Raises `CartscapeError` where a file
    is damaged or missing.
    """
    try:
        tensors = read_files(folder)
    except Exception as error:  # safetensors and torch raise kinds of their own
        raise CartscapeError(
            f"The weights in {folder} cannot be read ({error}); fetch the model again."
        ) from error
    tensors = {
        name: tensor.float() * tensors[name + SCALE][:, None] if tensor.dtype is torch.int8 else tensor
        for name, tensor in tensors.items()
        if not name.endswith(SCALE)
    }
    prefix = next((name.removesuffix(_MARK) for name in tensors if name.endswith(_MARK)), "")
    return {
        name.removeprefix(prefix)
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias"): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def read_files(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder as they are. Raises whatever the libraries do where a file is damaged."""
    from safetensors.torch import load_file

    if (folder / "model.safetensors").exists():
        return load_file(folder / "model.safetensors")
    index = folder / "model.safetensors.index.json"
    if index.exists():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        return {name: tensor for file in names for name, tensor in load_file(folder / file).items()}
    read: dict[str, Tensor] = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    return read
