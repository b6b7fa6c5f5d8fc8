"""The compiled loop that finds the paths which hold a purchase; see `core.paths.walk_kernel`."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.keep_kernel import kept
from core.paths.log import MEMBERS


@njit(nogil=True, cache=True)
def mark_bought(low, high, walk, is_purchase, out):  # type: ignore[no-untyped-def]
    """Sets out[key] of every path that holds a purchase in the scope, whatever the naming hides."""
    start, columns, keep, uses, members, _, _, rules = walk
    kind, hour, place, mean, _, session = columns
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            if is_purchase[kind[i]] and kept(i, uses, (hour, place, mean), keep):
                out[session[i] if rules[0] else u] = True
