"""What changed: ranked contributions as bars that start at zero, risers to the right."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import Unit, exact, signed, written

BAR_HEIGHT = 26
ALL = "all"


def changes_bars(
    table: pa.Table, label: str, unit: Unit, style: Look, currency: str | None = None
) -> go.Figure:
    """One bar a row of the `changes` table, in its rank; the row "other" closes it.

    `customdata` of a bar is its row's number, so that a click finds the row again.
    """
    rows = table.to_pylist()
    names = [part_name(row) for row in rows]
    colours = [_colour(row, style) for row in rows]
    hover = [
        f"<b>{name}</b><br>{label}: {exact(row['previous'], unit, currency)} → "
        f"{exact(row['value'], unit, currency)}<br>Change: {signed(row['change'], unit, currency)}"
        + (
            f"<br>{written(row['contribution'], 'share')} of the total change"
            if row["contribution"] is not None
            else ""
        )
        for name, row in zip(names, rows, strict=True)
    ]
    changes = [row["change"] or 0.0 for row in rows]
    figure = go.Figure(
        go.Bar(
            x=changes,
            y=list(range(len(rows))),
            orientation="h",
            marker={"color": colours, "line": {"width": 0}},
            text=[signed(row["change"], unit, currency) for row in rows],
            textposition="outside",
            textfont={"size": 12, "color": style.ink},
            cliponaxis=False,
            customdata=list(range(len(rows))),
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 1}},
            width=0.72,
        )
    )
    dressed(figure, style, height=BAR_HEIGHT * max(len(rows), 3) + 44)
    low, high = min([0.0, *changes]), max([0.0, *changes])
    room = (high - low or 1.0) * 0.16  # for the labels outside the bars
    figure.update_xaxes(
        range=[low - (room if low < 0 else 0), high + room],
        showgrid=False,
        zeroline=True,
        zerolinecolor=style.muted,
        showticklabels=False,
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(rows))),
        ticktext=names,
        tickfont={"size": 13, "color": style.ink},
        showgrid=False,
    )
    figure.update_layout(showlegend=False, bargap=0.25)
    return figure


def part_name(row: dict[str, Any]) -> str:
    """The part of the market that a row of `changes` is about, in words."""
    parts = [row[field] for field in ("region", "category", "device") if row[field] is not None]
    return " · ".join(str(part) for part in parts) or str(row.get("words") or "everything else")


def is_other(row: dict[str, Any]) -> bool:
    """Whether the row is the closing one, which gathers all parts not shown."""
    return all(row[field] is None for field in ("region", "category", "device"))


def _colour(row: dict[str, Any], style: Look) -> str:
    if is_other(row):
        return style.muted
    return style.up if (row["change"] or 0) >= 0 else style.down
