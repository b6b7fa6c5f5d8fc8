"""The contract in SQL: raw rows become events, or rejects that say why.

A format describes itself as a `Recipe`; `Validator` runs it over one raw chunk at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.events import PRICE, SOURCE_EVENTS
from core.sources.raw import RawChunk, RawFile, broken_rejects
from core.sources.reader import REJECTS
from core.sources.times import known_zones
from core.sources.values import ABSENT, Value, literal, quoted, with_clean

#: No behaviour log is older; an older date is a zero or a wrong unit.
EARLIEST = "TIMESTAMP '1990-01-01'"

#: What people call the usual events → the contract's names. Others stay as they are, in lower case.
EVENT_NAMES: dict[str, tuple[str, ...]] = {
    "view": (
        "view_item", "viewitem", "product_view", "productview", "item_view", "pv", "detail",
        "viewed", "product_viewed", "detail_view", "view_product",
    ),
    "search": ("searched", "view_search_results", "site_search", "search_query", "products_searched"),
    "click": ("select_item", "item_click", "product_click", "product_clicked", "clicked", "clickout"),
    "cart": (
        "addtocart", "add_to_cart", "add_cart", "cart_add", "addcart", "added_to_cart",
        "product_added", "add_to_basket", "add_to_bag", "basket",
    ),
    "remove": (
        "remove_from_cart", "removefromcart", "cart_remove", "remove_cart", "product_removed",
        "remove_from_basket",
    ),
    "checkout": (
        "begin_checkout", "begincheckout", "checkout_started", "initiate_checkout",
        "start_checkout",
    ),
    "purchase": (
        "transaction", "buy", "order", "purchased", "bought", "sale", "order_completed",
        "ecommerce_purchase", "checkout_completed", "order_placed",
    ),
    "return": ("refund", "returned", "refunded", "order_refunded"),
    "cancelled": ("cancel", "canceled", "cancellation", "order_cancelled", "order_canceled"),
    "review": ("reviewed", "rate", "rating", "product_reviewed"),
    "favourite": ("fav", "favorite", "add_to_wishlist", "addtowishlist", "wishlist", "like"),
}  # fmt: skip

_TEXTS = ("session_id", "item_id", "category", "query", "region", "city", "device", "channel")


@dataclass(frozen=True)
class Recipe:
    """How one file's raw columns become contract columns.

    `values` holds SQL over the relation `raw` (see `prepared`); fields
    that are left out are null. `source` is the FROM clause, where a row fans out into several.
    `refuse` are further (condition, reason) pairs, asked before all others.
    `user_columns` hold shoppers' ids and never reach a reject's row.
    """

    values: Mapping[str, Value]
    user_columns: tuple[str, ...]
    internal: tuple[str, ...] = ()  # columns that the reader made, of no use in a reject's row
    source: str = "raw"
    refuse: tuple[tuple[str, str], ...] = ()
    event_names: bool = True  # whether usual synonyms are mapped
    file: str = "$file"  # SQL for the name of the file that a row is from
    fixed: Mapping[str, str] = field(default_factory=dict)  # contract field → constant


class Validator:
    """Runs one file's recipe, chunk after chunk, on a connection of its own."""

    def __init__(self, raw: RawFile, recipe: Recipe, connection: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw
        self._recipe = recipe
        self._connection = connection
        self._sql = contract_sql(raw.schema, recipe)

    def check(self, chunk: RawChunk) -> tuple[pa.Table, pa.Table]:
        """(events as SOURCE_EVENTS, rejects as REJECTS), together every row of the chunk."""
        self._connection.register("raw", prepared(chunk.table, chunk.lines))
        try:
            judged = self._connection.sql(
                self._sql, params={"latest": latest(), "file": self._raw.file.name}
            ).to_arrow_table()
        finally:
            self._connection.unregister("raw")
        events, rejects = split(judged)
        broken = broken_rejects(self._raw, chunk.broken, self._recipe.user_columns)
        return events, pa.concat_tables([broken, rejects]).sort_by("line") if len(broken) else rejects


#: The line and the number of a row in its chunk; never names in a file, as names there are stripped.
_LINE, _NUMBER = " line", " number"
LINE = quoted(_LINE)


def prepared(table: pa.Table, lines: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A chunk as `contract_sql` reads it: cleaned, with each row's line and its number in the chunk."""
    table = with_clean(table).append_column(_LINE, lines)
    return table.append_column(_NUMBER, pa.array(np.arange(table.num_rows)))


def latest() -> dt.datetime:
    """A date after this (UTC) lies in the future; a day's grace, as clocks and zones differ."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(days=1)


def split(judged: pa.Table) -> tuple[pa.Table, pa.Table]:
    """A result of `contract_sql` as (events, rejects), in the order of the chunk's rows.

    DuckDB's threads hand their rows over as they come.
    """
    numbers = judged.column("number").to_numpy()
    if (np.diff(numbers) < 0).any():
        judged = judged.take(np.argsort(numbers, kind="stable"))
    judged = _known_zones(judged)
    fine = pc.is_null(judged.column("reason"))
    if pc.all(fine).as_py() is not False:
        return judged.select(SOURCE_EVENTS.names).cast(SOURCE_EVENTS), REJECTS.empty_table()
    events = judged.filter(fine).select(SOURCE_EVENTS.names).cast(SOURCE_EVENTS)
    return events, judged.filter(pc.invert(fine)).select(REJECTS.names).cast(REJECTS)


def _known_zones(judged: pa.Table) -> pa.Table:
    """Zones that are no IANA names become null: local hours are computed with them later."""
    zones = judged.column("tz")
    if zones.null_count == len(zones):
        return judged
    available = known_zones()
    unknown = [zone for zone in pc.unique(zones).to_pylist() if zone is not None and zone not in available]
    if not unknown:
        return judged
    known = pc.if_else(pc.is_in(zones, pa.array(unknown, zones.type)), pa.scalar(None, zones.type), zones)
    return judged.set_column(judged.schema.get_field_index("tz"), "tz", known)


def contract_sql(schema: pa.Schema, recipe: Recipe) -> str:
    """One query over `raw` (see `prepared`): SOURCE_EVENTS, then number, and a reject's columns.

    Parameters: $latest (a TIMESTAMP after which a date lies in the future) and $file.
    """
    values = {**{name: Value(literal(text)) for name, text in recipe.fixed.items()}, **recipe.values}

    def value(name: str) -> Value:
        return values.get(name, ABSENT)

    hidden = (*recipe.user_columns, *recipe.internal)
    shown = [column for column in schema.names if column not in hidden]
    # A struct only points at its columns; it becomes JSON for the few rows that are rejected.
    row = (
        "{" + ", ".join(f"{literal(column)}: {quoted(column)}" for column in shown) + "}"
        if shown
        else "{'': NULL}"
    )
    refused = "".join(
        f", ({condition}) AS refuse_{index}" for index, (condition, _) in enumerate(recipe.refuse)
    )
    reasons = "".join(
        f" WHEN refuse_{index} THEN {literal(why)}" for index, (_, why) in enumerate(recipe.refuse)
    )
    texts = ", ".join(f"({value(name).sql})::VARCHAR AS {name}" for name in _TEXTS)
    event = f"replace(replace(lower(({value('event').sql})::VARCHAR), ' ', '_'), '-', '_')"
    return f"""
WITH parsed AS (
    SELECT ({value("ts").sql})::TIMESTAMP AS ts, {value("ts").given} AS ts_given,
        ({value("tz").sql})::VARCHAR AS tz, ({value("user_id").sql})::VARCHAR AS user_id,
        {event} AS event, {texts},
        ({value("price").sql})::{_sql_price()} AS price, {value("price").given} AS price_given,
        ({value("quantity").sql})::BIGINT AS quantity, {value("quantity").given} AS quantity_given,
        upper(({value("currency").sql})::VARCHAR) AS currency,
        ({value("lat").sql})::DOUBLE AS lat, {value("lat").given} AS lat_given,
        ({value("lon").sql})::DOUBLE AS lon, {value("lon").given} AS lon_given,
        ({value("shown").sql})::VARCHAR[] AS shown,
        ({value("shown_prices").sql})::DOUBLE[] AS shown_prices, {recipe.file} AS file, {LINE} AS line,
        {quoted(_NUMBER)} AS number, {row} AS raw_row{refused}
    FROM {recipe.source}
), named AS (
    SELECT * REPLACE ({_event_case("event") if recipe.event_names else "event"} AS event) FROM parsed
), judged AS (
    SELECT *, CASE {reasons}
        WHEN user_id IS NULL THEN 'missing user'
        WHEN NOT ts_given THEN 'missing time'
        WHEN ts IS NULL THEN 'unreadable time'
        WHEN ts < {EARLIEST} THEN 'date before 1990'
        WHEN ts > $latest THEN 'future date'
        WHEN event IS NULL THEN 'missing event'
        WHEN lat_given AND lat IS NULL THEN 'unreadable latitude'
        WHEN abs(lat) > 90 THEN 'latitude out of range'
        WHEN lon_given AND lon IS NULL THEN 'unreadable longitude'
        WHEN abs(lon) > 180 THEN 'longitude out of range'
        WHEN price_given AND price IS NULL THEN 'unreadable price'
        WHEN price < 0 THEN 'negative price'
        WHEN quantity_given AND quantity IS NULL THEN 'unreadable quantity'
    END AS reason FROM named
)
SELECT ts, tz, user_id, session_id,
    {_signed_event()} AS event, item_id, category, query, price, {_signed_quantity()} AS quantity,
    CASE WHEN regexp_full_match(currency, '[A-Z]{{3}}') THEN currency END AS currency,
    CASE WHEN lon IS NOT NULL THEN lat END AS lat, CASE WHEN lat IS NOT NULL THEN lon END AS lon,
    region, city, device, channel, shown,
    CASE WHEN len(shown_prices) = len(shown) THEN shown_prices END AS shown_prices,
    number, file, line, reason, CASE WHEN reason IS NOT NULL THEN to_json(raw_row)::VARCHAR END AS row
FROM judged"""


def _sql_price() -> str:
    return f"DECIMAL({PRICE.precision}, {PRICE.scale})"


def _event_case(name: str) -> str:
    usual = ", ".join(
        f"{literal(word)}: {literal(canonical)}" for canonical, words in EVENT_NAMES.items() for word in words
    )
    return f"COALESCE(MAP {{{usual}}}[{name}], {name})"


def _signed_event() -> str:
    """Negative pieces bought are pieces that came back."""
    return "CASE WHEN event = 'purchase' AND quantity < 0 THEN 'return' ELSE event END"


def _signed_quantity() -> str:
    """One piece where a sale does not say how many; negative where money goes back."""
    return """CASE
        WHEN event = 'purchase' THEN COALESCE(quantity, 1)
        WHEN event IN ('return', 'cancelled') THEN -abs(COALESCE(quantity, 1))
        ELSE quantity END"""
