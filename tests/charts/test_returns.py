"""Pictures of who comes back say what their tables say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from core.charts.lifecycle import lifecycle_bars, stickiness_bars, whole_rows
from core.charts.look import DARK, LIGHT, Look
from core.charts.retention import (
    MOST_COHORTS,
    MOST_LINES,
    line_names,
    retention_course,
    retention_curve,
    retention_triangle,
)
from core.charts.return_numbers import key_numbers

LOOKS = pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
MONDAY = date(2025, 6, 2)


def cohorts(count: int = 4, groups: tuple[str, ...] = (), own: float = 1.0, factor: float = 1.0) -> pa.Table:
    """A `retention` table whose last week has not ended; the second week of the first cohort is hidden."""
    rows: list[dict[str, Any]] = []
    for g, group in enumerate(groups or ("",)):
        for c in [None, *range(count)]:
            for n in range(count if c is None else count - c):
                size = 100 * (g + 1)
                share = own if n == 0 else 0.4 * factor / n
                unknown = n == count - 1 if c is None else c + n == count - 1
                hidden = c == 0 and n == 2
                rows.append(
                    {
                        "region": group,
                        "cohort": None if c is None else MONDAY + timedelta(days=7 * c),
                        "period": n,
                        "cohort_shoppers": None if unknown and c is None else size,
                        "returned": None if unknown or hidden else round(size * share),
                        "share": None if unknown or hidden else share,
                    }
                )
    table = pa.Table.from_pylist(rows)
    return table if groups else table.drop_columns(["region"])


def states(days: int = 7) -> pa.Table:
    return pa.table(
        {
            "day": [MONDAY + timedelta(days=7 * i) for i in range(3)],
            "new": [10, None, 30],
            "returning": [20, 40, 50],
            "resurrecting": [5, None, 7],
            "shoppers": [35, 60, 87],
            "dormant": [8, 9, None],
            "days": [days, 7, 3],
        }
    )


@LOOKS
def test_the_triangle_draws_what_is_known(style: Look) -> None:
    figure = retention_triangle(cohorts(), "week", style)
    unknown, known, told, clicks = figure.data
    assert list(map(list, clicks.customdata[-2:])) == [["2025-06-02", 2], ["2025-06-09", 1]]
    assert list(known.x) == [1, 2]
    assert [label.split()[0] for label in figure.layout.yaxis.ticktext] == ["Mean", "2", "9"]
    assert "<b>100</b>" in figure.layout.yaxis.ticktext[1]
    assert known.z.tolist()[0] == [0.4, 0.2]
    assert known.z[1, 0] == 0.4
    assert unknown.z[1, 1] == 0
    assert list(told.text) == ["40 %", "20 %", "40 %", "—", "40 %"]
    assert "not known" in known.hovertext[1, 1]
    assert known.hovertext[1, 0] == (
        "<b>Cohort of 2 Jun 2025</b><br>1 week later: 40.00 %<br>40 of 100 shoppers"
    )
    assert len(told.textfont.color) == len(told.text)
    assert set(told.textfont.color) <= {style.ink, style.paper, style.muted}


def test_the_own_period_is_drawn_where_not_everybody_is_back_in_it() -> None:
    figure = retention_triangle(cohorts(own=0.08), "month", LIGHT)
    assert list(figure.data[1].x) == [0, 1, 2]
    assert figure.layout.xaxis.ticktext[0] == "same"
    assert "8.0 %" in figure.data[2].text
    assert "in the month itself" in figure.data[1].hovertext[0, 0]


def test_only_the_latest_cohorts_are_drawn() -> None:
    figure = retention_triangle(cohorts(MOST_COHORTS + 9), "week", LIGHT)
    assert len(figure.data[1].y) == MOST_COHORTS + 1
    assert figure.layout.yaxis.ticktext[-1].startswith(f"{MONDAY + timedelta(days=7 * 36):%-d %b}")


@LOOKS
def test_the_curve_is_the_mean_beside_the_compared(style: Look) -> None:
    compared = cohorts(factor=1.2)
    figure = retention_curve(cohorts(), "week", style, compared=compared, compared_words="previous 28 days")
    dotted, line = figure.data
    assert dotted.name == "previous 28 days"
    assert list(line.x) == [1, 2]
    assert list(line.y) == [0.4, 0.2]
    assert list(line.text) == ["40 %", "20 %"]
    assert line.textposition == "bottom center"
    alone = retention_curve(cohorts(), "week", style)
    assert len(alone.data) == 1
    assert not alone.layout.showlegend


def test_the_largest_groups_get_a_line() -> None:
    names = tuple(f"Region {i}" for i in range(MOST_LINES + 3))
    table = cohorts(groups=names)
    assert line_names(table, "region") == list(names[::-1][:MOST_LINES])
    figure = retention_curve(table, "week", LIGHT, by="region")
    assert [trace.name for trace in figure.data] == list(names[::-1][:MOST_LINES])
    assert figure.data[0].hovertext[0].startswith("Region 8: <b>All cohorts")


def test_the_course_runs_over_cohorts_and_ends_before_the_unknown() -> None:
    figure = retention_course(cohorts(), "week", LIGHT)
    assert list(figure.data[0].x) == [MONDAY, MONDAY + timedelta(days=7)]
    assert list(figure.data[0].y) == [0.4, 0.4]
    assert figure.layout.shapes[0].y0 == 0.4


@LOOKS
def test_states_are_stacked_with_the_dormant_below(style: Look) -> None:
    figure = lifecycle_bars(states(), "week", style)
    bars = {bar.name: list(bar.y) for bar in figure.data}
    assert bars == {
        "returning": [20, 40], "resurrecting": [5, None], "new": [10, None], "dormant": [-8, -9],
        "not shown": [0, 20],
    }  # fmt: skip
    assert figure.layout.barmode == "relative"
    assert "New: 10</b> of 35" in figure.data[2].hovertext[0]
    assert len(whole_rows(states(days=4), "week")) == 1
    cut = states().slice(2)
    assert list(lifecycle_bars(cut, "week", style).data[0].y) == [50]


def test_months_are_whole_by_their_own_length() -> None:
    table = pa.table({"day": [date(2025, 2, 1), date(2025, 3, 1)], "days": [28, 28]})
    assert [row["day"].month for row in whole_rows(table, "month")] == [2]


def test_stickiness_is_a_bar_a_count() -> None:
    table = pa.table({"active": [1, 2], "shoppers": [30, None], "share": [0.6, None], "ratio": [0.1, 0.1]})
    bar = stickiness_bars(table, "day", LIGHT).data[0]
    assert list(bar.y) == [0.6, None]
    assert list(bar.hovertext) == ["<b>1 day: 60.00 %</b><br>30 shoppers", "<b>2 days: —</b><br>— shoppers"]


def test_key_numbers_come_with_what_was_before() -> None:
    told = key_numbers(cohorts(), cohorts(factor=0.8), states(), "week", "previous 28 days")
    assert [number.label for number in told] == [
        "Back 1 week later", "Back 2 weeks later", "New", "Returning", "Resurrecting", "Dormant",
    ]  # fmt: skip
    assert [number.value for number in told] == ["40.0 %", "20.0 %", "—", "40", "—", "9"]
    assert [number.delta for number in told] == [
        "+8.0 points",
        "+4.0 points",
        None,
        "+100 %",
        None,
        "+12.5 %",
    ]
    assert told[0].against == "vs previous 28 days"
    assert told[3].against == "vs week before"
    assert "9 Jun 2025" in told[3].meaning
    level = key_numbers(cohorts(), cohorts(factor=1.0001), states(), "week", "x")
    assert level[0].delta == 0
    alone = key_numbers(cohorts(2), None, states().slice(2), "week", "x")
    assert [(number.value, number.delta) for number in alone] == [("—", None)]
