"""Events that a program hands over one call at a time: the same contract as of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from core.events import SOURCE_EVENTS
from core.sources import values
from core.sources.times import time
from core.sources.validate import Recipe, contract_sql, latest, prepared, split
from core.sources.values import Column, Value

#: What reports and rejects call the source.
NAME = "api"

#: Fields by the type that they are handed over in; `ts` is text in ISO 8601, UTC where it names no zone.
TYPED = {
    "price": pa.float64(), "quantity": pa.int64(), "lat": pa.float64(), "lon": pa.float64(),
    "shown": pa.list_(pa.string()),
}  # fmt: skip
_POSTED = pa.schema([pa.field(name, TYPED.get(name, pa.string())) for name in SOURCE_EVENTS.names])
_IDS = ("user_id", "session_id", "item_id")


def judged(
    events: Sequence[Mapping[str, Any]], connection: duckdb.DuckDBPyConnection
) -> tuple[pa.Table, pa.Table]:
    """(events as SOURCE_EVENTS, rejects as REJECTS with the number of the event from 1 as their line).

    `events` hold fields of SOURCE_EVENTS in the types of TYPED, other fields as text.
    """
    raw = pa.Table.from_pylist([dict(event) for event in events], _POSTED)
    lines = pa.array(np.arange(1, raw.num_rows + 1))
    with connection.cursor() as cursor:
        cursor.register("raw", prepared(raw, lines))
        found = cursor.sql(_sql(), params={"latest": latest(), "file": NAME}).to_arrow_table()
    return split(found)


@cache
def _sql() -> str:
    columns = {name: Column.named(name, _POSTED) for name in _POSTED.names}
    found = {name: Value(values.text(column)) for name, column in columns.items() if column.is_text}
    found |= {name: Value(values.identifier(columns[name])) for name in _IDS}
    found |= {name: values.degrees(columns[name]) for name in ("lat", "lon")}
    found["ts"] = time(columns["ts"], "UTC")
    found["price"] = values.decimal(columns["price"])
    found["quantity"] = values.integer(columns["quantity"])
    found["shown"] = Value(values.texts(columns["shown"]))
    return contract_sql(_POSTED, Recipe(values=found, user_columns=("user_id",)))
