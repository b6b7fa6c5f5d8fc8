"""The `rees46` format: a shop's views, carts, removals and purchases, one CSV a month.

A purchase row is one piece. The category is `category_code`, null where the source has none; the
numeric `category_id` is not used, as nothing says what it means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from core.sources import values
from core.sources.flat import Flat, first_of, parsed
from core.sources.items import gather_items
from core.sources.raw import RawFile
from core.sources.times import time
from core.sources.validate import Recipe
from core.sources.values import Column, Value

NEEDS = ("event_time", "event_type", "product_id", "user_id")

_MAPPING = {
    "ts": "event_time",
    "user_id": "user_id",
    "session_id": "user_session",
    "event": "event_type",
    "item_id": "product_id",
    "category": "category_code",
    "price": "price",
}


def _recipe(raw: RawFile, zone: str) -> Recipe:
    def maybe(name: str) -> Column | None:
        return first_of(raw.schema, name)

    return Recipe(
        values={
            "ts": time(Column.named("event_time", raw.schema), zone),
            "user_id": parsed(maybe("user_id"), values.identifier),
            "session_id": parsed(maybe("user_session"), values.identifier),
            "event": parsed(maybe("event_type"), values.text),
            "item_id": parsed(maybe("product_id"), values.identifier),
            "category": parsed(maybe("category_code"), values.text),
            "price": parsed(maybe("price"), values.decimal),
            "currency": Value("'USD'"),
        },
        user_columns=("user_id",),
    )


def _expressions(raw: RawFile) -> Mapping[str, str]:
    return {
        "item_id": parsed(first_of(raw.schema, "product_id"), values.identifier).sql,
        "category": parsed(first_of(raw.schema, "category_code"), values.text).sql,
        "brand": parsed(first_of(raw.schema, "brand"), values.text).sql,
        "price": parsed(first_of(raw.schema, "price"), values.decimal).sql,
    }


def _items(raws: Sequence[RawFile], connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    return gather_items(raws, connection, _expressions)


REES46 = Flat(
    name="rees46",
    needs=NEEDS,
    mapping=_MAPPING,
    recipe=_recipe,
    notes=("Prices are taken as USD; each purchase row is one piece.",),
    side_tables=_items,
)
