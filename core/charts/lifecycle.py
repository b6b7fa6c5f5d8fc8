"""Who is there: bars of new, returning, resurrecting and dormant shoppers, and of how often they come."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import exact, ticks_in
from core.charts.retention import written_day
from core.charts.trend import TICKS

#: State → what it means, from the axis outwards.
MEANINGS = {
    "returning": "there in the {step} before too",
    "resurrecting": "back after a {step} or more away",
    "new": "never seen before",
    "dormant": "there in the {step} before, not in this",
}
#: Bars of stickiness; the table behind keeps the tail.
MOST_BARS = 31


def lifecycle_bars(table: pa.Table, step: str, style: Look) -> go.Figure:
    """The `lifecycle` table as stacked bars, dormant below zero; `customdata` is a bar's day and state.

    Steps that the dates cut are left out, as they would look like a fall, unless there is no whole one.
    What is hidden of a step's shoppers is a grey part of its bar.
    """
    rows = whole_rows(table, step) or table.to_pylist()
    colours = {
        "returning": style.accent,
        "resurrecting": style.categorical[3],
        "new": style.categorical[1],
        "dormant": style.muted,
    }
    days = [row["day"] for row in rows]
    figure = go.Figure()
    for state, meaning in MEANINGS.items():
        sign = -1 if state == "dormant" else 1
        figure.add_bar(
            x=days,
            y=[None if row[state] is None else sign * row[state] for row in rows],
            name=state,
            marker={"color": colours[state], "line": {"width": 0}},
            opacity=0.55 if state == "dormant" else 1,
            customdata=[[row["day"].isoformat(), state] for row in rows],
            unselected={"marker": {"opacity": 1}},
            hovertext=[
                f"<b>{state.capitalize()}: {exact(row[state], 'count')}</b> of "
                f"{exact(row['shoppers'], 'count')}<br>{step.capitalize()} of {written_day(row['day'], step)}"
                f"<br>{meaning.format(step=step)}"
                if state != "dormant"
                else f"<b>Dormant: {exact(row[state], 'count')}</b><br>{step.capitalize()} of "
                f"{written_day(row['day'], step)}<br>{meaning.format(step=step)}"
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    rest = [_not_shown(row) for row in rows]
    if any(rest):
        figure.add_bar(
            x=days,
            y=rest,
            name="not shown",
            marker={"color": style.empty, "line": {"width": 0}},
            hovertext=[
                f"{exact(value, 'count')} in states of too few shoppers to be shown" for value in rest
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    dressed(figure, style, height=296)
    few = len(days) <= 8
    figure.update_layout(barmode="relative", bargap=0.18, margin_t=34, legend={"traceorder": "normal"})
    figure.update_yaxes(**ticks_in("count"), nticks=6, zeroline=True, zerolinecolor=style.muted)
    figure.update_xaxes(
        showgrid=False,
        tickvals=days if few else None,
        tickformat=("%b %Y" if step == "month" else "%-d %b") if few else None,
        tickformatstops=None if few else list(TICKS),
    )
    return figure


def stickiness_bars(table: pa.Table, step: str, style: Look) -> go.Figure:
    """The `stickiness` table: share of the shoppers by number of steps on which they came."""
    rows = table.to_pylist()[:MOST_BARS]
    figure = go.Figure()
    figure.add_bar(
        x=[row["active"] for row in rows],
        y=[row["share"] for row in rows],
        marker={"color": style.accent, "line": {"width": 0}},
        hovertext=[
            f"<b>{row['active']} {step}{'s' if row['active'] > 1 else ''}: {exact(row['share'], 'share')}</b>"
            f"<br>{exact(row['shoppers'], 'count')} shoppers"
            for row in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    unseen = [row["active"] for row in rows if row["share"] is None]
    figure.add_scatter(  # an empty place would look like nobody
        x=unseen, y=[0] * len(unseen), mode="text", text=["too few"] * len(unseen), hoverinfo="skip",
        textposition="top center", textfont={"size": 11, "color": style.muted},
    )  # fmt: skip
    dressed(figure, style, height=296)
    figure.update_layout(bargap=0.18, showlegend=False)
    figure.update_yaxes(**ticks_in("share"), nticks=5, rangemode="tozero")
    figure.update_xaxes(
        showgrid=False,
        title={"text": f"{step.capitalize()}s with an event"},
        dtick=1 if len(rows) <= 15 else None,
    )
    return figure


def _not_shown(row: dict[str, Any]) -> int:
    """The step's shoppers in states that are hidden; 0 where the shoppers are hidden too."""
    states = [row[state] for state in ("new", "returning", "resurrecting")]
    return 0 if row["shoppers"] is None else row["shoppers"] - sum(value or 0 for value in states)


def whole_rows(table: pa.Table, step: str) -> list[dict[str, Any]]:
    """The rows of the `lifecycle` table whose step the dates hold whole."""
    return [row for row in table.to_pylist() if row["days"] == _days_of(row["day"], step)]


def _days_of(day: date, step: str) -> int:
    return {"day": 1, "week": 7}.get(step) or monthrange(day.year, day.month)[1]
