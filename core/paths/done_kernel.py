"""What shoppers did in a part of their path, counted by what became of the path."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.keep_kernel import kept


@njit(nogil=True, cache=True)
def done_between(  # type: ignore[no-untyped-def]
    entry, begin, end, done, columns, tables, uses, by_session, most_seconds, groups
):
    """How many paths hold each kind of thing among their events `begin` to `end`: int64[2, groups].

    Row 1 counts the paths that are `done`, row 0 the others. A thing is what `by_kind` (in `tables`,
    int32[kinds, 2]) and `by_query` say an event is, −1 for nothing. Events more than `most_seconds` after
    the path's `entry` are out, and so are those of another session than the entry's where `by_session`.
    """
    kind, second, hour, place, mean, query, session = columns
    by_kind, by_query, kinds, hours, places, means = tables
    out = np.zeros((2, groups), np.int64)
    last = np.full(groups, -1, np.int64)
    for p in range(entry.size):
        own = session[entry[p]]
        until = np.int64(second[entry[p]]) + most_seconds
        row = np.int64(done[p])
        for e in range(np.int64(begin[p]), np.int64(end[p])):
            if second[e] > until:
                break
            if not kinds[kind[e]] or (by_session and session[e] != own):
                continue
            if not kept(e, uses, (hour, place, mean), (hours, places, means)):
                continue
            for g in (by_kind[kind[e], 0], by_kind[kind[e], 1], by_query[query[e]]):
                if g >= 0 and last[g] != p:
                    last[g] = p
                    out[row, g] += 1
    return out
