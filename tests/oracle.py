"""The slow, obvious truth: every measure in plain pandas over the whole log, row by row of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import h3.api.basic_int as h3
import pandas as pd

from core.events import MONEY_EVENTS, NONE
from core.scope import Scope
from core.store import Store


def whole_log(store: Store) -> pd.DataFrame:
    """The log with its local time in `local_ts` and missing labels written as NONE."""
    log = store.cursor().sql("SELECT * FROM log").df()
    for label in ("region", "city", "category", "device", "channel"):
        log[label] = log[label].astype(object).where(log[label].notna(), NONE)
    log["day"] = log.local_ts.dt.date
    log["hour"] = log.local_ts.dt.hour
    log["weekday"] = log.local_ts.dt.dayofweek + 1
    log["week"] = [d - pd.Timedelta(days=d.weekday()) for d in log.day]
    return log


def money(row: Any) -> Decimal:
    """What one event adds to revenue."""
    if row.event not in MONEY_EVENTS or pd.isna(row.price):
        return Decimal(0)
    quantity = 1 if pd.isna(row.quantity) else int(row.quantity)
    return Decimal(str(round(row.price, 4))) * quantity


def within(log: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The rows that the scope keeps."""
    keep = pd.Series(True, index=log.index)
    if scope.start:
        keep &= log.day >= scope.start
    if scope.end:
        keep &= log.day <= scope.end
    for column, chosen in (
        ("region", scope.regions),
        ("category", scope.categories),
        ("event", scope.events),
        ("device", scope.devices),
    ):
        if chosen:
            keep &= log[column].isin(chosen)
    if scope.cells:
        wanted = {h3.str_to_int(c) for c in scope.cells}
        keep &= [
            not pd.isna(c) and any(h3.cell_to_parent(int(c), h3.get_resolution(w)) == w for w in wanted)
            for c in log.cell
        ]
    if scope.hours:
        keep &= (log.weekday.astype(str) + "." + log.hour.astype(str)).isin(scope.hours)
    return log[keep]


def measures(part: pd.DataFrame) -> dict[str, float | None]:
    """Every measure of some rows of the log; None where it is undefined."""
    sessions = part.session_id.nunique()
    purchases = part[part.event == "purchase"]
    buys = purchases.session_id.nunique()
    revenue = float(sum((money(r) for r in part.itertuples()), Decimal(0)))
    sales = float(sum((money(r) for r in purchases.itertuples()), Decimal(0)))
    shoppers = part.user_id.nunique()
    return {
        "events": len(part),
        "shoppers": shoppers,
        "sessions": sessions,
        "conversion": buys / sessions if sessions else None,
        "revenue": revenue,
        "basket": sales / buys if buys else None,
        "per_shopper": revenue / shoppers if shoppers else None,
    }


def grouped(part: pd.DataFrame, by: list[str]) -> Iterator[tuple[tuple[Any, ...], dict[str, float | None]]]:
    """Every measure of each group that has an event."""
    for key, rows in part.groupby(by, dropna=False):
        yield key if isinstance(key, tuple) else (key,), measures(rows)


def span(log: pd.DataFrame) -> tuple[date, date]:
    """First and last local day of the log."""
    return log.day.min(), log.day.max()
