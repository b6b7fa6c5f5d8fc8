"""A calendar: one square a day, a column a week, months set apart by their names."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.hours import DAYS, robust_range, ticks
from core.charts.look import Look, colour_bar, dressed, scale
from core.charts.numbers import Unit, exact

#: Weeks that the picture has room for at least.
LEAST_WEEKS = 26
#: Names of months that fit beside each other.
MOST_MONTHS = 14


def calendar_heatmap(
    table: pa.Table, measure: str, label: str, unit: Unit, style: Look, currency: str | None = None
) -> go.Figure:
    """The `calendar` table as weeks × weekdays; days without data keep the empty colour."""
    by_day: dict[date, float | None] = dict(
        zip(table["day"].to_pylist(), table[measure].to_pylist(), strict=True)
    )
    first, last = min(by_day), max(by_day)
    monday = first - timedelta(days=first.weekday())
    weeks = (last - monday).days // 7 + 1
    values = np.full((7, weeks), np.nan)
    text = np.full((7, weeks), "", dtype=object)
    inside = np.full((7, weeks), np.nan)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        week, weekday = (day - monday).days // 7, day.weekday()
        value = by_day.get(day)
        inside[weekday, week] = 0
        if value is not None:
            values[weekday, week] = value
        text[weekday, week] = (
            f"<b>{day:%a} {day.day} {day:%b %Y}</b><br>{label}: {exact(value, unit, currency)}"
        )
    low, high = robust_range(list(by_day.values()))
    figure = go.Figure()
    common = {"x": list(range(weeks)), "y": list(range(7)), "xgap": 2, "ygap": 2}
    figure.add_heatmap(
        z=inside,
        colorscale=[(0, style.empty), (1, style.empty)],
        showscale=False,
        hovertext=text,
        hovertemplate="%{hovertext}<extra></extra>",
        **common,
    )
    figure.add_heatmap(
        z=values,
        colorscale=scale(style.sequential),
        zmin=low,
        zmax=high,
        hovertext=text,
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar=colour_bar(style, label, **ticks(list(by_day.values()), low, high, unit, currency)),
        **common,
    )
    dressed(figure, style, height=196)
    # A short log keeps squares that look like squares.
    room = max(weeks, LEAST_WEEKS)
    named = _months(sorted(by_day), monday, room)
    figure.update_xaxes(
        range=[-0.5, room - 0.5],
        tickvals=list(named),
        ticktext=list(named.values()),
        tickangle=0,
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        ticklabelposition="outside right",
        ticks="",
    )
    figure.update_yaxes(
        tickvals=list(range(0, 7, 2)),
        ticktext=list(DAYS[::2]),
        range=[6.5, -0.5],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        ticks="",
    )
    return figure


def _months(days: list[date], monday: date, room: int) -> dict[int, str]:
    """Week → name of the month that begins in it, as many as stand beside each other unturned."""
    first_weeks = {(day.year, day.month): (day - monday).days // 7 for day in reversed(days)}
    apart = max(room // MOST_MONTHS, 3)
    named: dict[int, str] = {}
    told: set[int] = set()
    for (year, month), week in sorted(first_weeks.items()):
        if named and week - max(named) < apart:
            continue
        named[week] = f"{date(year, month, 1):%b}" + (f" {year}" if year not in told else "")
        told.add(year)
    return named
