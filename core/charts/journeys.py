"""The map of journeys: how its points are coloured, its export, the funnel beside others, and its drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import Look, dressed
from core.charts.numbers import compact, exact, share_axis, short, signed, written

#: What a point's colour may say → its name on the page.
COLOURS = {
    "cluster": "Cluster", "conversion": "Bought or not", "region": "Region", "device": "Device",
    "hour": "Hour of the day", "revenue": "Revenue", "last": "Last step", "next": "Next step",
    "nearness": "Nearness to the words",
}  # fmt: skip
#: Groups of a legend; what is rarer is gathered in one.
MOST_GROUPS = 9
#: Steps of the colours of a measure.
LEVELS = 6
#: The group of points that are in none, as `pages.parts.scatter` has it.
NOISE = 255
#: Lines of the drift; the table has all.
MOST_LINES = 8
#: What points are called whose trait may not be told.
UNTOLD = "Other"
PARTS_OF_DAY = ("0–4 h", "4–8 h", "8–12 h", "12–16 h", "16–20 h", "20–24 h")


@dataclass(frozen=True, eq=False)
class Coloured:
    """The colour of each point: its group, and the groups from first to last."""

    group: np.ndarray  # uint8[points], NOISE for points in no group
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    noise: str  # what points in no group are called
    scale: tuple[str, ...] | None = None  # words from low to high, where the groups are steps of a measure


def coloured(table: pa.Table, by: str, names: Sequence[str], style: Look) -> Coloured:
    """The points of the `journeys` table by one of COLOURS; `names` are those of the clusters, from 1."""
    if by == "cluster":
        group = _numbers(table, "cluster", 0) - 1
        none = "Between clusters or too few to tell" if table["cluster"].null_count else "Between clusters"
        colours = tuple(cluster_colour(n, style) for n in range(len(names)))
        labels = tuple(f"{n} · {name.split(',')[0]}" for n, name in enumerate(names, start=1))
        return Coloured(np.where(group < 0, NOISE, group).astype(np.uint8), labels, colours, none)
    if by == "conversion":
        colours = (style.muted, style.categorical[1])
        bought = _numbers(table, "converted", NOISE).astype(np.uint8)
        return Coloured(bought, ("No purchase", "Bought"), colours, UNTOLD)
    if by == "hour":
        part = _numbers(table, "hour", 4 * NOISE) // 4
        return Coloured(part.astype(np.uint8), PARTS_OF_DAY, _ramp(style, len(PARTS_OF_DAY)), UNTOLD)
    if by in ("revenue", "nearness"):
        column = table["revenue" if by == "revenue" else "similarity"]
        return _levels(column.to_numpy(zero_copy_only=False).astype(float), by, style)
    values = np.array(table[by].to_pylist(), object).astype(str)
    found, counts = np.unique(values, return_counts=True)
    kept = [v for v in found[np.argsort(-counts, kind="stable")] if v != "(other)"][:MOST_GROUPS]
    labels = (*kept, "Other") if len(kept) < found.size else tuple(kept)
    at = {value: n for n, value in enumerate(kept)}
    group = np.array([at.get(v, len(kept)) for v in values], np.uint8)
    hues = (*(cluster_colour(n, style) for n in range(len(kept))), style.muted)
    return Coloured(group, labels, hues[: len(labels)], "")


def told(table: pa.Table, name: str) -> bool:
    """Whether a column of labels sets any point apart from another."""
    return len(set(table[name].unique().to_pylist()) - {"(other)"}) > 1


def _numbers(table: pa.Table, name: str, instead: int) -> np.ndarray:
    """A column of numbers or truths, `instead` where it is null: int64[rows]."""
    return np.asarray(table[name].cast(pa.int64()).fill_null(instead).to_numpy())


def cluster_colour(n: int, style: Look) -> str:
    """The colour of the n-th cluster: the palette's, then paler and deeper ones of them."""
    palette = style.categorical[:-1]  # its grey is for noise
    base, turn = palette[n % len(palette)], n // len(palette)
    if not turn:
        return base
    return _mixed(base, style.paper if turn % 2 else style.ink, min(0.25 + 0.15 * turn, 0.65))


def sizes(table: pa.Table) -> np.ndarray:
    """The size of each point by the length of its path, all alike where it may not be told: uint8[points]."""
    if table["events"].null_count:
        return np.full(table.num_rows, 64, np.uint8)
    length = np.log1p(table["events"].to_numpy().astype(float))
    low, high = np.percentile(length, [5, 98]) if length.size else (0.0, 1.0)
    return np.clip(255 * (length - low) / max(high - low, 1e-9), 0, 255).astype(np.uint8)


def map_figure(table: pa.Table, by: Coloured, style: Look) -> go.Figure:
    """The map as a Plotly figure, for exports."""
    deep = "z" in table.column_names
    columns = [table[name].to_numpy() for name in ("xyz" if deep else "xy")]
    figure = go.Figure()
    groups = [(NOISE, by.noise, style.empty), *zip(range(len(by.labels)), by.labels, by.colours, strict=True)]
    for n, label, colour in groups:
        rows = by.group == n
        if not rows.any():
            continue
        marker = {"size": 3 if deep else 4, "color": colour, "opacity": 0.7, "line": {"width": 0}}
        places = dict(zip("xyz", (column[rows] for column in columns), strict=False))
        trace = go.Scatter3d if deep else go.Scattergl
        figure.add_trace(
            trace(mode="markers", name=short(label, 60), marker=marker, hoverinfo="name", **places)
        )
    dressed(figure, style, height=640)
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
    figure.update_xaxes(**bare)
    figure.update_yaxes(scaleanchor="x", **bare)
    return figure


def funnel_beside(sides: Sequence[tuple[str, pa.Table]], colours: Sequence[str], style: Look) -> go.Figure:
    """`funnel` tables side by side: what share of the first step gets to each; `sides` are (name, table)."""
    figure = go.Figure()
    for (name, table), colour in zip(sides, colours, strict=True):
        rows = table.to_pylist()
        figure.add_bar(
            x=[row["label"] for row in rows], y=[row["of_first"] for row in rows], name=short(name, 40),
            marker={"color": colour},
            text=["" if row["of_first"] is None else written(row["of_first"], "share") for row in rows],
            textposition="outside", cliponaxis=False,
            hovertext=[
                f"<b>{short(name, 70)}</b><br>{row['label']}: "
                f"{exact(row.get('shoppers', row.get('sessions')), 'count')}, "
                f"{exact(row['of_first'], 'share')} of the first step"
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=300)
    figure.update_layout(barmode="group", bargap=0.25, dragmode=False)
    figure.update_yaxes(range=[0, 1.12], fixedrange=True, **share_axis(0, 1))
    figure.update_xaxes(fixedrange=True)
    return figure


def drift_lines(table: pa.Table, style: Look) -> go.Figure:
    """The `cluster-drift` table by week: a line a cluster, its share of each week's shoppers.

    Weeks that the dates cut are not drawn, unless there is no whole one.
    """
    every = [row for row in table.to_pylist() if row["cluster"]]
    rows = [row for row in every if row["days"] == 7] or every
    figure = go.Figure()
    for cluster in sorted({row["cluster"] for row in rows})[:MOST_LINES]:
        its = [row for row in rows if row["cluster"] == cluster]
        figure.add_scatter(
            x=[row["week"] for row in its], y=[row["share"] for row in its], mode="lines+markers",
            name=short(f"{cluster} · {its[0]['name'].split(',')[0]}", 48), marker={"size": 5},
            line={"color": cluster_colour(cluster - 1, style), "width": 2},
            hovertext=[
                f"<b>{cluster} · {short(row['name'], 70)}</b><br>Week of {row['week']:%-d %b %Y}: "
                f"{exact(row['share'], 'share')} of its shoppers ({exact(row['shoppers'], 'count')})"
                for row in its
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    dressed(figure, style, height=360)
    most = max((row["share"] for row in rows if row["share"] is not None), default=1)
    figure.update_yaxes(rangemode="tozero", fixedrange=True, **share_axis(0, most))
    figure.update_xaxes(fixedrange=True)
    figure.update_layout(dragmode=False)
    return figure


def drift_change(table: pa.Table, style: Look) -> go.Figure:
    """The `cluster-drift` table by period: each cluster's change of share, with its interval."""
    rows = [row for row in table.to_pylist() if row["cluster"] and row["difference"] is not None]
    y = list(range(len(rows)))
    colours = [
        style.muted if not row["beyond_chance"] else style.up if row["difference"] > 0 else style.down
        for row in rows
    ]
    figure = go.Figure(
        go.Scatter(
            x=[row["difference"] for row in rows], y=y, mode="markers", marker={"size": 10, "color": colours},
            error_x={
                "type": "data", "symmetric": False, "thickness": 2, "width": 0, "color": style.muted,
                "array": [row["high"] - row["difference"] for row in rows],
                "arrayminus": [row["difference"] - row["low"] for row in rows],
            },
            hovertext=[
                f"<b>{row['cluster']} · {short(row['name'], 70)}</b><br>{exact(row['share'], 'share')} of "
                f"paths now, {exact(row['previous_share'], 'share')} before: "
                f"{signed(row['difference'], 'share')} ({signed(row['low'], 'share')} to "
                f"{signed(row['high'], 'share')})" + ("" if row["beyond_chance"] else ", may be chance")
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )  # fmt: skip
    dressed(figure, style, height=max(320, 26 * len(rows) + 60))
    figure.add_vline(x=0, line={"color": style.muted, "width": 1})
    ends = [row[key] for row in rows for key in ("low", "high")]
    figure.update_xaxes(fixedrange=True, **share_axis(min(ends, default=0), max(ends, default=0), sign=True))
    figure.update_yaxes(
        tickvals=y, ticktext=[short(f"{row['cluster']} · {row['name']}", 44) for row in rows],
        autorange="reversed", fixedrange=True, showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_layout(dragmode=False, showlegend=False)
    return figure


def _levels(values: np.ndarray, by: str, style: Look) -> Coloured:
    """Steps of a measure, of equal width between its 2nd and 98th percentile; without a value: no group."""
    known = np.isfinite(values) & ((values != 0) if by == "revenue" else True)
    low, high = np.percentile(values[known], [2, 98]) if known.any() else (0.0, 1.0)
    step = np.clip((values - low) / max(high - low, 1e-9) * LEVELS, 0, LEVELS - 1)
    group = np.where(known, np.nan_to_num(step), NOISE).astype(np.uint8)
    edges = [low + (high - low) * n / LEVELS for n in range(LEVELS + 1)]
    written = [f"{e:.2f}".replace("-", "−") if by == "nearness" else compact(e) for e in edges]
    labels = tuple(f"{a} to {b}" for a, b in pairwise(written))
    words = (f"{written[0]} or less", f"{written[-1]} or more")
    return Coloured(
        group, labels, _ramp(style, LEVELS), "No revenue" if by == "revenue" else "No words", words
    )


def _ramp(style: Look, count: int) -> tuple[str, ...]:
    """Colours from low to high, without the palest, which would be lost on the paper."""
    colours = style.sequential[1:]
    return tuple(colours[round(i * (len(colours) - 1) / max(count - 1, 1))] for i in range(count))


def _mixed(colour: str, other: str, share: float) -> str:
    parts = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)
