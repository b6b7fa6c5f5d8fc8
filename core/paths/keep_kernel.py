"""Whether a scope keeps an event, for compiled loops that look at few of them."""

from __future__ import annotations

from numba import njit

from core.paths.log import HOUR, MEAN, PLACE


@njit(nogil=True, cache=True)
def kept(i, uses, columns, tables):  # type: ignore[no-untyped-def]
    """Whether event `i` passes by hour, place and means; `columns` and `tables` are of these three."""
    hour, place, mean = columns
    hours, places, means = tables
    if uses & HOUR and not hours[hour[i]]:
        return False
    if uses & PLACE and not places[place[i]]:
        return False
    return not (uses & MEAN and not means[mean[i]])
