"""How often each shopper did something, counted event by event."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import ITEM, MEAN, MEMBERS, PLACE, QUERY


@njit(nogil=True, cache=True)
def count_did(  # type: ignore[no-untyped-def]
    low, high, start, columns, tables, hours, uses, members
):
    """uint32[high − low]: each shopper's events that are marked in `tables` and fall in the `hours`."""
    kind, hour, place, mean, item, query = columns
    kinds, places, means, items, queries = tables
    out = np.zeros(high - low, np.uint32)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            mark = kinds[kind[i]]
            if mark == 0 or not hours[hour[i]]:
                continue
            if uses & PLACE and not places[place[i]]:
                continue
            if uses & MEAN:
                mark &= means[mean[i]]
            if uses & ITEM:
                mark &= items[item[i]]
            if uses & QUERY:
                mark &= queries[query[i]]
            out[u - low] += mark != 0
    return out
