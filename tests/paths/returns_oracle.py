"""The slow, obvious truth about who came back: sets of shoppers, period by period, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.scope import Scope
from core.store import Store
from tests import oracle

Is = Callable[[pd.DataFrame], "pd.Series[bool]"]


def shopper_log(store: Store) -> pd.DataFrame:
    """The whole log with the path log's key of each shopper."""
    keys = store.cursor().sql("SELECT event_id, hash(user_id) AS shopper FROM log").df()
    keys["shopper"] = keys.shopper.to_numpy().astype(np.uint64).view(np.int64)
    return oracle.whole_log(store).merge(keys, on="event_id")


def period(day: pd.Series, step: str) -> pd.Series:
    """The first day of the period of each day."""
    if step == "day":
        return day
    if step == "week":
        return day - pd.to_timedelta(day.dt.dayofweek, unit="D")
    return day.dt.to_period("M").dt.start_time


def after(start: date, step: str, n: int = 1) -> date:
    """The first day of the n-th period after the one that begins on a day."""
    if step == "month":
        months = start.year * 12 + start.month - 1 + n
        return date(months // 12, months % 12 + 1, 1)
    return start + timedelta(days=n * (1 if step == "day" else 7))


def active(rows: pd.DataFrame, step: str) -> dict[date, set[int]]:
    """Period → the shoppers with an event in it."""
    found: dict[date, set[int]] = defaultdict(set)
    pairs = pd.DataFrame({"at": period(rows.day, step), "who": rows.shopper}).drop_duplicates()
    for at, its in pairs.groupby("at"):
        found[pd.Timestamp(str(at)).date()] = set(its.who.tolist())
    return found


def all_periods(scope: Scope, step: str) -> list[date]:
    """Every period of the scope's days."""
    assert scope.start and scope.end
    days = pd.Series(pd.date_range(scope.start, scope.end))
    return sorted({at.date() for at in period(days, step)})


def retention(
    log: pd.DataFrame, scope: Scope, is_start: Is, is_back: Is, step: str, mode: str, entry: str
) -> dict[date, tuple[set[int], dict[int, set[int] | None]]]:
    """Cohort → its shoppers, and n → who came back; None where the period has not ended in the scope."""
    assert scope.start and scope.end
    part = oracle.within(log, scope)
    starts, backs = (active(part[which(part)], step) for which in (is_start, is_back))
    periods = all_periods(scope, step)
    seen: set[int] = set()
    found = {}
    for c, cohort in enumerate(periods):
        who = set(starts.get(cohort, set()))
        if entry == "first":
            who -= seen
            seen |= who
        came: dict[int, set[int] | None] = {}
        for n, at in enumerate(periods[c:]):
            later = periods[c + n :] if mode == "after" else [at]
            ended = after(at, step) <= scope.end + timedelta(days=1)
            came[n] = who & set().union(*(backs.get(p, set()) for p in later)) if ended else None
        found[cohort] = (who, came)
    return found


def lifecycle(log: pd.DataFrame, scope: Scope, is_event: Is, step: str) -> dict[date, dict[str, set[int]]]:
    """Period → state → shoppers; what came before is looked for beyond the scope's dates."""
    assert scope.start and scope.end
    first, last = oracle.span(log)
    dateless = Scope(**{**scope.__dict__, "start": first, "end": last})
    kept = oracle.within(log, dateless)
    ever = active(kept[is_event(kept)], step)
    part = oracle.within(log, scope)
    now = active(part[is_event(part)], step)
    found = {}
    for at in all_periods(scope, step):
        before = set().union(*(who for p, who in ever.items() if p < at))
        just = ever.get(after(at, step, -1), set())
        here = now.get(at, set())
        found[at] = {
            "new": here - before,
            "returning": here & just,
            "resurrecting": (here & before) - just,
            "dormant": just - ever.get(at, set()),
        }
    return found


def activity(log: pd.DataFrame, scope: Scope, is_event: Is, step: str) -> dict[int, set[int]]:
    """Number of active periods → shoppers."""
    part = oracle.within(log, scope)
    counts: dict[int, int] = defaultdict(int)
    for who in active(part[is_event(part)], step).values():
        for shopper in who:
            counts[shopper] += 1
    found: dict[int, set[int]] = defaultdict(set)
    for shopper, count in counts.items():
        found[count].add(shopper)
    return found


def first_values(part: pd.DataFrame, starts: dict[Any, set[int]], step: str, by: str) -> dict[Any, set[str]]:
    """(cohort, shopper) → the values at the first start event there; several where they are of one moment."""
    at = period(part.day, step).dt.date
    found: dict[Any, set[str]] = {}
    rows = part.assign(at=at)
    first = rows.groupby(["at", "shopper"]).ts.transform("min")
    theirs = rows.loc[rows.ts == first, ["at", "shopper", by]].drop_duplicates()
    for cohort, shopper, value in theirs.itertuples(index=False):
        if shopper in starts.get(cohort, set()):
            found.setdefault((cohort, shopper), set()).add(str(value))
    return found
