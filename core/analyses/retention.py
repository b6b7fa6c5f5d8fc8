"""How many come back, and after how long? Cohorts of shoppers, followed period by period."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cohort import by_cohort
from core.analyses.tables import column, hidden_numbers, of_words, ratio
from core.errors import WrongCall
from core.marts.privacy import hide_small
from core.paths import open_cube, open_paths
from core.paths.marks import never, parse_events, words
from core.paths.returns import Cohorts, Retention, cohorts
from core.scope import Scope
from core.store import Store

RELATIVE = ("first", "previous")
#: Periods after the first that a question may follow.
MOST_FOLLOWED = 400


def retention(
    store: Store,
    scope: Scope,
    start: str = "*",
    back: str = "*",
    step: str = "week",
    mode: str = "on",
    relative: str = "first",
    entry: str = "first",
    by: str = "",
    periods: str | int = 12,
) -> Answer:
    """Shoppers by the period in which they started, and how many were back n periods later.

    `start` and `back` name the events that begin a cohort and that are a return, in the grammar of
    steps; several mean any of them, * any event. `back` is the return event: `return` is no name that a
    function can take. `step`, `mode`, `entry` and `by` are as in `core.paths.returns`; `periods` is how
    many periods a cohort is followed.

    Columns: the split where one is asked (saved_cohort for by=cohort), cohort (first day of its period),
    period (n, 0 is the cohort's own), cohort_shoppers, returned, share. Rows without a cohort are the mean
    of all cohorts, weighted by their shoppers; cohorts whose n-th period has not ended within the dates are
    left out of it, and have no returned and no share there. Share is returned ÷ cohort_shoppers; with
    `relative=previous` it is ÷ those who returned in the period before, for n of 2 or more.

    Cohorts of fewer than k shoppers are null, and left out of the mean.
    """
    if relative not in RELATIVE:
        raise WrongCall(f"relative={relative!r} is not known; it takes {', '.join(RELATIVE)}.")
    if by == "cohort":
        return by_cohort(
            store, scope,
            lambda its: retention(store, its, start, back, step, mode, relative, entry, "", periods),
            "saved_cohort",
        )  # fmt: skip
    cube, paths = open_cube(store), open_paths(store)
    scope = replace(cube.fill(scope), compare="off")
    asked = Retention(
        parse_events(start, "start"), parse_events(back, "back"), step, mode, entry,
        "" if by == "none" else by, _count(periods),
    )  # fmt: skip
    found = cohorts(paths, scope, asked)
    shown = protect(found, store.k, relative)
    since = f"the first {step}" if entry == "first" else f"every {step}"
    of = of_words(cube, scope, f"cohorts by {since} of {words(asked.start)}", f"back by {words(asked.back)}")
    notes = never(paths, (*asked.start, *asked.back), scope) + hidden_numbers(shown.hidden, store.k)
    title = f"Back {'in' if mode == 'on' else 'in or after'} the n-th {step}" + (
        f", by {by}" if asked.by else ""
    )
    return Answer(_table(found, shown, asked.by), title, of, notes)


@dataclass(frozen=True)
class Shown:
    """What may be published, NaN where it may not or is not known; the mean is the first "cohort"."""

    shoppers: np.ndarray  # float[groups, 1 + cohorts, n]
    returned: np.ndarray  # likewise
    share: np.ndarray  # likewise
    hidden: int  # cells that k hides


def protect(found: Cohorts, k: int, relative: str) -> Shown:
    """Counts and shares with small groups hidden, and what would give them away.

    A mean tells the sum of a line of cohorts, so lines are protected as in a table with totals. Sums of
    two periods differ by the cohort that only one of them knows: where that is hidden, so is the share
    that would tell the second sum.
    """
    sizes, came = found.shoppers[:, :, None], found.returned
    groups, _, followed = came.shape
    small = hide_small(found.shoppers, k)
    told = found.known & ~small[:, :, None]  # [groups, cohorts, n] cells of the mean
    hidden = np.zeros(came.shape, bool)
    for n in range(followed):
        hidden[:, :, n] = _hidden_returns(came[:, :, n] * found.known[:, n], small, k)
    total, total_of = (came * told).sum(axis=1), (sizes * told).sum(axis=1)  # [groups, n]
    secret = np.zeros((groups, followed), bool)
    for n in range(followed):
        secret[:, n] = hide_small(total[:, n], k)
    hidden |= secret[:, None, :]

    before = np.broadcast_to(sizes, came.shape).copy()
    without = hidden.copy()  # shares that are not told
    mean_without = secret.copy()
    if relative == "previous" and followed > 2:
        before[:, :, 2:] = came[:, :, 1:-1]
        without[:, :, 2:] |= hidden[:, :, 1:-1]
        dropped = told[:, :, 1:-1] & ~told[:, :, 2:] & hidden[:, :, 1:-1]
        mean_without[:, 2:] |= secret[:, 1:-1] | dropped.any(axis=1)
    base = (before * told).sum(axis=1)
    mean_without |= (base > 0) & (base < k)

    def joined(mean: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return np.concatenate([mean[:, None, :], cells], axis=1)

    nothing = ~told.any(axis=1)
    cell_gone = ~told | hidden
    size = np.where(small[:, :, None], np.nan, np.broadcast_to(sizes, came.shape).astype(float))
    return Shown(
        joined(np.where(nothing, np.nan, total_of), size),
        joined(np.where(nothing | secret, np.nan, total), np.where(cell_gone, np.nan, came)),
        joined(
            np.where(nothing | mean_without, np.nan, ratio(total, base)),
            np.where(~told | without, np.nan, ratio(came, before)),
        ),
        int((found.known & (hidden | small[:, :, None])).sum()),
    )


def _hidden_returns(came: np.ndarray, small: np.ndarray, k: int) -> np.ndarray:
    """Which returns after one number of periods must not be shown: bool[groups, cohorts].

    The sum over cohorts leaves small cohorts out, that over groups does not.
    """
    hidden = hide_small(came * ~small, k)
    mixed = np.flatnonzero((small & (came > 0)).any(axis=0))
    changed = len(came) > 1 and mixed.size > 0
    while changed:
        before = hidden.copy()
        for c in mixed:
            lost = small[:, c] & (came[:, c] > 0)
            hidden[:, c] = hide_small(came[:, c], k, hidden[:, c] | lost) & ~small[:, c]
        hidden = hide_small(came * ~small, k, hidden)
        changed = not np.array_equal(before, hidden)
    return hidden


def _table(found: Cohorts, shown: Shown, by: str) -> pa.Table:
    """One row a group, cohort and n that the scope holds; means first in each group."""
    groups, rows, followed = shown.share.shape
    met = found.shoppers.sum(axis=1) > 0
    inside = np.ones((groups, rows, followed), bool)
    inside[:, 1:] = (np.arange(rows - 1)[:, None] + np.arange(followed) < rows - 1)[None]
    inside &= met[:, None, None]
    g, row, n = np.nonzero(inside)
    columns: dict[str, pa.Array] = {}
    if by:
        columns[by] = pa.array(found.groups, pa.string()).take(pa.array(g))
    starts = np.append(np.datetime64("NaT", "D"), found.periods.starts)
    columns["cohort"] = pa.array(starts[row], pa.date32())
    columns["period"] = pa.array(n, pa.int32())
    columns["cohort_shoppers"] = column(shown.shoppers[inside], "count")
    columns["returned"] = column(shown.returned[inside], "count")
    columns["share"] = column(shown.share[inside], "share")
    return pa.table(columns)


def _count(text: str | int) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 1 <= count <= MOST_FOLLOWED:
        raise WrongCall(f"periods={text!r} is not a number of periods from 1 to {MOST_FOLLOWED}.")
    return count
