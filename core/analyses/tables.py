"""From the cube's dense groups to an Arrow table of measures, and the sentences about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from core.analyses.measures import MEASURES
from core.events import PURCHASE
from core.marts import Cube, Groups
from core.paths.cohort_words import words
from core.paths.cohorts import unnamed
from core.scope import Scope, span_words

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hour_words(hour: int) -> str:
    """An hour of the day as people write it: 09–10 h."""
    return f"{hour:02d}–{(hour + 1) % 24:02d} h"


def numbers(cube: Cube, groups: Groups, period: int) -> dict[str, np.ndarray]:
    """Every measure of one period as float arrays over the groups; NaN where there is none.

    Purchase measures are NaN where the log, or the scope's choice of events, has no purchase; all are
    for days, weeks and months outside the log, which are no days without events.
    """
    shown = ~groups.hidden[period] & _within_log(cube, groups, period)
    events, shoppers, sessions, buys, revenue, sales = (
        np.where(shown, a[period], np.nan).astype(float)
        for a in (
            groups.events, groups.shoppers, groups.sessions, groups.buys, groups.revenue,
            groups.sales,
        )
    )  # fmt: skip
    chosen = groups.periods[period].events
    if not cube.has_purchases or (chosen and PURCHASE not in chosen):
        buys = buys * np.nan
    if not cube.has_prices:
        revenue, sales = revenue * np.nan, sales * np.nan
    return {
        "events": events,
        "shoppers": shoppers,
        "sessions": sessions,
        "conversion": ratio(buys, sessions),
        "revenue": revenue,
        "basket": ratio(sales, buys),
        "per_shopper": ratio(revenue, shoppers),
    }


#: A step of each calendar grouping as numpy counts it.
_STEPS = {"day": ("D", 1), "week": ("D", 7), "month": ("M", 1)}


def step_bounds(groups: Groups, axis: int, period: int) -> tuple[np.ndarray, np.ndarray]:
    """First day of each step of a calendar axis, and the day after its last, within the period.

    Steps of the compared period stand at the place of the asked one's; beyond its end they are empty.
    """
    scope, (unit, length) = groups.periods[period], _STEPS[groups.axes[axis].name]
    first, after = np.datetime64(scope.start, "D"), np.datetime64(scope.end, "D") + 1
    begin = first - (first.astype(int) + 3) % length  # weeks begin on Monday, days anywhere
    edges = begin.astype(f"datetime64[{unit}]") + length * np.arange(len(groups.axes[axis].labels) + 1)
    clipped = np.clip(edges.astype("datetime64[D]"), first, after)
    return clipped[:-1], clipped[1:]


def _within_log(cube: Cube, groups: Groups, period: int) -> np.ndarray:
    """Which groups have a day within the log; all of those without a calendar axis. Broadcasts."""
    within = np.ones((1,) * len(groups.axes), bool)
    for i, axis in enumerate(groups.axes):
        if axis.name in _STEPS:
            starts, ends = step_bounds(groups, i, period)
            first, after = np.datetime64(cube.first_day, "D"), np.datetime64(cube.last_day, "D") + 1
            held = np.minimum(ends, after) > np.maximum(starts, first)
            within = within & held.reshape([-1 if j == i else 1 for j in range(len(groups.axes))])
    return within


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part ÷ whole, NaN where the whole is nothing."""
    out = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
    return out


def column(values: np.ndarray, unit: str = "money") -> pa.Array:
    """Floats as an Arrow column, NaN as null; counts as int64."""
    flat = np.asarray(values, float).ravel()
    missing = np.isnan(flat)
    if unit == "count":
        flat = np.where(missing, 0, flat).astype(np.int64)
    return pa.array(flat, mask=missing)


def measure_table(
    cube: Cube, groups: Groups, *, keep_empty: bool = False, names: Sequence[str] = tuple(MEASURES)
) -> pa.Table:
    """One row a group: its labels, every measure, and `previous_` of each (null when not compared).

    Rows without an event in either period are left out unless `keep_empty`; hidden rows are left
    out, or null where `keep_empty` holds a calendar together.
    """
    asked = numbers(cube, groups, 0)
    before = numbers(cube, groups, 1) if groups.compared else {}
    columns: dict[str, pa.Array] = {}
    shape = groups.events.shape[1:]
    for i, axis in enumerate(groups.axes):
        index = np.broadcast_to(
            np.arange(shape[i]).reshape([-1 if j == i else 1 for j in range(len(shape))]), shape
        ).ravel()
        columns[axis.name] = axis.labels.take(pa.array(index))
    for name in names:
        unit = MEASURES[name].unit
        columns[name] = column(asked[name], unit)
    for name in names:
        unit = MEASURES[name].unit
        columns[f"previous_{name}"] = (
            column(before[name], unit)
            if before
            else pa.nulls(asked[name].size, pa.int64() if unit == "count" else pa.float64())
        )
    table = pa.table(columns)
    if keep_empty or not groups.axes:
        return table
    met = ((groups.events > 0) & ~groups.hidden).any(axis=0).ravel()
    return table.filter(pa.array(met))


def hidden_note(cube: Cube, groups: Groups, what: str) -> tuple[str, ...]:
    """The sentence on groups that are not shown, or nothing. `what` names them in the plural."""
    count = int(groups.hidden[0].sum())
    if not count:
        return ()
    return (
        (
            f"{count:,} {what} not shown: they have fewer than {cube.k} shoppers, "
            "or would give such a group away by subtraction."
        ),
    )


def hidden_numbers(count: int, k: int) -> tuple[str, ...]:
    """The sentence on numbers of a table that are not shown, or nothing."""
    if not count:
        return ()
    these = "1 number is not shown: it is" if count == 1 else f"{count:,} numbers are not shown: they are"
    return (f"{these} of fewer than {k} shoppers, or would give such a group away by subtraction.",)


def missing_notes(cube: Cube, scope: Scope) -> tuple[str, ...]:
    """Sentences on measures that this log or this scope cannot give."""
    if not cube.has_purchases:
        return (
            (
                "This log has no purchase events, so there is no conversion, revenue or basket value; "
                "load purchases, or map your name for them to the event “purchase”."
            ),
        )
    notes = []
    if scope.events and PURCHASE not in scope.events:
        notes.append(
            "The chosen events leave out purchases, so conversion and basket value cannot be told; "
            "add “purchase” to the events, or choose none."
        )
    if not cube.has_prices:
        notes.append("This log has no prices, so there is no revenue; map a price column to add it.")
    return tuple(notes)


def of_words(cube: Cube, scope: Scope, *more: str) -> str:
    """Of what: period, compared period, filters and the zone, in one sentence without a full stop."""
    filled = cube.fill(scope)
    assert filled.start and filled.end
    said = [span_words(filled.start, filled.end)]
    compared = filled.compared()
    if compared and compared.start and compared.end:
        said.append(f"compared with {span_words(compared.start, compared.end)}")
    for word, chosen in (
        ("region", filled.regions), ("category", filled.categories), ("event", filled.events),
        ("device", filled.devices), ("cell", filled.cells), ("hour of the week", filled.hours),
        ("cohort", tuple(map(cohort_name, filled.cohorts))),
    ):  # fmt: skip
        if chosen:
            said.append(f"{word} {_some(chosen)}")
    return ", ".join([*said, *more, "local time"])


def cohort_name(word: str) -> str:
    """What a scope's cohort is called: its name, or the rule that stands in its place in words."""
    rule = unnamed(word)
    return words(rule) if rule else word


def _some(chosen: tuple[str, ...]) -> str:
    if len(chosen) <= 3:
        return " or ".join(chosen)
    return f"{chosen[0]} or {len(chosen) - 1} others"
