"""The tables of an Olist export in DuckDB, from its published CSVs or from their joined Parquet.

Every column is cleaned text beside the number of its line and the name of its file, whatever the
input was, so that one set of queries (see `olist`) serves both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from core.sources import values
from core.sources.brazil import BOUNDS
from core.sources.files import SourceFile
from core.sources.flat import check_columns
from core.sources.raw import Broken, RawFile
from core.sources.stream import open_raw
from core.sources.validate import LINE, prepared
from core.sources.values import Column, literal, quoted

_DATES = (
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
)

#: Table → columns that the queries read.
TABLES: dict[str, tuple[str, ...]] = {
    "orders": ("order_id", "customer_id", "order_status", *_DATES),
    "customers": (
        "customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state",
    ),
    "order_items": ("order_id", "order_item_id", "product_id", "price"),
    "products": ("product_id", "product_category_name"),
    "order_reviews": (
        "review_id", "order_id", "review_score", "review_comment_title", "review_comment_message",
        "review_creation_date", "review_answer_timestamp",
    ),
    "geolocation": ("geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng"),
    "translation": ("product_category_name", "product_category_name_english"),
}  # fmt: skip

#: File name in lower case, without suffix → table.
FILES: dict[str, str] = {
    **{f"olist_{table}_dataset": table for table in TABLES if table != "translation"},
    "product_category_name_translation": "translation",
}

#: Columns by which the join of orders, items and customers is known.
JOINED_NEEDS = (*TABLES["orders"], *TABLES["order_items"][1:], *TABLES["customers"][1:])
_JOINED_MAY = (
    "product_category_name", "product_category_name_english", "lat", "lon", "review_score",
    "review_comment_title", "review_comment_message", "review_creation_date",
)  # fmt: skip


def load_published(
    files: Mapping[str, SourceFile], connection: duckdb.DuckDBPyConnection
) -> list[tuple[RawFile, Broken]]:
    """Temporary tables o_… of the published files, empty where one is absent; their broken rows come back."""
    broken: list[tuple[RawFile, Broken]] = []
    for table, columns in TABLES.items():
        if table in files:
            raw = open_raw(files[table], connection)
            check_columns(raw, columns, "olist")
            broken += _load(raw, f"o_{table}", columns, connection)
        else:
            _create(f"o_{table}", columns, connection)
    south, west, north, east = BOUNDS
    # The median, so that a few mistyped points do not drag a prefix away.
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE o_places AS
        SELECT lpad(geolocation_zip_code_prefix, 5, '0') AS zip, median(lat) AS lat, median(lon) AS lon
        FROM (
            SELECT geolocation_zip_code_prefix, TRY_CAST(geolocation_lat AS DOUBLE) AS lat,
                TRY_CAST(geolocation_lng AS DOUBLE) AS lon FROM o_geolocation
        ) WHERE lat BETWEEN {south} AND {north} AND lon BETWEEN {west} AND {east} GROUP BY 1""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE o_buyers AS
        SELECT customer_id, any_value(customer_unique_id) AS customer_unique_id,
            any_value(customer_city) AS customer_city, any_value(customer_state) AS customer_state,
            any_value(lat) AS lat, any_value(lon) AS lon
        FROM o_customers LEFT JOIN o_places ON zip = lpad(customer_zip_code_prefix, 5, '0')
        WHERE customer_id IS NOT NULL GROUP BY customer_id""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE o_categories AS
        SELECT product_id,
            any_value(COALESCE(product_category_name_english, product_category_name)) AS category
        FROM o_products LEFT JOIN o_translation USING (product_category_name)
        WHERE product_id IS NOT NULL GROUP BY product_id""")
    return broken


def load_joined(file: SourceFile, connection: duckdb.DuckDBPyConnection) -> list[tuple[RawFile, Broken]]:
    """The same temporary tables, from one file that holds a row an order item; and its broken rows.

    A review in it has no id of its own, so it takes its order's.
    """
    raw = open_raw(file, connection)
    check_columns(raw, JOINED_NEEDS, "olist")
    broken = _load(raw, "o_joined", (*JOINED_NEEDS, *_JOINED_MAY), connection)

    def distinct(table: str, key: str, columns: Sequence[str], where: str = "TRUE") -> None:
        picked = ", ".join(f"arg_min({column}, line) AS {column}" for column in columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE o_{table} AS SELECT {key}, {picked}, min(line) AS line, "
            f"any_value(file) AS file FROM o_joined WHERE {where} GROUP BY {key}"
        )

    distinct("orders", "order_id", TABLES["orders"][1:])
    connection.execute("CREATE OR REPLACE TEMP TABLE o_order_items AS SELECT * FROM o_joined")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE o_buyers AS
        SELECT customer_id, any_value(customer_unique_id) AS customer_unique_id,
            any_value(customer_city) AS customer_city, any_value(customer_state) AS customer_state,
            any_value(TRY_CAST(lat AS DOUBLE)) AS lat, any_value(TRY_CAST(lon AS DOUBLE)) AS lon
        FROM o_joined WHERE customer_id IS NOT NULL GROUP BY customer_id""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE o_categories AS
        SELECT product_id,
            any_value(COALESCE(product_category_name_english, product_category_name)) AS category
        FROM o_joined WHERE product_id IS NOT NULL GROUP BY product_id""")
    distinct(
        "order_reviews",
        "order_id",
        ("review_score", "review_comment_title", "review_comment_message", "review_creation_date"),
        "review_score IS NOT NULL",
    )
    connection.execute("ALTER TABLE o_order_reviews ADD COLUMN review_id VARCHAR")
    connection.execute("UPDATE o_order_reviews SET review_id = order_id")
    connection.execute("ALTER TABLE o_order_reviews ADD COLUMN review_answer_timestamp VARCHAR")
    return broken


def _create(table: str, columns: Sequence[str], connection: duckdb.DuckDBPyConnection) -> None:
    texts = ", ".join(f"{quoted(column)} VARCHAR" for column in columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({texts}, line BIGINT, file VARCHAR)")


def _load(
    raw: RawFile, table: str, columns: Sequence[str], connection: duckdb.DuckDBPyConnection
) -> list[tuple[RawFile, Broken]]:
    """A new table with a file's columns, null where it lacks one; its broken rows come back."""
    _create(table, columns, connection)
    picked = ", ".join(
        values.text(Column.named(column, raw.schema)) if column in raw.schema.names else "NULL"
        for column in columns
    )
    broken: list[tuple[RawFile, Broken]] = []
    for part in raw.parts():
        chunk = part.read()
        connection.register("raw", prepared(chunk.table, chunk.lines))
        connection.execute(f"INSERT INTO {table} SELECT {picked}, {LINE}, {literal(raw.file.name)} FROM raw")
        connection.unregister("raw")
        broken += [(raw, row) for row in chunk.broken]
    return broken
