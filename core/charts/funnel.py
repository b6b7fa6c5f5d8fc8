"""A funnel as bars, its groups and drivers as points with intervals, its trend as a line."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.moments import moment, time_ticks
from core.charts.numbers import exact, short, signed, time_words, written

ROW = 38
#: Rows that the picture has room for at least.
LEAST_ROWS = 5
#: What a click on a bar says: the step, counted from 1, and what became of the shoppers.
REACHED, DROPPED = "reached", "dropped"


def funnel_bars(table: pa.Table, who: str, style: Look, currency: str | None = None) -> go.Figure:
    """The `funnel` table, without a split: a bar a step, what it lost in pale, the compared period as a tick.

    `customdata` of a bar is its step (from 1) and REACHED or DROPPED.
    """
    rows = table.to_pylist()
    y = list(range(len(rows)))
    reached = [row["of_first"] for row in rows]
    lost = [
        row["dropped"] / rows[0][who] if row["dropped"] is not None and rows[0][who] else None for row in rows
    ]
    hover = [_hover(row, who, currency) for row in rows]
    common = {"orientation": "h", "y": y, "hovertemplate": "%{hovertext}<extra></extra>", "width": 0.62}
    figure = go.Figure()
    figure.add_bar(
        x=reached, marker={"color": style.accent, "line": {"width": 0}}, hovertext=hover,
        customdata=[[row["step"], REACHED] for row in rows], unselected={"marker": {"opacity": 1}},
        selected={"marker": {"opacity": 1}}, **common,
    )  # fmt: skip
    figure.add_bar(
        x=lost, base=[value or 0 for value in reached], marker={"color": style.band, "line": {"width": 0}},
        hovertext=[f"<b>{exact(row['dropped'], 'count')} {who} dropped here</b>" for row in rows],
        customdata=[[row["step"], DROPPED] for row in rows], unselected={"marker": {"opacity": 1}},
        selected={"marker": {"opacity": 1}}, **common,
    )  # fmt: skip
    before = [row["previous_of_first"] for row in rows]
    if any(value is not None for value in before[1:]):
        figure.add_scatter(
            x=before, y=y, mode="markers", hoverinfo="skip", cliponaxis=False,
            marker={"symbol": "line-ns", "size": 24, "line": {"width": 2, "color": style.ink}},
        )  # fmt: skip
    for at, row in zip(y, rows, strict=True):
        figure.add_annotation(
            x=1.015, xref="x", y=at, text=_beside(row, who, style), showarrow=False, xanchor="left",
            align="left", font={"size": 13, "color": style.ink},
        )  # fmt: skip
    dressed(figure, style, height=ROW * max(len(rows), LEAST_ROWS) + 34)
    figure.update_xaxes(
        range=[0, 1.46], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", fixedrange=True, zeroline=False,
        side="top",
    )  # fmt: skip
    figure.update_yaxes(
        range=[max(len(rows), LEAST_ROWS) - 0.5, -0.5], tickvals=y, fixedrange=True, showgrid=False,
        ticktext=[f"{row['step']}  {short(row['label'])}" for row in rows],
        tickfont={"size": 13, "color": style.ink}, zeroline=False,
    )  # fmt: skip
    figure.update_layout(
        barmode="overlay", showlegend=False, clickmode="event+select", dragmode=False, bargap=0.3
    )
    return figure


def _beside(row: dict[str, Any], who: str, style: Look) -> str:
    """Count, share of the first step, and what changed, in one line."""
    if row[who] is None:
        return "<i>too few to show</i>"
    text = f"<b>{exact(row[who], 'count')}</b>"
    if row["step"] == 1:
        return f"{text} {who}"
    text += f"  {written(row['of_first'], 'share')}"
    if row["change"] is None:
        return text
    certain = row["change_low"] > 0 or row["change_high"] < 0
    colour = (style.up if row["change"] > 0 else style.down) if certain else style.muted
    return f'{text}  <span style="color:{colour}">{signed(row["change"], "share")}</span>'


def _hover(row: dict[str, Any], who: str, currency: str | None) -> str:
    lines = [f"<b>{row['step']}  {_wrapped(row['label'])}</b>", f"{exact(row[who], 'count')} {who}"]
    if row["step"] > 1 and row["of_first"] is not None:
        span = f"{exact(row['of_first_low'], 'share')} to {exact(row['of_first_high'], 'share')}"
        lines.append(f"{exact(row['of_first'], 'share')} of the first step (95 % interval {span})")
        lines.append(f"{exact(row['of_previous'], 'share')} of the step before")
        if row["median_seconds"] is not None:
            lines.append(f"half within {time_words(row['median_seconds'])} of the step before")
    if row["change"] is not None:
        span = f"{signed(row['change_low'], 'share')} to {signed(row['change_high'], 'share')}"
        lines.append(f"{signed(row['change'], 'share')} on the compared period ({span})")
    if row["revenue"] is not None:
        lines.append(f"{exact(row['revenue'], 'money', currency)} in these events")
    return "<br>".join(lines)


def _wrapped(text: str, width: int = 60) -> str:
    return "<br>".join(text[i : i + width] for i in range(0, len(text), width))


def funnel_groups(
    table: pa.Table, by: str, step: int, who: str, style: Look, overall: float | None = None
) -> go.Figure:
    """The `funnel` table with a split: how many of each group got to `step` (from 1), with intervals.

    A group whose interval lies wholly under the overall share is red; the hollow point is the compared
    period. `customdata` of a point is its group.
    """
    # A group without a share, now and before, is an empty line; one without a share now stands lowest.
    rows = [
        row for row in table.to_pylist()
        if row["step"] == step and (row["of_first"], row["previous_of_first"]) != (None, None)
    ]  # fmt: skip
    first = {row[by]: row[who] for row in table.to_pylist() if row["step"] == 1}
    rows.sort(key=lambda row: (row["of_first"] is not None, row["of_first"] or 0))
    y = list(range(len(rows)))
    x = [row["of_first"] for row in rows]

    def colour(row: dict[str, Any]) -> str:
        if overall is None or row["of_first_high"] is None:
            return style.accent
        if row["of_first_high"] < overall:
            return style.flag
        return style.up if row["of_first_low"] > overall else style.muted

    figure = go.Figure()
    figure.add_scatter(
        x=[row["previous_of_first"] for row in rows], y=y, mode="markers", hoverinfo="skip", cliponaxis=False,
        marker={"symbol": "circle-open", "size": 8, "color": style.muted},
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=y, mode="markers", cliponaxis=False, customdata=[str(row[by]) for row in rows],
        marker={"size": 10, "color": [colour(row) for row in rows]},
        error_x={
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": style.muted,
            "array": [_gap(row["of_first_high"], row["of_first"]) for row in rows],
            "arrayminus": [_gap(row["of_first"], row["of_first_low"]) for row in rows],
        },
        hovertext=[
            f"<b>{row[by]}</b><br>{exact(row['of_first'], 'share')} of {exact(first[row[by]], 'count')} {who}"
            f"<br>95 % interval {exact(row['of_first_low'], 'share')} to "
            f"{exact(row['of_first_high'], 'share')}"
            + (
                f"<br>{signed(row['change'], 'share')} on the compared period"
                if row["change"] is not None
                else ""
            )
            for row in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        unselected={"marker": {"opacity": 1}},
    )  # fmt: skip
    dressed(figure, style, height=23 * max(len(rows), 6) + 40)
    if overall is not None:
        figure.add_vline(x=overall, line={"color": style.ink, "width": 1, "dash": "dot"})
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", fixedrange=True, side="top")
    if not any([*x, *(row["previous_of_first"] for row in rows)]):  # or an axis of nothing goes beyond all
        figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(
        range=[len(rows) - max(len(rows), 6) - 0.6, len(rows) - 0.4], tickvals=y, fixedrange=True,
        ticktext=[short(str(row[by]), 22) for row in rows], tickfont={"size": 12, "color": style.ink},
        showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_layout(showlegend=False, clickmode="event+select", dragmode=False)
    return figure


def _gap(high: float | None, low: float | None) -> float:
    return 0.0 if high is None or low is None else high - low


def conversion_trend(table: pa.Table, style: Look, compared: str) -> go.Figure:
    """The `funnel-trend` table: conversion with its interval, and the compared period."""
    by = table.column_names[0]
    days = table[by].to_pylist()
    figure = go.Figure()
    low, high = table["low"].to_pylist(), table["high"].to_pylist()
    for i, (begin, end) in enumerate(_runs(low)):  # filled over a gap, the band would tell of hidden days
        shown, ends = days[begin:end], (low[begin:end], high[begin:end])
        figure.add_scatter(
            x=[*shown, *shown[::-1]], y=[*ends[0], *ends[1][::-1]], mode="lines", fill="toself",
            line={"width": 0 if end - begin > 1 else 4, "color": style.band}, fillcolor=style.band,
            hoverinfo="skip", name="95 % interval", legendgroup="interval", showlegend=not i,
        )  # fmt: skip
    before = table["previous_conversion"].to_pylist()
    if any(value is not None for value in before):
        figure.add_scatter(
            x=days, y=before, mode="lines+markers" if len(days) == 1 else "lines", name=compared,
            hoverinfo="skip",
            line={"color": style.muted, "width": 1.2, "dash": "dot"},
        )  # fmt: skip
    figure.add_scatter(
        x=days, y=table["conversion"].to_pylist(), mode="lines+markers", name="Conversion",
        line={"color": style.accent, "width": 2}, marker={"size": 4},
        hovertext=[
            f"<b>{moment(row[by])}</b><br>{exact(row['conversion'], 'share')}: "
            f"{exact(row['converted'], 'count')} of {exact(row['entered'], 'count')}"
            for row in table.to_pylist()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    dressed(figure, style, height=230)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", fixedrange=True)
    if not any([*high, *before]):
        figure.update_yaxes(range=[0, 1])
    figure.update_xaxes(fixedrange=True, showgrid=False, **time_ticks(days))
    figure.update_layout(dragmode=False, hovermode="closest")
    return figure


def _runs(values: list[float | None]) -> list[tuple[int, int]]:
    """Stretches of known values: first place, and the place after the last."""
    there = [-1, *(i for i, value in enumerate(values) if value is None), len(values)]
    return [(a + 1, b) for a, b in pairwise(there) if b > a + 1]


def driver_intervals(table: pa.Table, who: str, style: Look, most: int = 14) -> go.Figure:
    """The `drivers` table as odds ratios with intervals: blue goes with converting, orange with dropping.

    What is not beyond chance is grey and hollow. `customdata` of a point is its rank.
    """
    rows = table.slice(0, most).to_pylist()
    y = list(range(len(rows)))

    def colour(row: dict[str, Any]) -> str:
        if not row["beyond_chance"]:
            return style.muted
        return style.up if row["odds_ratio"] > 1 else style.down

    figure = go.Figure(
        go.Scatter(
            x=[row["odds_ratio"] for row in rows], y=y, mode="markers",
            marker={
                "size": 10, "color": [colour(row) for row in rows],
                "symbol": ["circle" if row["beyond_chance"] else "circle-open" for row in rows],
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": style.muted,
                "array": [row["high"] - row["odds_ratio"] for row in rows],
                "arrayminus": [row["odds_ratio"] - row["low"] for row in rows],
            },
            customdata=[row["rank"] for row in rows],
            hovertext=[_driver(row, who) for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 1}},
        )
    )  # fmt: skip
    dressed(figure, style, height=25 * max(len(rows), 6) + 44)
    figure.add_vline(x=1, line={"color": style.ink, "width": 1})
    figure.update_xaxes(
        type="log", fixedrange=True, side="top", tickvals=[0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100],
        ticktext=["÷1000", "÷100", "÷10", "÷5", "÷2", "1", "×2", "×5", "×10", "×100"],
    )  # fmt: skip
    figure.update_yaxes(
        range=[max(len(rows), 6) - 0.4, -0.6], tickvals=y, fixedrange=True, showgrid=False, zeroline=False,
        ticktext=[
            f"{short(row['value'], 24)} <span style='color:{style.muted}'>{row['driver']}</span>"
            + (" ⚠" if row["nearly_outcome"] else "")
            for row in rows
        ],
        tickfont={"size": 12, "color": style.ink},
    )  # fmt: skip
    figure.update_layout(showlegend=False, dragmode=False, clickmode="event+select")
    return figure


def _driver(row: dict[str, Any], who: str) -> str:
    lines = [
        f"<b>{_wrapped(row['value'])}</b> ({row['driver']})",
        f"{exact(row['conversion'], 'share')} convert with it",
        f"{exact(row['conversion_without'], 'share')} convert without",
        f"{exact(row[who], 'count')} {who}, {written(row['share'], 'share')} of those looked at",
        f"odds ×{row['odds_ratio']:.3g} (95 % interval {row['low']:.3g} to {row['high']:.3g})",
        f"chance alone: q = {row['q']:.2g}" + ("" if row["beyond_chance"] else ", not beyond chance"),
    ]
    if row["nearly_outcome"]:
        lines.append("⚠ nearly the outcome itself: it may tell it rather than explain it")
    return "<br>".join(lines)
