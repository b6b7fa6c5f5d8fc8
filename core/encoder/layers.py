"""Linear layers for inference: PyTorch's own, and oneDNN's with packed weights and fused activation."""

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
