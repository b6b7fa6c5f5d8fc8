"""Shares with their uncertainty, element by element over arrays."""

from __future__ import annotations

import numpy as np
from scipy import special

#: Of a normal variable, for intervals of 95 %.
Z = float(special.ndtri(0.975))


def wilson(part: np.ndarray, whole: np.ndarray, z: float = Z) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of part ÷ whole; NaN where the whole is nothing (Wilson 1927, score interval)."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = part / whole
        middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
        half = z / (1 + z * z / whole) * np.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, 1)
    # Nobody and everybody are at the ends themselves, not a rounding away from them.
    return np.where(part == 0, np.minimum(low, 0), low), np.where(part == whole, np.maximum(high, 1), high)


def difference(
    part: np.ndarray, whole: np.ndarray, other_part: np.ndarray, other_whole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of one share less another (Newcombe 1998, Statistics in Medicine 17, method 10)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share, other = np.divide(part, whole), np.divide(other_part, other_whole)
    low, high = wilson(part, whole)
    other_low, other_high = wilson(other_part, other_whole)
    gap = share - other
    return (
        gap - np.sqrt((share - low) ** 2 + (other_high - other) ** 2),
        gap + np.sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def two_shares(
    part: np.ndarray, whole: np.ndarray, other_part: np.ndarray, other_whole: np.ndarray
) -> np.ndarray:
    """The p-value of two shares being one: the z-test of two proportions with a pooled variance.

    1 where both hold everything or nothing; NaN where a whole is nothing or unknown.
    """
    part, whole, other_part, other_whole = (
        np.asarray(n, float) for n in (part, whole, other_part, other_whole)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (part + other_part) / (whole + other_whole)
        error = np.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
        z = np.abs(part / whole - other_part / other_whole) / error
    p: np.ndarray = np.where(error == 0, 1.0, special.erfc(z / np.sqrt(2)))
    return np.where((whole > 0) & (other_whole > 0), p, np.nan)


def odds_ratio(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Odds ratio of the table a b / c d, its 95 % interval and its p-value.

    Half a case is added to each field, so that an empty one has a ratio too (Haldane 1956, Anscombe 1956);
    the interval is Woolf's (1955).
    """
    a, b, c, d = (np.asarray(n, float) + 0.5 for n in (a, b, c, d))
    log = np.log(a * d / (b * c))
    error = np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    p = 2 * special.ndtr(-np.abs(log) / error)
    return np.exp(log), np.exp(log - Z * error), np.exp(log + Z * error), p


def false_discovery(p: np.ndarray) -> np.ndarray:
    """p-values adjusted for their number (Benjamini & Hochberg 1995); NaN stays NaN."""
    from scipy import stats  # here, as the command line starts sooner without it

    out = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = stats.false_discovery_control(p[known])
    return out
