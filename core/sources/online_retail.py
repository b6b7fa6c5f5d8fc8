"""The `online-retail` format: invoice lines of a UK gift wholesaler (UCI Online Retail I and II).

A line whose invoice starts with C is `cancelled`; another line with a negative quantity is a
`return`; the rest are purchases. Postage, discounts and charges are items as any other, as the
source has them. The region is the customer's country; the source knows no smaller place.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from core.events import ITEMS
from core.sources import values
from core.sources.events import first_texts
from core.sources.flat import Flat, first_of, parsed
from core.sources.raw import RawFile
from core.sources.times import order_in, time
from core.sources.validate import Recipe
from core.sources.values import Column, Value, clean_sql

NEEDS = ("StockCode", "Quantity", "InvoiceDate", "Country")
_INVOICE, _CUSTOMER, _PRICE = ("Invoice", "InvoiceNo"), ("Customer ID", "CustomerID"), ("Price", "UnitPrice")


def _recipe(raw: RawFile, zone: str) -> Recipe:
    when = Column.named("InvoiceDate", raw.schema)
    # The first edition writes 12/1/2010 for the first of December.
    order = order_in(first_texts(raw, "InvoiceDate")) if when.is_text else ("day", True)
    customer = first_of(raw.schema, *_CUSTOMER)
    invoice = first_of(raw.schema, *_INVOICE)
    quantity = values.integer(Column.named("Quantity", raw.schema))
    cancelled = f"starts_with(upper({values.text(invoice)}), 'C')" if invoice else "FALSE"
    return Recipe(
        values={
            "ts": time(when, zone, order[0] if order[1] else "month"),
            "user_id": parsed(customer, values.identifier),
            "event": Value(
                f"CASE WHEN {cancelled} THEN 'cancelled' WHEN {quantity.sql} < 0 THEN 'return' ELSE 'purchase' END"
            ),
            "item_id": Value(values.identifier(Column.named("StockCode", raw.schema))),
            "price": parsed(first_of(raw.schema, *_PRICE), values.decimal),
            "quantity": quantity,
            "region": Value(values.text(Column.named("Country", raw.schema))),
        },
        user_columns=tuple(name for name in _CUSTOMER if name in raw.schema.names),
        fixed={"currency": "GBP", "tz": zone},
    )


def _items(raws: Sequence[RawFile], connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """One row an item: its most common description and its median price."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE retail_items "
        "(item_id VARCHAR, title VARCHAR, price DECIMAL(18, 4), lines BIGINT)"
    )
    for raw in raws:
        item = values.identifier(Column.named("StockCode", raw.schema))
        title = parsed(first_of(raw.schema, "Description"), values.text).sql
        price = parsed(first_of(raw.schema, *_PRICE), values.decimal).sql
        for part in raw.parts():
            connection.register("raw", part.read().table)
            connection.execute(
                f"INSERT INTO retail_items SELECT {item}, {title}, {price}, count(*) "
                f"FROM ({clean_sql(raw.schema)}) GROUP BY ALL"
            )
            connection.unregister("raw")
    table = connection.sql("""
        WITH titles AS (
            SELECT item_id, title, sum(lines) AS lines FROM retail_items WHERE title IS NOT NULL GROUP BY ALL
        ), best AS (
            SELECT item_id, first(title ORDER BY lines DESC, title) AS title FROM titles GROUP BY item_id
        ), running AS (
            SELECT item_id, price, sum(sum(lines)) OVER (PARTITION BY item_id ORDER BY price) AS upto,
                sum(sum(lines)) OVER (PARTITION BY item_id) AS total
            FROM retail_items WHERE price > 0 GROUP BY item_id, price
        ), middle AS (
            SELECT item_id, min(price) AS price FROM running WHERE 2 * upto >= total GROUP BY item_id
        )
        SELECT item_id, title, NULL AS description, NULL AS category, NULL AS brand, price
        FROM (SELECT DISTINCT item_id FROM retail_items WHERE item_id IS NOT NULL)
        LEFT JOIN best USING (item_id) LEFT JOIN middle USING (item_id) ORDER BY item_id
    """).to_arrow_table()
    connection.execute("DROP TABLE retail_items")
    return {"items": table.cast(ITEMS)}


ONLINE_RETAIL = Flat(
    name="online-retail",
    needs=NEEDS,
    mapping={
        "ts": "InvoiceDate",
        "user_id": "Customer ID",
        "event": "Invoice",
        "item_id": "StockCode",
        "price": "Price",
        "quantity": "Quantity",
        "region": "Country",
    },
    recipe=_recipe,
    notes=(
        "Times are read as Europe/London unless another zone is given; hours are those of the shop.",
        "Prices are in GBP. Invoices that start with C are cancellations, other negative quantities returns.",
        "The region is the customer's country.",
    ),
    side_tables=_items,
)
