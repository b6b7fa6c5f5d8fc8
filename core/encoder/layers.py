"""Linear layers for inference: PyTorch's own, oneDNN's with packed weights and fused activation, and int8."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

#: Names of activations, with the word by which oneDNN tells two kinds of GELU apart.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
}
_FUSED = {"none": ("none", ""), "relu": ("relu", ""), "gelu": ("gelu", "none"), "gelu_tanh": ("gelu", "tanh")}

#: A layer over rows [n, in] to rows [n, out].
Layer = Callable[[Tensor], Tensor]


class PlainLinear:
    """`activation(x · weightᵀ + bias)`, on any device."""

    def __init__(self, weight: Tensor, bias: Tensor, activation: str = "none") -> None:
        self._weight = weight
        self._bias = bias
        self._activation = ACTIVATIONS[activation]

    def __call__(self, x: Tensor) -> Tensor:
        return self._activation(functional.linear(x, self._weight, self._bias))


class FusedLinear:
    """The same on the CPU, by oneDNN: weights laid out once as it wants them, the activation fused."""

    def __init__(self, weight: Tensor, bias: Tensor, activation: str = "none") -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight)
        self._bias = bias
        self._name, self._algorithm = _FUSED[activation]

    def __call__(self, x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._weight, self._bias, self._name, [], self._algorithm
        )
        return y


#: The largest whole number of int8.
_MOST = 127


def rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Rows as int8 [n, in] and what each is to be multiplied by: float32 [n]."""
    scale = weight.float().abs().amax(1).clamp_min(1e-12) / _MOST
    return (weight.float() / scale[:, None]).round().to(torch.int8), scale


class Int8Linear:
    """The same on the CPU with whole numbers: weights rounded once, a scale for each row out, and what comes
    in rounded token by token.

    A scale for each token is what keeps neighbours: with one for all, as PyTorch's dynamic quantisation has
    it (deprecated, in `torch.ao`), large tokens leave small ones few steps (Yao et al. 2022, ZeroQuant).
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: str = "none") -> None:
        whole, self._scale = rounded(weight)
        self._weight = whole.t().contiguous()
        self._bias = bias.float()
        self._activation = ACTIVATIONS[activation]

    def __call__(self, x: Tensor) -> Tensor:
        scale = x.abs().amax(1, keepdim=True).clamp_min(1e-12) / _MOST
        y = torch._int_mm((x / scale).round_().to(torch.int8), self._weight).to(torch.float32)
        return self._activation(y.mul_(scale).mul_(self._scale).add_(self._bias))
