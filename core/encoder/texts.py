"""Texts as they come from lists, frames and files, made fit for the tokenizer and for hashing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import WrongCall

#: An array of str.
Texts = npt.NDArray[np.object_]
Words = npt.NDArray[np.uint64]

#: What may be given for texts: a list of str, or an array of them; None and NaN count as the empty text.
Given = Sequence[str | None] | npt.NDArray[Any]

_SIPHASH_KEYS = ("cartscape texts1", "cartscape texts2")  # 16 bytes each, as SipHash wants
_BLOCK = 8_192  # texts that are still in the processor's caches for the second hash


def clean(texts: Given) -> Texts:
    """An array of str, "" for what is missing. Raises `WrongCall` for what is no list of texts."""
    if isinstance(texts, (str, bytes)):
        raise WrongCall("A single text was given where a list of texts is wanted; put it into a list.")
    array = np.empty(len(texts), object)
    try:
        array[:] = texts
    except ValueError:
        raise WrongCall("Texts are wanted in one list, not in lists of lists.") from None
    if pd.api.types.infer_dtype(array, skipna=False) == "string":  # as nearly always
        return array
    missing = pd.isna(array)
    if missing.any():
        array[missing] = ""
    for at, text in enumerate(array):
        if not isinstance(text, str):
            raise WrongCall(f"A list of texts is wanted; number {at + 1} is {text!r}, which is no text.")
    return array


def mend(texts: Texts) -> Texts:
    """The same with every half of a surrogate pair, which no UTF-8 can hold, replaced by a question mark."""
    return np.array([text.encode("utf-8", "replace").decode() for text in texts] or [], object)


def keys(texts: Texts) -> tuple[Words, Words]:
    """128 bits a text, as two SipHashes under keys of their own; the same on every machine."""
    both = np.empty((len(_SIPHASH_KEYS), len(texts)), np.uint64)
    for at in range(0, len(texts), _BLOCK):
        block = texts[at : at + _BLOCK]
        for number, key in enumerate(_SIPHASH_KEYS):
            try:
                both[number, at : at + _BLOCK] = _hashes(block, key)
            except UnicodeEncodeError:
                both[number, at : at + _BLOCK] = _hashes(mend(block), key)
    return both[0], both[1]


def _hashes(texts: Texts, key: str) -> Words:
    return np.asarray(pd.util.hash_array(texts, encoding="utf8", hash_key=key, categorize=False), np.uint64)
