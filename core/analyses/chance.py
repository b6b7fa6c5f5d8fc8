"""What chance alone would give: intervals of shares, and differences beyond it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy import special, stats

from core.analyses.tables import column, ratio

#: Share of false alarms among the differences that are called beyond chance.
FALSE_ALARMS = 0.05
#: Standard deviations on either side that hold 95 % of a normal variable.
Z_95 = 1.959963984540054


def wilson(hits: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share: low and high, NaN without trials.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share = ratio(hits, trials)
    n = np.where(trials > 0, trials, np.nan)
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def two_shares(
    hits: np.ndarray, trials: np.ndarray, other_hits: np.ndarray, other_trials: np.ndarray
) -> np.ndarray:
    """Two-sided p of the two-proportion z-test with a pooled share; NaN where either has no trials."""
    n, m = (np.where(t > 0, t, np.nan).astype(float) for t in (trials, other_trials))
    pooled = (hits + other_hits) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    difference = np.abs(hits / n - other_hits / m)
    z = np.where(
        spread > 0, difference / np.where(spread > 0, spread, 1), np.where(np.isnan(spread), spread, 0)
    )
    return special.erfc(z / np.sqrt(2))


def false_discovery(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values (Benjamini & Hochberg 1995), NaN where p is."""
    q = np.full(p.shape, np.nan)
    told = np.isfinite(p)
    if told.any():
        q[told] = stats.false_discovery_control(p[told])
    return q


def difference_columns(
    hits: np.ndarray, trials: np.ndarray, other_hits: np.ndarray, other_trials: np.ndarray
) -> dict[str, pa.Array]:
    """Columns difference (of the shares), p, q and beyond_chance of float arrays, NaN for hidden rows."""
    p = two_shares(hits, trials, other_hits, other_trials)
    q = false_discovery(p)
    return {
        "difference": column(ratio(hits, trials) - ratio(other_hits, other_trials)),
        "p": column(p),
        "q": column(q),
        "beyond_chance": pa.array(q < FALSE_ALARMS, mask=np.isnan(q)),
    }
