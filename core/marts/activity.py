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
    """A dictionary mart as an unbound table: its columns and their `code`."""
    schema = ibis.Schema.from_pyarrow(EVENTS)
    columns = {column: schema[column] for column in DICTIONARIES[name]}
    return ibis.table({"code": "int32", **columns}, name=name)


def clock_table(name: str = "clock") -> ir.Table:
    """Local hours by zone and quarter of an hour: tz, slot (UTC), hour (local, since 1970)."""
    return ibis.table({"tz": "string", "slot": "int64", "hour": "int32"}, name=name)


def slots(log: ir.Table) -> ir.Table:
    """The zones and UTC quarters of an hour that occur in the log: what a clock must cover."""
    return log.select("tz", slot=_slot(log)).distinct()


def new_entries(log: ir.Table, name: str) -> ir.Table:
    """Rows that the log holds and the dictionary `name` does not number yet, in a stable order."""
    columns = DICTIONARIES[name]
    known = dictionary_table(name)
    found = log.select(*columns).distinct()
    same = [found[c].identical_to(known[c]) for c in columns]
    return cast(ir.Table, found.anti_join(known, same).order_by([found[c] for c in columns]))


def activity(log: ir.Table) -> ir.Table:
    """What each shopper did, by session, local hour, place, means and kind.

    Columns: shopper and session (64-bit keys), hour (local hours since 1970), place, means, kind
    (dictionary codes), n (events), money (price × quantity in MONEY_UNIT, over money events).
    """
    clock, places, means, kinds = (
        clock_table(),
        *(dictionary_table(name) for name in DICTIONARIES),
    )
    quantity = log.quantity.fill_null(1)
    money = ibis.cases(
        (log.event.isin(MONEY_EVENTS), (log.price * MONEY_UNIT).cast("int64") * quantity), else_=0
    )
    rows = log.mutate(
        shopper=log.user_id.hash(),
        session=log.session_id.hash(),
        slot=_slot(log),
        money=money.fill_null(0),
    )
    rows = rows.join(clock, ["tz", "slot"])
    for name, table in (("place", places), ("mean", means), ("kind", kinds)):
        columns = [c for c in table.columns if c != "code"]
        coded = table.rename({f"{name}_{c}": c for c in columns} | {name: "code"})
        rows = rows.join(coded, [rows[c].identical_to(coded[f"{name}_{c}"]) for c in columns])
    grouped = rows.group_by("shopper", "session", "hour", "place", "mean", "kind").aggregate(
        n=rows.count().cast("int64"), money=rows.money.sum().cast("int64")
    )
    return cast(ir.Table, grouped.order_by(["shopper", "session", "hour", "place", "mean", "kind"]))


def _slot(log: ir.Table) -> ir.IntegerValue:
    return cast(ir.IntegerValue, log.ts.epoch_seconds() // SLOT_SECONDS)


def completeness(log: ir.Table) -> ir.Table:
    """How full the log is: one row with `rows` and, for each column, how many rows hold a value."""
    held = {column: log[column].count() for column in log.columns}
    return log.aggregate(rows=log.count(), **held)
