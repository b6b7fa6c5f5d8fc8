"""Which regions, and how they move: every measure a region, with its events over time."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from core.analyses.answer import Answer
from core.analyses.tables import hidden_note, measure_table, missing_notes, of_words
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: Longer periods get one point a week, so that a line stays a line.
MOST_DAYS_DAILY = 62


def regions(store: Store, scope: Scope) -> Answer:
    """Every measure of each region, most events first.

    Columns: region, the measures, `previous_` of each, spark (events a day, or a week where the
    period is longer than two months; null where hidden).
    """
    cube = open_cube(store)
    filled = cube.fill(scope)
    assert filled.start and filled.end
    step = "day" if (filled.end - filled.start).days < MOST_DAYS_DAILY else "week"
    over_time, groups = cube.ask_nested(scope, ["region", step], 1)
    table = measure_table(cube, groups)
    lines = dict(
        zip(
            over_time.axes[0].labels.to_pylist(),
            [
                [None if h else int(v) for v, h in zip(values, marks, strict=True)]
                for values, marks in zip(over_time.events[0], over_time.hidden[0], strict=True)
            ],
            strict=True,
        )
    )
    sparks = pa.array([lines[r] for r in table["region"].to_pylist()], pa.list_(pa.int64()))
    table = table.append_column("spark", sparks)
    table = table.take(pc.sort_indices(table, [("events", "descending"), ("region", "ascending")]))
    notes = missing_notes(cube, scope) + hidden_note(cube, groups, "regions are")
    return Answer(table, "Regions", of_words(cube, scope, f"bars: events by {step}"), notes)
