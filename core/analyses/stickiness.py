"""How often do they come? Shoppers by the number of days, weeks or months on which they were there."""

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

#: Numbers that two sums of the same groups, their shoppers and their active periods, leave open.
LEAST_HIDDEN = 3


def stickiness(store: Store, scope: Scope, event: str = "*", step: str = "day") -> Answer:
    """Shoppers by the number of the scope's periods in which they were active.

    Columns: active (number of periods), shoppers, share (of all shoppers of the scope), ratio. Ratio is
    the same in every row: the shoppers of a period on average ÷ the shoppers of the scope. Over 28 days
    and by day that is DAU ÷ MAU, over 7 days DAU ÷ WAU, and by week over 28 days WAU ÷ MAU.
    """
    cube, paths = open_cube(store), open_paths(store)
    scope = replace(cube.fill(scope), compare="off")
    events = parse_events(event, "event")
    found = question.activity(paths, scope, events, step)
    counts = np.trim_zeros(found.shoppers[1:], "b")
    active = np.arange(1, counts.size + 1)
    hidden = hidden_counts(counts, store.k)
    shoppers = int(counts.sum())
    shown = np.where(hidden, np.nan, counts.astype(float))
    enough = shoppers >= max(store.k, 1)
    of_all = (counts * active).sum() / (shoppers * found.periods.count) if enough else np.nan
    table = pa.table(
        {
            "active": pa.array(active, pa.int64()),
            "shoppers": column(shown, "count"),
            "share": column(shown / shoppers if enough else shown * np.nan, "share"),
            "ratio": column(np.full(counts.size, of_all), "share"),
        }
    )
    notes = never(paths, events, scope)
    notes += hidden_numbers(int(hidden.sum()), store.k)
    of = of_words(cube, scope, f"shoppers with {words(events)}, {found.periods.count:,} {step}s")
    return Answer(table, f"Shoppers by number of {step}s on which they came", of, notes)


def hidden_counts(counts: np.ndarray, k: int) -> np.ndarray:
    """Which of int64[n] must not be shown: bool[n].

    Both the shoppers and the sum of their active periods are known, so that two hidden numbers could be
    worked out.
    """
    hidden = hide_small(counts, k)
    while 0 < hidden.sum() < LEAST_HIDDEN and ((counts > 0) & ~hidden).any():
        hidden[np.where(hidden | (counts == 0), np.iinfo(np.int64).max, counts).argmin()] = True
    return hidden
