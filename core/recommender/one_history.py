"""What one shopper did before a moment: a row of `Histories`, in the few steps that one list allows.

A sparse matrix of one row takes longer to make than what it is made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.recommender.acts import Acts, Contexts
from core.recommender.histories import TRACE, Histories
from core.recommender.interactions import DAY
from core.recommender.item_models import Matrix, entries
from core.recommender.past import MIND, TASTE, Past

#: Entries from which a sum over all items is quicker than sorting.
_MANY = 3_000


@dataclass(frozen=True, eq=False)
class Row:
    """A sparse row of numbers by item."""

    indices: np.ndarray  # int64[entries], ascending
    data: np.ndarray  # float32[entries]

    @property
    def indptr(self) -> np.ndarray:
        """As of a matrix with this one row."""
        return np.array([0, self.indices.size])

    def at(self, items: np.ndarray) -> np.ndarray:
        """The numbers of some items, 0 where there is none: float32[items]."""
        return entries(self.indices, self.data, items)

    def times(self, matrix: Matrix) -> Row:
        """The product with a matrix of items by items; from a dense one every item has an entry."""
        if isinstance(matrix, np.ndarray):
            return Row(np.arange(matrix.shape[1]), (self.data @ matrix[self.indices]).astype(np.float32))
        start = matrix.indptr[self.indices].astype(np.int64)
        count = matrix.indptr[self.indices + 1] - start
        at = np.repeat(start - np.cumsum(count) + count, count) + np.arange(count.sum())
        items, values = matrix.indices[at], matrix.data[at] * np.repeat(self.data, count)
        if at.size > _MANY:
            total = np.bincount(items, values, matrix.shape[1])
            found = np.flatnonzero(total)
            return Row(found, total[found].astype(np.float32))
        found, inverse = np.unique(items, return_inverse=True)
        return Row(found.astype(np.int64), np.bincount(inverse, values, found.size).astype(np.float32))


@dataclass(frozen=True, eq=False)
class OneHistory:
    """As `Histories` of one row, whose names are explained there."""

    past: Past
    acts: Acts
    contexts: Contexts
    end: float
    counts: Row
    taken: Row
    met: Row
    times: Row
    mind: Row
    taste: Row
    last: Row
    took_last: Row
    met_last: Row
    idle: np.ndarray
    usual_price: np.ndarray

    def __len__(self) -> int:
        return 1

    @cached_property
    def whole(self) -> Histories:
        """The same as matrices."""
        return Histories.of(self.past, self.acts, self.contexts, self.end)

    @classmethod
    def of(cls, past: Past, acts: Acts, contexts: Contexts, end: float | None = None) -> OneHistory:
        """From acts of one row, in time, as `Histories.of` takes them."""
        end = past.end if end is None else end
        items, place = np.unique(acts.item, return_inverse=True)
        days = (end - acts.second) / DAY
        fresh = np.exp2(-days / TRACE) + 1e-6

        def summed(weight: np.ndarray) -> np.ndarray:
            return np.bincount(place, weight, items.size).astype(np.float32)

        def latest(some: np.ndarray) -> Row:
            out = np.zeros(items.size, np.float32)
            out[place[some]] = fresh[some]  # the last one stays
            return Row(items[out > 0], out[out > 0])

        counts = summed(acts.taken)
        took = counts > 0
        taste = summed(acts.strength * np.exp2(-days / TASTE))
        last = np.unique(acts.item[acts.session == acts.session[-1]]) if len(acts) else items
        weight = float(taste.sum())
        usual = float(taste @ past.price_log[items]) / weight if weight > 0 else np.nan
        return cls(
            past=past, acts=acts, contexts=contexts, end=end,
            counts=Row(items[took], counts[took]),
            taken=Row(items[took], np.ones(int(took.sum()), np.float32)),
            met=Row(items, np.ones(items.size, np.float32)),
            times=Row(items, np.bincount(place, minlength=items.size).astype(np.float32)),
            mind=Row(items, summed(acts.strength * np.exp2(-days / MIND))),
            taste=Row(items, taste),
            last=Row(last, np.full(last.size, 1 / np.sqrt(max(last.size, 1)), np.float32)),
            took_last=latest(acts.taken),
            met_last=latest(~acts.taken),
            idle=np.log1p(np.maximum(days[-1:] if len(acts) else [365.0], 0)).astype(np.float32),
            usual_price=np.array([usual], np.float32),
        )  # fmt: skip
