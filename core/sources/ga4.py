"""The `ga4` format: Google Analytics 4 as exported to BigQuery, in Parquet or JSON lines.

An event about items (a view, cart, removal, purchase, refund …) becomes one event an item; a list
of items shown becomes one event with the list as `shown`; any other event is one event, about its
item if it has just one. The items of one event are told apart by a microsecond each. A purchase
without items has its total as the price of one piece.
"""

from __future__ import annotations

import pyarrow as pa

from core.sources import values
from core.sources.flat import Flat
from core.sources.raw import RawFile
from core.sources.times import time
from core.sources.validate import Recipe
from core.sources.values import Column, Value, literal, quoted

NEEDS = ("event_timestamp", "event_name", "user_pseudo_id")

#: One event an item.
_EACH_ITEM = (
    "view_item", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "purchase", "refund",
)  # fmt: skip
#: One event, whose items are what was shown.
_LISTS = ("view_item_list", "view_promotion", "view_search_results")

#: Parameters that are read.
_PARAMS = ("ga_session_id", "search_term", "currency", "value")
#: What GA4 writes where it knows nothing.
_NOTHING = ("", "(not set)", "(none)", "(data deleted)", "(other)")
_VALUE = dict.fromkeys(("string_value", "int_value", "float_value", "double_value"), "VARCHAR")
SHAPES: dict[str, object] = {
    "event_params": [{"key": "VARCHAR", "value": _VALUE}],
    "geo": {"country": "VARCHAR", "region": "VARCHAR", "city": "VARCHAR"},
    "device": {"category": "VARCHAR"},
    "traffic_source": {"medium": "VARCHAR", "source": "VARCHAR"},
    "ecommerce": {"purchase_revenue": "VARCHAR", "transaction_id": "VARCHAR"},
    "items": [
        dict.fromkeys(("item_id", "item_name", "item_brand", "item_category", "price", "quantity"), "VARCHAR")
    ],
}

_MAPPING = {
    "ts": "event_timestamp",
    "user_id": "user_pseudo_id",
    "session_id": "event_params",
    "event": "event_name",
    "item_id": "items",
    "price": "ecommerce",
    "region": "geo",
    "device": "device",
    "channel": "traffic_source",
}


def _recipe(raw: RawFile, zone: str) -> Recipe:
    schema = raw.schema
    when = time(Column.named("event_timestamp", schema), zone)
    total = values.decimal(_flat("total"))
    price = values.decimal(_flat("price"))
    whole = "(name = 'purchase' AND item IS NULL)"
    return Recipe(
        values={
            "ts": Value(f"({when.sql}) + to_microseconds(place - 1)", when.given),
            "user_id": Value(values.text(Column.named("user_pseudo_id", schema))),
            "session_id": Value("flat.session"),
            "event": Value("CASE WHEN name = 'view_item_list' THEN 'list' ELSE name END"),
            "item_id": Value("flat.item_id"),
            "category": Value("flat.category"),
            "query": Value("flat.query"),
            "price": Value(
                f"CASE WHEN {whole} THEN {total.sql} ELSE {price.sql} END",
                f"(CASE WHEN {whole} THEN {total.given} ELSE {price.given} END)",
            ),
            "quantity": values.integer(_flat("quantity")),
            "currency": Value("flat.currency"),
            "region": Value("flat.region"),
            "city": Value("flat.city"),
            "device": Value("flat.device"),
            "channel": Value("flat.channel"),
            "shown": Value("shown_items"),
        },
        user_columns=tuple(column for column in ("user_pseudo_id", "user_id") if column in schema.names),
        source=_source(schema),
    )


def _flat(name: str) -> Column:
    return Column(f"flat.{name}", pa.string(), cleaned=True)


def _source(schema: pa.Schema) -> str:
    """FROM: `raw`, a row an item where the event is about items, with its `place` from 1, the event's
    `name`, the ids of `shown_items`, and what lies nested as the texts of one struct `flat`.
    """
    item = _item(schema, "item")
    geo, ecommerce, traffic = (_top(name, schema) for name in ("geo", "ecommerce", "traffic_source"))
    flat = {
        "session": _param(schema, "ga_session_id"),
        "query": _param(schema, "search_term"),
        "currency": _param(schema, "currency"),
        "total": _known(_text(_child(ecommerce, "purchase_revenue")), _param(schema, "value")),
        "item_id": _known(_text(_child(item, "item_id")), _text(_child(item, "item_name"))),
        "category": _text(_child(item, "item_category")),
        "price": _text(_child(item, "price")),
        "quantity": _text(_child(item, "quantity")),
        "region": _known(_text(_child(geo, "region")), _text(_child(geo, "country"))),
        "city": _text(_child(geo, "city")),
        "device": _text(_child(_top("device", schema), "category")),
        "channel": _known(_text(_child(traffic, "medium")), _text(_child(traffic, "source"))),
    }
    struct = "{" + ", ".join(f"{name}: ({sql})::VARCHAR" for name, sql in flat.items()) + "}"
    return f"(SELECT *, {struct} AS flat FROM ({_fan_out(schema)}))"


def _item(schema: pa.Schema, name: str) -> Column | None:
    """One item of the list, under a name."""
    items = _top("items", schema)
    if items is None or not items.is_list or not pa.types.is_struct(_element(items.type)):
        return None
    return Column(name, _element(items.type))


def _fan_out(schema: pa.Schema) -> str:
    params = _params(schema)
    found = "".join(
        f", list_filter({params.sql}, lambda one: one.key = {literal(key)})[1] AS param_{key}"
        for key in _PARAMS
        if params is not None
    )
    named = f"SELECT *, lower({values.text(Column.named('event_name', schema))}) AS name{found} FROM raw"
    items, one = _top("items", schema), _item(schema, "one")
    if items is None or one is None:
        return f"SELECT *, NULL AS item, 1 AS place, NULL AS shown_items FROM ({named})"
    ids = _known(_text(_child(one, "item_id")), _text(_child(one, "item_name")))
    each, listed = (
        f"list_contains([{', '.join(map(literal, names))}], name)" for names in (_EACH_ITEM, _LISTS)
    )
    about = f"{each} AND len({items.sql}) > 0 OR len({items.sql}) = 1 AND NOT {listed}"
    shown = f"list_filter(list_transform({items.sql}, lambda one: {ids}), lambda one: one IS NOT NULL)"
    return f"""
        SELECT *, fanned[place] AS item FROM (
            SELECT *, unnest(range(1, len(fanned) + 1)) AS place FROM (
                SELECT *, CASE WHEN {about} THEN {items.sql} ELSE [NULL] END AS fanned,
                    CASE WHEN {listed} AND len({items.sql}) > 0 THEN {shown} END AS shown_items
                FROM ({named})
            )
        )"""


def _top(name: str, schema: pa.Schema) -> Column | None:
    """A column; BigQuery writes a list as a struct `list` of structs `element` unless told otherwise."""
    if name not in schema.names:
        return None
    column = Column.named(name, schema)
    return _unwrapped(column)


def _unwrapped(column: Column) -> Column:
    kind = column.type
    if not pa.types.is_struct(kind) or [field.name for field in kind] != ["list"]:
        return column
    wrapped = kind.field("list").type
    element = _element(wrapped).field("element").type
    return Column(f"list_transform({column.sql}.list, lambda one: one.element)", pa.list_(element))


def _element(kind: pa.DataType) -> pa.DataType:
    return kind.value_type


def _child(column: Column | None, name: str) -> Column | None:
    """A field of a struct, absent where the struct lacks it."""
    if column is None or not pa.types.is_struct(column.type) or column.type.get_field_index(name) < 0:
        return None
    return Column(f"{column.sql}.{quoted(name)}", column.type.field(name).type)


def _text(column: Column | None) -> str:
    """Text, null also where GA4 says that it does not know."""
    if column is None:
        return "NULL"
    plain = f"trim({column.sql}::VARCHAR)"
    for nothing in _NOTHING:
        plain = f"nullif({plain}, {literal(nothing)})"
    return plain


def _known(*options: str) -> str:
    return f"COALESCE({', '.join(options)})"


def _param(schema: pa.Schema, key: str) -> str:
    """An event parameter as text, whatever type it was sent in; over a row with its `param_…`."""
    params = _params(schema)
    if params is None:
        return "NULL"
    value = _child(Column(f"param_{key}", _element(params.type)), "value")
    return _known(*(_text(_child(value, kind)) for kind in _VALUE))


def _params(schema: pa.Schema) -> Column | None:
    params = _top("event_params", schema)
    return params if params is not None and params.is_list else None


GA4 = Flat(
    name="ga4",
    needs=NEEDS,
    mapping=_MAPPING,
    recipe=_recipe,
    notes=(
        "The shopper is user_pseudo_id, the session ga_session_id.",
        "The region is GA4's region, or the country where there is none; the channel is the medium.",
        "An event about several items counts once for each item.",
    ),
    shapes=SHAPES,
)
