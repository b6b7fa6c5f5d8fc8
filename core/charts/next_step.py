"""What comes next on a path, and what showing something may be worth."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import short, ticks_in

ROW = 28
MOST = 10
LETTERS = 40


def next_bars(table: pa.Table, style: Look) -> go.Figure:
    """Bars of what comes next with their intervals, the likeliest first: `table` is that of ask=next."""
    rows = [row for row in table.to_pylist() if row["probability"] is not None][:MOST]
    figure = go.Figure()
    figure.add_bar(
        x=[row["probability"] for row in rows], y=list(range(len(rows))), orientation="h", width=0.66,
        marker={"color": style.accent, "line": {"width": 0}}, cliponaxis=False,
        error_x={
            "array": [row["high"] - row["probability"] for row in rows],
            "arrayminus": [row["probability"] - row["low"] for row in rows], "color": style.ink,
            "thickness": 1,
        },
        hovertext=[_next_told(row) for row in rows], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    return _named(figure, [row["next"] for row in rows], style, "share of what comes next")


def gains(table: pa.Table, style: Look) -> go.Figure:
    """Points of what a shown node may add to the chance of a purchase, with intervals: `table` is that of
    ask=place.
    """
    rows = [row for row in table.to_pylist() if row["gain"] is not None][:MOST]
    figure = go.Figure()
    sure = [row["low"] is not None and row["low"] > 0 for row in rows]
    figure.add_scatter(
        x=[row["gain"] for row in rows], y=list(range(len(rows))), mode="markers",
        marker={"size": 9, "color": [style.up if one else style.muted for one in sure]},
        error_x={
            "array": [row["high"] - row["gain"] for row in rows],
            "arrayminus": [row["gain"] - row["low"] for row in rows], "color": style.muted, "thickness": 1.5,
        },
        hovertext=[_gain_told(row) for row in rows], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": style.grid, "width": 1})
    names = [f"{short(row['show'], LETTERS)}, after {short(row['after'], 18)}" for row in rows]
    return _named(figure, names, style, "more of them buy, in points of a share", 70)


def place_in_a_sentence(table: pa.Table, within: str) -> str:
    """The best place, in one sentence."""
    rows = [row for row in table.to_pylist() if row["gain"] is not None]
    if not rows or rows[0]["low"] is None or rows[0]["low"] <= 0:
        return "Nothing that could be shown goes with more purchases beyond chance"
    best = rows[0]
    there, here = (_share(best[name]) for name in ("with", "without"))
    return (
        f"Show “{short(best['show'], LETTERS)}” after “{short(best['after'], LETTERS)}”: of those who go "
        f"there {there} buy within {within} steps, of all {here}"
    )


def _named(figure: go.Figure, names: list[str], style: Look, title: str, letters: int = LETTERS) -> go.Figure:
    dressed(figure, style, height=ROW * max(len(names), 3) + 60)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[short(name, letters) for name in names],
        range=[len(names) - 0.5, -0.5], showgrid=False, fixedrange=True,
    )  # fmt: skip
    figure.update_xaxes(fixedrange=True, title={"text": title}, **ticks_in("share"))
    figure.update_layout(showlegend=False, dragmode=False)
    return figure


def _share(value: float) -> str:
    """A share in per cent, however small: 4 of 109,715 are not none."""
    per_cent = value * 100
    if 0 < per_cent < 0.01:
        return "< 0.01 %"
    return f"{per_cent:.{2 if 0 < per_cent < 0.1 else 1}f} %"


def _next_told(row: dict[str, Any]) -> str:
    said = f"<b>{row['next']}</b><br>{_share(row['probability'])} of what comes next, {row['count']:,} times"
    said += f" by {row['shoppers']:,} shoppers"
    if row["buys"] is not None:
        said += f"<br>from there {_share(row['buys'])} buy ({row['bought']:,} of {row['of']:,} times)"
    return said + (f"<br>{row['steps']:.1f} more steps where they do" if row["steps"] else "")


def _gain_told(row: dict[str, Any]) -> str:
    return (
        f"<b>{row['show']}</b> after {row['after']}<br>{_share(row['with'])} buy of {row['with_of']:,} times "
        f"there ({row['of']}), {_share(row['without'])} of {row['without_of']:,} without<br>"
        f"by the chain {_share(row['chain_with'])} and {_share(row['chain_without'])}"
    )
