"""Days, weeks and months of a scope: where each local hour falls, and which periods it holds whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from core.errors import WrongCall
from core.marts.dimensions import EPOCH
from core.paths.log import PathLog
from core.scope import Scope

#: What periods may be; weeks begin on Monday.
STEPS = ("day", "week", "month")
NONE_OF_THEM = np.int32(-1)


@dataclass(frozen=True)
class Periods:
    """The periods of some local days, in time and without gaps."""

    step: str
    starts: np.ndarray  # datetime64[D][periods]
    of_hour: np.ndarray  # int32[hours of the log] index of its period, −1 where the scope leaves it out
    days: np.ndarray  # int64[periods] days of it within the scope and the log
    ended: np.ndarray  # bool[periods] whether its last day is within both, so that all of it is known

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.starts.size)

    @property
    def first_day(self) -> date:
        """The first day of the first period, which may lie before the scope."""
        first: date = self.starts[0].item()
        return first

    def at(self, day: date) -> int:
        """The index of the period that begins on a day; raises `WrongCall` where none does."""
        found = np.flatnonzero(self.starts == np.datetime64(day))
        if not found.size:
            raise WrongCall(f"No {self.step} of the scope begins on {day}.")
        return int(found[0])


def periods(paths: PathLog, scope: Scope, step: str) -> Periods:
    """The periods of the scope's days that lie within the log's. Raises `WrongCall` for another step."""
    if step not in STEPS:
        raise WrongCall(f"step={step!r} is not known; it takes {', '.join(STEPS)}.")
    first, last = span(paths)
    start, end = max(scope.start or first, first), min(scope.end or last, last)
    if start > end:
        nothing = np.full(paths.dimensions.hours.size, NONE_OF_THEM)
        return Periods(step, np.empty(0, "M8[D]"), nothing, np.zeros(0, np.int64), np.zeros(0, bool))
    within = replace(scope, start=start, end=end)
    axis = paths.dimensions.axis(step, within)
    of_hour = np.where(paths.dimensions.hour_passes(within), axis.codes, NONE_OF_THEM).astype(np.int32)
    starts = axis.labels.to_numpy(zero_copy_only=False).astype("M8[D]")
    ends = np.append(starts[1:], _after(starts[-1], step))  # the day after each
    beyond = np.datetime64(end + timedelta(days=1))
    days = (np.minimum(ends, beyond) - np.maximum(starts, np.datetime64(start))).astype(np.int64)
    return Periods(step, starts, of_hour, days, ends <= beyond)


def span(paths: PathLog) -> tuple[date, date]:
    """The log's first and last local day."""
    hours = paths.dimensions.hours
    return EPOCH + timedelta(days=int(hours[0] // 24)), EPOCH + timedelta(days=int(hours[-1] // 24))


def _after(start: np.datetime64, step: str) -> np.datetime64:
    """The day after the period that begins on a day."""
    if step == "month":
        return (start.astype("M8[M]") + 1).astype("M8[D]")
    return start + np.timedelta64(1 if step == "day" else 7, "D")
