"""Is conversion rising? A funnel by the hour, day, week or month in which it was entered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.funnel_parts import Asked, asked, count, hidden, hidden_words, split
from core.analyses.proportions import wilson
from core.analyses.tables import column
from core.errors import WrongCall
from core.paths.match import Matches
from core.paths.options import SplitOptions, TrendOptions, between
from core.scope import Scope
from core.store import Store

EVERY = ("hour", "day", "week", "month")


def funnel_trend(store: Store, scope: Scope, options: TrendOptions) -> Answer:
    """Conversion between two steps by the time of the first, each shopper once.

    Columns: day (first day of the step of time; instead of it hour, 0–23 local, where it goes by the hour
    of the day), entered, converted, conversion, low and high (Wilson's 95 % interval), and
    previous_conversion of the compared period, paired by its place in the period.
    A shopper counts on the day on which the counted path began, so days sum to the funnel.
    """
    if options.every not in EVERY:
        raise WrongCall(f"every={options.every!r} is not known; it takes {', '.join(EVERY)}.")
    if options.by:
        raise WrongCall("A trend is not split; narrow the scope instead, or split funnel by day.")
    of = asked(store, scope, options)
    ends = between(options.between, len(of.funnel.steps))
    by_time = replace(SplitOptions(by=options.every), top="0")
    days, rows, marks = _series(of, of.found, by_time, of.scope, ends)
    low, high = wilson(rows[1], rows[0])
    conversion = _share(rows)
    columns: dict[str, Any] = {
        **({"hour": pa.array(days, pa.int32())} if options.every == "hour" else {"day": pa.array(days)}),
        "entered": column(rows[0], "count"),
        "converted": column(rows[1], "count"),
        "conversion": column(conversion),
        "low": column(np.where(np.isfinite(conversion), low, np.nan)),
        "high": column(np.where(np.isfinite(conversion), high, np.nan)),
    }
    previous = np.full(len(days), np.nan)
    compared = of.scope.compared()
    if of.before is not None and compared is not None:
        earlier = _share(_series(of, of.before, by_time, compared, ends)[1])[: len(days)]
        previous[: len(earlier)] = earlier
    columns["previous_conversion"] = column(previous)
    names = [of.funnel.steps[i].label for i in ends]
    title = f"Conversion from {names[0]} to {names[1]} by {options.every}"
    return Answer(pa.table(columns), title, of.of(), of.notes + hidden_words(of, marks))


def _series(
    of: Asked, found: Matches, options: SplitOptions, scope: Scope, ends: tuple[int, int]
) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """Every step of time of the period, float[2, times] entered and converted, and what is hidden."""
    axis = of.paths.dimensions.axis(options.by, scope)
    every = axis.labels.to_pylist()
    its = split(of, found, options, scope)
    paths, shoppers = count(of, found, its)
    marks = hidden(of, shoppers)
    at = {label: i for i, label in enumerate(every)}
    rows = np.zeros((2, len(every)))
    for g, label in enumerate(its.labels):
        for i, step in enumerate(ends):
            rows[i, at[label]] = np.nan if marks[g, step] else paths[g, step]
    return every, rows, marks


def _share(rows: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        share: np.ndarray = np.where(rows[0] > 0, rows[1] / rows[0], np.nan)
    return share
