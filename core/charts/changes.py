"""What changed: ranked contributions as a bridge from nothing to the whole change."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import Unit, exact, signed, written

BAR_HEIGHT = 27
#: Rows that the picture has room for at least, so that bars stay bars where it is stretched.
LEAST_ROWS = 6
FIELDS = ("region", "category", "device")
OTHER, TOTAL = "other", "total"


def changes_bridge(
    table: pa.Table, label: str, unit: Unit, style: Look, currency: str | None = None
) -> go.Figure:
    """One bar a row of the `changes` table, in its rank; "other" and "total" close it.

    Each bar begins where the one above ends, so that they visibly add up to the total. `customdata`
    of a bar is its row's number, so that a click finds the row again.
    """
    rows = table.to_pylist()
    changes = [row["change"] or 0.0 for row in rows]
    ends = list(accumulate(0.0 if is_total(row) else c for row, c in zip(rows, changes, strict=True)))
    bases = [
        0.0 if is_total(row) else end - change for row, end, change in zip(rows, ends, changes, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=changes,
            y=list(range(len(rows))),
            base=bases,
            orientation="h",
            marker={"color": [_colour(row, style) for row in rows], "line": {"width": 0}},
            customdata=list(range(len(rows))),
            hovertext=[_hover(row, label, unit, currency) for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 1}},
            width=0.7,
        )
    )
    edges = [0.0, *bases, *(base + change for base, change in zip(bases, changes, strict=True))]
    low, high = min(edges), max(edges)
    room = (high - low or 1.0) * 0.17  # for the labels outside the bars
    # The numbers stand right of the bars, whichever way a bar runs, where nothing crosses them.
    figure.add_scatter(
        x=[_beside(max(base, base + change), room) for base, change in zip(bases, changes, strict=True)],
        y=list(range(len(rows))),
        mode="text",
        text=[f" {signed(row['change'], unit, currency)}" for row in rows],
        textposition="middle right",
        textfont={"size": 12, "color": style.ink},
        cliponaxis=False,
        hoverinfo="skip",
    )
    dressed(figure, style, height=BAR_HEIGHT * max(len(rows), LEAST_ROWS) + 20)
    figure.update_xaxes(
        range=[low - room / 8, high + room],
        showgrid=False,
        zeroline=False,
        showticklabels=False,
        fixedrange=True,
    )
    # The line of zero ends with the rows, where the picture has room for more of them.
    line = {"color": style.muted, "width": 1}
    figure.add_shape(type="line", x0=0, x1=0, y0=-0.6, y1=len(rows) - 0.4, line=line)
    figure.update_yaxes(
        range=[max(len(rows), LEAST_ROWS) - 0.4, -0.6],
        tickvals=list(range(len(rows))),
        ticktext=[f"<b>{part_name(row)}</b>" if is_total(row) else part_name(row) for row in rows],
        tickfont={"size": 13, "color": style.ink},
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_layout(showlegend=False, clickmode="event+select", dragmode=False)
    return figure


def _beside(end: float, room: float) -> float:
    """Where a number stands whose bar ends at `end`: past the line of zero where that would cross it."""
    return 0.0 if -0.6 * room < end < 0 else end


def part_name(row: dict[str, Any]) -> str:
    """The part of the market that a row of `changes` is about, in words."""
    if is_total(row):
        return "Total change"
    if is_other(row):
        return "Everything else"
    return " · ".join(str(row[field]) for field in FIELDS if row[field] is not None)


def is_total(row: dict[str, Any]) -> bool:
    """Whether the row is the change of the whole."""
    return bool(row["words"] == TOTAL and _whole(row))


def is_other(row: dict[str, Any]) -> bool:
    """Whether the row gathers all parts that have none of their own."""
    return bool(row["words"] == OTHER and _whole(row))


def _whole(row: dict[str, Any]) -> bool:
    return all(row[field] is None for field in FIELDS)


def _hover(row: dict[str, Any], label: str, unit: Unit, currency: str | None) -> str:
    lines = [f"<b>{part_name(row)}</b>"]
    if row["value"] is not None or row["previous"] is not None:
        was, is_now = exact(row["previous"], unit, currency), exact(row["value"], unit, currency)
        lines.append(f"{label}: {was} → {is_now}")
    lines.append(f"Adds {signed(row['change'], unit, currency)} to the change")
    if row["contribution"] is not None and not is_total(row):
        lines.append(f"{written(row['contribution'], 'share')} of the total change")
    return "<br>".join(lines)


def _colour(row: dict[str, Any], style: Look) -> str:
    if is_total(row):
        return style.ink
    if is_other(row):
        return style.muted
    return style.up if (row["change"] or 0) >= 0 else style.down
