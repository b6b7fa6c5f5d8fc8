"""One vector a token to one vector a text, as sentence-transformers does it."""

from __future__ import annotations

import torch
from torch import Tensor

from core.encoder.attention import Packed


def pool(states: Tensor, packed: Packed, modes: tuple[str, ...], normalise: bool) -> Tensor:
    """[tokens, dim] of packed texts to float32 [texts, dim · modes]."""
    vectors = torch.cat([_pool(states, packed, mode) for mode in modes], 1)
    return torch.nn.functional.normalize(vectors, dim=1) if normalise else vectors


def _pool(states: Tensor, packed: Packed, mode: str) -> Tensor:
    if mode == "cls":
        return states[packed.bounds[:-1]].float()
    lengths = packed.bounds.diff()
    if mode == "max":
        return torch.segment_reduce(states.float(), "max", lengths=lengths)
    mean = torch.segment_reduce(states.float(), "mean", lengths=lengths)
    return mean * lengths.sqrt().unsqueeze(1) if mode == "mean_sqrt_len_tokens" else mean
