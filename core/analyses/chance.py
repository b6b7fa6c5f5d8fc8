"""Columns that say whether two groups differ beyond chance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.proportions import false_discovery, two_shares
from core.analyses.tables import column, ratio

#: Share of false alarms among the differences that are called beyond chance.
FALSE_ALARMS = 0.05


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
