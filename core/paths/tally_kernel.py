"""The compiled loops that count a funnel's paths; those of one shopper lie side by side."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.paths.log import NOWHERE


@njit(nogil=True, cache=True)
def count_groups(events, shopper, groups, out):  # type: ignore[no-untyped-def]
    """Counts paths that did a step, and their shoppers, into int64[2, groups] `out`.

    `events` are those that were the step; `groups` say where each path counts, −1 for nowhere; all count
    in the only one where it is empty.
    """
    seen = np.full(out.shape[1], -1, np.int64)
    for p in range(events.size):
        if events[p] == NOWHERE:
            continue
        g = groups[p] if groups.size else 0
        if g < 0:
            continue
        out[0, g] += 1
        if seen[g] != shopper[p]:
            seen[g] = shopper[p]
            out[1, g] += 1


@njit(nogil=True, cache=True)
def seconds_between(earlier, later, second, out):  # type: ignore[no-untyped-def]
    """Writes the seconds between two steps of all paths that did both into uint32 `out`; how many they are.

    `earlier` and `later` are the events that were the steps.
    """
    n = 0
    for p in range(later.size):
        if later[p] == NOWHERE or earlier[p] == NOWHERE:
            continue
        since, until = second[earlier[p]], second[later[p]]
        out[n] = until - since if until > since else since - until
        n += 1
    return n
