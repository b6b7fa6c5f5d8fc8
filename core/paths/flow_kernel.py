"""The compiled loops over a table of sequences: a row a path, shopper by shopper."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index


@njit(nogil=True, cache=True)
def count_nodes(tokens, size):  # type: ignore[no-untyped-def]
    """int64[levels, size + 1]: paths with each token at each level; the last column those that ended."""
    levels = tokens.shape[1]
    out = np.zeros((levels, size + 1), np.int64)
    for p in range(tokens.shape[0]):
        for level in range(levels):
            t = tokens[p, level]
            out[level, t if t >= 0 else size] += 1
    return out


@njit(nogil=True, cache=True)
def count_flows(rows, tokens, slot, slots):  # type: ignore[no-untyped-def]
    """int64[2, levels, slots, slots + 1]: paths and shoppers from slot to slot of the next level, and in all.

    `rows` begin with the shopper. `slot` is int32[levels, tokens + 1], its last column for −1.
    """
    levels = tokens.shape[1]
    ended = slot.shape[1] - 1
    width = slots + 1
    # paths, shoppers, and the last shopper, side by side: a cell is one piece of memory
    cells = np.zeros((levels * slots * width, 3), np.int64)
    cells[:, 2] = -1
    for p in range(tokens.shape[0]):
        u = np.int64(rows[p, 0])
        t = tokens[p, 0]
        source = index(slot[0, t if t >= 0 else ended])
        for level in range(levels):
            base = (index(level * slots) + source) * index(width)
            if level < levels - 1:
                t = tokens[p, level + 1]
                source = index(slot[level + 1, t if t >= 0 else ended])
                _count(cells, base + source, u)
            _count(cells, base + index(slots), u)
    return cells[:, :2].T.copy().reshape((2, levels, slots, width))


@njit(nogil=True, cache=True, inline="always")
def _count(cells, cell, who):  # type: ignore[no-untyped-def]
    """Count a cell once more; without branches, as whether a shopper met it before cannot be foretold."""
    cells[cell, 0] += 1
    cells[cell, 1] += cells[cell, 2] != who
    cells[cell, 2] = who


@njit(nogil=True, cache=True)
def count_groups(rows, prints, among, marked, second):  # type: ignore[no-untyped-def]
    """Paths by their fingerprint, one of `among`: int64[3, among + 2] of paths, shoppers and marked paths.

    The last two columns are of the paths with none of them, and of all paths. `rows` are shopper, key,
    first and last event. Also gives uint32[paths found] seconds from first to last event, group by group,
    and int64[among] the shopper and the key of the first path of each group, −1 where there is none.
    """
    groups = among.size
    size = 8
    while size < 8 * groups:
        size *= 2
    last_place = np.uint64(size - 1)
    table = np.full(size, -1, np.int32)  # the group that a fingerprint's last bits point to, or a later one
    for g in range(groups):
        at = among[g] & last_place
        while table[at] >= 0:
            at = (at + np.uint64(1)) & last_place
        table[at] = g
    out = np.zeros((3, groups + 2), np.int64)
    seen = np.full(groups + 2, -1, np.int64)
    shopper, key = np.full(groups, -1, np.int64), np.full(groups, -1, np.int64)
    group = np.empty(prints.size, np.int16)
    for p in range(prints.size):
        at = prints[p] & last_place
        while table[at] >= 0 and among[table[at]] != prints[p]:
            at = (at + np.uint64(1)) & last_place
        g = table[at]
        group[p] = g
        if g < 0:
            g = groups
        elif shopper[g] < 0:
            shopper[g], key[g] = rows[p, 0], rows[p, 1]
        for column in (g, groups + 1):
            out[0, column] += 1
            out[2, column] += marked[rows[p, 1]]
            if seen[column] != rows[p, 0]:
                seen[column] = rows[p, 0]
                out[1, column] += 1
    place = np.cumsum(out[0, :groups]) - out[0, :groups]
    spans = np.empty(np.sum(out[0, :groups]), np.uint32)
    for p in range(prints.size):
        if group[p] >= 0:
            spans[place[group[p]]] = second[rows[p, 3]] - second[rows[p, 2]]
            place[group[p]] += 1
    return out, spans, shopper, key
