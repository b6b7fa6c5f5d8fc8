"""How long a funnel takes: a histogram, a span a group, and spans over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.moments import moment, time_ticks
from core.charts.numbers import exact, short, time_words

_M, _H, _D = 60, 3600, 86_400
#: Lengths of time that people think in, in seconds, for an axis.
TICKS = (
    1, 2, 5, 10, 30, _M, 2 * _M, 5 * _M, 10 * _M, 30 * _M, _H, 2 * _H, 5 * _H, 12 * _H, _D, 2 * _D, 4 * _D,
    7 * _D, 14 * _D, 28 * _D, 56 * _D, 112 * _D, 365 * _D, 730 * _D,
)  # fmt: skip
MOST_TICKS = 6
MOST_LABELS = 8
LEAST_ROWS = 6
ROW = 25
HEIGHT = 230


def time_histogram(table: pa.Table, who: str, style: Look) -> go.Figure:
    """The `funnel-time` table, without a split: how many took how long, the median and 90 % marked."""
    row = table.to_pylist()[0]
    edges, counts = row["from_seconds"], row["counts"]
    there = [i for i, n in enumerate(counts) if n or n is None]
    if not there:
        there = [0]
    shown = range(there[0], there[-1] + 1)
    labels = [f"{time_words(edges[i])}" for i in shown]
    ends = [time_words(edges[i + 1]) if i + 1 < len(edges) else "longer" for i in shown]
    every = -(-len(labels) // MOST_LABELS)
    figure = go.Figure(
        go.Bar(
            x=list(range(len(labels))),
            y=[counts[i] for i in shown],
            marker={"color": style.accent},
            hovertext=[
                f"<b>{a} to {b}</b><br>{exact(counts[i], 'count')} {who}"
                for a, b, i in zip(labels, ends, shown, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    for name, key, lift in (("half", "p50", 15), ("90 %", "p90", 0)):  # two lines: they may stand close
        if row[key] is None:
            continue
        at = _place(row[key], [edges[i] for i in shown])
        figure.add_vline(
            x=at, line={"color": style.ink, "width": 1, "dash": "dot"},
            annotation={
                "text": f"{name} within {time_words(row[key])}", "font": {"size": 12, "color": style.ink},
                "yanchor": "bottom", "yshift": lift,
            },
        )  # fmt: skip
    dressed(figure, style, height=HEIGHT)
    figure.update_xaxes(
        tickvals=[i - 0.5 for i in range(0, len(labels), every)],
        ticktext=labels[::every],
        fixedrange=True,
        showgrid=False,
        tickangle=0,
    )
    figure.update_yaxes(fixedrange=True, tickformat="~s")
    figure.update_layout(showlegend=False, dragmode=False, bargap=0.06, margin={"t": 40})
    return figure


def _place(seconds: float, edges: list[float]) -> float:
    """Where a length of time stands among bars of equal width."""
    i = max((n for n, edge in enumerate(edges) if edge <= seconds), default=0)
    high = edges[i + 1] if i + 1 < len(edges) else edges[i] * 2 or 1
    return i - 0.5 + min((seconds - edges[i]) / max(high - edges[i], 1), 1)


def time_groups(table: pa.Table, by: str, who: str, style: Look) -> go.Figure:
    """The `funnel-time` table with a split: of each group half, the middle half, and nine of ten.

    `customdata` of a point is its group.
    """
    rows = sorted(
        (row for row in table.to_pylist() if row["p50"] is not None), key=lambda row: -float(row["p50"])
    )
    y = list(range(len(rows)))
    figure = go.Figure()
    for low, high, width in (("p25", "p90", 2), ("p25", "p75", 7)):
        figure.add_scatter(
            x=[x for row in rows for x in (_positive(row[low]), _positive(row[high]), None)],
            y=[at for n in y for at in (n, n, None)], mode="lines", hoverinfo="skip",
            line={"width": width, "color": style.accent if width > 2 else style.muted},
            opacity=0.4 if width > 2 else 1,
        )  # fmt: skip
    figure.add_scatter(
        x=[_positive(row["p50"]) for row in rows], y=y, mode="markers",
        marker={"size": 9, "color": style.accent}, customdata=[str(row[by]) for row in rows],
        hovertext=[f"<b>{row[by]}</b><br>{_spoken(row, who)}" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>", unselected={"marker": {"opacity": 1}},
    )  # fmt: skip
    dressed(figure, style, height=ROW * max(len(rows), LEAST_ROWS) + 44)
    figure.update_xaxes(**_time_axis(rows), side="top")
    figure.update_yaxes(
        range=[len(rows) - max(len(rows), LEAST_ROWS) - 0.6, len(rows) - 0.4], tickvals=y, fixedrange=True,
        showgrid=False,
        ticktext=[short(str(row[by]), 22) for row in rows], tickfont={"size": 12, "color": style.ink},
        zeroline=False,
    )  # fmt: skip
    figure.update_layout(showlegend=False, clickmode="event+select", dragmode=False)
    return figure


def time_course(table: pa.Table, by: str, who: str, style: Look) -> go.Figure:
    """The `funnel-time` table as time goes on: half, the middle half, and nine of ten."""
    rows = sorted((row for row in table.to_pylist() if row["p50"] is not None), key=lambda row: row[by])
    days = [row[by] for row in rows]
    figure = go.Figure()
    for key, width in (("p75", 0), ("p25", 0)):
        figure.add_scatter(
            x=days, y=[_positive(row[key]) for row in rows], mode="lines", hoverinfo="skip",
            line={"width": width, "color": style.band}, name="the middle half", showlegend=key == "p25",
            fill="tonexty" if key == "p25" else None, fillcolor=style.band,
        )  # fmt: skip
    figure.add_scatter(
        x=days, y=[_positive(row["p90"]) for row in rows], mode="lines", hoverinfo="skip", name="90 % within",
        line={"width": 1.2, "color": style.muted, "dash": "dot"},
    )  # fmt: skip
    figure.add_scatter(
        x=days, y=[_positive(row["p50"]) for row in rows], mode="lines+markers", name="half within",
        line={"width": 2, "color": style.accent}, marker={"size": 4},
        hovertext=[f"<b>{moment(row[by])}</b><br>{_spoken(row, who)}" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    dressed(figure, style, height=HEIGHT)
    figure.update_xaxes(fixedrange=True, showgrid=False, **time_ticks(days))
    figure.update_yaxes(**_time_axis(rows))
    figure.update_layout(dragmode=False, hovermode="closest")
    return figure


def _positive(seconds: float) -> float:
    """A length of time that a logarithmic axis can show: an instant counts as a second."""
    return max(seconds, 1.0)


def _time_axis(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A logarithmic axis of time that holds all of the rows, with lengths that people think in."""
    ends = [_positive(row[key]) for row in rows for key in ("p25", "p90")] or [1.0, 60.0]
    low, high = np.log10(min(ends)) - 0.15, np.log10(max(ends)) + 0.15
    there = [seconds for seconds in TICKS if low <= np.log10(seconds) <= high]
    shown = there[:: -(-len(there) // MOST_TICKS) or 1]
    return {
        "type": "log", "range": [low, high], "fixedrange": True, "tickvals": shown,
        "ticktext": [time_words(seconds) for seconds in shown],
    }  # fmt: skip


def _spoken(row: dict[str, Any], who: str) -> str:
    parts = [f"{exact(row[who], 'count')} {who}", f"half within {time_words(row['p50'])}"]
    parts.append(f"the middle half {time_words(row['p25'])} to {time_words(row['p75'])}")
    parts += [f"{q} % within {time_words(row[f'p{q}'])}" for q in (90, 99)]
    return "<br>".join(parts)
