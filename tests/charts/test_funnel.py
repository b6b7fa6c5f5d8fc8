"""Pictures of funnels: what is hidden is not drawn over, and words do not lie on each other."""

from __future__ import annotations

import datetime
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from core.charts.funnel import conversion_trend, funnel_groups
from core.charts.funnel_time import time_course, time_groups, time_histogram
from core.charts.look import look

STYLE = look("light")
DAY = date(2025, 5, 1)


def trend(shares: list[float | None]) -> pa.Table:
    return pa.table(
        {
            "day": [DAY + timedelta(days=i) for i in range(len(shares))],
            "conversion": pa.array(shares, pa.float64()),
            "low": pa.array([None if s is None else s / 2 for s in shares], pa.float64()),
            "high": pa.array([None if s is None else s * 2 for s in shares], pa.float64()),
            "converted": [10] * len(shares),
            "entered": [100] * len(shares),
            "previous_conversion": pa.array([None] * len(shares), pa.float64()),
        }
    )


def test_the_band_of_a_trend_has_the_gaps_of_its_line() -> None:
    figure = conversion_trend(trend([0.1, 0.2, None, 0.1, None, None, 0.3]), STYLE, "before")
    bands = [trace for trace in figure.data if trace.name == "95 % interval"]
    days = [sorted({(day - DAY).days for day in band.x}) for band in bands]
    assert days == [[0, 1], [3], [6]]
    assert [band.showlegend for band in bands] == [True, False, False]
    assert tuple(bands[0].y) == (0.05, 0.1, 0.4, 0.2)


def test_few_days_are_each_written_once() -> None:
    assert len(conversion_trend(trend([0.1]), STYLE, "before").layout.xaxis.tickvals) == 1
    assert conversion_trend(trend([0.1] * 30), STYLE, "before").layout.xaxis.tickvals is None


def test_groups_without_a_share_are_left_out_or_stand_lowest() -> None:
    shares = {"Ohio": (0.2, 0.1), "Iowa": (None, 0.3), "Utah": (None, None), "Texas": (0.4, None)}
    rows = [
        {
            "region": region, "step": step, "shoppers": 100, "of_first": now, "previous_of_first": before,
            "of_first_low": now, "of_first_high": now, "change": None,
        }
        for region, (now, before) in shares.items()
        for step in (1, 2)
    ]  # fmt: skip
    figure = funnel_groups(pa.Table.from_pylist(rows), "region", 2, "shoppers", STYLE, 0.3)
    assert list(figure.layout.yaxis.ticktext) == ["Iowa", "Ohio", "Texas"]


def test_half_and_most_are_told_on_lines_of_their_own() -> None:
    table = pa.table({"from_seconds": [[0, 60, 120]], "counts": [[5, 9, 1]], "p50": [70.0], "p90": [90.0]})
    notes = time_histogram(table, "shoppers", STYLE).layout.annotations
    assert len({(note.yshift or 0) // 15 for note in notes}) == len(notes) == 2


TIMES: list[dict[str, Any]] = [
    {"device": "mobile", "shoppers": 40, "p25": 0.0, "p50": 60.0, "p75": 90.0, "p90": 4e5, "p99": 5e5},
    {"device": "app", "shoppers": None, "p25": None, "p50": None, "p75": None, "p90": None, "p99": None},
    {"device": "desktop", "shoppers": 30, "p25": 9.0, "p50": 20.0, "p75": 30.0, "p90": 50.0, "p99": 90.0},
]


def test_groups_stand_by_how_long_half_of_them_takes() -> None:
    figure = time_groups(pa.Table.from_pylist(TIMES), "device", "shoppers", STYLE)
    assert list(figure.layout.yaxis.ticktext) == ["mobile", "desktop"]  # from below, the slowest first
    points = figure.data[-1]
    assert list(points.x) == [60.0, 20.0] and list(points.customdata) == ["mobile", "desktop"]
    low, high = (10**end for end in figure.layout.xaxis.range)
    assert low < 1 and high > 4e5, "an instant and the longest time are both on the axis"


def test_times_go_on_in_the_order_of_days() -> None:
    rows = [{**row, "day": datetime.date(2025, 5, day)} for row, day in zip(TIMES, (9, 8, 7), strict=True)]
    figure = time_course(pa.Table.from_pylist(rows), "day", "shoppers", STYLE)
    assert [trace.name for trace in figure.data[1:]] == ["the middle half", "90 % within", "half within"]
    assert list(figure.data[-1].y) == [20.0, 60.0]
