"""Which points a lasso holds: the even-odd rule, in the same arithmetic as in the browser; and its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall

#: Corners of a lasso in a link; the browser draws fewer.
MOST_CORNERS = 200


@dataclass(frozen=True)
class Lasso:
    """A lasso on a map of journeys. As a word of a link: x_y_x_y…~its view~clusters that it passes over."""

    polygon: tuple[tuple[float, float], ...]  # in the map's coordinates; in 3-D on the screen, from −1 to 1
    view: tuple[float, ...] = ()  # in 3-D: the 4 × 4 projection to the screen, row by row
    without: tuple[int, ...] = ()  # clusters from 0, −1 for paths between them

    @classmethod
    def parse(cls, word: str) -> Lasso:
        """The lasso of a word; raises `WrongCall`."""
        parts = [part.split("_") if part else [] for part in word.split("~")]
        try:
            (flat, view), without = (
                [[float(number) for number in part] for part in [*parts, []][:2]],
                [int(number) for part in parts[2:] for number in part],
            )
        except ValueError:
            flat, view, without = [], [], []
        corners = len(flat) // 2
        good = 3 <= corners <= MOST_CORNERS and len(flat) % 2 == 0 and len(view) in (0, 16)
        if not good or len(parts) > 3 or not np.isfinite([*flat, *view]).all():
            raise WrongCall(
                f"A lasso is written as its corners, x_y_x_y and so on, {MOST_CORNERS} at most, of a map in "
                "depth with ~ and the 16 numbers of its view; draw it again."
            )
        return cls(tuple(zip(flat[::2], flat[1::2], strict=True)), tuple(view), tuple(without))

    def word(self) -> str:
        """As `parse` reads it, without a loss."""
        numbers = ([v for corner in self.polygon for v in corner], self.view, self.without)
        return "~".join("_".join(f"{v:.9g}" for v in part) for part in numbers).rstrip("~")


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
