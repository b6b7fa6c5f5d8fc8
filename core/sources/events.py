"""The `events` format: any log of one event a row, with columns under usual or given names.

CSV, TSV, JSON lines and Parquet, each gzipped or not. A shopper, a time and an event are needed;
everything else may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from core.sources import values
from core.sources.columns import item_columns, map_columns, personal
from core.sources.files import SourceFile
from core.sources.items import gather_items
from core.sources.raw import RawFile
from core.sources.reader import Described
from core.sources.stream import StreamReader, open_raw, with_rows
from core.sources.times import order_in, time
from core.sources.validate import Recipe
from core.sources.values import Column, Value

_IDS = ("user_id", "session_id", "item_id")
_TOTALS = ("value", "amount", "total", "revenue", "sales", "event_value")
_TEXTS = ("tz", "event", "category", "query", "currency", "region", "city", "device", "channel")


def open_events(
    mapping: Mapping[str, str],
    files: Sequence[SourceFile],
    zone: str,
    connection: duckdb.DuckDBPyConnection,
    small: bool = False,
) -> StreamReader:
    """A reader of event logs. Raises WrongCall for a mapping that does not fit, CartscapeError for
    a file in which a required column is not found.
    """
    raws = with_rows([open_raw(file, connection, small=small) for file in files])
    mappings = [map_columns(raw.schema.names, mapping, str(raw.file.path)) for raw in raws]
    notes: dict[str, None] = {}
    recipes = [_recipe(raw, fields, zone, notes) for raw, fields in zip(raws, mappings, strict=True)]
    described = Described(
        format="events",
        files=tuple(raw.file.name for raw in raws),
        mapping=mappings[0],
        unmapped=tuple(name for name in raws[0].schema.names if name not in mappings[0].values()),
        notes=tuple(notes),
    )
    items = {
        raw.file: _about_items(raw, item_columns(raw.schema.names, fields))
        for raw, fields in zip(raws, mappings, strict=True)
    }

    def side_tables(some: Sequence[RawFile], own: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
        return gather_items([raw for raw in some if items[raw.file]], own, lambda raw: items[raw.file])

    return StreamReader(
        described, raws, recipes, connection, zone, side_tables if any(items.values()) else None
    )


def _recipe(raw: RawFile, mapping: Mapping[str, str], zone: str, notes: dict[str, None]) -> Recipe:
    columns = {field: Column.named(name, raw.schema) for field, name in mapping.items()}
    when = columns["ts"]
    order, settled = order_in(first_texts(raw, mapping["ts"])) if when.is_text else ("day", True)
    if not settled:
        notes[
            "Dates such as 03/04/2025 are read as day/month/year: the first rows do not show the order."
        ] = None
    if _is_local(when):
        notes[f"Times without a zone are read as {zone}."] = None
    if "quantity" not in columns:
        notes["No column holds a quantity: each purchase counts as one piece."] = None
    if mapping.get("price", "price").lower() in _TOTALS and "quantity" in mapping:
        notes[f"Column {mapping['price']} is taken as the price of one piece, not as the row's total."] = None
    found: dict[str, Value] = {"ts": time(when, zone, order)}
    found |= {field: Value(values.identifier(columns[field])) for field in _IDS if field in columns}
    found |= {field: Value(values.text(columns[field])) for field in _TEXTS if field in columns}
    if "price" in columns:
        found["price"] = values.decimal(columns["price"])
    if "quantity" in columns:
        found["quantity"] = values.integer(columns["quantity"])
    found |= {field: values.degrees(columns[field]) for field in ("lat", "lon") if field in columns}
    if "shown" in columns:
        found["shown"] = Value(values.texts(columns["shown"]))
    if "shown_prices" in columns:
        found["shown_prices"] = Value(values.numbers(columns["shown_prices"]))
    return Recipe(values=found, user_columns=personal(raw.schema.names, mapping))


def _about_items(raw: RawFile, columns: Mapping[str, str]) -> Mapping[str, str]:
    """SQL of what a log says about its items."""

    def parse(name: str, column: Column) -> str:
        if name == "price":
            return values.decimal(column).sql
        return values.identifier(column) if name == "item_id" else values.text(column)

    return {name: parse(name, Column.named(column, raw.schema)) for name, column in columns.items()}


def _is_local(column: Column) -> bool:
    kind = column.type
    return column.is_text or pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)


def first_texts(raw: RawFile, column: str) -> list[str | None]:
    """A text column's values in the first rows."""
    return list(pc.unique(raw.head().table.column(column)).to_pylist())
