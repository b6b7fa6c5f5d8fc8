"""Cohorts beside each other: what sets one apart, as pairs of points, and how far several overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed, scale
from core.charts.numbers import exact, share_axis, short, signed

MOST = 18


def traits(table: pa.Table, mine: str, other: str, style: Look) -> go.Figure:
    """The traits of the `cohort` table that differ most beyond chance, as a line between two shares."""
    rows = _telling(table)[:MOST]
    y = list(range(len(rows)))
    figure = go.Figure()
    for row, at in zip(rows, y, strict=True):
        colour = style.up if row["difference"] > 0 else style.down
        figure.add_shape(
            type="line",
            x0=row["other_share"],
            x1=row["share"],
            y0=at,
            y1=at,
            line={"color": colour, "width": 3},
        )
    hover = [
        f"<b>{row['value']}</b> ({row['trait']})<br>{exact(row['share'], 'share')} of {mine}<br>"
        f"{exact(row['other_share'], 'share')} of {other}<br>{signed(row['difference'], 'share')} "
        f"({signed(row['low'], 'share')} to {signed(row['high'], 'share')})"
        for row in rows
    ]
    for name, key, colour, symbol in (
        (other, "other_share", style.muted, "circle-open"), (mine, "share", style.accent, "circle"),
    ):  # fmt: skip
        figure.add_scatter(
            x=[row[key] for row in rows], y=y, mode="markers", name=short(name, 40), hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 2}},
        )  # fmt: skip
    dressed(figure, style, height=26 * max(len(rows), 5) + 60)
    most = max((row[key] for row in rows for key in ("share", "other_share")), default=1)
    figure.update_xaxes(rangemode="tozero", fixedrange=True, **share_axis(0, most))
    figure.update_yaxes(
        range=[max(len(rows), 5) - 0.5, -0.7], tickvals=y, fixedrange=True, showgrid=False, zeroline=False,
        ticktext=[
            f"{short(row['value'], 24)} <span style='color:{style.muted}'>{row['trait']}</span>"
            for row in rows
        ],
        tickfont={"size": 12, "color": style.ink},
    )  # fmt: skip
    figure.update_layout(dragmode=False)
    return figure


def no_traits(table: pa.Table, k: int) -> str:
    """Why the `cohort` table gives no picture, as a sentence; "" where it gives one."""
    if _telling(table):
        return ""
    if any(row["trait"] != "size" for row in table.to_pylist()):
        return "Nothing sets them apart beyond chance. The table has all that was compared."
    return f"All shares are hidden, as each would tell of fewer than {k} shoppers."


def _telling(table: pa.Table) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["trait"] != "size" and row["beyond_chance"]]


def overlaps(table: pa.Table, style: Look) -> go.Figure:
    """The `overlap` table as a matrix: the share of the cohort of a row who are in the one of a column."""
    rows = table.to_pylist()
    names = list(dict.fromkeys(row["first"] for row in rows))
    shares = np.full((len(names), len(names)), np.nan)
    text, hover = np.full(shares.shape, "", object), np.full(shares.shape, "", object)
    for row in rows:
        at = names.index(row["first"]), names.index(row["second"])
        text[at], hover[at] = "·", "Too few shoppers to show"
        if row["of_first"] is not None:
            shares[at], text[at] = row["of_first"], f"{row['of_first']:.0%}"
            hover[at] = (
                f"{exact(row['both'], 'count')} shoppers are in both<br>{exact(row['of_first'], 'share')} of "
                f"<b>{short(row['first'], 60)}</b><br>{exact(row['of_second'], 'share')} of "
                f"<b>{short(row['second'], 60)}</b>"
            )
    places = list(range(len(names)))
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=places, y=places, xgap=2, ygap=2, showscale=False, zmin=0, zmax=1, text=text,
            texttemplate="%{text}", textfont={"size": 12}, hovertext=hover, hoverongaps=False,
            hovertemplate="%{hovertext}<extra></extra>", colorscale=scale(style.sequential),
        )
    )  # fmt: skip
    dressed(figure, style, height=30 * max(len(names), 3) + 60)
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True, "tickvals": places}
    figure.update_xaxes(side="top", ticktext=[short(name, 14) for name in names], **bare)
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], ticktext=[short(name, 24) for name in names], **bare)
    figure.update_layout(dragmode=False)
    return figure
