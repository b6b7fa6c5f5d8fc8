"""From node to node: how often one follows another, and what tends to follow a few in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall
from core.paths import walk_kernel
from core.paths.walk import Walk

MOST_PARTS = 20


@dataclass(frozen=True)
class Slots:
    """Tokens that count each for itself; all others count together in the slot after them."""

    chosen: np.ndarray  # int64[chosen] tokens
    of_token: np.ndarray  # int32[tokens] slot of each

    @property
    def other(self) -> bool:
        """Whether there is a slot for others."""
        return self.chosen.size < self.of_token.size

    @property
    def size(self) -> int:
        """How many slots there are."""
        return self.chosen.size + self.other


def busiest(walk: Walk, most: int) -> Slots:
    """A slot for each of the walk's tokens, or for the `most` that occur most where there are more."""
    tokens = walk.names.labels.size
    if tokens <= most:
        return Slots(np.arange(tokens), np.arange(tokens, dtype=np.int32))
    counts = np.sum(
        walk.paths.in_blocks(lambda low, high: walk_kernel.occurrences(low, high, walk.arguments, tokens)),
        axis=0,
    )
    chosen = np.sort(np.argsort(-counts, kind="stable")[:most])
    slot = np.full(tokens, most, np.int32)
    slot[chosen] = np.arange(most)
    return Slots(chosen, slot)


@dataclass(frozen=True)
class Transitions:
    """Counts from slot to slot: int64[slots + 1, slots + 1]. The last row is the path's start, the last
    column its end.
    """

    times: np.ndarray
    shoppers: np.ndarray  # distinct
    paths: np.ndarray  # distinct


def transitions(walk: Walk, slots: Slots) -> Transitions:
    """How often each slot follows each other on the walk's paths."""
    blocks = walk.paths.in_blocks(
        lambda low, high: walk_kernel.transitions(low, high, walk.arguments, slots.of_token, slots.size)
    )
    return Transitions(*np.sum(blocks, axis=0))


def following(walk: Walk, prefix: list[np.ndarray]) -> np.ndarray:
    """What comes next after the last 0, 1, 2 … parts of a prefix: int64[2, parts + 1, tokens + 1].

    A part is bool[tokens], any of them. Gives times, then distinct shoppers; the last column is the
    path's end. Row 0 counts what follows any node. Raises `WrongCall` for too long a prefix.
    """
    if len(prefix) > MOST_PARTS:
        raise WrongCall(f"A prefix has {MOST_PARTS} parts at most, not {len(prefix)}; give the last ones.")
    tokens = walk.names.labels.size
    part_of = np.zeros(tokens, np.uint32)
    for n, part in enumerate(prefix):
        part_of[part] |= np.uint32(1 << n)
    blocks = walk.paths.in_blocks(
        lambda low, high: walk_kernel.following(low, high, walk.arguments, part_of, len(prefix), tokens)
    )
    return np.sum(blocks, axis=0)
