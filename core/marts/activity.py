"""The demand marts, each defined once as an Ibis expression so that DuckDB and Spark build the same.

`activity` is the one fact table behind the pages: what a shopper did in one local hour, in one place,
within one session. Coarser questions — cell × hour × event, cell × day × category × event, distinct
shoppers by any grouping — are sums and distinct counts over it (`core.marts.cube`), so that the same
question has the same answer wherever it is asked.

Its three dictionaries turn the text of the log into small integers: `places` (cell, region, city),
`means` (device, channel) and `kinds` (event, category).
"""

from __future__ import annotations

from typing import cast

import ibis
import ibis.expr.types as ir

from core.events import EVENTS, MONEY_EVENTS

#: Time zones are offset from UTC by whole quarters of an hour.
SLOT_SECONDS = 900

#: One unit of money in the marts is a ten-thousandth of the currency, so that sums are exact.
MONEY_UNIT = 10_000

#: Dictionary → the log's columns that it numbers.
DICTIONARIES: dict[str, tuple[str, ...]] = {
    "places": ("cell", "region", "city"),
    "means": ("device", "channel"),
    "kinds": ("event", "category"),
}


def log_table(name: str = "log") -> ir.Table:
    """The log as an unbound table of the event contract."""
    return ibis.table(ibis.Schema.from_pyarrow(EVENTS), name=name)


def dictionary_table(name: str) -> ir.Table:
    """A dictionary mart as an unbound table: code, key (a hash of its columns), the columns."""
    schema = ibis.Schema.from_pyarrow(EVENTS)
    columns = {column: schema[column] for column in DICTIONARIES[name]}
    return ibis.table({"code": "int32", "key": "int64", **columns}, name=name)


def clock_table(name: str = "clock") -> ir.Table:
    """Local hours (since 1970) by a key of the zone and the UTC quarter of an hour."""
    return ibis.table({"tick": "int64", "hour": "int32"}, name=name)


def slots(log: ir.Table) -> ir.Table:
    """The zones and UTC quarters of an hour that occur in the log, with the key that a clock has."""
    return log.select("tz", slot=_slot(log), tick=_tick(log)).distinct()


def new_entries(log: ir.Table, name: str) -> ir.Table:
    """Rows that the log holds and the dictionary `name` does not number yet, in a stable order."""
    columns = DICTIONARIES[name]
    found = log.select(*columns).distinct()
    found = found.select(key=_key([found[c] for c in columns]), **{c: found[c] for c in columns})
    fresh = found.anti_join(dictionary_table(name), "key")
    return cast(ir.Table, fresh.order_by(list(columns)))


def activity(log: ir.Table) -> ir.Table:
    """What each shopper did, by session, local hour, place, means and kind.

    Columns: shopper and session (64-bit keys), hour (local hours since 1970), place, mean, kind
    (dictionary codes), n (events), money (price × quantity in MONEY_UNIT, over money events).

    Keys are hashes: joins and groupings then compare one number instead of several texts. With
    2.5 M shoppers the chance that any two share a key is 2 in 10 million.
    """
    quantity = log.quantity.fill_null(1)
    money = ibis.cases(
        (log.event.isin(MONEY_EVENTS), (log.price * MONEY_UNIT).cast("int64") * quantity), else_=0
    )
    keys = {f"{name}_key": _key([log[c] for c in columns]) for name, columns in DICTIONARIES.items()}
    rows = log.select(
        shopper=log.user_id.hash(),
        session=log.session_id.hash(),
        tick=_tick(log),
        money=money.fill_null(0),
        **keys,
    )
    rows = rows.join(clock_table(), "tick")
    for name, code in (("places", "place"), ("means", "mean"), ("kinds", "kind")):
        table = dictionary_table(name)
        rows = rows.join(table.select(**{f"{name}_key": table.key, code: table.code}), f"{name}_key")
    grouped = rows.group_by("shopper", "session", "hour", "place", "mean", "kind").aggregate(
        n=rows.count().cast("int64"), money=rows.money.sum().cast("int64")
    )
    return cast(ir.Table, grouped)


def _slot(log: ir.Table) -> ir.IntegerValue:
    return cast(ir.IntegerValue, log.ts.epoch_seconds() // SLOT_SECONDS)


def _tick(log: ir.Table) -> ir.IntegerValue:
    return cast(ir.IntegerValue, log.tz.hash() ^ _slot(log))


def _key(columns: list[ir.Column]) -> ir.IntegerValue:
    """One number for several columns, nulls included; shifted so that equal columns do not cancel."""
    key = columns[0].hash()
    for place, column in enumerate(columns[1:], 1):
        key = key ^ (column.hash() >> place)
    return cast(ir.IntegerValue, key)


def completeness(log: ir.Table) -> ir.Table:
    """How full the log is: one row with `rows` and, for each column, how many rows hold a value."""
    held = {column: log[column].count() for column in log.columns}
    return log.aggregate(rows=log.count(), **held)
