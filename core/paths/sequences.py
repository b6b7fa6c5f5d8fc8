"""What each path holds near its start, its end or a chosen node, and the whole paths that come up most.

The anchors: `start` reads on from a path's first node, `end` back from its last one; `after` reads on
from the first occurrence of a node, `before` back from its last one; `around` both ways from the first.
Paths without the node have no row. `core.paths.match` in strict order counts the same paths.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from core.errors import WrongCall
from core.paths import flow_kernel, walk_kernel
from core.paths.walk import Walk

ANCHORS = ("start", "end", "after", "before", "around")
_T = TypeVar("_T")

#: A token where the path has ended, or not yet begun.
ENDED = -1


@dataclass(frozen=True)
class Sequences:
    """A row for every path, shopper by shopper."""

    shopper: np.ndarray  # uint32[paths] number of the shopper
    key: np.ndarray  # uint32[paths] number of the shopper or of the session
    first: np.ndarray  # uint32[paths] its first event
    last: np.ndarray  # uint32[paths] its last event
    length: np.ndarray  # uint32[paths] nodes of the whole path
    tokens: np.ndarray  # int32[paths, levels] token of each level, or ENDED
    levels: np.ndarray  # int64[levels] steps from the anchor; below 0 before it, where read both ways
    prints: np.ndarray  # uint64[paths] fingerprint of the whole path; none unless asked for

    @property
    def shoppers(self) -> int:
        """How many shoppers have a path."""
        return int(np.count_nonzero(np.diff(self.shopper))) + 1 if self.shopper.size else 0


def sequences(
    walk: Walk, anchor: str = "start", at: np.ndarray | None = None, depth: int = 5, *, hashed: bool = False
) -> Sequences:
    """The `depth` levels of every path from the anchor on; with `around` as many before and after it.

    `at` is the node that the last three anchors need: bool[tokens], any of them. Read back from `end` or
    `before`, level 0 is the last node and level 1 the one before it. Raises `WrongCall`.
    """
    if anchor not in ANCHORS:
        raise WrongCall(f"anchor={anchor!r} is not known; it takes {', '.join(ANCHORS)}.")
    number = ANCHORS.index(anchor)
    if number >= walk_kernel.AFTER and at is None:
        raise WrongCall(f"anchor={anchor} needs a node to read from: say which with at=NAME.")
    is_at = np.zeros(walk.names.labels.size, bool) if at is None else at
    blocks = walk.paths.in_blocks(
        lambda low, high: walk_kernel.sequences(low, high, walk.arguments, number, is_at, depth, int(hashed))
    )
    levels = np.arange(-depth if anchor == "around" else 0, depth + (anchor == "around"))
    shopper, key, first, last, length = np.concatenate([rows.T for rows, _, _ in blocks], axis=1)
    return Sequences(
        shopper, key, first, last, length, np.concatenate([tokens for _, _, tokens in blocks]), levels,
        np.concatenate([prints for _, prints, _ in blocks]),
    )  # fmt: skip


def node_counts(found: Sequences, tokens: int) -> np.ndarray:
    """How many paths have each token at each level: int64[levels, tokens + 1], last those ended."""
    counted = _in_rows(found, lambda low, high: flow_kernel.count_nodes(found.tokens[low:high], tokens))
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
    counted = _in_rows(
        found,
        lambda low, high: flow_kernel.count_flows(
            found.shopper[low:high], found.tokens[low:high], slot, slots
        ),
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
    ordered = np.sort(found.prints)
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    counts = np.diff(np.append(begins, ordered.size))
    if counts.size > top:
        keep = np.flatnonzero(counts >= np.partition(counts, -top)[-top])
        begins, counts = begins[keep], counts[keep]
    best = np.argsort(-counts, kind="stable")[:top]
    return ordered[begins[best]]


def whole_paths(walk: Walk, found: Sequences, prints: np.ndarray, marked: np.ndarray) -> WholePaths:
    """Counts of the paths with these fingerprints. `marked` is bool[keys]."""
    blocks = _in_rows(
        found,
        lambda low, high: flow_kernel.count_groups(
            found.prints[low:high], found.shopper[low:high], found.key[low:high], prints, marked
        ),
    )
    paths, shoppers, held = np.sum([its for its, _ in blocks], axis=0)
    group = np.concatenate([its for _, its in blocks])
    rows = np.flatnonzero(group >= 0)
    rows = rows[np.argsort(group[rows].astype(np.int16), kind="stable")]
    second = walk.paths["second"]
    spans = second[found.last[rows]].astype(np.int64) - second[found.first[rows]]
    size = prints.size
    edges = np.searchsorted(group[rows], np.arange(size + 1))
    median = np.array([np.median(spans[a:b]) if b > a else np.nan for a, b in pairwise(edges)], float)
    names: list[list[int]] = [[] for _ in range(size)]
    met = np.flatnonzero(np.diff(edges))
    if met.size:
        some = rows[edges[met]]
        tokens, ends = walk_kernel.spell(found.shopper[some], found.key[some], walk.arguments)
        for n, spelt in zip(met, np.split(tokens, ends[:-1]), strict=True):
            names[n] = spelt.tolist()
    return WholePaths(names, paths, shoppers, held, median)


def _in_rows(found: Sequences, ask: Callable[[int, int], _T]) -> list[_T]:
    """`ask(low, high)` for two or more ranges of rows side by side; none parts a shopper's rows."""
    size = found.shopper.size
    if not size:
        return [ask(0, 0)]
    wanted = found.shopper[np.linspace(0, size - 1, 5).astype(np.int64)[1:-1]]
    edges = np.unique([0, *np.searchsorted(found.shopper, wanted), size]).tolist()
    with ThreadPoolExecutor() as pool:
        return list(pool.map(ask, edges[:-1], edges[1:]))
