"""The compiled loops that need a path's key alone, and no node of it; see `core.paths.walk_kernel`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

from core.paths.keep_kernel import kept
from core.paths.log import MEMBERS


@njit(nogil=True, cache=True)
def mark_bought(low, high, walk, is_purchase, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that holds a purchase in the scope, whatever the naming hides."""
    start, columns, keep, uses, members, _, _, rules = walk
    kind, hour, place, mean, _, session = columns
    if uses == 0 and rules[0]:  # whose events they are does not matter
        for i in range(index(start[low]), index(start[high])):
            if is_purchase[index(kind[i])]:
                out[index(session[i])] = True
        return
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if is_purchase[kind[i]] and kept(i, uses, (hour, place, mean), keep):
                out[session[i] if rules[0] else u] = True


@njit(nogil=True, cache=True)
def tally_whole(low, high, walk, sessions, marked):  # type: ignore[no-untyped-def]
    """As `walk_kernel.tally` of whole paths, unread: sessions are numbered in the order of shoppers.

    `sessions` is how many the log has.
    """
    start, session, uses, members, by_session = walk[0], walk[1][5], walk[3], walk[4], walk[7][0]
    out = np.zeros(4, np.int64)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        first, stop = index(u), index(u + 1)
        if by_session:
            first = index(session[start[u]])
            stop = index(session[start[u + 1]]) if u + 2 < start.size else index(sessions)
        before = out[2]
        for j in range(first, stop):
            out[2] += marked[j]
        out[0] += np.int64(stop - first)
        out[1] += 1
        out[3] += out[2] > before
    return out
