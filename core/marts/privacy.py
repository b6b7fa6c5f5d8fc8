"""k-anonymity of every published table: small groups are hidden, and so is what would reveal them."""

from __future__ import annotations

import numpy as np


def hide_small(shoppers: np.ndarray, k: int, also: np.ndarray | None = None) -> np.ndarray:
    """Which groups must not be shown: bool of the same shape as `shoppers`.

    A group with 1 to k − 1 distinct shoppers is hidden. Where the hidden groups of a line (all groups
    that share every coordinate but one) are a single group, or hold fewer than k shoppers together,
    the line's total would give them away by subtraction: the smallest shown groups of that line are
    hidden too, until it does not. This is complementary cell suppression (Cox 1980, "Suppression
    methodology and statistical disclosure control"), done greedily line by line.

    Groups without shoppers are shown: they are nobody's. `also` are groups, bool as `shoppers`, that
    another table of the same shoppers hides.
    """
    hidden = (shoppers > 0) & (shoppers < k)
    if also is not None:
        hidden |= also
    if k <= 1 or shoppers.ndim == 0 or not hidden.any():
        return hidden
    changed = True
    while changed:
        changed = False
        for axis in range(shoppers.ndim):
            lines = np.moveaxis(shoppers, axis, -1).reshape(-1, shoppers.shape[axis])
            marks = np.moveaxis(hidden, axis, -1).reshape(lines.shape).copy()
            exposed = _exposed(lines, marks, k)
            while exposed.any():
                shown = np.where(marks | (lines == 0), np.iinfo(np.int64).max, lines)
                smallest = shown.argmin(axis=1)
                rows = np.flatnonzero(exposed)
                marks[rows, smallest[rows]] = True
                changed = True
                exposed = _exposed(lines, marks, k)
            moved = np.moveaxis(shoppers, axis, -1).shape
            hidden = np.moveaxis(marks.reshape(moved), -1, axis)
    return hidden


def _exposed(lines: np.ndarray, marks: np.ndarray, k: int) -> np.ndarray:
    """Lines whose hidden groups could be had by subtraction, and that still have one to hide."""
    count = marks.sum(axis=1)
    held = (lines * marks).sum(axis=1)
    left = ((lines > 0) & ~marks).any(axis=1)
    exposed: np.ndarray = (count > 0) & ((count < 2) | (held < k)) & left
    return exposed


def coarse(values: np.ndarray, shoppers: np.ndarray, hidden: np.ndarray, k: int) -> np.ndarray:
    """What may be said of hidden groups that are not small themselves: float, NaN for all others.

    A group that is hidden only for what subtraction would tell is told to the nearest 2k, so that what is
    left of a total may be none or a group of k.
    """
    told = np.round(values / (2 * k)) * 2 * k
    return np.where(hidden & (shoppers >= k) & (told > 0), told, np.nan)


def hide_steps(counts: np.ndarray, k: int) -> np.ndarray:
    """Which counts of nested groups must not be shown: bool[groups, steps], as `counts` of shoppers.

    Counts of one group fall from step to step, and the difference of two that are shown is a group of
    its own. A count is shown where it is 0 or k at least, and so is what it lost since the last shown
    one. Where one group alone is hidden at a step, the step's total would give it away: the smallest
    shown one is hidden with it.
    """
    hidden = np.zeros(counts.shape, bool)
    if k <= 1:
        return hidden
    barred = np.zeros(counts.shape, bool)
    while True:
        before = np.zeros(len(counts), np.int64)
        for s in range(counts.shape[1]):
            now = counts[:, s]
            lost = before - now if s else np.zeros(len(counts), np.int64)
            small = ((now > 0) & (now < k)) | ((lost > 0) & (lost < k)) | barred[:, s]
            hidden[:, s] = small
            before = np.where(small, before, now)
        alone = np.flatnonzero((hidden.sum(axis=0) == 1) & (len(counts) > 1))
        if not alone.size:
            return hidden
        moved = False
        for s in alone.tolist():
            shown = np.where(hidden[:, s] | (counts[:, s] == 0), np.iinfo(np.int64).max, counts[:, s])
            least = int(shown.argmin())
            if shown[least] < np.iinfo(np.int64).max:
                barred[least, s] = moved = True
        if not moved:
            return hidden
