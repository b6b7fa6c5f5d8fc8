"""What a cohort is expected to take under A and B, and how the model fared against the past."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import share_axis, written

ROW = 30
MOST = 12


def expectations(table: pa.Table, kind: str, currency: str | None, style: Look) -> go.Figure:
    """Points of A and B with their intervals by region, the largest first: `table` is that of `preview`."""
    rows = [
        row for row in table.to_pylist() if row["kind"] == kind and row["region"] and row["a"] is not None
    ]
    rows = sorted(rows, key=lambda row: -float(row["a"]))[:MOST]
    figure = go.Figure()
    sides = (("a", style.muted, -0.14, "circle"), ("b", style.accent, 0.14, "diamond"))
    for side, colour, shift, shape in sides:
        figure.add_scatter(
            x=[row[side] for row in rows], y=[at + shift for at in range(len(rows))], mode="markers",
            name=side.upper(), marker={"size": 9, "color": colour, "symbol": shape},
            error_x=_error(rows, side, colour),
            text=[_told(row, side, kind, currency) for row in rows], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=ROW * max(len(rows), 3) + 70)
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[row["region"] for row in rows],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    figure.update_xaxes(
        rangemode="tozero", fixedrange=True, title={"text": f"expected {_unit(kind, currency)}"}
    )
    return figure


def reliability(table: pa.Table, kind: str, style: Look) -> go.Figure:
    """Shares taken against chances by tenths of pairs: as the model says them, and corrected."""
    rows = [row for row in table.to_pylist() if row["kind"] == kind and row["taken"] is not None]
    figure = go.Figure()
    most = max([0.001, *(float(row[name] or 0) for row in rows for name in ("chance", "high", "expected"))])
    figure.add_scatter(
        x=[0, most], y=[0, most], mode="lines", name="as expected", line={"color": style.grid, "dash": "dot"},
        hoverinfo="skip",
    )  # fmt: skip
    for name, label, colour, symbol in (
        ("chance", "as the model says", style.muted, "circle"),
        ("expected", "corrected", style.accent, "diamond"),
    ):  # fmt: skip
        its = [row for row in rows if row[name] is not None]
        figure.add_scatter(
            x=[row[name] for row in its], y=[row["taken"] for row in its], mode="markers", name=label,
            marker={"size": 8, "color": colour, "symbol": symbol},
            error_y={
                "array": [row["high"] - row["taken"] for row in its],
                "arrayminus": [row["taken"] - row["low"] for row in its], "color": colour, "thickness": 1,
            },
            text=[f"{row['pairs']:,} pairs: {row[name]:.2%} said, {row['taken']:.2%} taken" for row in its],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=330)
    ticks = share_axis(0, most)
    figure.update_xaxes(title={"text": "chance expected"}, rangemode="tozero", fixedrange=True, **ticks)
    figure.update_yaxes(title={"text": "share that came"}, rangemode="tozero", fixedrange=True, **ticks)
    return figure


def in_a_sentence(table: pa.Table, kind: str, currency: str | None) -> str:
    """What all of the cohort would take; "" where nothing is estimated."""
    row = next((r for r in table.to_pylist() if r["kind"] == kind and r["region"] is None), None)
    if row is None or row["a"] is None:
        return ""
    said = f"A: {_range(row, 'a', currency, kind)} {_unit(kind, currency)}"
    if not row["change"]:
        return f"{said}; B the same"
    sure = row["change_low"] is not None and row["change_low"] * row["change_high"] > 0
    beyond = "" if sure else ", not beyond chance"
    change = _range(row, "change", currency, kind, sign=True)
    return f"{said}; B: {_number(row['b'], kind, currency)} ({change}{beyond})"


def replay_in_a_sentence(table: pa.Table, kind: str, currency: str | None) -> str:
    """What was expected and taken when the model was held against the past."""
    row = next((r for r in table.to_pylist() if r["kind"] == kind and r["region"] is None), None)
    if row is None or row["then_taken"] is None:
        return "Too little was taken in the held-out days to hold the model against."
    raw, took = (_number(row[name], kind, currency) for name in ("then_raw", "then_taken"))
    event = row["foretold"]
    if kind == event:
        said = f"In the last days {took} came of the {raw} expected if everybody came"
    elif kind == "revenue":
        said = f"In the last days {took} was paid, of {raw} if everybody came and paid for each {event}"
    else:
        said = f"In the last days {took} {kind} events came of {raw} {event} events if everybody came"
    if row["factor"] is None:
        return f"{said}: too few to estimate by"
    return f"{said}; expectations are corrected to that: {row['factor']:.2g} times on the whole"


def _unit(kind: str, currency: str | None) -> str:
    return (
        f"revenue{f' in {currency}' if currency else ''}"
        if kind == "revenue"
        else f"{kind} events of listed items"
    )


def _number(value: float, kind: str, currency: str | None, sign: bool = False) -> str:
    said = written(
        abs(value), "money" if kind == "revenue" else "count", currency if kind == "revenue" else None
    )
    return f"{'−' if value < 0 else '+' if sign else ''}{said}"


def _range(row: dict[str, Any], name: str, currency: str | None, kind: str, sign: bool = False) -> str:
    value, low, high = (row[name], row[f"{name}_low"], row[f"{name}_high"])
    said = _number(value, kind, currency, sign)
    if low is None:
        return said
    return f"{said}, 95 %: {_number(low, kind, currency)} – {_number(high, kind, currency)}"


def _told(row: dict[str, Any], side: str, kind: str, currency: str | None) -> str:
    shoppers = f"{row['shoppers']:,} shoppers, {row['drawn']:,} of them drawn"
    return f"<b>{row['region']}</b>, {side.upper()}<br>{_range(row, side, currency, kind)}<br>{shoppers}"


def _error(rows: list[dict[str, Any]], side: str, colour: str) -> dict[str, Any]:
    return {
        "array": [(row[f"{side}_high"] or row[side]) - row[side] for row in rows],
        "arrayminus": [row[side] - (row[f"{side}_low"] or row[side]) for row in rows],
        "color": colour, "thickness": 1.5, "width": 3,
    }  # fmt: skip
