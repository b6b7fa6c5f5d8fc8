"""How a model learnt: its loss by epoch, of what it learnt from and of what was held out."""

from __future__ import annotations

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed

#: Line → what it is of.
LINES = {"learning": "what it learnt from", "validation": "the days held out"}
HEIGHT = 260


def curve(table: pa.Table, style: Look) -> go.Figure:
    """The `model-curve` table as two lines over epochs."""
    figure = go.Figure()
    rows = table.to_pylist()
    colours = {"learning": style.muted, "validation": style.accent}
    epochs = [row["epoch"] for row in rows]
    for name, of in LINES.items():
        figure.add_scatter(
            x=epochs, y=[row[name] for row in rows], name=f"{name.capitalize()}: {of}",
            mode="lines+markers", line={"color": colours[name], "width": 2}, marker={"size": 6},
            hovertemplate=f"{name.capitalize()}, epoch %{{x}}: %{{y:.5f}}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=HEIGHT)
    figure.update_xaxes(title="Epoch", dtick=1, fixedrange=True)
    figure.update_yaxes(title="Loss", fixedrange=True)
    figure.update_layout(dragmode=False)
    return figure
