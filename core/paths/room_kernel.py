"""Space for compiled loops: as much as the busiest shopper needs, and more where it runs out."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def most_events(low, high, start):  # type: ignore[no-untyped-def]
    """Events of the busiest of the shoppers `low` to `high`; numpy's own way takes seconds to compile."""
    most = np.int64(0)
    for u in range(low, high):
        most = max(most, np.int64(start[u + 1]) - np.int64(start[u]))
    return most


@njit(nogil=True, cache=True)
def grown(values, room):  # type: ignore[no-untyped-def]
    """The values with room for more."""
    out = np.empty(room, values.dtype)
    out[: values.size] = values
    return out


@njit(nogil=True, cache=True)
def grown_columns(values, room):  # type: ignore[no-untyped-def]
    """The columns with room for more."""
    out = np.empty((values.shape[0], room), values.dtype)
    out[:, : values.shape[1]] = values
    return out
