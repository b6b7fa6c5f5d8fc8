"""What a trend expects, and what it calls out of line."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.analyses.trend import expect
from core.scope import Scope
from core.store import Store


def odd(values: np.ndarray, **options: bool) -> list[int]:
    _, low, high = expect(values, 7, 7, **options)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero((values < low) | (values > high)).tolist()


def test_a_fall_and_a_peak_are_out_of_line_and_weekends_are_not() -> None:
    rng = np.random.default_rng(0)
    values = rng.poisson(np.tile([400, 400, 400, 400, 420, 200, 180], 8)).astype(float)
    assert odd(values, counts=True) == []
    values[10], values[30] = 150, 700
    assert odd(values, counts=True) == [10, 30]


def test_a_few_events_among_none_are_chance() -> None:
    values = np.zeros(60)
    values[[4, 9, 20, 33]] = 1, 3, 1, 2
    assert odd(values, counts=True) == []
    assert odd(values) == []  # a series that stands still has no usual range


def test_many_series_are_each_as_if_alone() -> None:
    rng = np.random.default_rng(1)
    many = rng.normal(50, 5, (4, 40))
    many[1, 3:9], many[2, :33] = np.nan, np.nan  # a gap; too short
    together = expect(many, 7, 7)
    for row, line in enumerate(many):
        for whole, alone in zip(together, expect(line, 7, 7), strict=True):
            np.testing.assert_array_equal(whole[row], alone)
    assert np.isnan(together[0][2]).all() and np.isfinite(together[0][0]).all()


def test_a_week_that_the_dates_cut_is_not_judged(sample_store: Store) -> None:
    scope = Scope(start=date(2025, 1, 8), end=date(2025, 6, 30), compare="off")  # Wednesday to Monday
    rows = ANALYSES["trend"].run(sample_store, scope, step="week").table.to_pylist()
    assert [row["days"] for row in rows] == [5, *[7] * 24, 1]
    assert [row["expected"] is None for row in rows] == [row["days"] < 7 for row in rows]
    assert not (rows[0]["anomaly"] or rows[-1]["anomaly"])


@pytest.mark.parametrize("step", ["day", "week"])
@pytest.mark.parametrize("by", ["", "device"])
def test_days_outside_the_log_are_no_data(sample_store: Store, step: str, by: str) -> None:
    """The log begins on 1 January, a Wednesday: of 40 days before 20 January, 21 lie outside."""
    scope = Scope(start=date(2025, 1, 20), end=date(2025, 2, 28))
    rows = ANALYSES["trend"].run(sample_store, scope, step=step, by=by).table.to_pylist()
    groups = {row.get(by) for row in rows}
    outside = 21 if step == "day" else 3  # weeks from 9, 16 and 23 December
    for group in groups:
        before = [row["previous_events"] for row in rows if row.get(by) == group]
        assert [value is None for value in before] == [i < outside for i in range(len(before))]
    total = ANALYSES["overview"].run(sample_store, scope).table.to_pylist()[0]
    assert sum(row["previous_events"] or 0 for row in rows) == total["previous"]
    assert sum(row["events"] for row in rows) == total["value"]


def test_days_beyond_a_shorter_compared_period_are_no_data(sample_store: Store) -> None:
    scope = Scope(start=date(2025, 3, 1), end=date(2025, 3, 10), compare="2025-02-01..2025-02-04")
    rows = ANALYSES["trend"].run(sample_store, scope).table.to_pylist()
    assert [row["previous_events"] is None for row in rows] == [i >= 4 for i in range(10)]


def test_the_days_asked_for_are_no_data_either_outside_the_log(sample_store: Store) -> None:
    scope = Scope(start=date(2024, 12, 30), end=date(2025, 1, 3), compare="off")
    rows = ANALYSES["calendar"].run(sample_store, scope).table.to_pylist()
    assert [row["events"] is None for row in rows] == [True, True, False, False, False]
