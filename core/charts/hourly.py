"""The hours of a day or two in their order: the `hours` table turned into the rows of a trend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

#: Days up to which a trend runs by the hour: one or two points make no line. A weekday must not
#: come twice, as the table tells weekdays and not days.
MOST_DAYS = 2


def hourly(
    table: pa.Table, measure: str, days: list[date], compared: Sequence[date | None], by: str = ""
) -> pa.Table:
    """Columns day (a moment, here), the group `by`, the measure and, where compared, `previous_` of it.

    `days` are those of the period; `compared` those before it, hour behind hour, and left out where
    they are not as many; one that is None, as it lies outside the log, is a gap. So is an hour that
    the table does not list.
    """
    told_of = ("weekday", "hour", by, measure, f"previous_{measure}")
    used = table.select([name for name in told_of if name in table.column_names])
    rows = {(row["weekday"], row["hour"], row.get(by)): row for row in used.to_pylist()}
    groups = list(dict.fromkeys(group for _, _, group in rows))
    before: list[date | None] = [*compared] if len(compared) == len(days) else [None] * len(days)
    told: list[dict[str, Any]] = []
    for group in groups:
        for day, other in zip(days, before, strict=True):
            for hour in range(24):
                here = rows.get((day.isoweekday(), hour, group), {})
                row = {"day": datetime.combine(day, time(hour)), measure: here.get(measure)}
                if by:
                    row[by] = group
                if any(before):
                    there = rows.get((other.isoweekday(), hour, group), {}) if other else {}
                    row[f"previous_{measure}"] = there.get(f"previous_{measure}")
                told.append(row)
    return pa.Table.from_pylist(told) if told else table.slice(0, 0)


def days_between(start: date, end: date) -> list[date]:
    """Every day from `start` to `end`."""
    return [start + timedelta(days=i) for i in range((end - start).days + 1)]
