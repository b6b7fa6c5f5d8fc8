"""Which texts go through the model together: runs of equal length under a budget of tokens, never padded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_SEED = 7


@dataclass(frozen=True)
class Batch:
    """Texts that are computed at once, laid end to end in the order of their lengths."""

    rows: Ints  # numbers of the texts
    lengths: Ints  # their tokens, ascending

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """Runs of equal length, as (first token, number of texts, length of each)."""
        lengths, counts = np.unique(self.lengths, return_counts=True)
        start = 0
        for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
            yield start, count, length
            start += count * length


def plan(lengths: Ints, budget: int, mixed: bool = True) -> list[Batch]:
    """Batches that hold every text once.

    `lengths` are the tokens of each text, at least 1. A batch has no more than `budget` tokens, unless a
    single text has more by itself. Where lengths may not be `mixed`, all texts of a batch are equally long.

    The batches come in a shuffled order, the same each time: short texts first would make any estimate
    of the time that is left too hopeful.
    """
    order = np.argsort(lengths, kind="stable").astype(np.int64)
    sorted_lengths = np.asarray(lengths, np.int64)[order]
    ends = np.cumsum(sorted_lengths)
    batches = []
    start = 0
    while start < len(order):
        before = int(ends[start - 1]) if start else 0
        end = max(int(np.searchsorted(ends, before + budget, side="right")), start + 1)
        if not mixed:
            end = min(end, int(np.searchsorted(sorted_lengths, sorted_lengths[start], side="right")))
        batches.append(Batch(order[start:end], sorted_lengths[start:end]))
        start = end
    shuffled = np.random.default_rng(_SEED).permutation(len(batches))
    return [batches[i] for i in shuffled.tolist()]
