"""Fingerprints of paths, and the compiled loop that makes those of whole sessions."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba import uint64 as index

#: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"; of 11 M distinct paths any two
#: share one with a chance of 3 in a million.
SEED, _ODD = np.uint64(0x243F6A8885A308D3), np.uint64(0x9E3779B97F4A7C15)
_ODDER = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)


@njit(nogil=True, cache=True, inline="always")
def mixed(h, token):  # type: ignore[no-untyped-def]
    """The fingerprint of a path that goes on to a token."""
    h = (h ^ np.uint64(token + 1)) * _ODD
    h = (h ^ (h >> _HALF)) * _ODDER
    return h ^ (h >> _HALF)


@njit(nogil=True, cache=True)
def print_sessions(low, high, log, session, rows, prints):  # type: ignore[no-untyped-def]
    """As `walk_kernel.sequences` writes `rows` of five and `prints` of the whole sessions of shoppers `low`
    to `high`, and how many there are; `log` as `flow_kernel.count_session_nodes` takes it.

    Event by event, each at its session's row: sessions may interleave, and no branch depends on an event.
    """
    start, kind, step, _, members, of_kind = log
    count = index(0)
    for u in range(low, high):
        if members.size and not members[u]:
            continue
        first = index(session[start[u]])
        most = first
        for i in range(index(start[u]), index(start[u + 1])):
            its = index(session[i])
            at = count + (its - first)
            most = max(most, its)
            begins = step[i] == 0
            rows[at, 0], rows[at, 1] = u, its
            rows[at, 2] = i if begins else rows[at, 2]
            rows[at, 3] = i
            rows[at, 4] = 1 if begins else rows[at, 4] + 1
            prints[at] = mixed(SEED if begins else prints[at], of_kind[index(kind[i])])
        count += most - first + index(1)
    return np.int64(count)
