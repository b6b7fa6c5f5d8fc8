"""Which words of a text a number hangs on that is worked out from the text's vector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from core.encoder.attention import Packed
from core.encoder.batches import Batch
from core.encoder.card import ModelCard
from core.encoder.other import Other
from core.encoder.pooling import pool
from core.encoder.tokens import BulkTokenizer

#: Points of the way from no words to all of them.
POINTS = 32
#: Scripts from this sign on, Chinese and Japanese first, put no space between words.
SPACELESS = "\u2e80"


@dataclass(frozen=True)
class Word:
    """A word of a text, as it stands there, and its share of the number."""

    text: str
    start: int  # letter of the text that it begins with
    share: float


@dataclass(frozen=True)
class Attribution:
    """The words of a text; their shares sum to `worth` less `nothing`, but for the steps of the integral."""

    words: tuple[Word, ...]
    worth: float  # the number
    nothing: float  # the number of a text of so many tokens that say nothing


def attribute(card: ModelCard, text: str, worth: Callable[[Tensor], Tensor]) -> Attribution:
    """What each word of a text adds to `worth`, a function of vectors, float32[n, dim] → float32[n].

    Integrated gradients of the token embeddings, from padding to the words, in single precision; tokens of
    one word are summed, those that the model adds itself are left out. Sources: Sundararajan, Taly, Yan,
    "Axiomatic attribution for deep networks"; captum. Raises `CartscapeError` where the model cannot be read.
    """
    from captum.attr import LayerIntegratedGradients

    tokenizer, model = _loaded(card)
    ids, spans, nothing = tokenizer.spans(text)
    if not any(end > start for start, end in spans):
        with torch.inference_mode():
            value = float(worth(_vectors(card, model, ids[None]))[0])
        return Attribution((), value, value)

    def forward(tokens: Tensor) -> Tensor:
        return worth(_vectors(card, model, tokens))

    rest = torch.where(torch.tensor([end > start for start, end in spans]), nothing, ids)
    gradients = LayerIntegratedGradients(forward, model.embeddings)
    found = gradients.attribute(ids[None], rest[None], n_steps=POINTS, internal_batch_size=POINTS)
    shares = found[0].sum(-1).detach().numpy()
    with torch.inference_mode():
        ends = forward(torch.stack([ids, rest])).tolist()
    return Attribution(tuple(_words(text, spans, shares)), *ends)


def _vectors(card: ModelCard, model: Other, ids: Tensor) -> Tensor:
    """The vectors of texts of one length: int64[n, tokens] → float32[n, dim], with gradients."""
    count, length = ids.shape
    bounds = torch.arange(0, (count + 1) * length, length, dtype=torch.int32)
    batch = Batch(np.arange(count), np.full(count, length))
    packed = Packed(ids.flatten(), torch.arange(length).repeat(count), bounds, batch)
    return pool(model(packed), packed, tuple(card.pooling.split("+")), card.normalise)


def _words(text: str, spans: list[tuple[int, int]], shares: np.ndarray) -> list[Word]:
    """Tokens that no space parts are one word; signs of scripts that have none are words of their own."""
    words: list[Word] = []
    last = -1
    for (start, end), share in zip(spans, shares.tolist(), strict=True):
        if end <= start:
            continue
        if words and start == last and max(text[start - 1], text[start]) < SPACELESS:
            before = words.pop()
            words.append(Word(text[before.start : end], before.start, before.share + share))
        else:
            words.append(Word(text[start:end], start, share))
        last = end
    return words


@lru_cache(maxsize=1)
def _loaded(card: ModelCard) -> tuple[BulkTokenizer, Other]:
    return BulkTokenizer(card), Other(card, "cpu", torch.float32)
