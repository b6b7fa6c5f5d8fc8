"""How complete the log is: one bar a column, the share of events that have it."""

from __future__ import annotations

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from core.charts.look import Look, dressed
from core.charts.numbers import written

BAR_HEIGHT = 24


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
