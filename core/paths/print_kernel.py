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


@njit(nogil=True, cache=True)
def table_of(among):  # type: ignore[no-untyped-def]
    """Where `found_in` looks up distinct fingerprints, uint64[groups]: the group that a fingerprint's last
    bits point to, or a later one; −1 for none.
    """
    size = 8
    while size < 8 * among.size:
        size *= 2
    table = np.full(size, -1, np.int32)
    last_place = np.uint64(size - 1)
    for g in range(among.size):
        at = among[g] & last_place
        while table[at] >= 0:
            at = (at + np.uint64(1)) & last_place
        table[at] = g
    return table


@njit(nogil=True, cache=True, inline="always")
def found_in(table, among, fingerprint):  # type: ignore[no-untyped-def]
    """Which of `among` a fingerprint is; −1 for none."""
    last_place = np.uint64(table.size - 1)
    at = fingerprint & last_place
    while table[at] >= 0 and among[table[at]] != fingerprint:
        at = (at + np.uint64(1)) & last_place
    return table[at]


#: Bits of a fingerprint that name its slot.
SLOT_BITS = 16


@njit(nogil=True, cache=True)
def count_prints(prints, among):  # type: ignore[no-untyped-def]
    """How often each of `among` is there: int64[among]; and all others by their slot: int64[slots].

    No fingerprint is there more often than its slot counts.
    """
    table = table_of(among)
    # Others have their slot's place behind those of `among`: no branch depends on which a fingerprint is.
    counts = np.zeros(among.size + (1 << SLOT_BITS), np.int64)
    for p in range(prints.size):
        found = found_in(table, among, prints[p])
        slot = np.int64(prints[p] >> np.uint64(64 - SLOT_BITS))
        counts[index(found if found >= 0 else among.size + slot)] += 1
    return counts[: among.size], counts[among.size :]
