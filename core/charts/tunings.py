"""How tunings went: loss and quality step by step, a line a run."""

from __future__ import annotations

import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed

#: What a metric is called above its picture.
METRICS = {
    "loss": "Loss in training",
    "ndcg@10": "NDCG@10 at validation",
    "hr@10": "HR@10 at validation",
    "mrr": "MRR at validation",
    "minus_loss": "Minus the loss of masked words at validation",
    "cosine": "Cosine to the larger model at validation",
}
_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star")


def curves(table: pa.Table, metric: str, style: Look) -> go.Figure:
    """One metric of all runs that have it by step; `table` is that of `tunings` with `curves=yes`.

    Runs differ by colour and by marker. A run without the metric has no line.
    """
    figure = go.Figure()
    rows = [row for row in table.to_pylist() if row["metric"] == metric]
    for number, run in enumerate(dict.fromkeys(row["run"] for row in table.to_pylist())):
        mine = sorted((row["step"], row["value"]) for row in rows if row["run"] == run)
        if not mine:
            continue
        colour = style.categorical[number % len(style.categorical)]
        figure.add_scatter(
            x=[step for step, _ in mine], y=[value for _, value in mine], name=run, mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 7, "color": colour, "symbol": _MARKERS[number % len(_MARKERS)]},
            hovertemplate="%{fullData.name}<br>step %{x:,}: %{y:.4f}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=320)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.2})
    figure.update_xaxes(title="Step", rangemode="tozero")
    figure.update_yaxes(title=METRICS.get(metric, metric))
    return figure
