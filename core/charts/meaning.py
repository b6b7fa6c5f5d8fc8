"""Who looks for something, and what is not found: bars and maps of a group's share against all groups'."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.map_cells import CellLayer, Legend
from core.charts.map_view import View, fit_view
from core.charts.numbers import compact, exact, short, written

#: Groups that get a bar, the largest.
MOST = 12
ROW = 23
#: So few weeks have their days written beneath.
FEW_WEEKS = 5
#: Share of what a map counts that its first view holds: a few far islands would make it small.
MOST_IN_VIEW = 0.95
NAMES = ("less than elsewhere", "as everywhere", "more", "more than twice")


def lift_bars(table: pa.Table, by: str, count: str, label: str, style: Look) -> go.Figure:
    """Bars of `count` by group, coloured where the group's share is surely above or below all groups'.

    `table` has the columns that `core.analyses.whom.shares` gives. Beside each bar stands the lift.
    `customdata` of a bar is its group. Weeks stand side by side in time, other groups below each other.
    """
    rows = [row for row in table.to_pylist() if row[count] is not None]
    if by == "week":
        return _weeks(rows, count, label, style)
    rows = rows[:MOST]
    names = [str(row[by]) for row in rows]
    most = max((row[count] for row in rows), default=1) or 1
    figure = go.Figure()
    figure.add_bar(
        x=[row[count] for row in rows], y=names, orientation="h", customdata=names, width=0.66,
        marker={"color": [_colour(row, style) for row in rows], "line": {"width": 0}},
        hovertext=[_told(row, str(row[by]), count, label) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        unselected={"marker": {"opacity": 1}},
    )  # fmt: skip
    dressed(figure, style, height=ROW * max(len(rows), 4) + 24)
    for row, name in zip(rows, names, strict=True):  # not texts of the bars, which fade beside a picked one
        figure.add_annotation(
            x=row[count], y=name, text=f"{compact(row[count])}   {_times(row)}", xanchor="left", xshift=4,
            showarrow=False, font={"size": 12, "color": style.ink},
        )  # fmt: skip
    figure.update_xaxes(range=[0, most * 1.45], showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, fixedrange=True, tickvals=names, type="category",
        ticktext=[short(name, 22) for name in names], tickfont={"size": 12, "color": style.ink},
    )  # fmt: skip
    figure.update_layout(showlegend=False, dragmode=False, clickmode="event+select")
    return figure


def _weeks(rows: list[dict[str, Any]], count: str, label: str, style: Look) -> go.Figure:
    days = [row["week"] for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=days, y=[row[count] for row in rows], customdata=[str(day) for day in days],
        marker={"color": [_colour(row, style) for row in rows], "line": {"width": 0}},
        hovertext=[_told(row, f"Week of {_day(row['week'])}", count, label) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        unselected={"marker": {"opacity": 1}},
    )  # fmt: skip
    dressed(figure, style, height=300)
    figure.update_xaxes(showgrid=False, fixedrange=True, type="date")
    if len(days) <= FEW_WEEKS:  # else Plotly parts a week into hours, a single one into less than seconds
        margin = timedelta(days=4)
        figure.update_traces(width=6 * 86_400_000)
        figure.update_xaxes(
            tickvals=days, ticktext=[_day(day) for day in days], range=[days[0] - margin, days[-1] + margin]
        )
    figure.update_yaxes(rangemode="tozero", fixedrange=True, title={"text": label}, tickformat="~s")
    figure.update_layout(showlegend=False, dragmode=False, clickmode="event+select", bargap=0.25)
    return figure


def lift_layer(table: pa.Table, count: str, label: str, what: str, style: Look) -> CellLayer:
    """Cells of a table by `cell`, coloured where their share is surely above or below that of all cells.

    `what` says whose share it is: "of the shoppers there".
    """
    rows = table.to_pylist()
    lift, low, high = (
        np.array([np.nan if row[name] is None else row[name] for row in rows], float)
        for name in ("lift", "lift_low", "lift_high")
    )
    classes = np.where(high < 1, 0, np.where(low > 1, np.where(lift >= 2, 3, 2), 1)).astype(np.int64)
    steps = style.diverging
    colours = (steps[1], style.empty, steps[5], steps[6])
    entries = tuple(
        (colour, f"{name} ({int((classes == i).sum()):,})")
        for i, (colour, name) in enumerate(zip(colours, NAMES, strict=True))
    )
    text = tuple(
        (row["region"] or row["cell"], exact(row[count], "count"), f"{exact(row['share'], 'share')} {what}",
         _interval(row))
        for row in rows
    )  # fmt: skip
    counts = np.array([row[count] for row in rows], float)
    return CellLayer(
        cells=tuple(row["cell"] for row in rows),
        lat=np.array([row["lat"] for row in rows], float),
        lon=np.array([row["lon"] for row in rows], float),
        classes=classes,
        height=counts / max(float(counts.max(initial=0)), 1.0),
        text=text,
        captions=("", f"{label}: ", "", ""),
        legend=Legend(
            "Against all places", entries, "95 % interval of the hexagon wholly above or below", ordered=False
        ),
    )  # fmt: skip


def view_of(layer: CellLayer, width: int, height: int) -> View:
    """The view that holds the cells whole that hold most of what is counted; `width` as in `fit_view`."""
    order = np.argsort(-layer.height, kind="stable")
    held = np.cumsum(layer.height[order])
    within = order[: int(np.searchsorted(held, MOST_IN_VIEW * held[-1])) + 1]
    corners = np.array([corner for i in within for corner in h3.cell_to_boundary(layer.cells[i])], float)
    return fit_view(corners[:, 0], corners[:, 1], width, height)


def _colour(row: dict[str, Any], style: Look) -> str:
    if not row["beyond_chance"]:
        return style.muted
    return style.up if row["lift"] > 1 else style.down


def _times(row: dict[str, Any]) -> str:
    lift = row["lift"]
    return "" if lift is None else f"×{lift:.1f}" if 0.095 <= lift < 9.95 else f"×{lift:.2g}"


def _interval(row: dict[str, Any]) -> str:
    if row["lift"] is None:
        return ""
    return f"×{row['lift']:.2f} of all ({row['lift_low']:.2f} – {row['lift_high']:.2f})"


def _told(row: dict[str, Any], name: str, count: str, label: str) -> str:
    sure = "beyond chance" if row["beyond_chance"] else "may be chance"
    return (
        f"<b>{name}</b><br>{label}: {exact(row[count], 'count')}, {written(row['share'], 'share')} of all "
        f"there<br>{_interval(row)}, {sure}"
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
