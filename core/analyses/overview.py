"""How is the shop doing, and against the compared period? One row a measure, with its days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.measures import MEASURES
from core.analyses.tables import column, hidden_note, missing_notes, numbers, of_words
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


def overview(store: Store, scope: Scope) -> Answer:
    """Every measure of the scope: value, previous, relative change, and one number a day of each.

    Columns: measure, label, unit, meaning, value, previous, change (value ÷ previous − 1), spark and
    spark_previous (list of numbers, one a day; null where it is hidden or undefined).
    """
    cube = open_cube(store)
    daily, total = cube.ask_nested(scope, ["day"], 0)
    days = [numbers(cube, daily, p) for p in range(len(daily.periods))]
    whole = [numbers(cube, total, p) for p in range(len(total.periods))]
    rows = []
    for name, measure in MEASURES.items():
        value = float(whole[0][name])
        previous = float(whole[1][name]) if total.compared else np.nan
        rows.append(
            {
                "measure": name,
                "label": measure.label,
                "unit": measure.unit,
                "meaning": measure.meaning,
                "value": value,
                "previous": previous,
                "change": value / previous - 1 if previous > 0 else np.nan,
                "spark": column(days[0][name]).to_pylist(),
                "spark_previous": column(days[1][name]).to_pylist() if daily.compared else None,
            }
        )
    table = pa.Table.from_pylist(rows, _SCHEMA)
    for name in ("value", "previous", "change"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, column(table[name].to_numpy()))
    notes = missing_notes(cube, scope) + hidden_note(cube, total, "totals")
    return Answer(table, "Overview", of_words(cube, scope), notes)


_SCHEMA = pa.schema(
    [
        ("measure", pa.string()), ("label", pa.string()), ("unit", pa.string()),
        ("meaning", pa.string()), ("value", pa.float64()), ("previous", pa.float64()),
        ("change", pa.float64()), ("spark", pa.list_(pa.float64())),
        ("spark_previous", pa.list_(pa.float64())),
    ]
)  # fmt: skip
