"""Which points a lasso holds: the even-odd rule, in the same arithmetic as in the browser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def even_odd(xy: np.ndarray, polygon: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Which of float64[n, 2] lie in the polygon: a ray to the right crosses its edges an odd number of times.

    A point takes part in an edge where lower end <= y < upper end. The points are put in order of y once,
    so that each edge looks at those beside it alone.
    """
    order = np.argsort(xy[:, 1], kind="stable")
    x, y = xy[order, 0], xy[order, 1]
    odd = np.zeros(len(xy), dtype=np.bool_)
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        first, last = np.searchsorted(y, sorted((y0, y1)))
        if first < last:
            beside = slice(first, last)
            odd[beside] ^= x[beside] < (x1 - x0) * (y[beside] - y0) / (y1 - y0) + x0
    result = np.empty_like(odd)
    result[order] = odd
    return result


def on_screen(xyz: np.ndarray, view: Sequence[float]) -> np.ndarray:
    """Points of space, float64[n, 3], as the visitor saw them: from -1 to 1 across the picture.

    `view` is the 4 × 4 projection, row by row.
    """
    x, y, z = xyz.T
    # Written out, as a product of matrices may add in another order than the browser does.
    across, up, _, away = (
        view[i] * x + view[i + 1] * y + view[i + 2] * z + view[i + 3] for i in (0, 4, 8, 12)
    )
    return np.column_stack([across / away, up / away])
