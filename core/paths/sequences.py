"""What each path holds near its start, its end or a chosen node, and the whole paths that come up most.

The anchors: `start` reads on from a path's first node, `end` back from its last one; `after` reads on
from the first occurrence of a node, `before` back from its last one; `around` both ways from the first.
Paths without the node have no row. `core.paths.match` in strict order counts the same paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.errors import WrongCall
from core.paths import flow_kernel, walk_kernel
from core.paths.threads import side_by_side
from core.paths.walk import Walk

ANCHORS = ("start", "end", "after", "before", "around")
_S = TypeVar("_S")
_T = TypeVar("_T")

#: A token where the path has ended, or not yet begun.
ENDED = -1


@dataclass(frozen=True)
class Sequences:
    """A row for every path, shopper by shopper; kept in blocks, of which none parts a shopper's rows."""

    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # as `walk_kernel.sequences` gives them
    levels: np.ndarray  # int64[levels] steps from the anchor; below 0 before it, where read both ways

    def _column(self, n: int) -> np.ndarray:
        return np.concatenate([rows[:, n] for rows, _, _ in self.blocks])

    @property
    def paths(self) -> int:
        """How many paths there are."""
        return sum(len(rows) for rows, _, _ in self.blocks)

    @property
    def shoppers(self) -> int:
        """How many shoppers have a path."""
        return sum(int(np.count_nonzero(np.diff(rows[:, 0]))) + 1 for rows, _, _ in self.blocks if len(rows))

    @property
    def shopper(self) -> np.ndarray:
        """The number of each path's shopper: uint32[paths]."""
        return self._column(0)

    @property
    def key(self) -> np.ndarray:
        """The number of its shopper or of its session: uint32[paths]."""
        return self._column(1)

    @property
    def first(self) -> np.ndarray:
        """Its first event: uint32[paths]."""
        return self._column(2)

    @property
    def last(self) -> np.ndarray:
        """Its last event: uint32[paths]."""
        return self._column(3)

    @property
    def length(self) -> np.ndarray:
        """How many nodes the whole path has: uint32[paths]."""
        return self._column(4)

    @property
    def tokens(self) -> np.ndarray:
        """The token of each level, or ENDED: int8 or int32[paths, levels]."""
        return np.concatenate([tokens for _, _, tokens in self.blocks])

    @property
    def prints(self) -> np.ndarray:
        """A fingerprint of the whole path: uint64[paths]; none unless it was asked for."""
        return np.concatenate([prints for _, prints, _ in self.blocks])


def sequences(
    walk: Walk,
    anchor: str = "start",
    at: np.ndarray | None = None,
    depth: int = 5,
    *,
    hashed: bool = False,
    lean: bool = False,
) -> Sequences:
    """The `depth` levels of every path from the anchor on; with `around` as many before and after it.

    `at` is the node that the last three anchors need: bool[tokens], any of them. Read back from `end` or
    `before`, level 0 is the last node and level 1 the one before it. `lean` ones have a shopper and tokens
    only, which is much less to write down. Raises `WrongCall`.
    """
    if anchor not in ANCHORS:
        raise WrongCall(f"anchor={anchor!r} is not known; it takes {', '.join(ANCHORS)}.")
    number = ANCHORS.index(anchor)
    if number >= walk_kernel.AFTER and at is None:
        raise WrongCall(f"anchor={anchor} needs a node to read from: say which with at=NAME.")
    is_at = np.zeros(walk.names.labels.size, bool) if at is None else at
    ended = np.full(1, ENDED, np.int8 if is_at.size <= np.iinfo(np.int8).max else np.int32)
    blocks = walk.paths.in_blocks(
        lambda low, high: walk_kernel.sequences(
            low, high, walk.arguments, number, is_at, depth, int(hashed), 1 if lean else 5, ended
        )
    )
    return Sequences(blocks, np.arange(-depth if anchor == "around" else 0, depth + (anchor == "around")))


def node_counts(found: Sequences, tokens: int) -> np.ndarray:
    """How many paths have each token at each level: int64[levels, tokens + 1], last those ended."""
    counted = side_by_side(lambda block: flow_kernel.count_nodes(block[2], tokens), found.blocks)
    return np.sum(counted, axis=0)


def most_common(counts: np.ndarray, top: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The `top` tokens of each level and where each token counts.

    `counts` is int64[levels, tokens + 1], as `node_counts` gives it. Gives per level int64[≤ top] tokens,
    most paths first, and int32[levels, tokens + 1] slots: place among them, `top` for any other,
    `top + 1` for paths that ended.
    """
    size = counts.shape[1] - 1
    slot = np.full(counts.shape, top, np.int32)
    slot[:, size] = top + 1
    chosen = []
    for level, row in enumerate(counts[:, :size]):
        best = np.argsort(-row, kind="stable")[:top]
        best = best[row[best] > 0]
        slot[level, best] = np.arange(best.size)
        chosen.append(best)
    return chosen, slot


def flows(found: Sequences, slot: np.ndarray, slots: int) -> np.ndarray:
    """Paths and distinct shoppers between the slots of neighbouring levels, and in each slot.

    `slot` is int32[levels, tokens + 1] with values below `slots`. Gives int64[2, levels, slots, slots + 1]:
    paths, then shoppers; [n, level, source, target] counts those that go from level to the next one, and
    the last column those at the source, wherever they go.
    """
    counted = side_by_side(
        lambda block: flow_kernel.count_flows(block[0], block[2], slot, slots), found.blocks
    )
    return np.sum(counted, axis=0)


@dataclass(frozen=True)
class WholePaths:
    """The whole paths that come up most; counts have a column each, one for all others and one for all."""

    names: list[list[int]]  # tokens of each
    paths: np.ndarray  # int64[top + 2]
    shoppers: np.ndarray  # int64[top + 2] distinct
    marked: np.ndarray  # int64[top + 2] paths that are marked
    median: np.ndarray  # float64[top] seconds from the first event to the last


def fingerprints(walk: Walk) -> Sequences:
    """Every path with the fingerprint of its whole, and no levels."""
    return sequences(walk, depth=0, hashed=True)


def leading(found: Sequences, top: int) -> np.ndarray:
    """The fingerprints that most paths have, most first: uint64[≤ top]."""
    counted = side_by_side(lambda block: _run_lengths(np.sort(block[1])), found.blocks)
    values = np.concatenate([values for values, _ in counted])
    order = np.argsort(values)
    values, begins = np.unique(values[order], return_index=True)
    if not values.size:
        return values
    counts = np.add.reduceat(np.concatenate([counts for _, counts in counted])[order], begins)
    best = np.flatnonzero(counts >= np.partition(counts, -top)[-top]) if counts.size > top else slice(None)
    return values[best][np.argsort(-counts[best], kind="stable")[:top]]


def _run_lengths(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of a sorted array and how often each is there."""
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    return ordered[begins], np.diff(np.append(begins, ordered.size))


def whole_paths(walk: Walk, found: Sequences, prints: np.ndarray, marked: np.ndarray) -> WholePaths:
    """Counts of the paths with these fingerprints. `marked` is bool[keys]."""
    second, size = walk.paths["second"], prints.size
    blocks = side_by_side(
        lambda block: flow_kernel.count_groups(block[0], block[1], prints, marked, second), found.blocks
    )
    paths, shoppers, held = np.sum([counts for counts, _, _, _ in blocks], axis=0)
    pieces = [np.split(spans, np.cumsum(counts[0, : size - 1])) for counts, spans, _, _ in blocks]
    every = [np.concatenate([its[n] for its in pieces]) for n in range(size)]
    median = np.array(side_by_side(lambda its: np.median(its) if its.size else np.nan, every), float)
    # Each is spelt from the first path that is it.
    shopper, key = (np.stack([block[n] for block in blocks]) for n in (2, 3))
    met = np.flatnonzero(paths[:size])
    at = (shopper[:, met] >= 0).argmax(axis=0)
    names: list[list[int]] = [[] for _ in range(size)]
    if met.size:
        tokens, ends = walk_kernel.spell(shopper[at, met], key[at, met], walk.arguments)
        for n, spelt in zip(met, np.split(tokens, ends[:-1]), strict=True):
            names[n] = spelt.tolist()
    return WholePaths(names, paths, shoppers, held, median)
