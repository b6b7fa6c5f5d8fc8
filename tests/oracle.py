"""The slow, obvious truth: every measure in plain pandas over the whole log, row by row of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import h3.api.basic_int as h3
import pandas as pd

from core.events import MONEY_EVENTS, NONE
from core.scope import Scope
from core.store import Store


def whole_log(store: Store) -> pd.DataFrame:
    """The log with its local time in `local_ts` and missing labels written as NONE."""
    log = store.cursor().sql("SELECT * EXCLUDE (shown, query) FROM log").df().astype({"price": float})
    log["money"] = (log.price * log.quantity.fillna(1)).where(log.event.isin(MONEY_EVENTS)).fillna(0)
    log["day"] = log.local_ts.dt.normalize()
    log["hour"] = log.local_ts.dt.hour
    log["weekday"] = log.local_ts.dt.dayofweek + 1
    log["week"] = log.day - pd.to_timedelta(log.weekday - 1, unit="D")
    log["hour_of_week"] = log.weekday.astype(str) + "." + log.hour.astype(str)
    for label in ("region", "city", "category", "device", "channel"):
        log[label] = log[label].astype(object).where(log[label].notna(), NONE)
    # Numbers and categories stand for texts: the same truth, counted sooner.
    for key in ("user_id", "session_id"):
        log[key] = pd.factorize(log[key])[0]
    for key in ("region", "city", "category", "device", "channel", "event", "hour_of_week"):
        log[key] = log[key].astype("category")
    return log


def within(log: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The rows that the scope keeps."""
    keep = pd.Series(True, index=log.index)
    if scope.start:
        keep &= log.local_ts >= pd.Timestamp(scope.start)
    if scope.end:
        keep &= log.local_ts < pd.Timestamp(scope.end) + pd.Timedelta(days=1)
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
        inside = {
            c: any(h3.cell_to_parent(int(c), h3.get_resolution(w)) == w for w in wanted)
            for c in log.cell.dropna().unique()
        }
        keep &= log.cell.map(inside).fillna(False).astype(bool)
    if scope.hours:
        keep &= log.hour_of_week.isin(scope.hours)
    return log[keep]


def measures(part: pd.DataFrame) -> dict[str, float | None]:
    """Every measure of some rows of the log; None where it is undefined."""
    sessions = part.session_id.nunique()
    purchases = part[part.event == "purchase"]
    buys = purchases.session_id.nunique()
    revenue, sales = float(part.money.sum()), float(purchases.money.sum())
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


def grouped(part: pd.DataFrame, by: list[str]) -> dict[tuple[Any, ...], dict[str, float | None]]:
    """Every measure of each group that has an event, as `measures` has it."""
    keys = [part[b].cat.codes if isinstance(part[b].dtype, pd.CategoricalDtype) else part[b] for b in by]
    every = part.groupby(keys)
    bought = part.event == "purchase"
    purchases = part[bought].groupby([key[bought] for key in keys])
    table = pd.DataFrame(
        {
            "events": every.size(),
            "shoppers": every.user_id.nunique(),
            "sessions": every.session_id.nunique(),
            "revenue": every.money.sum(),
            "buys": purchases.session_id.nunique(),
            "sales": purchases.money.sum(),
        }
    ).fillna({"buys": 0, "sales": 0.0})
    table["conversion"] = table.buys / table.sessions
    table["basket"] = table.sales / table.buys
    table["per_shopper"] = table.revenue / table.shoppers
    found = {}
    for key, row in zip(table.index, table.to_dict("records"), strict=True):
        labels = tuple(
            _label(part[b], value)
            for b, value in zip(by, key if isinstance(key, tuple) else (key,), strict=True)
        )
        found[labels] = {str(name): None if pd.isna(value) else float(value) for name, value in row.items()}
    return found


def _label(column: pd.Series, key: Any) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories[key]
    return key.date() if isinstance(key, pd.Timestamp) else key


def span(log: pd.DataFrame) -> tuple[date, date]:
    """First and last local day of the log."""
    return log.local_ts.min().date(), log.local_ts.max().date()
