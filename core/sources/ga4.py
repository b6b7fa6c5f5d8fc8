"""The `ga4` format: Google Analytics 4 as exported to BigQuery, in Parquet or JSON lines.

An event about items (a view, cart, removal, purchase, refund …) becomes one event an item; a list
of items shown becomes one event with the list as `shown`; any other event is one event, about its
item if it has just one. The items of one event are told apart by a microsecond each. A purchase
without items has its total as the price of one piece.

GA4's session id is only unique within a shopper, so the session is a digest of both.
"""

from __future__ import annotations

import pyarrow as pa

from core.sources import values
from core.sources.flat import Flat
from core.sources.raw import RawFile
from core.sources.times import time
from core.sources.validate import Recipe
from core.sources.values import ABSENT, Column, Value, literal, quoted

NEEDS = ("event_timestamp", "event_name", "user_pseudo_id")

#: One event an item.
_EACH_ITEM = (
    "view_item", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "purchase", "refund",
)  # fmt: skip
#: One event, whose items are what was shown.
_LISTS = ("view_item_list", "view_promotion", "view_search_results")

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
    name = f"lower({values.text(Column.named('event_name', schema))})"
    user = values.text(Column.named("user_pseudo_id", schema))
    when = time(Column.named("event_timestamp", schema), zone)
    item = _items_source(schema)
    item_id = _known(_text(_child(item, "item_id")), _text(_child(item, "item_name")))
    total = _number(_child(_top("ecommerce", schema), "purchase_revenue"), _param(schema, "value"))
    price = _number(_child(item, "price"))
    session = _param(schema, "ga_session_id")
    query = _param(schema, "search_term")
    country = _text(_child(_top("geo", schema), "country"))
    listed = f"list_contains([{', '.join(map(literal, _LISTS))}], {name})"
    whole = f"({name} = 'purchase' AND item IS NULL)"
    return Recipe(
        values={
            "ts": Value(f"({when.sql}) + to_microseconds(place - 1)", when.given),
            "user_id": Value(user),
            "session_id": Value(f"left(sha256({user} || '.' || {session}), 16)")
            if session != "NULL"
            else ABSENT,
            "event": Value(f"CASE WHEN {name} = 'view_item_list' THEN 'list' ELSE {name} END"),
            "item_id": Value(item_id),
            "category": Value(_text(_child(item, "item_category"))),
            "query": Value(query),
            "price": Value(
                f"CASE WHEN {whole} THEN {total.sql} ELSE {price.sql} END",
                f"(CASE WHEN {whole} THEN {total.given} ELSE {price.given} END)",
            ),
            "quantity": _count(_child(item, "quantity")),
            "currency": Value(_param(schema, "currency")),
            "region": Value(_known(_text(_child(_top("geo", schema), "region")), country)),
            "city": Value(_text(_child(_top("geo", schema), "city"))),
            "device": Value(_text(_child(_top("device", schema), "category"))),
            "channel": Value(
                _known(
                    _text(_child(_top("traffic_source", schema), "medium")),
                    _text(_child(_top("traffic_source", schema), "source")),
                )
            ),
            "shown": Value(f"CASE WHEN {listed} AND len(shown_items) > 0 THEN shown_items END"),
        },
        user_columns=tuple(column for column in ("user_pseudo_id", "user_id") if column in schema.names),
        source=_fan_out(schema, name, listed),
    )


def _items_source(schema: pa.Schema) -> Column | None:
    """The item of one fanned-out row."""
    items = _top("items", schema)
    if items is None or not items.is_list or not pa.types.is_struct(items.type.value_type):
        return None
    return Column("item", _element(items.type))


def _fan_out(schema: pa.Schema, name: str, listed: str) -> str:
    """FROM: `raw` with an item, its place from 1, and the ids of the items shown."""
    items = _top("items", schema)
    item = _items_source(schema)
    if items is None or item is None:
        return "(SELECT *, NULL AS item, 1 AS place, NULL AS shown_items FROM raw)"
    each = f"list_contains([{', '.join(map(literal, _EACH_ITEM))}], {name})"
    ids = _known(
        _text(_child(Column("one", item.type), "item_id")),
        _text(_child(Column("one", item.type), "item_name")),
    )
    one = f"CASE WHEN {each} AND len({items.sql}) > 0 OR len({items.sql}) = 1 AND NOT ({listed}) "
    return (
        f"(SELECT *, fanned[place] AS item FROM (SELECT *, unnest(range(1, len(fanned) + 1)) AS place FROM ("
        f"SELECT *, {one} THEN {items.sql} ELSE [NULL] END AS fanned, "
        f"list_filter(list_transform({items.sql}, lambda one: {ids}), lambda one: one IS NOT NULL) "
        f"AS shown_items FROM raw)))"
    )


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
    plain = values.identifier(column)
    return f"(CASE WHEN {plain} NOT IN ('(not set)', '(none)', '(data deleted)', '(other)') THEN {plain} END)"


def _known(*options: str) -> str:
    return f"COALESCE({', '.join(options)})"


def _number(*options: Column | str | None) -> Value:
    """The first of some columns (or SQL texts) that holds an amount."""
    found = [
        values.decimal(Column(option, pa.string()) if isinstance(option, str) else option)
        for option in options
        if option is not None and option != "NULL"
    ]
    if not found:
        return ABSENT
    sql = f"COALESCE({', '.join(value.sql for value in found)})"
    return Value(sql, "(" + " OR ".join(f"({value.given})" for value in found) + ")")


def _count(column: Column | None) -> Value:
    return ABSENT if column is None else values.integer(column)


def _param(schema: pa.Schema, key: str) -> str:
    """An event parameter as text, whatever type it was sent in."""
    params = _top("event_params", schema)
    if params is None or not params.is_list:
        return "NULL"
    one = Column("one", _element(params.type))
    value = _child(one, "value")
    options = [_text(_child(value, kind)) for kind in _VALUE]
    found = f"list_filter({params.sql}, lambda one: one.key = {literal(key)})[1]"
    as_text = f"list_transform([{found}], lambda one: {_known(*options)})[1]"
    return f"({as_text})" if any(option != "NULL" for option in options) else "NULL"


GA4 = Flat(
    name="ga4",
    needs=NEEDS,
    mapping=_MAPPING,
    recipe=_recipe,
    notes=(
        "The shopper is user_pseudo_id; the session is a digest of it and ga_session_id.",
        "The region is GA4's region, or the country where there is none; the channel is the medium.",
        "An event about several items counts once for each item.",
    ),
    shapes=SHAPES,
)
