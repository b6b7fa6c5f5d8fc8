"""The `retailrocket` format: events.csv, and beside it item_properties_part*.csv and category_tree.csv.

An item's category is its last `categoryid`, or the top of the tree above it where the tree is
there: a number either way, as the source names no category. Property rows that cannot be split
give no category and are no events.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import duckdb
import pyarrow as pa

from core.errors import CartscapeError
from core.events import ITEMS
from core.sources import values
from core.sources.files import SourceFile
from core.sources.flat import check_columns
from core.sources.raw import RawFile
from core.sources.reader import Described
from core.sources.stream import StreamReader, open_raw, with_rows
from core.sources.times import time
from core.sources.validate import Recipe
from core.sources.values import Column, Value, with_clean

NEEDS = ("timestamp", "visitorid", "event", "itemid")
_PROPERTY_NEEDS = ("timestamp", "itemid", "property", "value")
_TREE_NEEDS = ("categoryid", "parentid")

_MAPPING = {"ts": "timestamp", "user_id": "visitorid", "event": "event", "item_id": "itemid"}


def open_retailrocket(
    files: Sequence[SourceFile], zone: str, connection: duckdb.DuckDBPyConnection, small: bool = False
) -> StreamReader:
    """A reader of the folder or of events.csv alone. Raises CartscapeError where no file holds
    events. A preview (`small`) leaves the categories out, which would take minutes.
    """
    raws = [open_raw(file, connection, small=small) for file in files]
    logs = with_rows([raw for raw in raws if "visitorid" in raw.schema.names])
    if not logs:
        raise CartscapeError(
            f"{files[0].path.parent} lacks events.csv with the column visitorid, which retailrocket needs."
        )
    for raw in logs:
        check_columns(raw, NEEDS, "retailrocket")
    properties = [raw for raw in raws if set(_PROPERTY_NEEDS) <= set(raw.schema.names)]
    trees = [raw for raw in raws if set(_TREE_NEEDS) <= set(raw.schema.names)]
    used = [*logs, *properties, *trees]
    notes = ["A transaction row is one piece; the source holds no prices."]
    if not properties:
        notes.append("Without item_properties there are no categories.")
    elif small:
        notes.append("Categories are looked up when the log is loaded, not for this preview.")
    described = Described(
        format="retailrocket",
        files=tuple(raw.file.name for raw in used),
        mapping=_MAPPING,
        unmapped=tuple(name for name in logs[0].schema.names if name not in _MAPPING.values()),
        notes=tuple(notes),
    )

    @cache
    def categories() -> pa.Table:
        return _categories([] if small else properties, trees, connection.cursor())

    def prepare(own: duckdb.DuckDBPyConnection) -> None:
        own.register("categories", categories())

    def side_tables(_: Sequence[RawFile], own: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
        prepare(own)
        items = own.sql(
            "SELECT item_id, NULL AS title, NULL AS description, category, NULL AS brand, NULL AS price "
            "FROM categories ORDER BY item_id"
        ).to_arrow_table()
        return {"items": items.cast(ITEMS)} if items.num_rows else {}

    recipes = [_recipe(raw, zone) for raw in logs]
    return StreamReader(described, logs, recipes, connection, zone, side_tables, prepare, beside=used)


def _recipe(raw: RawFile, zone: str) -> Recipe:
    item = values.identifier(Column.named("itemid", raw.schema))
    return Recipe(
        values={
            "ts": time(Column.named("timestamp", raw.schema), zone),
            "user_id": Value(values.identifier(Column.named("visitorid", raw.schema))),
            "event": Value(values.text(Column.named("event", raw.schema))),
            "item_id": Value(item),
            "category": Value("category"),
        },
        user_columns=("visitorid",),
        source=f"raw LEFT JOIN categories ON item_id = {item}",
    )


def _categories(
    properties: Sequence[RawFile], trees: Sequence[RawFile], connection: duckdb.DuckDBPyConnection
) -> pa.Table:
    """(item_id, category), one row an item that has one."""
    connection.execute("CREATE TEMP TABLE found (item_id VARCHAR, category VARCHAR, since DOUBLE)")
    connection.execute("CREATE TEMP TABLE tree (category VARCHAR, parent VARCHAR)")
    for raw in properties:
        item, value, at = (
            values.text(Column.named(name, raw.schema)) for name in ("itemid", "value", "timestamp")
        )
        name = values.text(Column.named("property", raw.schema))
        _insert(
            raw,
            f"INSERT INTO found SELECT {item}, arg_max({value}, TRY_CAST({at} AS DOUBLE)), "
            f"max(TRY_CAST({at} AS DOUBLE)) FROM raw WHERE {name} = 'categoryid' "
            f"AND {item} IS NOT NULL GROUP BY ALL",
            connection,
        )
    for raw in trees:
        child, parent = (values.identifier(Column.named(name, raw.schema)) for name in _TREE_NEEDS)
        _insert(raw, f"INSERT INTO tree SELECT {child}, {parent} FROM raw", connection)
    # UNION, not UNION ALL: a tree that bites its own tail still comes to an end.
    return connection.sql("""
        WITH RECURSIVE up AS (
            SELECT category AS leaf, category AS top FROM tree
            UNION
            SELECT leaf, parent FROM up JOIN tree ON category = top WHERE parent IS NOT NULL
        ), tops AS (
            SELECT leaf, min(top) AS top FROM up
            WHERE top NOT IN (SELECT category FROM tree WHERE parent IS NOT NULL) GROUP BY leaf
        ), last AS (SELECT item_id, arg_max(category, since) AS category FROM found GROUP BY item_id)
        SELECT item_id, COALESCE(top, category) AS category FROM last LEFT JOIN tops ON leaf = category
    """).to_arrow_table()


def _insert(raw: RawFile, query: str, connection: duckdb.DuckDBPyConnection) -> None:
    for part in raw.parts():
        connection.register("raw", with_clean(part.read().table))
        connection.execute(query)
        connection.unregister("raw")
