"""Emerging hot spots: where demand clusters in space and time, and how that cluster changes.

The pattern follows Esri's Emerging Hot Spot Analysis (ArcGIS Pro, "How Emerging Hot Spot Analysis
works"), on a space-time cube of cells × steps:

1. **Gi*** (Getis & Ord 1992, standardised as in Ord & Getis 1995, equation 14) for every bin. The
   neighbourhood of a bin is its cell and the cells within `ring` H3 steps, in its own time step and
   the `back` steps before; weights are 1. Mean and standard deviation are those of the whole cube,
   as Esri's default global window has it, so a bin is hot compared with all places at all times:

       Gi* = (sum of the neighbourhood - mean * w) / (s * sqrt((n * w - w²) / (n - 1)))

   with w neighbours (itself included) out of n bins. It is a z-score, p-values are two-sided.
2. **False discovery rate** (Benjamini & Hochberg 1995) over all bins: a bin is significant if its
   p-value is at most the largest p(k) with p(k) <= k / n * alpha, so that about `alpha` of what is
   called hot or cold is chance, however many bins there are.
3. **Mann-Kendall** (Mann 1945; Kendall 1975, with the variance corrected for ties and S for
   continuity) on each cell's series of Gi*: does its clustering rise or fall? Neighbourhoods
   overlap in time, which makes neighbouring steps alike and the test somewhat eager.
4. **Kinds**, exactly one a cell. Hot means significant with a positive Gi*:

   | kind | definition |
   |---|---|
   | new | hot in the last step, in one unbroken run, never before it; hot in under 90 % of the steps |
   | intensifying | hot in 90 % of the steps and in the last; Gi* rises significantly |
   | persistent | hot in 90 % of the steps and in the last; Gi* neither rises nor falls |
   | diminishing | hot in 90 % of the steps and in the last; Gi* falls significantly |
   | sporadic | hot in the last step and, with breaks, before; hot in under 90 % of the steps |
   | historical | hot in 90 % of the steps, but not in the last |
   | cold … | the same with significantly low values; a cold spot intensifies when its Gi* falls |
   | none | anything else |

   Two of Esri's eight kinds are folded in: *consecutive* (a new hot spot of two steps or more) is
   new, and *oscillating* (sporadic, and cold at some time) is sporadic. What the last step says
   comes first: a cold spot of today is never called historical, and a cube of one step knows only new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from core.errors import WrongCall
from core.space.cells import Cells, neighbours

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOT = ("new", "intensifying", "persistent", "diminishing", "sporadic", "historical")
COLD = tuple(f"cold {kind}" for kind in HOT)
NONE = "none"
KINDS = (*HOT, *COLD, NONE)

#: Share of the steps from which a spot counts as standing.
MOSTLY = 0.9


@dataclass(frozen=True)
class Emerging:
    """One entry a cell, in the order of the cells asked about."""

    kind: NDArray[np.str_]  # one of KINDS
    z_last: Floats  # Gi* of the last step; 0 where nothing varies
    p_last: Floats  # its two-sided p-value, before the correction
    hot_share: Floats  # share of the steps in which the cell is a significant hot spot, 0–1
    cold_share: Floats
    trend: Floats  # Kendall's tau of the Gi* series, -1 (falls) to 1 (rises)
    trend_z: Floats
    trend_p: Floats  # two-sided
    threshold: float  # largest p-value that the false-discovery control accepts; 0 if none
    bins: int  # cells × steps that hold a value


def emerging(values: Floats, cells: Cells, ring: int = 1, alpha: float = 0.05, back: int = 1) -> Emerging:
    """Classify each cell of a space-time cube.

    `values` is [cells, steps], oldest step first; NaN is a bin without a value (a ratio of nothing),
    which neither counts nor is a neighbour. `cells` are distinct and of one resolution. `ring` is
    the reach in H3 steps, `back` in time steps, `alpha` the false-discovery rate and the level of
    the trend test. Raises `WrongCall` on shapes or numbers that do not fit.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(cells):
        raise WrongCall(f"Hot spots need one row of values a cell, not {values.shape} for {len(cells)}.")
    if not 0 < alpha < 1 or ring < 0 or back < 0:
        raise WrongCall("Hot spots need alpha between 0 and 1, and ring and back of 0 or more.")
    if not values.size:
        raise WrongCall("Hot spots need at least one cell and one time step; widen the scope.")
    z = getis_ord(values, _weights(np.ascontiguousarray(cells, dtype=np.uint64).tobytes(), ring), back)
    known = np.isfinite(z)
    hot, cold, threshold = significant(z, alpha)
    tau, trend_z = mann_kendall(z)
    trend_p = _two_sided(trend_z)
    z_last = np.where(known[:, -1], z[:, -1], 0.0)
    return Emerging(
        kind=kinds(hot, cold, trend_z, trend_p, alpha),
        z_last=z_last,
        p_last=_two_sided(z_last),
        hot_share=hot.mean(axis=1),
        cold_share=cold.mean(axis=1),
        trend=tau,
        trend_z=trend_z,
        trend_p=trend_p,
        threshold=threshold,
        bins=int(known.sum()),
    )


def getis_ord(values: Floats, weights: sparse.csr_array, back: int = 1) -> Floats:
    """Return Gi* [cells, steps] over space and time; NaN where the bin itself has no value.

    `weights` is the binary matrix of neighbours in space, each cell its own neighbour. Where
    nothing varies, or a neighbourhood is the whole cube, Gi* is 0.
    """
    values = np.ascontiguousarray(values)
    n, mean, deviation = _moments(values)
    # A constant cube leaves rounding error, not spread.
    if n < 2 or deviation <= 1e-12 * abs(mean):
        return np.where(np.isnan(values), np.nan, 0.0)
    return _getis_ord(values, weights.indptr, weights.indices, back, n, mean, deviation)


def significant(z: Floats, alpha: float) -> tuple[Bools, Bools, float]:
    """Return which bins are hot and which cold under the Benjamini-Hochberg rule, and its threshold.

    NaN is not tested. Only p-values up to `alpha` can pass, so only those are sorted; the ranks are
    those among all bins, and the outcome is the same.
    """
    candidates = np.abs(z) >= -special.ndtri(alpha / 2)
    p = _two_sided(z[candidates])
    ordered = np.sort(p)
    tests = int(np.count_nonzero(np.isfinite(z)))
    passing = np.flatnonzero(ordered <= alpha * np.arange(1, len(ordered) + 1) / max(tests, 1))
    threshold = float(ordered[passing[-1]]) if len(passing) else 0.0
    accepted = np.zeros(z.shape, dtype=bool)
    if len(passing):
        accepted[candidates] = p <= threshold
    return accepted & (z > 0), accepted & (z < 0), threshold


def mann_kendall(series: Floats) -> tuple[Floats, Floats]:
    """Return Kendall's tau and the Mann-Kendall z of each row; NaN entries are left out of their row.

    Both are 0 for rows of fewer than two values or without variation.
    """
    return _mann_kendall(np.ascontiguousarray(series, dtype=np.float64))


def kinds(hot: Bools, cold: Bools, trend_z: Floats, trend_p: Floats, alpha: float) -> NDArray[np.str_]:
    """Return the kind of each cell from its significant bins [cells, steps] and its trend."""
    rising = (trend_p < alpha) & (trend_z > 0)
    falling = (trend_p < alpha) & (trend_z < 0)
    present: list[tuple[Bools, str]] = []
    past: list[tuple[Bools, str]] = []
    for spots, names, stronger, weaker in ((hot, HOT, rising, falling), (cold, COLD, falling, rising)):
        new, intensifying, persistent, diminishing, sporadic, historical = names
        steps = spots.shape[1]
        last = spots[:, -1]
        mostly = (spots.mean(axis=1) >= MOSTLY) & (steps > 1)
        one_run = spots.sum(axis=1) == steps - spots.argmax(axis=1)
        present += [
            (last & mostly & stronger, intensifying),
            (last & mostly & weaker, diminishing),
            (last & mostly, persistent),
            (last & one_run, new),
            (last, sporadic),
        ]
        past.append((mostly, historical))
    conditions, names = zip(*present, *past, strict=True)
    return np.asarray(np.select(conditions, names, default=NONE))


@lru_cache(maxsize=16)
def _weights(cells: bytes, ring: int) -> sparse.csr_array:
    """Return the neighbours of cells given as their bytes; the same cells come with every scope."""
    return neighbours(np.frombuffer(cells, dtype=np.uint64), ring)


def _two_sided(z: Floats) -> Floats:
    return 2.0 * special.ndtr(-np.abs(z))


@numba.njit(cache=True, nogil=True)
def _moments(values: Floats) -> tuple[int, float, float]:
    """Return how many values there are, their mean and their standard deviation, over all of them."""
    n = 0
    total = 0.0
    for value in values.flat:
        if not np.isnan(value):
            n += 1
            total += value
    if n == 0:
        return 0, 0.0, 0.0
    mean = total / n
    squares = 0.0
    for value in values.flat:
        if not np.isnan(value):
            squares += (value - mean) ** 2
    return n, mean, np.sqrt(squares / n)


@numba.njit(cache=True, nogil=True)
def _getis_ord(
    values: Floats,
    starts: NDArray[np.int32],
    members: NDArray[np.int32],
    back: int,
    n: int,
    mean: float,
    deviation: float,
) -> Floats:
    """Return Gi* in one pass over the cube; `starts` and `members` are the rows of the weights."""
    rows, steps = values.shape
    z = np.empty((rows, steps))
    total = np.empty(steps)
    size = np.empty(steps)
    for i in range(rows):
        total[:] = 0.0
        size[:] = 0.0
        for k in range(starts[i], starts[i + 1]):
            other = members[k]
            for t in range(steps):
                value = values[other, t]
                absent = np.isnan(value)
                total[t] += 0.0 if absent else value
                size[t] += 0.0 if absent else 1.0
        for t in range(steps):
            reach = total[t]
            w = size[t]
            for lag in range(1, min(back, t) + 1):
                reach += total[t - lag]
                w += size[t - lag]
            spread = w * (n - w)
            if np.isnan(values[i, t]):
                z[i, t] = np.nan
            elif spread > 0:
                z[i, t] = (reach - mean * w) / (deviation * np.sqrt(spread / (n - 1)))
            else:
                z[i, t] = 0.0
    return z


@numba.njit(cache=True, nogil=True)
def _mann_kendall(series: Floats) -> tuple[Floats, Floats]:
    """Count rising and falling pairs; the inner loop compiles to vector instructions."""
    rows, steps = series.shape
    tau = np.zeros(rows)
    z = np.zeros(rows)
    row = np.empty(steps)
    for i in range(rows):
        n = 0
        for t in range(steps):
            if not np.isnan(series[i, t]):
                row[n] = series[i, t]
                n += 1
        if n < 2:
            continue
        score = 0.0
        ties = 0.0
        for later in range(n):
            value = row[later]
            above, below = 0, 0
            for earlier in range(later):
                above += value > row[earlier]
                below += value < row[earlier]
            score += above - below
            # A group of t equal values takes t(t-1)(2t+5) from the variance (Kendall 1975);
            # it grows by this much with the member that finds `same` of its group before it.
            same = later - above - below
            ties += same * ((same + 1.0) * (2.0 * same + 7.0) - (same - 1.0) * (2.0 * same + 5.0))
        variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0
        tau[i] = score / (0.5 * n * (n - 1.0))
        if variance > 0 and score != 0:
            z[i] = (score - np.sign(score)) / np.sqrt(variance)
    return tau, z
