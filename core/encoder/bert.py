"""BERT's forward pass over packed texts, for BERT and RoBERTa and what was trained in their form.

Devlin et al. 2019, with the three projections of attention joined into one matrix. It gives what the
transformers library gives (tested), without masks, padding, or work on what nobody reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from core.encoder.attention import Attention, Packed
from core.encoder.card import ModelCard
from core.encoder.layers import Layer
from core.encoder.weights import read_weights
from core.errors import CartscapeError

_ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
_OFFSET = ("roberta", "xlm-roberta", "camembert")


def is_lean(card: ModelCard) -> bool:
    """Whether the model has BERT's form to the letter, so that this forward pass is its own."""
    config = _config(card)
    return (
        card.architecture in ("bert", *_OFFSET)
        and config.get("hidden_act", "gelu") in _ACTIVATIONS
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
    )


def heads_of(card: ModelCard) -> int:
    """The heads of each layer's attention."""
    return int(_config(card)["num_attention_heads"])


@dataclass(frozen=True)
class _Norm:
    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (x.shape[-1],), self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class _Block:
    """One layer of the encoder."""

    qkv: Layer
    out: Layer
    norm: _Norm
    up: Layer
    down: Layer
    last_norm: _Norm

    def __call__(self, x: Tensor, packed: Packed, heads: int, attention: Attention) -> Tensor:
        qkv = self.qkv(x)
        seen = attention(qkv.view(len(qkv), 3, heads, -1), packed)
        x = self.norm(self.out(seen).add_(x))
        return self.last_norm(self.down(self.up(x)).add_(x))


class Bert:
    """A BERT on its device: packed texts to one vector a token."""

    def __init__(
        self,
        card: ModelCard,
        device: str,
        dtype: torch.dtype,
        attention: Attention,
        make: Callable[..., Layer],
    ) -> None:
        """`make` is the kind of linear layers: of weight, bias and activation."""
        config = _config(card)
        weights = read_weights(card.folder)
        self._heads = int(config["num_attention_heads"])
        self._attention = attention
        self._make = make
        self._dtype = dtype
        self._device = device
        self._eps = float(config.get("layer_norm_eps", 1e-12))
        activation = _ACTIVATIONS[config.get("hidden_act", "gelu")]
        try:
            self._words = self._put(weights["embeddings.word_embeddings.weight"])
            places = weights["embeddings.position_embeddings.weight"]
            if card.architecture in _OFFSET:
                places = places[int(config.get("pad_token_id", 1)) + 1 :]
            # Every text is of the first kind of two, so that its mark is part of each place.
            self._places = self._put(places + weights["embeddings.token_type_embeddings.weight"][0])
            self._norm = self._norm_of(weights, "embeddings.LayerNorm")
            self._blocks = [
                self._block(weights, f"encoder.layer.{i}.", activation)
                for i in range(int(config["num_hidden_layers"]))
            ]
        except KeyError as error:
            raise CartscapeError(
                f"The weights in {card.folder} lack {error}; fetch the model again."
            ) from error

    def _block(self, weights: dict[str, Tensor], at: str, activation: str) -> _Block:
        names = [f"{at}attention.self.{part}" for part in ("query", "key", "value")]
        return _Block(
            qkv=self._make(
                self._put(torch.cat([weights[f"{name}.weight"] for name in names])),
                self._put(torch.cat([weights[f"{name}.bias"] for name in names])),
            ),
            out=self._linear(weights, f"{at}attention.output.dense"),
            norm=self._norm_of(weights, f"{at}attention.output.LayerNorm"),
            up=self._linear(weights, f"{at}intermediate.dense", activation),
            down=self._linear(weights, f"{at}output.dense"),
            last_norm=self._norm_of(weights, f"{at}output.LayerNorm"),
        )

    def _linear(self, weights: dict[str, Tensor], name: str, activation: str = "none") -> Layer:
        return self._make(
            self._put(weights[f"{name}.weight"]), self._put(weights[f"{name}.bias"]), activation
        )

    def _norm_of(self, weights: dict[str, Tensor], name: str) -> _Norm:
        return _Norm(self._put(weights[f"{name}.weight"]), self._put(weights[f"{name}.bias"]), self._eps)

    def _put(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)

    def __call__(self, packed: Packed) -> Tensor:
        """[tokens, dim] of the packed texts."""
        x = functional.embedding(packed.ids, self._words).add_(
            functional.embedding(packed.places, self._places)
        )
        x = self._norm(x)
        for block in self._blocks:
            x = block(x, packed, self._heads, self._attention)
        return x


def _config(card: ModelCard) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((card.folder / "config.json").read_text("utf-8"))
    return config
