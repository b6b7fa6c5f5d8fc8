"""What each path holds near its start, its end or a chosen node, and the whole paths that come up most.

The anchors: `start` reads on from a path's first node, `end` back from its last one; `after` reads on
from the first occurrence of a node, `before` back from its last one; `around` both ways from the first.
Paths without the node have no row. `core.paths.match` in strict order counts the same paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import WrongCall
from core.paths import flow_kernel, print_kernel, walk_kernel
from core.paths.log import MEMBERS
from core.paths.medians import median
from core.paths.threads import side_by_side
from core.paths.walk import Walk

ANCHORS = ("start", "end", "after", "before", "around")

#: A token where the path has ended, or not yet begun.
ENDED = -1


@dataclass(frozen=True)
class Sequences:
    """A row for every path, shopper by shopper; kept in blocks, of which none parts a shopper's rows."""

    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # as `walk_kernel.sequences` gives them
    levels: np.ndarray  # int64[levels] steps from the anchor; below 0 before it, where read both ways
    nodes: int  # how many tokens there are

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

    def node_counts(self) -> np.ndarray:
        """How many paths have each token at each level: int64[levels, tokens + 1], last those ended."""
        counted = side_by_side(lambda block: flow_kernel.count_nodes(block[2], self.nodes), self.blocks)
        return np.sum(counted, axis=0)

    def flows(self, slot: np.ndarray, slots: int) -> np.ndarray:
        """Paths and distinct shoppers between the slots of neighbouring levels, and in each slot.

        `slot` is int32[levels, tokens + 1] with values below `slots`. Gives int64[2, levels, slots, slots +
        1]: paths, then shoppers; [n, level, source, target] counts those that go from level to the next
        one, and the last column those at the source, wherever they go.
        """
        counted = side_by_side(
            lambda block: flow_kernel.count_flows(block[0], block[2], slot, slots), self.blocks
        )
        return np.sum(counted, axis=0)


class WholeSessions:
    """The first levels of all sessions, counted without writing them down: what `Sequences` counts, sooner.

    For a walk of sessions of which each event is a node, read from its start.
    """

    def __init__(self, walk: Walk, depth: int) -> None:
        self.levels = np.arange(depth)
        self._paths = walk.paths
        self._log = _whole_log(walk)
        self._tokens = walk.names.labels.size

    @staticmethod
    def suits(walk: Walk, anchor: str) -> bool:
        """Whether these are the sequences of a walk."""
        return anchor == "start" and walk.unit == "session" and walk.whole and not walk.naming.collapse

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, int]:
        depth, tokens = self.levels.size, self._tokens
        blocks = self._paths.in_blocks(
            lambda low, high: flow_kernel.count_session_nodes(low, high, self._log, depth, tokens)
        )
        return np.sum([counts for counts, _ in blocks], axis=0), sum(shoppers for _, shoppers in blocks)

    @property
    def paths(self) -> int:
        """How many paths there are."""
        return int(self._nodes[0][0].sum())

    @property
    def shoppers(self) -> int:
        """How many shoppers have a path."""
        return self._nodes[1]

    def node_counts(self) -> np.ndarray:
        """As `Sequences.node_counts`."""
        return self._nodes[0]

    def flows(self, slot: np.ndarray, slots: int) -> np.ndarray:
        """As `Sequences.flows`."""
        counted = self._paths.in_blocks(
            lambda low, high: flow_kernel.count_session_flows(low, high, self._log, slot, slots)
        )
        return np.sum(counted, axis=0)


def _whole_log(walk: Walk) -> tuple[np.ndarray, ...]:
    """What kernels take of a walk of which each event is a node."""
    members = walk.its.members if walk.its.uses & MEMBERS else np.zeros(0, bool)
    return (*(walk.paths[name] for name in ("start", "kind", "step", "next")), members, walk.names.of_kind)


def levels(walk: Walk, anchor: str, at: np.ndarray | None, depth: int) -> Sequences | WholeSessions:
    """What counts the levels of `sequences`, in the quickest way."""
    if WholeSessions.suits(walk, anchor):
        return WholeSessions(walk, depth)
    return sequences(walk, anchor, at, depth, lean=True)


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
    token_type = np.int8 if is_at.size <= np.iinfo(np.int8).max else np.int32
    before, at_it = (depth, 1) if anchor == "around" else (0, 0)
    arguments = walk.arguments

    def read(low: int, high: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Space is numpy's, not the loop's own: numpy asks for huge pages, which come much sooner.
        most = walk.most_paths(low, high)
        rows = np.empty((most, 1 if lean else 5), np.uint32)
        prints = np.empty(most if hashed else 0, np.uint64)
        tokens = np.empty((most, before + depth + at_it), token_type)
        count = walk_kernel.sequences(low, high, arguments, number, is_at, depth, rows, prints, tokens)
        return rows[:count], prints[:count], tokens[:count]

    blocks = walk.paths.in_blocks(read)
    return Sequences(blocks, np.arange(-before, depth + at_it), is_at.size)


def most_common(counts: np.ndarray, top: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The `top` tokens of each level and where each token counts.

    `counts` is int64[levels, tokens + 1], as `Sequences.node_counts` gives it. Gives per level int64[≤ top]
    tokens, most paths first, and int32[levels, tokens + 1] slots: place among them, `top` for any other,
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
    if not WholeSessions.suits(walk, "start"):
        return sequences(walk, depth=0, hashed=True)
    log, session = _whole_log(walk), walk.paths["session"]

    def read(low: int, high: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        most = walk.most_paths(low, high)
        rows, prints = np.empty((most, 5), np.uint32), np.empty(most, np.uint64)
        count = print_kernel.print_sessions(low, high, log, session, rows, prints)
        return rows[:count], prints[:count], np.empty((count, 0), np.int8)

    return Sequences(walk.paths.in_blocks(read), np.arange(0), walk.names.labels.size)


#: Fingerprints that are looked at to guess which lead.
_SAMPLE = 200_000


def leading(found: Sequences, top: int) -> np.ndarray:
    """The fingerprints that most paths have, most first, the smaller of equals: uint64[≤ top].

    Those that lead a sample are counted one by one, and all others together by slot: only a slot that counts
    as many as the last of the leading can hold one that the sample missed.
    """
    blocks = [prints for _, prints, _ in found.blocks]
    stride = max(1, found.paths // _SAMPLE)
    values, often = np.unique(np.concatenate([prints[::stride] for prints in blocks]), return_counts=True)
    guessed = values[np.argsort(-often, kind="stable")[: 4 * top]]
    counted = side_by_side(lambda prints: print_kernel.count_prints(prints, guessed), blocks)
    counts, slots = (np.sum(its, axis=0) for its in zip(*counted, strict=True))
    least = max(1, np.partition(counts, -top)[-top] if counts.size > top else 1)
    may_lead = slots >= least
    if may_lead.any():
        slot_of = np.uint64(64 - print_kernel.SLOT_BITS)
        others = np.concatenate([prints[may_lead[prints >> slot_of]] for prints in blocks])
        others, often = np.unique(others[~np.isin(others, guessed)], return_counts=True)
        guessed, counts = np.append(guessed, others), np.append(counts, often)
    best: np.ndarray = guessed[np.lexsort((guessed, -counts))[:top]]
    return best


def whole_paths(walk: Walk, found: Sequences, prints: np.ndarray, marked: np.ndarray) -> WholePaths:
    """Counts of the paths with these fingerprints. `marked` is bool[keys]."""
    second, size = walk.paths["second"], prints.size
    blocks = side_by_side(
        lambda block: flow_kernel.count_groups(block[0], block[1], prints, marked, second), found.blocks
    )
    paths, shoppers, held = np.sum([counts for counts, _, _, _ in blocks], axis=0)
    pieces = [np.split(spans, np.cumsum(counts[0, : size - 1])) for counts, spans, _, _ in blocks]
    every = [np.concatenate([its[n] for its in pieces]) for n in range(size)]
    middle = np.array(side_by_side(median, every))
    # Each is spelt from the first path that is it.
    shopper, key = (np.stack([block[n] for block in blocks]) for n in (2, 3))
    met = np.flatnonzero(paths[:size])
    at = (shopper[:, met] >= 0).argmax(axis=0)
    names: list[list[int]] = [[] for _ in range(size)]
    if met.size:
        tokens, ends = walk_kernel.spell(shopper[at, met], key[at, met], walk.arguments)
        for n, spelt in zip(met, np.split(tokens, ends[:-1]), strict=True):
            names[n] = spelt.tolist()
    return WholePaths(names, paths, shoppers, held, middle)
