"""Texts to token numbers, in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.encoder.card import ModelCard
from core.errors import WrongCall

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

Ints = npt.NDArray[np.int64]


class Tokens:
    """The token numbers of texts, end to end."""

    def __init__(self, ids: npt.NDArray[np.int32], lengths: Ints) -> None:
        self.ids = ids  # int32 of all texts
        self.lengths = lengths  # int64 a text
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])[:-1]

    def of(self, rows: Ints) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Token numbers and places within their text, of some texts, end to end in the order of `rows`."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        return self.ids[np.repeat(self._starts[rows], lengths) + places], places.astype(np.int32)


class BulkTokenizer:
    """A model's tokenizer, set up once so that threads may share it."""

    def __init__(self, card: ModelCard) -> None:
        self._prompt = card.prompt
        self.tokenizer = _load(card)
        self._nothing = (self.tokenizer.padding or {}).get("pad_id", 0)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(card.max_tokens)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokens of each text, special ones among them; what is longer than the model takes is cut."""
        given = [self._prompt + text for text in texts] if self._prompt else list(texts)
        encoded = self.tokenizer.encode_batch_fast(given)
        # A tokenizer without special tokens has none for an empty text, and the mean of nothing is nothing.
        ids = [one.ids or [self._nothing] for one in encoded]
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))
        return Tokens(np.fromiter(chain.from_iterable(ids), np.int32, int(lengths.sum())), lengths)

    def spans(self, text: str) -> tuple[Tensor, list[tuple[int, int]], int]:
        """A text's token numbers, int64[tokens], the letters of the text that each stands for, none (0, 0)
        for those that are not of the text, and the number of the token that stands for nothing.
        """
        import torch

        one = self.tokenizer.encode(self._prompt + text)
        skip = len(self._prompt)
        spans = [
            (0, 0) if special else (max(start - skip, 0), max(end - skip, 0))
            for (start, end), special in zip(one.offsets, one.special_tokens_mask, strict=True)
        ]
        return torch.tensor(one.ids or [self._nothing]), spans or [(0, 0)], self._nothing

    def read(self, text: str) -> str:
        """The part of a text that is left where what the model does not take is cut off."""
        one = self.tokenizer.encode(self._prompt + text)
        if not one.overflowing:
            return text
        return text[: max(max(end for _, end in one.offsets) - len(self._prompt), 0)]


def _load(card: ModelCard) -> Tokenizer:
    from tokenizers import Tokenizer, normalizers

    file = card.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file)) if file.exists() else _converted(card)
    except Exception as error:  # tokenizers raises bare Exception
        raise WrongCall(
            f"The tokenizer in {card.folder} cannot be read ({error}); fetch the model again."
        ) from error
    if card.lower_case:
        parts = [normalizers.Lowercase(), *([tokenizer.normalizer] if tokenizer.normalizer else [])]
        tokenizer.normalizer = normalizers.Sequence(parts)
    return tokenizer


def _converted(card: ModelCard) -> Tokenizer:
    """The tokenizer of a folder that has only a vocabulary."""
    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(str(card.folder), local_files_only=True)
    backend: Tokenizer = slow.backend_tokenizer
    return backend
