"""The few numbers that answer first: how many come back, and who is there, against what was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from core.charts.lifecycle import MEANINGS, whole_rows
from core.charts.numbers import change, is_level, signed, written
from core.charts.retention import written_day

#: How much later is a long while: the second number, where the dates are long enough.
LONG = {"day": 7, "week": 4, "month": 3}


@dataclass(frozen=True)
class KeyNumber:
    """A number as it is shown; `delta` is 0 where it stands still and None where nothing is compared."""

    label: str
    value: str
    delta: str | int | None
    against: str  # what the delta is against
    meaning: str


def key_numbers(
    retention: pa.Table, compared: pa.Table | None, lifecycle: pa.Table, step: str, compared_words: str
) -> list[KeyNumber]:
    """Shares back after one period and after several, then the states of the last whole period."""
    now, before = _means(retention), _means(compared) if compared is not None else {}
    later = [n for n in now if 1 < n <= LONG[step]]
    found = []
    for n in [1, *later[-1:]]:
        share, was = now.get(n), before.get(n)
        delta: str | int | None = None
        if share is not None and was is not None:
            level = written(share, "share") == written(was, "share")
            delta = 0 if level else signed(share - was, "share").replace("−", "-")
        span = f"{n} {step}{'s' if n > 1 else ''}"
        found.append(
            KeyNumber(
                f"Back {span} later", written(share, "share"), delta, f"vs {compared_words}",
                f"Mean over cohorts whose {step} {n} has ended, weighted by their shoppers.",
            )
        )  # fmt: skip
    return found + _states(whole_rows(lifecycle, step), step)


def _states(rows: list[dict[str, Any]], step: str) -> list[KeyNumber]:
    """New, returning, resurrecting and dormant in the last whole period, against the one before."""
    if not rows:
        return []
    last, before = rows[-1], rows[-2] if len(rows) > 1 else {}
    found = []
    for state in ("new", "returning", "resurrecting", "dormant"):
        value, was = last[state], before.get(state)
        relative = value / was - 1 if value is not None and was else None
        delta = None if relative is None else 0 if is_level(relative) else change(relative).replace("−", "-")
        meaning = f"{MEANINGS[state].format(step=step).capitalize()}. {step.capitalize()} of "
        found.append(
            KeyNumber(
                state.capitalize(), written(value, "count"), delta, f"vs {step} before",
                f"{meaning}{written_day(last['day'], step)}, the last whole one of these dates.",
            )
        )  # fmt: skip
    return found


def _means(table: pa.Table) -> dict[int, float]:
    """N → mean share, where known; in the order of n."""
    return {
        row["period"]: row["share"]
        for row in table.to_pylist()
        if row["cohort"] is None and row["share"] is not None
    }
