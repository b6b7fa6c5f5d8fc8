"""Where is it going, and which days are out of line?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.hours import split
from core.analyses.measures import MEASURES, measure
from core.analyses.tables import (
    column,
    hidden_note,
    measure_table,
    missing_notes,
    numbers,
    of_words,
    step_bounds,
)
from core.errors import WrongCall
from core.marts import Groups
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: Days or weeks on either side that make up the level; two weeks of days hold every weekday twice.
WINDOW = {"day": 7, "week": 3}
WHOLE_STEP = {"day": 1, "week": 7}  # days
#: Share of a normal spread beyond which a point is marked; 3.5 is Iglewicz & Hoaglin's advice.
THRESHOLD = 3.5
#: The median absolute deviation of a normal variable is its standard deviation × 0.6745.
MAD_TO_SD = 1 / 0.6745


def trend(store: Store, scope: Scope, by: str = "", measure: str = "events", step: str = "day") -> Answer:
    """Every measure by day or week, and what the chosen measure was expected to be.

    Columns: day (first day of the step), the split where one is asked, the measures, `previous_` of
    each, days (of the step, within the period), then of `measure`: expected, low, high, anomaly.

    Expected is a centred running median times the weekday's own median ratio to it; low and high are
    3.5 robust standard deviations of what is left around it (Iglewicz & Hoaglin 1993, "How to detect
    and handle outliers", the modified z-score), or of a Poisson count where that is more. Null for
    series of fewer than 14 days or 8 weeks, and for a week that the period cuts. Days outside the log
    have no measures, neither their own nor as compared ones.
    """
    chosen = _measure(measure)
    if step not in WINDOW:
        raise WrongCall(f"step={step!r} is not known; it takes day or week.")
    cube = open_cube(store)
    groups = cube.ask(scope, [*split(by), step])
    table = measure_table(cube, groups, keep_empty=True)
    held = _days_held(groups)
    whole = held == WHOLE_STEP[step]
    series = np.where(whole, np.atleast_2d(numbers(cube, groups, 0)[chosen]), np.nan)
    counts = MEASURES[chosen].unit == "count"
    bands = expect(series, 7 if step == "day" else 1, WINDOW[step], counts=counts)
    expected, low, high = (np.where(whole, band, np.nan).ravel() for band in bands)
    flat = series.ravel()
    with np.errstate(invalid="ignore"):
        anomaly = (flat < low) | (flat > high)
    if step == "week":
        table = table.rename_columns(["day" if c == "week" else c for c in table.column_names])
    table = table.append_column("days", pa.array(np.tile(held, len(series))))
    for name, values in (("expected", expected), ("low", low), ("high", high)):
        table = table.append_column(name, column(values))
    table = table.append_column("anomaly", pa.array(anomaly))
    notes = missing_notes(cube, scope) + hidden_note(cube, groups, f"{step}s are")
    title = f"{MEASURES[chosen].label} by {step}" + (f" and {by}" if split(by) else "")
    return Answer(table, title, of_words(cube, scope), notes)


def expect(
    values: np.ndarray, season: int, window: int, *, counts: bool = False, threshold: float = THRESHOLD
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected, low and high of series, float[..., n] with NaN for gaps; all NaN where one is too short.

    `season` is the length of a cycle in steps (1 for none), `window` the steps on either side of the
    running median. Counts vary by chance as a Poisson's at least, by √expected.
    """
    n = values.shape[-1]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(window, window)], constant_values=np.nan)
    level = _median(np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1, axis=-1))
    phases = np.arange(n) % season
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(level > 0, values / level, np.nan)
    factor = np.stack([_median(ratios[..., phases == p]) for p in range(season)], axis=-1)
    expected = level * np.where(np.isfinite(factor), factor, 1.0)[..., phases]
    left = values - expected
    spread = MAD_TO_SD * _median(np.abs(left - _median(left)[..., None]))[..., None]
    if counts:
        spread = np.maximum(spread, np.sqrt(np.maximum(expected, 1)))
    spread = np.where(spread > 0, spread, np.nan)  # a series that stands still has no usual range
    short = np.isfinite(values).sum(axis=-1, keepdims=True) < max(2 * season, 2 * window + 2, 8)
    expected = np.where(short | ~np.isfinite(spread), np.nan, expected)
    return expected, np.maximum(expected - threshold * spread, 0), expected + threshold * spread


def _days_held(groups: Groups) -> np.ndarray:
    """How many days of the period each step of the last axis holds: int64[steps]."""
    starts, ends = step_bounds(groups, len(groups.axes) - 1, 0)
    return (ends - starts).astype(np.int64)


def _measure(name: str) -> str:
    return measure(name).name


def _median(values: np.ndarray) -> np.ndarray:
    """The median over the last axis without NaN, and NaN where nothing else is there."""
    filled = np.ma.median(np.ma.masked_invalid(values), axis=-1)  # type: ignore[no-untyped-call]
    return np.asarray(np.ma.filled(filled, np.nan), float)
