"""Where do they drop? Shoppers at each step of a funnel, against the compared period."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cohort import by_cohort
from core.analyses.funnel_parts import (
    CALENDAR,
    Asked,
    Split,
    asked,
    count,
    hidden,
    hidden_words,
    required_before,
    split,
    steps_asked,
)
from core.analyses.proportions import difference, wilson
from core.analyses.tables import column
from core.events import MONEY_EVENTS
from core.marts.activity import MONEY_UNIT
from core.paths import NOWHERE
from core.paths.match import Matches
from core.paths.medians import grouped_median, median
from core.paths.options import SplitOptions
from core.paths.threads import side_by_side
from core.scope import Scope
from core.store import Store


def funnel(store: Store, scope: Scope, options: SplitOptions) -> Answer:
    """How many got to each step, overall or by a split, and what changed.

    Columns: the split where there is one, step (from 1), label, shoppers (or sessions), of_first and
    of_previous (÷ the first and the last required step before), of_first_low and of_first_high (Wilson's
    95 % interval), dropped (since that step), median_seconds (from it), revenue (of the events that are
    the step, where they carry money), then previous_ of count and of_first, and change (of_first less
    previous) with change_low and change_high (Newcombe's 95 % interval).
    """
    if options.by == "cohort":
        whole = replace(options, by="", steps=steps_asked(store, scope, options))
        return by_cohort(store, scope, lambda its: funnel(store, its, whole))
    of = asked(store, scope, options)
    groups = split(of, of.found, options, of.scope)
    rows = _rows(of, of.found, groups)
    compared = of.scope.compared()
    before = None
    if of.before is not None and compared is not None and options.by not in CALENDAR:
        keep = groups.labels if options.by else None
        before = _rows(of, of.before, split(of, of.before, options, compared, keep))
    steps = len(of.funnel.steps)
    columns: dict[str, Any] = {}
    if options.by:
        columns[options.by] = _labels(groups.labels, steps)
    columns["step"] = pa.array(np.tile(np.arange(1, steps + 1), len(groups.labels)))
    columns["label"] = pa.array([s.label for s in of.funnel.steps] * len(groups.labels))
    columns[of.who] = column(rows["count"], "count")
    for name in ("of_first", "of_first_low", "of_first_high", "of_previous"):
        columns[name] = column(rows[name])
    columns["dropped"] = column(rows["dropped"], "count")
    columns["median_seconds"] = column(rows["median_seconds"])
    columns["revenue"] = column(rows["revenue"])
    nothing = np.full(rows["count"].shape, np.nan)
    columns[f"previous_{of.who}"] = column(before["count"] if before else nothing, "count")
    columns["previous_of_first"] = column(before["of_first"] if before else nothing)
    gap = rows["of_first"] - before["of_first"] if before else nothing
    low, high = (
        difference(rows["count"], rows["first"], before["count"], before["first"])
        if before
        else (nothing, nothing)
    )
    known = np.isfinite(gap) & (np.arange(steps) > 0)  # the first step is all of itself, then as now
    columns["change"] = column(np.where(known, gap, np.nan))
    columns["change_low"] = column(np.where(known, low, np.nan))
    columns["change_high"] = column(np.where(known, high, np.nan))
    marks = rows["hidden"]
    title = f"Funnel: {of.funnel.steps[0].label} → {of.funnel.steps[-1].label}"
    if options.by:
        title += f" by {options.by}"
    said = (f"{options.value} step's {options.by}",) if options.by else ()
    return Answer(pa.table(columns), title, of.of(*said), of.notes + hidden_words(of, marks))


def _labels(labels: list[object], steps: int) -> pa.Array:
    return pa.array([label for label in labels for _ in range(steps)])


def _rows(of: Asked, found: Matches, its: Split) -> dict[str, np.ndarray]:
    """Every number of each group and step, float[groups, steps]; NaN where it is hidden or undefined."""
    paths, shoppers = count(of, found, its)
    marks = hidden(of, shoppers)
    counted = np.where(marks, np.nan, paths.astype(float))
    before = required_before(of.funnel)
    first = np.repeat(counted[:, :1], counted.shape[1], axis=1)
    earlier = counted[:, before]
    low, high = wilson(counted, first)
    dropped = earlier - counted
    dropped[:, [s for s in range(counted.shape[1]) if s == 0 or of.funnel.steps[s].optional]] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        of_first = np.where(first > 0, counted / first, np.nan)
        of_previous = np.where(earlier > 0, counted / earlier, np.nan)
    of_previous[:, 0] = np.nan
    known = np.isfinite(of_first) & (np.arange(counted.shape[1]) > 0)
    return {
        "count": counted,
        "first": first,
        "of_first": of_first,
        "of_first_low": np.where(known, low, np.nan),
        "of_first_high": np.where(known, high, np.nan),
        "of_previous": of_previous,
        "dropped": dropped,
        "median_seconds": np.where(marks, np.nan, _medians(of, found, its, before)),
        "revenue": np.where(marks, np.nan, _revenue(of, found, its)),
        "hidden": marks,
    }


def _medians(of: Asked, found: Matches, its: Split, before: list[int]) -> np.ndarray:
    """Median seconds from the required step before to each step: float[groups, steps]."""
    out = np.full((len(its.labels), len(before)), np.nan)
    if its.codes is None:
        out[0, 1:] = side_by_side(
            lambda s: median(found.seconds(before[s], s)), range(1, len(before)), len(found.events)
        )
        return out
    for s in range(1, len(before)):
        rows, groups = its.at(found, s)
        if of.funnel.order == "any" or of.funnel.steps[s].optional:  # a path may lack the step before
            both = found.events[rows, before[s]] != NOWHERE
            rows, groups = rows[both], groups[both]
        out[:, s] = grouped_median(found.between(before[s], s, rows), groups, len(its.labels))
    return out


def _revenue(of: Asked, found: Matches, its: Split) -> np.ndarray:
    """Money of the events that are each step; NaN for steps whose events carry none."""
    out = np.full((len(its.labels), len(of.funnel.steps)), np.nan)
    if not of.cube.has_prices:
        return out
    tokens = of.names.of_kind[np.isin(of.paths.kinds[0], MONEY_EVENTS)]
    carry = np.unique(tokens[tokens >= 0])
    for s, step in enumerate(of.funnel.steps):
        if not of.names.find(step.event)[carry].any() and of.funnel.order != "any":
            continue
        rows, groups = its.at(found, s)
        money = of.paths.money_of(found.events[rows, s])
        out[:, s] = np.bincount(groups, money, minlength=len(its.labels)) / MONEY_UNIT
    return out
