"""The `online-retail` format: invoice lines of a UK gift wholesaler (UCI Online Retail I and II).

A line whose invoice starts with C is `cancelled`; another line with a negative quantity is a
`return`; the rest are purchases. Postage, discounts and charges are items as any other, as the
source has them. The region is the customer's country; the source knows no smaller place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from core.sources import values
from core.sources.events import first_texts
from core.sources.flat import Flat, first_of, parsed
from core.sources.items import gather_items
from core.sources.raw import RawFile
from core.sources.times import order_in, time
from core.sources.validate import Recipe
from core.sources.values import Column, Value

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
                f"CASE WHEN {cancelled} THEN 'cancelled' "
                f"WHEN {quantity.sql} < 0 THEN 'return' ELSE 'purchase' END"
            ),
            "item_id": Value(values.identifier(Column.named("StockCode", raw.schema))),
            "price": parsed(first_of(raw.schema, *_PRICE), values.decimal),
            "quantity": quantity,
            "region": Value(values.text(Column.named("Country", raw.schema))),
        },
        user_columns=tuple(name for name in _CUSTOMER if name in raw.schema.names),
        fixed={"currency": "GBP", "tz": zone},
    )


def _expressions(raw: RawFile) -> Mapping[str, str]:
    return {
        "item_id": parsed(first_of(raw.schema, "StockCode"), values.identifier).sql,
        "title": parsed(first_of(raw.schema, "Description"), values.text).sql,
        "price": parsed(first_of(raw.schema, *_PRICE), values.decimal).sql,
    }


def _items(raws: Sequence[RawFile], connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    return gather_items(raws, connection, _expressions)


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
