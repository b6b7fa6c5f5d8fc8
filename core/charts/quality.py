"""How complete the log is: one bar a column, the share of events that have it."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from core.charts.look import Look, dressed
from core.charts.numbers import written

BAR_HEIGHT = 24


def gap_rows(table: pa.Table) -> pa.Table:
    """The rows `gap` of the `quality` table, longest first: first and last day, length in days."""
    rows = table.filter(pc.equal(table["check"], "gap")).to_pylist()
    ends = [tuple(date.fromisoformat(day) for day in row["label"].split(" to ")) for row in rows]
    gaps = pa.table(
        {
            "first": pa.array([first for first, _ in ends], pa.date32()),
            "last": pa.array([last for _, last in ends], pa.date32()),
            "days": pa.array([int(row["value"]) for row in rows], pa.int64()),
        }
    )
    return gaps.sort_by([("days", "descending"), ("first", "ascending")])


def completeness_bars(table: pa.Table, style: Look) -> go.Figure:
    """The rows `missing` of the `quality` table, turned into what is there."""
    rows = table.filter(pc.equal(table["check"], "missing")).to_pylist()
    there = [1 - (row["share"] or 0.0) for row in rows]
    labels = [row["label"].capitalize() for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=there,
        y=labels,
        orientation="h",
        marker={"color": style.accent, "line": {"width": 0}},
        text=[f" {written(share, 'share')}" for share in there],
        textposition="outside",
        textfont={"size": 12, "color": style.ink},
        cliponaxis=False,
        hovertext=[f"<b>{row['label']}</b><br>{row['value']:,} events have none" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        width=0.62,
    )
    dressed(figure, style, height=BAR_HEIGHT * max(len(rows), 3) + 20)
    figure.update_xaxes(range=[0, 1.13], showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed",
        tickfont={"size": 13, "color": style.ink},
        showgrid=False,
        fixedrange=True,
    )
    figure.update_layout(showlegend=False)
    return figure
