"""The marts, each defined once as an Ibis expression so that DuckDB and Spark build the same.

`activity` is the one fact table behind the pages of demand: what a shopper did in one local hour, in
one place, within one session. Coarser questions — cell × hour × event, cell × day × category × event,
distinct shoppers by any grouping — are sums and distinct counts over it (`core.marts.cube`), so that
the same question has the same answer wherever it is asked.

`steps` is the one behind the pages of paths: every event, by shopper and in order of time.

Dictionaries turn the text of the log into small integers: `places` (cell, region, city), `means`
(device, channel), `kinds` (event, category), `items` and `queries`.
"""

from __future__ import annotations

from typing import cast

import ibis
import ibis.expr.types as ir

from core.events import EVENTS, MONEY_EVENTS, USUAL_ORDER

#: Time zones are offset from UTC by whole quarters of an hour.
SLOT_SECONDS = 900

#: One unit of money in the marts is a ten-thousandth of the currency, so that sums are exact.
MONEY_UNIT = 10_000

#: Dictionary → the log's columns that it numbers.
DICTIONARIES: dict[str, tuple[str, ...]] = {
    "places": ("cell", "region", "city"),
    "means": ("device", "channel"),
    "kinds": ("event", "category"),
    "items": ("item_id",),
    "queries": ("query",),
}
#: Dictionary → the column of a mart that holds its code.
_CODES = {"places": "place", "means": "mean", "kinds": "kind", "items": "item", "queries": "query"}


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


def steps_table(name: str = "steps") -> ir.Table:
    """The mart `steps` as an unbound table."""
    wide = dict.fromkeys(("shopper", "session", "second", "money"), "int64")
    return ibis.table({**wide, "hour": "int32", **dict.fromkeys(_CODES.values(), "int32")}, name=name)


def activity(rows: ir.Table) -> ir.Table:
    """What each shopper did, by session, local hour, place, means and kind; of the mart `steps`.

    Columns: shopper and session (64-bit keys), hour (local hours since 1970), place, mean, kind
    (dictionary codes), n (events), money (price × quantity in MONEY_UNIT, over money events).
    """
    grouped = rows.group_by("shopper", "session", "hour", "place", "mean", "kind").aggregate(
        n=rows.count().cast("int64"), money=rows.money.sum().cast("int64")
    )
    return cast(ir.Table, grouped)


def steps(log: ir.Table) -> ir.Table:
    """Every event of the log: by shopper, in order of time.

    Columns: shopper and session (64-bit keys), second (since 1970, UTC), hour (local hours since 1970),
    place, mean, kind, item, query (dictionary codes), money (as in `activity`).

    Events of one moment stand in the order in which a shop's usually happen, as the log has no other.

    Keys are hashes: joins and groupings then compare one number instead of several texts. With
    2.5 M shoppers the chance that any two share a key is 2 in 10 million.
    """
    rows = _numbered(log, money=_money(log), moment=log.ts)
    rows = rows.mutate(second=_second(rows.moment))
    rows = rows.order_by("shopper", "moment", "session", "usual", "kind", "item", "money")
    return cast(
        ir.Table,
        rows.select("shopper", "session", "second", "hour", *_CODES.values(), "money"),
    )


def _numbered(log: ir.Table, **more: ir.Value) -> ir.Table:
    """The log's shoppers, sessions, local hours, dictionary codes and usual order of its events, with more of
    its columns.
    """
    rows = log.select(
        shopper=log.user_id.hash(),
        session=log.session_id.hash(),
        tick=_tick(log),
        **{f"{name}_key": _key([log[c] for c in DICTIONARIES[name]]) for name in DICTIONARIES},
        **more,
    )
    rows = rows.join(clock_table(), "tick")
    for name in DICTIONARIES:
        table = dictionary_table(name)
        usual = {"usual": _usual(table.event)} if name == "kinds" else {}
        codes = table.select(**{f"{name}_key": table.key, _CODES[name]: table.code}, **usual)
        rows = rows.join(codes, f"{name}_key")
    return rows


def _usual(event: ir.Column) -> ir.IntegerValue:
    """The place of an event in USUAL_ORDER."""
    cases = ((event == its, rank) for rank, its in enumerate(USUAL_ORDER))
    return cast(ir.IntegerValue, ibis.cases(*cases, else_=len(USUAL_ORDER)))


def _money(log: ir.Table) -> ir.IntegerValue:
    """Price × quantity of money events in MONEY_UNIT, 0 of others."""
    amount = (log.price * MONEY_UNIT).cast("int64") * log.quantity.fill_null(1)
    return cast(ir.IntegerValue, ibis.cases((log.event.isin(MONEY_EVENTS), amount), else_=0).fill_null(0))


def _slot(log: ir.Table) -> ir.IntegerValue:
    return cast(ir.IntegerValue, _second(log.ts) // SLOT_SECONDS)


def _second(moment: ir.Value) -> ir.IntegerValue:
    """Whole seconds since 1970; truncated first, as DuckDB would round half a second up."""
    return cast(ir.IntegerValue, cast(ir.TimestampValue, moment).truncate("s").epoch_seconds())


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
