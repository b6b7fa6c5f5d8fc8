"""Can the log be trusted? What was read, what is missing, and where time has gaps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.marts import Cube
from core.paths import open_cube
from core.scope import Scope, span_words
from core.store import Store

#: Columns whose absence a page notices, in the order in which the report lists them.
COLUMNS = {
    "item_id": "item", "category": "category", "query": "search text", "price": "price",
    "quantity": "quantity", "currency": "currency", "cell": "place", "region": "region",
    "city": "city", "device": "device", "channel": "channel", "shown": "items listed",
}  # fmt: skip

SCHEMA = pa.schema(
    [
        ("check", pa.string()), ("label", pa.string()), ("value", pa.int64()),
        ("share", pa.float64()), ("note", pa.string()),
    ]
)  # fmt: skip


def quality(store: Store, scope: Scope) -> Answer:
    """The quality report of the whole log; the scope does not narrow it.

    Columns: check (rows_read, stored, duplicate, rejected, missing, gap), label, value, share (of
    rows read, of rows stored, or of the days of the span), note. Rejects have a row a reason,
    missing values a row a column, gaps a row a run of days without any event.
    """
    del scope
    cube = open_cube(store)
    rows = [*_loads(store), *_missing(cube), *_gaps(cube)]
    span = f"{span_words(cube.first_day, cube.last_day)}, local days; whole log"
    return Answer(pa.Table.from_pylist(rows, SCHEMA), "Quality of the log", span)


def _row(check: str, label: str, value: int, whole: int, note: str) -> dict[str, object]:
    share = value / whole if whole else None
    return {"check": check, "label": label, "value": value, "share": share, "note": note}


def _loads(store: Store) -> list[dict[str, object]]:
    read = sum(r.rows_read for r in store.reports)
    rejected: dict[str, int] = {}
    for report in store.reports:
        for reason, count in report.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
    loads = "1 load" if len(store.reports) == 1 else f"{len(store.reports)} loads"
    rows = [
        _row("rows_read", "rows read", read, read, f"in {loads}"),
        _row("stored", "stored", sum(r.stored for r in store.reports), read, "of rows read"),
        _row("duplicate", "duplicates", sum(r.duplicate for r in store.reports), read,
             "of rows read; the same row is stored once"),
    ]  # fmt: skip
    return rows + [
        _row("rejected", reason, count, read, "of rows read; kept with its line and reason")
        for reason, count in sorted(rejected.items(), key=lambda r: -r[1])
    ]


def _missing(cube: Cube) -> list[dict[str, object]]:
    stored = cube.completeness["rows"]
    return [
        _row("missing", label, stored - cube.completeness[column], stored, "of events stored have none")
        for column, label in COLUMNS.items()
    ]


def _gaps(cube: Cube) -> list[dict[str, object]]:
    daily = cube.ask(Scope(compare="off"), ["day"], protect=False)
    days = daily.axes[0].labels
    empty = np.concatenate([[False], daily.events[0] == 0, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(empty))
    return [
        _row("gap", f"{days[int(a)]} to {days[int(b) - 1]}", int(b - a), len(days), "days without any event")
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
