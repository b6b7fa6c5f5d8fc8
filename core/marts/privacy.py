"""k-anonymity of every published table: small groups are hidden, and so is what would reveal them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np


def hide_small(
    shoppers: np.ndarray,
    k: int,
    also: np.ndarray | None = None,
    overlapping: bool = False,
    whole: Callable[[int], np.ndarray] | None = None,
) -> np.ndarray:
    """Which groups must not be shown: bool of the same shape as `shoppers`.

    A group with 1 to k − 1 distinct shoppers is hidden. Where the hidden groups of a line (all groups
    that share every coordinate but one) are a single group, or hold fewer than k shoppers together,
    the line's total would give them away by subtraction: the smallest shown groups of that line are
    hidden too, until it does not. This is complementary cell suppression (Cox 1980, "Suppression
    methodology and statistical disclosure control"), done greedily line by line.

    Groups without shoppers are shown: they are nobody's. `also` are groups, bool as `shoppers`, that
    another table of the same shoppers hides. Where groups are `overlapping`, those that are hidden may be of
    the same shoppers: one of them must have k by itself, or the `whole` of the line, by its axis int64[*other
    axes] of distinct shoppers, must have k more than all that are shown.
    """
    hidden = (shoppers > 0) & (shoppers < k)
    if also is not None:
        hidden |= also
    if k <= 1 or shoppers.ndim == 0 or not hidden.any():
        return hidden
    wholes = cache(lambda axis: None if whole is None else whole(axis).reshape(-1))
    changed = True
    while changed:
        changed = False
        for axis in range(shoppers.ndim):
            its = partial(wholes, axis)
            lines = np.moveaxis(shoppers, axis, -1).reshape(-1, shoppers.shape[axis])
            marks = np.moveaxis(hidden, axis, -1).reshape(lines.shape).copy()
            exposed = _exposed(lines, marks, k, overlapping, its)
            while exposed.any():
                shown = np.where(marks | (lines == 0), np.iinfo(np.int64).max, lines)
                smallest = shown.argmin(axis=1)
                rows = np.flatnonzero(exposed)
                marks[rows, smallest[rows]] = True
                changed = True
                exposed = _exposed(lines, marks, k, overlapping, its)
            moved = np.moveaxis(shoppers, axis, -1).shape
            hidden = np.moveaxis(marks.reshape(moved), -1, axis)
    return hidden


def _exposed(
    lines: np.ndarray, marks: np.ndarray, k: int, overlapping: bool, whole: Callable[[], np.ndarray | None]
) -> np.ndarray:
    """Lines whose hidden groups could be had by subtraction, and that still have one to hide."""
    count = marks.sum(axis=1)
    theirs = lines * marks
    held = theirs.max(axis=1, initial=0) if overlapping else theirs.sum(axis=1)
    left = ((lines > 0) & ~marks).any(axis=1)
    unsure = (count > 1) & (held < k) & left & (theirs.sum(axis=1) >= k)
    if overlapping and unsure.any() and (distinct := whole()) is not None:
        held = np.maximum(held, distinct - (lines * ~marks).sum(axis=1))
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


def told_alike(
    group: np.ndarray, values: np.ndarray, shoppers: np.ndarray, k: int, also: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of a table of single paths may tell one more trait, and the groups that rows are in then.

    `group` is what each row tells already, int[rows], and `values` the trait, int[rows] from 0; `shoppers` is
    whose row it is. A value is told within a group where k distinct shoppers of the group have it; those who
    are left untold are k at least, or none: some rows of a common value are left untold with them (local
    suppression; Hundepool et al., "Statistical disclosure control"). Whatever rows are counted by what they
    tell, one trait or all of them, no count is of fewer than k shoppers, nor is what it leaves of a total,
    provided that each group of `group` has k. `also` are rows, bool[rows], that another table hides.
    """
    size = int(values.max(initial=0)) + 2
    cell, at = np.unique(group.astype(np.int64) * size + values, return_inverse=True)
    of_group = np.unique(cell // size, return_inverse=True)[1]
    many = _distinct(at, shoppers, cell.size)
    hidden = many < k if k > 1 else np.zeros(cell.size, bool)
    if also is not None:
        hidden |= np.bincount(at[also], minlength=cell.size) > 0
    told = ~hidden[at]
    left = _distinct(of_group[at[~told]], shoppers[~told], of_group.max(initial=-1) + 1)
    few = (left > 0) & (left < k)
    # Where those left untold are few, k of the commonest value join them; where it has not enough to stay
    # with k itself, all of the rarest that is told do.
    seen = np.where(hidden, 0, many)
    largest = _last(np.lexsort((seen, of_group)), of_group)
    some = largest[few & (seen[largest] >= 2 * k)]
    smallest = _last(np.lexsort((-np.where(hidden, np.iinfo(np.int64).max, many), of_group)), of_group)
    told &= ~np.isin(at, smallest[few & (seen[largest] < 2 * k)])
    rows = np.flatnonzero(np.isin(at, some))
    most = int(shoppers.max(initial=0)) + 1
    pairs, whose = np.unique(at[rows] * most + shoppers[rows], return_inverse=True)
    _, first, its = np.unique(pairs // most, return_index=True, return_inverse=True)
    told[rows[(np.arange(pairs.size) - first[its] < k)[whose]]] = False
    deeper = np.unique(group.astype(np.int64) * size + np.where(told, values, size - 1), return_inverse=True)
    return told, deeper[1].astype(np.int64)


def _last(order: np.ndarray, of_group: np.ndarray) -> np.ndarray:
    """The last of each group in an order that has groups side by side."""
    return order[np.append(np.flatnonzero(np.diff(of_group[order])), order.size - 1)] if order.size else order


def _distinct(at: np.ndarray, shoppers: np.ndarray, size: int) -> np.ndarray:
    """Distinct shoppers of each group: int64[size]."""
    most = int(shoppers.max(initial=0)) + 1
    pairs = np.unique(at.astype(np.int64) * most + shoppers)
    return np.bincount(pairs // most, minlength=size)
