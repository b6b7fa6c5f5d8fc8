"""Draws from many distributions at once, without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Chances:
    """A table of weights, row × choice; any number of draws, each from a row of its own, in one search."""

    def __init__(self, weights: Floats) -> None:
        """Take non-negative weights with at least one above zero in every row."""
        table = np.asarray(weights, dtype=np.float64)
        table = table.reshape(-1, table.shape[-1])
        upto = np.cumsum(table, axis=1)
        upto /= upto[:, -1:]
        self.choices = table.shape[1]
        # Row r occupies the numbers from r to r + 1, so one sorted array serves all rows.
        self._flat = (upto + np.arange(len(table))[:, None]).ravel()

    def pick(self, rows: Ints, chance: Floats) -> Ints:
        """Return one choice for every row, given a number in [0, 1) each."""
        found = np.searchsorted(self._flat, rows + chance, side="right") - rows * self.choices
        return np.clip(found, 0, self.choices - 1)


class Spans:
    """Weights of things that lie in spans, one span after another: draws of a thing within a given span."""

    def __init__(self, weights: Floats, first: Ints, count: Ints) -> None:
        """Take the weight of every thing, and for every span its first thing and how many it has."""
        self._upto = np.concatenate(([0.0], np.cumsum(weights)))
        self._first, self._last = first, first + count - 1

    def pick(self, spans: Ints, chance: Floats) -> Ints:
        """Return one thing for every span, given a number in [0, 1) each."""
        first, last = self._first[spans], self._last[spans]
        low, high = self._upto[first], self._upto[last + 1]
        found = np.searchsorted(self._upto, low + chance * (high - low), side="right") - 1
        return np.clip(found, first, last)
