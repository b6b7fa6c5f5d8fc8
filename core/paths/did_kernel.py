"""How often each shopper did something, counted event by event."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import HOUR, ITEM, MEAN, MEMBERS, PLACE, QUERY


@njit(nogil=True, cache=True)
def count_did(  # type: ignore[no-untyped-def]
    low, high, start, columns, masks, uses, members
):
    """uint32[high − low]: each shopper's events that every look-up table (bool) says yes to."""
    kind, hour, place, mean, item, query = columns
    by_kind, by_hour, by_place, by_mean, by_item, by_query = masks
    out = np.zeros(high - low, np.uint32)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if not by_kind[kind[i]]:
                continue
            if uses & HOUR and not by_hour[hour[i]]:
                continue
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN and not by_mean[mean[i]]:
                continue
            if uses & ITEM and not by_item[item[i]]:
                continue
            if uses & QUERY and not by_query[query[i]]:
                continue
            out[u - low] += 1
    return out
