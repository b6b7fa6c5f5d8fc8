"""The compiled loops that count sequences, from a table of a row a path or straight from the path log."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

from core.paths.print_kernel import found_in, table_of


@njit(nogil=True, cache=True)
def count_nodes(tokens, size):  # type: ignore[no-untyped-def]
    """int64[levels, size + 1]: paths with each token at each level; the last column those that ended."""
    levels = tokens.shape[1]
    out = np.zeros((levels, size + 1), np.int64)
    over = np.zeros(levels + 1, np.int64)
    for p in range(tokens.shape[0]):
        met = False
        level = 0
        while level < levels:
            t = tokens[p, level]
            if t < 0 and met:
                break
            met |= t >= 0
            out[level, t if t >= 0 else size] += 1
            level += 1
        over[level] += 1
    out[:, size] += np.cumsum(over)[:levels]
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
    # Paths that are over by a level, and shoppers with one: a path that is over stays so.
    over = np.zeros((2, levels + 1), np.int64)
    soonest, before = levels, np.int64(-1)
    for p in range(tokens.shape[0]):
        u = np.int64(rows[p, 0])
        if u != before:
            over[1, soonest] += 1
            soonest, before = levels, u
        t = tokens[p, 0]
        met = t >= 0
        source = index(slot[0, t if t >= 0 else ended])
        level = 0
        while level < levels:
            base = (index(level * slots) + source) * index(width)
            _count(cells, base + index(slots), u)
            level += 1
            if level == levels:
                break
            t = tokens[p, level]
            source = index(slot[level, t if t >= 0 else ended])
            _count(cells, base + source, u)
            if t < 0 and met:
                break
            met |= t >= 0
        over[0, level] += 1
        soonest = min(soonest, level)
    over[1, soonest] += 1
    return _closed(cells, over, slot, slots)


@njit(nogil=True, cache=True)
def _closed(cells, over, slot, slots):  # type: ignore[no-untyped-def]
    """The cells as `count_flows` gives them, with the paths that are over at each level."""
    levels, ended = slot.shape[0], slot.shape[1] - 1
    out = cells[:, :2].T.copy().reshape((2, levels, slots, slots + 1))
    for n in range(2):
        its = np.cumsum(over[n])
        for level in range(levels):
            at = slot[level, ended]
            out[n, level, at, slots] += its[level]
            if level < levels - 1:
                out[n, level, at, slot[level + 1, ended]] += its[level]
    return out


@njit(nogil=True, cache=True)
def count_session_nodes(low, high, log, levels, size):  # type: ignore[no-untyped-def]
    """As `count_nodes`, of the whole sessions of shoppers `low` to `high`; then how many shoppers those are.

    `log` is (start, kind, step, next, members, token of each kind): every event counts, but those of
    shoppers who are no members, where there are members.
    """
    start, kind, step, _, members, of_kind = log
    counts = np.zeros((levels + 1, size + 1), np.int64)
    shoppers = 0
    for u in range(low, high):
        if members.size and not members[u]:
            continue
        shoppers += 1
        for i in range(index(start[u]), index(start[u + 1])):
            counts[min(np.int64(step[i]), levels), of_kind[index(kind[i])]] += 1
    out = counts[:levels]
    sessions = np.sum(out[0])
    for level in range(1, levels):
        out[level, size] = sessions - np.sum(out[level])
    return out, shoppers


@njit(nogil=True, cache=True)
def count_session_flows(low, high, log, slot, slots):  # type: ignore[no-untyped-def]
    """As `count_flows`, of the whole sessions of shoppers `low` to `high`; `log` as above.

    Event by event: each knows its step and what follows it, so that sessions may interleave.
    """
    start, kind, step, following, members, of_kind = log
    levels, ended = slot.shape[0], slot.shape[1] - 1
    last = np.iinfo(following.dtype).max
    width = slots + 1
    cells = np.zeros((levels * slots * width, 3), np.int64)
    cells[:, 2] = -1
    over = np.zeros((2, levels + 1), np.int64)
    for u in range(low, high):
        if members.size and not members[u]:
            continue
        soonest = levels
        for i in range(index(start[u]), index(start[u + 1])):
            level = np.int64(step[i])
            if level >= levels:
                continue
            source = index(slot[level, of_kind[index(kind[i])]])
            base = (index(level * slots) + source) * index(width)
            _count(cells, base + index(slots), u)
            if level == levels - 1:
                continue
            stops = following[i] == last
            target = ended if stops else np.int64(of_kind[index(0) if stops else index(following[i])])
            _count(cells, base + index(slot[level + 1, target]), u)
            over[0, level + 1] += stops
            soonest = min(soonest, level + 1) if stops else soonest
        over[1, soonest] += 1
    return _closed(cells, over, slot, slots)


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
    table = table_of(among)
    # paths, shoppers, marked paths, and the last shopper, side by side: a group is one piece of memory
    cells = np.zeros((groups + 1, 4), np.int64)
    cells[:, 3] = -1
    shopper, key = np.full(groups, -1, np.int64), np.full(groups, -1, np.int64)
    group = np.empty(prints.size, np.int16)
    shoppers, before = np.int64(0), np.int64(-1)
    for p in range(prints.size):
        found = found_in(table, among, prints[p])
        group[p] = found
        g = index(found if found >= 0 else groups)
        who, whose = np.int64(rows[p, 0]), rows[p, 1]
        cells[g, 0] += 1
        cells[g, 1] += cells[g, 3] != who
        cells[g, 2] += marked[index(whose)]
        cells[g, 3] = who
        shoppers += who != before
        before = who
        if cells[g, 0] == 1 and found >= 0:
            shopper[g], key[g] = who, whose
    out = np.zeros((3, groups + 2), np.int64)
    for g in range(groups + 1):
        for n in range(3):
            out[n, g] = cells[g, n]
            out[n, groups + 1] += cells[g, n]
    out[1, groups + 1] = shoppers
    place = np.cumsum(out[0, :groups]) - out[0, :groups]
    spans = np.empty(np.sum(out[0, :groups]), np.uint32)
    for p in range(prints.size):
        if group[p] >= 0:
            spans[place[group[p]]] = second[rows[p, 3]] - second[rows[p, 2]]
            place[group[p]] += 1
    return out, spans, shopper, key
