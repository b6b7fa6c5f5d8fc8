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
from core.sources.columns import map_columns
from core.sources.files import SourceFile
from core.sources.raw import RawFile
from core.sources.reader import Described
from core.sources.stream import StreamReader, open_raw
from core.sources.times import order_in, time
from core.sources.validate import Recipe
from core.sources.values import Column, Value

_IDS = ("user_id", "session_id", "item_id")
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
    raws = [open_raw(file, connection, small=small) for file in files]
    mappings = [map_columns(raw.schema.names, mapping, str(raw.file.path)) for raw in raws]
    notes: dict[str, None] = {}
    recipes = [_recipe(raw, fields, zone, notes) for raw, fields in zip(raws, mappings, strict=True)]
    described = Described(
        format="events",
        files=tuple(file.name for file in files),
        mapping=mappings[0],
        unmapped=tuple(name for name in raws[0].schema.names if name not in mappings[0].values()),
        notes=tuple(notes),
    )
    return StreamReader(described, raws, recipes, connection, zone)


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
    return Recipe(values=found, user_columns=(mapping["user_id"],))


def _is_local(column: Column) -> bool:
    kind = column.type
    return column.is_text or pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)


def first_texts(raw: RawFile, column: str) -> list[str | None]:
    """A text column's values in the sample."""
    return list(pc.unique(raw.sample().column(column)).to_pylist())
