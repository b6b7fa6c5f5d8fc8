"""Attention over packed texts: each token sees the tokens of its own text, and no place is padded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.encoder.batches import Batch


@dataclass(frozen=True)
class Packed:
    """A batch on its device: the tokens of its texts, end to end."""

    ids: Tensor  # int32 [tokens], numbers of the tokens
    places: Tensor  # int32 [tokens], places within the text
    bounds: Tensor  # int32 [texts + 1], first token of each text, and the number of tokens
    batch: Batch


#: Queries, keys and values [tokens, 3, heads, width], and the batch they are of, to [tokens, heads · width].
Attention = Callable[[Tensor, Packed], Tensor]


def grouped(qkv: Tensor, packed: Packed) -> Tensor:
    """By runs of equal length, each one dense tensor: for the CPU, and wherever `varlen` is not."""
    heads, width = qkv.shape[2:]
    # Half-precision attention on a processor waits for threads of its own: a hundred times as long.
    slow = qkv.device.type == "cpu" and qkv.dtype != torch.float32
    parts = []
    for start, count, length in packed.batch.groups():
        part = qkv[start : start + count * length].view(count, length, 3, heads, width)
        q, k, v = part.permute(2, 0, 3, 1, 4)
        if slow:
            q, k, v = q.float(), k.float(), v.float()
        seen = functional.scaled_dot_product_attention(q, k, v).to(part.dtype)
        parts.append(seen.transpose(1, 2).reshape(count * length, heads * width))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def varlen(qkv: Tensor, packed: Packed) -> Tensor:
    """All lengths in one kernel (FlashAttention's variable-length form), on CUDA in half precision."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = qkv.unbind(1)
    longest = int(packed.batch.lengths[-1])
    seen = varlen_attn(q, k, v, packed.bounds, packed.bounds, longest, longest)
    assert isinstance(seen, Tensor)
    return seen.flatten(1)


def choose_attention(device: str, dtype: torch.dtype, width: int) -> Attention:
    """`varlen` where the card and the heads allow it, else `grouped`."""
    if device == "cuda" and dtype in (torch.bfloat16, torch.float16) and width % 8 == 0 and width <= 256:
        major, _ = torch.cuda.get_device_capability()
        if major >= 8:
            return varlen
    return grouped
