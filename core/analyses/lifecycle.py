"""Who is there: new, returning and resurrecting shoppers by period, and those who have gone dormant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.tables import column, hidden_numbers, of_words
from core.marts.privacy import hide_small
from core.paths import lifecycle as question
from core.paths import open_cube, open_paths
from core.paths.marks import never, parse_events, words
from core.scope import Scope
from core.store import Store

STATES = question.STATES


def lifecycle(store: Store, scope: Scope, event: str = "*", step: str = "week") -> Answer:
    """Shoppers of each period by what they were before, as `core.paths.lifecycle` has it.

    Columns: day (first day of the step), new, returning, resurrecting, which together are shoppers, then
    dormant (there in the step before, not in this), days (of the step, within the dates). Dormant is null
    for a step that has not ended within the dates; the others count what has been seen of it.
    """
    cube, paths = open_cube(store), open_paths(store)
    scope = replace(cube.fill(scope), compare="off")
    events = parse_events(event, "event")
    found = question.lifecycle(paths, scope, events, step)
    known = np.vstack([np.ones((3, found.periods.count), bool), found.periods.ended])
    hidden = hidden_states(found.shoppers * known, store.k)
    shoppers = found.shoppers[:3].sum(axis=0)
    few = (shoppers > 0) & (shoppers < store.k)
    columns = {"day": pa.array(found.periods.starts, pa.date32())}
    for state, counts, shown in zip(STATES, found.shoppers, known & ~hidden, strict=True):
        columns[state] = column(np.where(shown, counts, np.nan), "count")
    columns["shoppers"] = column(np.where(few, np.nan, shoppers), "count")
    columns["days"] = pa.array(found.periods.days, pa.int64())
    notes = never(paths, events, scope)
    if found.from_the_start:
        notes += (f"In its first {step} every shopper of the log is new.",)
    notes += hidden_numbers(int((known & hidden).sum()), store.k)
    order = ["day", *STATES[:3], "shoppers", "dormant", "days"]
    of = of_words(cube, scope, f"shoppers with {words(events)}")
    return Answer(
        pa.table(columns).select(order), f"New, returning and dormant shoppers by {step}", of, notes
    )


def hidden_states(counts: np.ndarray, k: int) -> np.ndarray:
    """Which of int64[4, periods] must not be shown: bool of the same shape.

    Two sums are known of a period: new, returning and resurrecting are its shoppers, and returning and
    dormant are those of the period before. Returning is in both, so one table's hiding is the other's.
    """
    hidden = np.zeros(counts.shape, bool)
    while True:
        earlier = hidden.copy()
        hidden[0] = hide_small(counts[0], k, hidden[0])  # the whole log's new shoppers are all of its
        for p in np.flatnonzero(((counts > 0) & (counts < k) | hidden).any(axis=0)).tolist():
            for line in ([0, 1, 2], [1, 3]):
                marks = hide_small(counts[line, p], k, hidden[line, p])
                if marks.sum() == 1 and counts[line, p].sum() >= k:
                    # Nobody else is left, and the sum is the group itself: a state of nobody is hidden too.
                    marks[np.where(marks, np.iinfo(np.int64).max, counts[line, p]).argmin()] = True
                hidden[line, p] = marks
        if np.array_equal(earlier, hidden):
            return hidden
