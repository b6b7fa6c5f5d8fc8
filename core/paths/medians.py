"""Medians of whole numbers: of one group, and of many at once."""

from __future__ import annotations

import numpy as np


def median(values: np.ndarray) -> float:
    """The median of values that may be put in another order, NaN of none.

    One of the two middle values is enough to part the array: the other is the largest before it.
    """
    if not values.size:
        return float("nan")
    half = values.size // 2
    values.partition(half)
    return float(values[half]) if values.size % 2 else (float(values[half]) + float(values[:half].max())) / 2


def grouped_median(values: np.ndarray, groups: np.ndarray, size: int) -> np.ndarray:
    """The median of whole values, from 0, of each group: float[size], NaN where a group has none."""
    if size == 1:
        return np.array([median(values.copy())])
    ranked = np.sort(groups << 40 | values)
    ends = np.searchsorted(ranked, np.arange(size + 1) << 40)
    length: np.ndarray = np.diff(ends)
    out = np.full(size, np.nan)
    some = length > 0
    low, high = ends[:-1] + (length - 1) // 2, ends[:-1] + length // 2
    value = ranked & ((1 << 40) - 1)
    out[some] = (value[low[some]] + value[high[some]]) / 2
    return out
