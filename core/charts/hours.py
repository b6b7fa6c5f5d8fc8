"""Hours of the week: one square an hour, Monday on top, local time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, colour_bar, dressed, scale
from core.charts.numbers import Unit, exact, written

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK = range(1, 8)

#: Side of a square in axis units; the rest is the gap between squares.
SQUARE = 0.94


def hours_heatmap(
    table: pa.Table,
    measure: str,
    label: str,
    unit: Unit,
    style: Look,
    *,
    now: tuple[int, int] | None = None,
    chosen: tuple[str, ...] = (),
    weekdays: Collection[int] = WEEK,
    compared: Collection[int] = WEEK,
    currency: str | None = None,
) -> go.Figure:
    """Hour × weekday of the `hours` table, 168 squares.

    The squares are bars with a base, because a click on a bar comes back as a selection and a click
    on a Plotly heatmap does not. Their `customdata` is the scope's word for the hour ("5.18").
    Colours end at the 2nd and 98th percentile, so that one odd hour does not flatten the rest; the
    tooltip tells the value itself. Hours without a value, hidden or empty, are grey. `now` is
    (weekday 1–7, hour) to mark; `chosen` are the scope's hours. A period of less than a week has only
    some `weekdays`, and is compared with only some: the rest gets no squares, as zero would be untrue.
    """
    rows = {(row["weekday"], row["hour"]): row for row in table.to_pylist()}
    hours = [(day, hour) for day in WEEK if day in weekdays for hour in range(24)]
    values = [_value(rows.get(at), measure) for at in hours]
    text = [
        f"<b>{LONG_DAYS[day - 1]} {hour:02d}–{(hour + 1) % 24:02d} h</b><br>"
        f"{label}: {exact(value, unit, currency)}"
        + (_compared(rows.get((day, hour)), measure, unit, currency) if day in compared else "")
        for (day, hour), value in zip(hours, values, strict=True)
    ]
    words = [f"{day}.{hour}" for day, hour in hours]
    picked = [i for i, word in enumerate(words) if word in set(chosen)]
    figure = go.Figure()
    common = {"width": SQUARE, "hovertemplate": "%{hovertext}<extra></extra>"}
    there = [i for i, value in enumerate(values) if value is not None]
    hidden = [i for i, value in enumerate(values) if value is None]
    for indexes, marker in (
        (there, _coloured([v for v in values if v is not None], values, label, unit, style, currency)),
        (hidden, {"color": style.empty, "line": {"width": 0}}),
    ):
        chosen_here = [n for n, i in enumerate(indexes) if i in picked]
        figure.add_bar(
            x=[hours[i][1] for i in indexes],
            y=[SQUARE] * len(indexes),
            base=[hours[i][0] - SQUARE / 2 for i in indexes],
            marker=marker,
            customdata=[words[i] for i in indexes],
            hovertext=[text[i] for i in indexes],
            unselected={"marker": {"opacity": 0.3 if picked else 1}},
            selectedpoints=chosen_here if picked else None,
            **common,
        )
    dressed(figure, style, height=300)
    if now and now[0] in weekdays:
        day, hour = now
        figure.add_shape(
            type="rect",
            x0=hour - 0.5,
            x1=hour + 0.5,
            y0=day - 0.5,
            y1=day + 0.5,
            line={"color": style.flag, "width": 2},
        )
    figure.update_xaxes(
        range=[-0.6, 23.6],
        tickvals=list(range(0, 24, 3)),
        ticktext=[f"{hour:02d}" for hour in range(0, 24, 3)],
        title={"text": "Hour of the day, local time"},
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        range=[7.6, 0.4],
        tickvals=list(range(1, 8)),
        ticktext=list(DAYS),
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_layout(showlegend=False, dragmode=False, clickmode="event+select", barmode="overlay")
    return figure


def _coloured(
    there: list[float],
    values: list[float | None],
    label: str,
    unit: Unit,
    style: Look,
    currency: str | None,
) -> dict[str, Any]:
    """The marker of squares that have a value."""
    low, high = robust_range(values)
    return {
        "color": there,
        "colorscale": scale(style.sequential),
        "cmin": low,
        "cmax": high,
        "line": {"width": 0},
        "colorbar": colour_bar(style, label, **ticks(values, low, high, unit, currency)),
    }


def robust_range(values: list[float | None]) -> tuple[float, float]:
    """The 2nd and 98th percentile of the values that are there; (0, 1) where there are none."""
    there = np.array([v for v in values if v is not None and np.isfinite(v)], dtype=float)
    if not there.size:
        return 0.0, 1.0
    low, high = np.percentile(there, [2, 98])
    if low == high:
        low, high = min(0.0, float(low)), max(float(high), 1e-9)
    return float(low), float(high)


def _value(row: dict[str, Any] | None, measure: str) -> float | None:
    return None if row is None else row[measure]


def _compared(row: dict[str, Any] | None, measure: str, unit: Unit, currency: str | None) -> str:
    previous = None if row is None else row.get(f"previous_{measure}")
    return "" if previous is None else f"<br>Compared: {exact(previous, unit, currency)}"


def ticks(
    values: list[float | None], low: float, high: float, unit: Unit, currency: str | None
) -> dict[str, object]:
    """Three ticks in the house's number format; an end beyond which there are values says so."""
    there = [v for v in values if v is not None and np.isfinite(v)]
    at = [low, (low + high) / 2, high]
    text = [written(round(v) if unit == "count" else v, unit, currency) for v in at]
    if there and min(there) < low:
        text[0] = f"≤ {text[0]}"
    if there and max(there) > high:
        text[2] = f"≥ {text[2]}"
    return {"tickvals": at, "ticktext": text}
