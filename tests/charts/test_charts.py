"""Pictures say what their tables say."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from core.charts.changes import changes_bridge, is_other, is_total, part_name
from core.charts.days import calendar_heatmap
from core.charts.hourly import hourly
from core.charts.hours import hours_heatmap, robust_range, ticks
from core.charts.look import DARK, LIGHT, Look
from core.charts.page_html import Part, page_html, table_csv
from core.charts.quality import gap_rows
from core.charts.trend import MOST_PANELS, panel_names, trend_line, trend_panels
from tests.charts import tables

LOOKS = pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])


@LOOKS
def test_changes_add_up_to_the_total(style: Look) -> None:
    table = tables.changes()
    figure = changes_bridge(table, "Revenue", "money", style, "USD")
    bar = figure.data[0]
    assert list(bar.x) == table["change"].to_pylist()
    assert list(bar.customdata) == [0, 1, 2, 3, 4]
    assert list(bar.base) == [0, 22_000, 12_000, 6_000, 0]
    assert bar.base[3] + bar.x[3] == bar.x[4] == 7_000
    assert list(bar.marker.color) == [style.up, style.down, style.down, style.muted, style.ink]
    assert [text.strip() for text in figure.data[1].text] == ["+$22k", "−$10k", "−$6k", "+$1k", "+$7k"]
    assert "$40,000.00 → $62,000.00" in bar.hovertext[0]


def test_few_changes_stay_bars_and_no_number_crosses_zero() -> None:
    table = tables.changes().slice(3)
    figure = changes_bridge(table, "Revenue", "money", LIGHT, "USD")
    assert figure.layout.yaxis.range[0] - figure.layout.yaxis.range[1] >= 6
    assert figure.layout.shapes[0].y1 == 1.6
    falling = tables.changes().set_column(6, "change", [[-900.0, 850.0, 40.0, 8_010.0, 8_000.0]])
    ends = changes_bridge(falling, "Events", "count", LIGHT).data[1].x
    assert list(ends) == [0, 0, 0, 8_000, 8_000]


def test_parts_are_named() -> None:
    rows = tables.changes().to_pylist()
    assert [part_name(row) for row in rows] == [
        "Ohio · Footwear · mobile", "Texas", "Tea", "Everything else", "Total change",
    ]  # fmt: skip
    assert [is_other(row) for row in rows] == [False, False, False, True, False]
    assert [is_total(row) for row in rows] == [False, False, False, False, True]


@LOOKS
def test_hours_draw_every_hour_of_the_week_once(style: Look) -> None:
    figure = hours_heatmap(
        tables.hours(), "events", "Events", "count", style, now=(5, 18), chosen=("5.18", "1.0")
    )
    bars, hidden = figure.data
    assert len(set(bars.customdata)) == 167
    assert dict(zip(bars.customdata, bars.marker.color, strict=True))["5.18"] == 518
    assert list(hidden.customdata) == ["7.3"]
    assert [bars.customdata[i] for i in bars.selectedpoints] == ["1.0", "5.18"]
    assert list(hidden.selectedpoints) == []
    mark = figure.layout.shapes[0]
    assert (mark.x0, mark.x1, mark.y0, mark.y1) == (17.5, 18.5, 4.5, 5.5)


def test_a_period_of_few_days_has_no_squares_on_the_others() -> None:
    figure = hours_heatmap(
        tables.hours(), "events", "Events", "count", LIGHT, now=(2, 9), weekdays={4}, compared={3}
    )
    words = [word for bar in figure.data for word in bar.customdata]
    assert sorted(words) == sorted(f"4.{hour}" for hour in range(24))
    assert not figure.layout.shapes  # now is on a day without squares
    assert not any("Compared" in text for text in figure.data[0].hovertext)


def test_one_or_two_days_run_by_the_hour() -> None:
    days = [date(2025, 6, 5), date(2025, 6, 6)]
    table = hourly(tables.hours(), "events", days, [date(2025, 6, 3), date(2025, 6, 4)])
    assert table["day"].to_pylist() == [datetime(2025, 6, d, h) for d in (5, 6) for h in range(24)]
    assert table["events"].to_pylist() == [100 * weekday + h for weekday in (4, 5) for h in range(24)]
    assert table["previous_events"].to_pylist() == [200] * 24 + [300] * 24
    figure = trend_line(table, "events", "Events", "count", LIGHT)
    assert len(figure.data[-1].x) == 48
    assert "%H" in figure.layout.xaxis.tickformat


def test_days_on_an_axis_are_written_as_everywhere() -> None:
    axis = trend_line(tables.days(20), "events", "Events", "count", LIGHT).layout.xaxis
    assert [stop.value for stop in axis.tickformatstops] == ["%-d %b\n%Y", "%b\n%Y", "%Y"]


def test_hours_compared_with_a_day_outside_the_log_are_gaps() -> None:
    days = [date(2025, 6, 5), date(2025, 6, 6)]
    before = hourly(tables.hours(), "events", days, [None, date(2025, 6, 4)])["previous_events"]
    assert before.to_pylist() == [None] * 24 + [300] * 24


def test_hours_that_a_table_does_not_list_are_gaps() -> None:
    split = tables.hours().slice(0, 30).append_column("region", [["Ohio"] * 24 + ["Utah"] * 6])
    table = hourly(split, "events", [date(2025, 6, 3)], [], "region")
    assert table["events"].to_pylist()[24:31] == [200, 201, 202, 203, 204, 205, None]
    assert set(table["events"].to_pylist()[:24]) == {None}
    assert "previous_events" not in table.column_names


def test_a_value_between_gaps_is_a_dot() -> None:
    table = tables.days(9).set_column(1, "events", [[3.0, None, 5.0, None, 4.0, 4.0, None, 2.0]])
    line = next(t for t in trend_line(table, "events", "Events", "count", LIGHT).data if t.name == "Events")
    assert list(line.marker.size) == [5, 0, 5, 0, 0, 0, 0, 5]


def test_one_odd_hour_does_not_flatten_the_scale() -> None:
    values: list[float | None] = [float(v) for v in range(100)]
    assert robust_range([*values, 1e9]) == pytest.approx((2, 98))
    assert robust_range([None, float("nan")]) == (0, 1)
    assert robust_range([5.0, 5.0]) == (0, 5)


@LOOKS
def test_calendar_places_each_day(style: Look) -> None:
    table = tables.days(40)
    figure = calendar_heatmap(table, "events", "Events", "count", style)
    squares = np.array(figure.data[1].z, dtype=float)
    assert np.isfinite(squares).sum() == table.num_rows
    assert squares[5, 0] == 15  # the first Saturday
    assert np.isnan(squares[0, 1])  # the missing second Monday
    assert "Mon 9 Jun 2025" in figure.data[1].hovertext[0, 1]


@LOOKS
def test_trend_draws_band_compared_line_and_anomaly(style: Look) -> None:
    figure = trend_line(tables.days(), "events", "Events", "count", style, compared="previous 40 days")
    names = [trace.name for trace in figure.data]
    assert names == ["expected range", "previous 40 days", "Events", "unusual"]
    assert list(figure.data[3].y) == [15]


def test_trend_without_comparison_draws_one_line() -> None:
    table = tables.days().drop_columns(["previous_events", "low", "high", "expected", "anomaly"])
    assert [t.name for t in trend_line(table, "events", "Events", "count", LIGHT).data] == ["Events"]


@LOOKS
def test_panels_run_from_the_largest_group(style: Look) -> None:
    table = tables.days(20, ("Ohio", "Texas", "Utah"))
    assert panel_names(table, "region", "events") == ["Utah", "Texas", "Ohio"]
    figure = trend_panels(table, "region", "events", "Events", "count", style)
    assert [note.text for note in figure.layout.annotations] == ["Utah", "Texas", "Ohio"]


def test_a_group_without_a_value_to_show_gets_no_panel() -> None:
    table = pa.table(
        {
            "region": ["Bahrain", "Ohio", "Texas", "Bahrain", "Ohio", "Texas"],
            "day": [tables.FIRST] * 3 + [tables.FIRST + timedelta(days=1)] * 3,
            "events": pa.array([0, 12, None, 0, None, None], pa.int64()),
        }
    )
    assert panel_names(table, "region", "events") == ["Ohio"]
    assert panel_names(table.slice(0, 1), "region", "events") == []


@pytest.mark.parametrize("count", [1, 2, 5, 9, 12, 15])
def test_panels_stay_inside_the_picture_and_share_one_scale(count: int) -> None:
    table = tables.days(10, tuple(f"R{i:02}" for i in range(count)))
    figure = trend_panels(table, "region", "events", "Events", "count", LIGHT)
    drawn = min(count, MOST_PANELS)
    assert len(figure.layout.annotations) == drawn
    axes = [figure.layout[f"yaxis{'' if i == 1 else i}"] for i in range(1, drawn + 1)]
    assert all(0 <= axis.domain[0] < axis.domain[1] <= 1 for axis in axes)
    assert [axis.matches for axis in axes[1:]] == ["y"] * (drawn - 1)


def test_colour_bars_of_counts_say_whole_numbers() -> None:
    values: list[float | None] = [1.0, 2.0, 40.0, 90.0, 1_000.0]
    assert ticks(values, 1.68, 159.6, "count", None)["ticktext"] == ["≤ 2", "81", "≥ 160"]
    assert ticks([0.011, 0.034], 0.011, 0.034, "share", None)["ticktext"] == ["1.1 %", "2.2 %", "3.4 %"]


def test_gaps_run_from_the_longest() -> None:
    labels = ["2025-03-01 to 2025-03-01", "2025-03-07 to 2025-03-09", "place"]
    table = pa.table({"check": ["gap", "gap", "missing"], "label": labels, "value": [1, 3, 7]})
    rows = gap_rows(table).to_pylist()
    assert [row["days"] for row in rows] == [3, 1]
    assert (rows[0]["first"], rows[0]["last"]) == (date(2025, 3, 7), date(2025, 3, 9))
    assert gap_rows(table.slice(2)).num_rows == 0


def test_page_html_fetches_nothing() -> None:
    table = tables.days()
    parts = [
        Part("Trend <of> events", "1 to 9 Jun", (), table, trend_line(table, "events", "E", "count", LIGHT)),
        Part("Map", "all", ("a note",), table, svg=lambda: "<svg><rect/></svg>"),
        Part("Numbers", "all", (), tables.changes(), command="python -m core show changes"),
    ]
    text = page_html("Overview", "store", parts, LIGHT)
    assert "default-src 'none'" in text
    assert "<script src" not in text
    assert "<link" not in text
    assert "Trend &lt;of&gt; events" in text
    assert "<svg><rect/></svg>" in text
    assert "a note" in text
    assert text.count("plotly.js v") == 1
    assert "python -m core show changes" in text


def test_page_html_writes_numbers_in_their_unit() -> None:
    table = pa.table(
        {
            "measure": ["conversion", "revenue"],
            "label": ["Conversion", "Revenue"],
            "unit": ["share", "money"],
            "value": [0.034, 1234.5],
            "change": [0.041, -0.5],
            "spark": [[1.0, None, 3.0], [2.0, 2.0]],
        }
    )
    text = page_html("Overview", "store", [Part("N", "all", (), table, currency="USD")], LIGHT)
    for written in ("3.40 %", "$1,234.50", "4.10 %", "Conversion", "<polyline"):
        assert written in text


def test_csv_holds_every_row_and_flattens_lists() -> None:
    table = tables.changes().append_column("spark", [[[1.0, 2.0]] * 5])
    lines = table_csv(table).decode().splitlines()
    assert len(lines) == 6
    assert lines[1].endswith('"1.0 2.0"')


@pytest.mark.parametrize("style", [LIGHT, DARK])
def test_figures_are_plain_json(style: Look) -> None:
    figure = hours_heatmap(tables.hours(), "events", "Events", "count", style)
    json.loads(figure.to_json())
