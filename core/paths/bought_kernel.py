"""The compiled loop that finds the paths which hold a purchase; see `core.paths.walk_kernel`."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import HOUR, MEAN, MEMBERS, PLACE


@njit(nogil=True, cache=True)
def mark_bought(low, high, walk, is_purchase, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that holds a purchase in the scope, whatever the naming hides."""
    start, columns, keep, uses, members, _, _, rules = walk
    kind, hour, place, mean, _, session = columns
    by_hour, by_place, by_mean = keep
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if not is_purchase[kind[i]]:
                continue
            if uses & HOUR and not by_hour[hour[i]]:
                continue
            if uses & PLACE and not by_place[place[i]]:
                continue
            if uses & MEAN and not by_mean[mean[i]]:
                continue
            out[session[i] if rules[0] else u] = True
