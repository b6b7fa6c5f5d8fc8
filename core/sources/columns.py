"""Which source column feeds which contract field, from usual names and from `--map FIELD=COLUMN`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.errors import CartscapeError, WrongCall
from core.events import SOURCE_EVENTS

#: Usual column names of each contract field, the most telling first; compared without case,
#: spaces and underscores.
USUAL: dict[str, tuple[str, ...]] = {
    "ts": (
        "ts", "timestamp", "event_time", "event_timestamp", "event_ts", "event_datetime",
        "datetime", "date_time", "time_stamp", "occurred_at", "created_at", "server_time", "time",
        "order_date", "invoice_date", "purchase_date", "event_date", "date", "day",
    ),
    "tz": ("tz", "timezone", "time_zone", "tzid", "iana_timezone"),
    "user_id": (
        "user_id", "visitor_id", "user", "shopper_id", "customer_id", "client_id",
        "user_pseudo_id", "visitor", "shopper", "customer", "customer_unique_id", "member_id",
        "account_id", "anonymous_id", "cookie_id", "full_visitor_id", "uid", "device_id",
    ),
    "session_id": (
        "session_id", "session", "user_session", "session_key", "session_uid", "ga_session_id",
        "visit_id", "sid",
    ),
    "event": (
        "event", "event_type", "event_name", "action", "action_type", "behavior_type",
        "behaviour_type", "behavior", "behaviour", "interaction", "interaction_type", "activity",
        "event_action", "verb", "type",
    ),
    "item_id": (
        "item_id", "product_id", "sku", "item", "product", "stock_code", "article_id", "asin",
        "goods_id", "listing_id", "content_id", "product_sku",
    ),
    "category": (
        "category", "category_code", "category_name", "product_category", "item_category",
        "category_id", "department", "product_category_name", "product_type",
    ),
    "query": ("query", "search_term", "search_query", "search", "search_text", "keyword", "keywords", "q"),
    "price": (
        "price", "unit_price", "item_price", "product_price", "value", "amount", "event_value",
        "total", "revenue", "sales",
    ),
    "quantity": ("quantity", "qty", "units", "item_quantity", "count", "pieces"),
    "currency": ("currency", "currency_code", "price_currency"),
    "lat": ("lat", "latitude", "geo_lat", "location_lat", "geolocation_lat"),
    "lon": (
        "lon", "lng", "long", "longitude", "geo_lon", "geo_lng", "location_lon", "location_lng",
        "geolocation_lng",
    ),
    "region": (
        "region", "state", "province", "admin1", "admin_1", "county", "country", "geo_region",
        "state_code", "country_code",
    ),
    "city": ("city", "town", "geo_city", "municipality", "locality"),
    "device": ("device", "device_type", "device_category", "platform", "os", "user_agent_device"),
    "channel": (
        "channel", "source", "medium", "traffic_source", "utm_source", "utm_medium", "referrer",
        "referer", "campaign", "source_medium", "acquisition_channel",
    ),
    "shown": ("shown", "impressions", "shown_items", "impression_list", "recommendations"),
    "shown_prices": ("shown_prices", "impression_prices"),
}  # fmt: skip

#: The same for what a log may say about its items, beside their id, category and price.
ITEM_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "product_name", "item_name", "product_title", "item_title", "description"),
    "brand": ("brand", "item_brand", "product_brand", "manufacturer"),
}

#: Names of columns that say who a shopper is, beside those of `user_id`: they stay out of rejects.
_PERSONAL = (
    "email",
    "e_mail",
    "mail",
    "phone",
    "phone_number",
    "ip",
    "ip_address",
    "customer_name",
    "user_name",
)

#: Without these there is no log.
REQUIRED = ("ts", "user_id", "event")

_MEANING = {"ts": "time", "user_id": "shopper", "event": "event"}


def map_columns(
    columns: Sequence[str], given: Mapping[str, str] | None = None, place: str = "the file"
) -> dict[str, str]:
    """Contract field → source column. A given pair wins over a usual name; a column feeds one field.

    Raises WrongCall for a field or column that does not exist, CartscapeError where a required
    field finds no column.
    """
    fields = SOURCE_EVENTS.names
    mapping: dict[str, str] = {}
    for name, column in (given or {}).items():
        field = _ALIASES.get(name, name)
        if field not in fields:
            raise WrongCall(f"There is no field {name!r} to map; the fields are {', '.join(fields)}.")
        if column not in columns:
            raise WrongCall(f"{place} has no column {column!r}; its columns are {', '.join(columns)}.")
        mapping[field] = column
    for field, names in USUAL.items():
        free = [column for column in columns if column not in mapping.values()]
        found = _first(free, names)
        if field not in mapping and found is not None:
            mapping[field] = found
    require(mapping, columns, place)
    return {field: mapping[field] for field in fields if field in mapping}


def item_columns(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Column of ITEMS → source column: the log's own, and titles and brands by usual names.

    Empty where the log says no more about its items than its events do.
    """
    free = [column for column in columns if column not in mapping.values()]
    more = {field: found for field, usual in ITEM_NAMES.items() if (found := _first(free, usual)) is not None}
    if not more or "item_id" not in mapping:
        return {}
    return {field: mapping[field] for field in ("item_id", "category", "price") if field in mapping} | more


def personal(columns: Sequence[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that say who a shopper is; the mapped one first."""
    telling = {_plain(name) for name in (*USUAL["user_id"], *_PERSONAL)}
    used = set(mapping.values())
    others = [column for column in columns if _plain(column) in telling and column not in used]
    return (mapping["user_id"], *others)


def require(mapping: Mapping[str, str], columns: Sequence[str], place: str) -> None:
    """Raises CartscapeError, naming the field and how to map it, where a required one is missing."""
    missing = [field for field in REQUIRED if field not in mapping]
    if missing:
        wanted = " and ".join(f"the {_MEANING[field]} ({field})" for field in missing)
        hint = " ".join(f"--map {field}=COLUMN" for field in missing)
        raise CartscapeError(
            f"{place} has no column that is usual for {wanted}; choose it (on the command line with {hint}). "
            f"Its columns are {', '.join(columns)}."
        )


#: Words that people use for the fields in `--map`.
_ALIASES = {
    "time": "ts",
    "timestamp": "ts",
    "user": "user_id",
    "item": "item_id",
    "session": "session_id",
    "lng": "lon",
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _first(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first column under a usual name, in the order of the names."""
    by_name = {_plain(column): column for column in reversed(columns)}
    return next((by_name[_plain(name)] for name in usual if _plain(name) in by_name), None)
