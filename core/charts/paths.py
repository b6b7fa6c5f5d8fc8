"""Paths as a flow, a step matrix, a graph of transitions, and what comes next.

The flow and the graph are ECharts options, as a click on a node or an edge comes back from them; a Plotly
Sankey goes with the export.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from core.charts.look import FONT, Look, dressed, scale
from core.charts.numbers import compact, exact, short, signed, written

#: Names of what is no event, as the analyses write them.
ENDS = ("(start)", "(end)")
OTHER = "(other)"
#: Makes a node's name its level's own without showing.
MARK = "\u200b"
COLUMN, ROW = 130, 46


def sankey(table: pa.Table, count: str, back: bool, style: Look) -> dict[str, Any]:
    """The `paths` table as an ECharts Sankey; `count` is users or paths.

    A selected node or edge is told by its place in `nodes_of` and `edges_of`. `back` says that the paths
    were read from their end, so that level 0 stands on the right.
    """
    edges, nodes = edges_of(table, count, back), nodes_of(table, count, back)
    colours = colours_of([name for _, name in nodes], style)
    lowest = min((level for level, _ in nodes), default=0)
    compared = "difference" in table.column_names
    rough = rough_nodes(table, count, back)
    data = [
        {
            "name": name + MARK * (level - lowest),
            "depth": level - lowest,
            "itemStyle": {"color": colours[name], "borderWidth": 0},
            "label": {
                "formatter": f"{short(name, 20)}  {'≈ ' if (level, name) in rough else ''}{compact(value)}"
            },
        }
        for (level, name), value in nodes.items()
    ]
    links = [
        {
            "source": a[1] + MARK * (a[0] - lowest),
            "target": b[1] + MARK * (b[0] - lowest),
            "value": row["value"],
            "lineStyle": _line(row, compared, style),
        }
        | (
            {}
            if row[count]
            else {"tooltip": {"formatter": f"{a[1]} → {b[1]}  <b>about {row['value']:,}</b>"}}
        )
        for a, b, row in edges
    ]
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": style.ink},
        "toolbox": {
            "feature": {"saveAsImage": {"title": "PNG", "pixelRatio": 2}}, "top": -4, "right": 0,
            "iconStyle": {"borderColor": style.muted},
        },
        "tooltip": {"trigger": "item", "valueFormatter": "%,d", "confine": True},
        "series": [
            {
                "type": "sankey", "left": 4, "right": 110, "top": 14, "bottom": 8, "nodeWidth": 12,
                "nodeGap": 14, "draggable": False, "layoutIterations": 0, "selectedMode": "single",
                "emphasis": {"focus": "adjacency"}, "select": {"itemStyle": {"borderColor": style.ink,
                "borderWidth": 2}, "lineStyle": {"opacity": 0.9}},
                "label": {"fontSize": 12, "color": style.ink, "fontFamily": FONT},
                "labelLayout": {"hideOverlap": True}, "data": data, "links": links,
            }
        ],
    }  # fmt: skip


Node = tuple[int, str]  # column from the left, name


def edges_of(table: pa.Table, count: str, back: bool) -> list[tuple[Node, Node, dict[str, Any]]]:
    """The flows that are drawn, left to right: node, node, row of the table with its `value`.

    Where the count itself is hidden, the value is what may be said of it.
    """
    found = []
    for row in table.to_pylist():
        row["value"] = row[count] or row[f"{count}_about"]
        if not row["value"]:
            continue
        here: Node = (row["level"], row["source"])
        there: Node = (row["level"] + 1, row["target"])
        found.append(((-there[0], there[1]), (-here[0], here[1]), row) if back else (here, there, row))
    return found


def nodes_of(table: pa.Table, count: str, back: bool) -> dict[Node, int]:
    """How many pass each node that is drawn, by level and in the order of size."""
    out: Counter[Node] = Counter()
    into: Counter[Node] = Counter()
    for a, b, row in edges_of(table, count, back):
        out[a] += row["value"]
        into[b] += row["value"]
    found = {node: max(out[node], into[node]) for node in out | into}
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1] in ENDS, -item[1])))


def rough_nodes(table: pa.Table, count: str, back: bool) -> set[Node]:
    """The nodes of a flow that is told roughly, for what subtraction would tell of others."""
    return {node for a, b, row in edges_of(table, count, back) if not row[count] for node in (a, b)}


def colours_of(names: list[str], style: Look) -> dict[str, str]:
    """One colour a name: the most frequent names get those of the palette, ends and others are pale."""
    counted = [name for name, _ in Counter(names).most_common() if name not in (*ENDS, OTHER)]
    palette = style.categorical
    found = {name: palette[i % len(palette)] for i, name in enumerate(counted)}
    return found | dict.fromkeys(ENDS, style.grid) | {OTHER: style.muted}


def _line(row: dict[str, Any], compared: bool, style: Look) -> dict[str, Any]:
    if not compared:
        return {"color": "source", "opacity": 0.32, "curveness": 0.5}
    if not row["beyond_chance"]:
        return {"color": style.muted, "opacity": 0.18, "curveness": 0.5}
    return {"color": style.up if row["difference"] > 0 else style.down, "opacity": 0.6, "curveness": 0.5}


def sankey_figure(table: pa.Table, count: str, back: bool, style: Look) -> go.Figure:
    """The same flow as a Plotly figure, for the export."""
    edges, nodes = edges_of(table, count, back), nodes_of(table, count, back)
    place = {node: i for i, node in enumerate(nodes)}
    colours = colours_of([name for _, name in nodes], style)
    figure = go.Figure(
        go.Sankey(
            node={"label": [name for _, name in nodes], "color": [colours[n] for _, n in nodes], "pad": 12},
            link={
                "source": [place[a] for a, _, _ in edges], "target": [place[b] for _, b, _ in edges],
                "value": [row["value"] for _, _, row in edges],
            },
        )
    )  # fmt: skip
    return dressed(figure, style, height=460)


def step_matrix(table: pa.Table, style: Look) -> go.Figure:
    """The `steps` table: step × node, the share of paths; with a second group, what differs.

    `customdata` of a cell is its step and node.
    """
    rows = table.to_pylist()
    compared = "difference" in table.column_names
    key = "difference" if compared else "share"
    steps = sorted({row["step"] for row in rows})
    sizes: Counter[str] = Counter()
    for row in rows:
        sizes[row["node"]] += row["share"] or 0
    names = sorted(sizes, key=lambda name: (name in ENDS, name == OTHER, -sizes[name]))
    z = np.full((len(names), len(steps)), np.nan)
    text = np.full(z.shape, "", object)
    hover = np.full(z.shape, "", object)
    for row in rows:
        at = names.index(row["node"]), steps.index(row["step"])
        if row[key] is None:
            text[at] = "·" if row["share"] is None else ""
            continue
        z[at] = row[key]
        if abs(row[key]) >= 0.005:
            text[at] = f"{row[key] * 100:+.0f}" if compared else f"{row[key] * 100:.0f}"
        hover[at] = (
            f"<b>{row['node']}</b> at step {row['step']}<br>{exact(row['share'], 'share')} of paths, "
            f"{exact(row['users'], 'count')} shoppers"
            + (
                f"<br>{signed(row['difference'], 'share')} on the other group"
                + ("" if row["beyond_chance"] else ", not beyond chance")
                if compared
                else ""
            )
        )
    top = float(np.nanmax(np.abs(z))) if np.isfinite(z).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=z, x=steps, y=list(range(len(names))), xgap=2, ygap=2, showscale=False, hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>", hoverongaps=False, text=text,
            texttemplate="%{text}", textfont={"size": 11},
            colorscale=scale(style.diverging if compared else style.sequential),
            zmin=-top if compared else 0, zmax=top,
        )
    )  # fmt: skip
    # Cells of a heatmap do not tell a click; points that are not seen, over them, do.
    told = [(i, j) for i, j in np.ndindex(z.shape) if np.isfinite(z[i, j])]
    unseen = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=[steps[j] for _, j in told], y=[i for i, _ in told], mode="markers", unselected=unseen,
        selected=unseen, marker={"symbol": "square", "size": 20, "opacity": 0},
        hovertext=[hover[at] for at in told], hovertemplate="%{hovertext}<extra></extra>",
        customdata=[[steps[j], names[i]] for i, j in told],
    )  # fmt: skip
    dressed(figure, style, height=24 * max(len(names), 6) + 52)
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(side="top", tickvals=steps, title={"text": "Step", "standoff": 4}, **bare)
    figure.update_yaxes(
        range=[len(names) - 0.5, -0.5], tickvals=list(range(len(names))),
        ticktext=[short(name, 24) for name in names], **bare,
    )  # fmt: skip
    figure.update_layout(clickmode="event+select", dragmode=False, showlegend=False)
    return figure


def graph_edges(table: pa.Table, per: str) -> list[dict[str, Any]]:
    """The rows of a `transitions` table that its graph draws, in the order of its edges."""
    return [row for row in table.to_pylist() if row[per] is not None]


def graph_nodes(edges: list[dict[str, Any]]) -> Counter[str]:
    """The nodes of a graph of transitions, in its order, and how often paths come to or leave them."""
    sizes: Counter[str] = Counter()
    for row in edges:
        sizes[row["source"]] += row["count"] or 0
        sizes[row["target"]] += row["count"] or 0
    return sizes


def transition_graph(table: pa.Table, per: str, style: Look) -> dict[str, Any]:
    """The `transitions` table as an ECharts graph in a circle; `per` is count, share or per_path.

    A selected node or edge is told by its place in `graph_nodes` and `graph_edges`.
    """
    rows = graph_edges(table, per)
    compared = "difference" in table.column_names
    sizes = graph_nodes(rows)
    colours = colours_of([name for name, _ in sizes.most_common()], style)
    most, widest = max(sizes.values(), default=1), max((row[per] for row in rows), default=1) or 1
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": style.ink},
        "toolbox": {"feature": {"saveAsImage": {"title": "PNG", "pixelRatio": 2}}, "top": -4, "right": 0},
        "tooltip": {"trigger": "item", "confine": True},
        "series": [
            {
                "type": "graph", "layout": "circular", "circular": {"rotateLabel": False}, "roam": False,
                "left": 90, "right": 90, "top": 40, "bottom": 34, "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 7, "selectedMode": "single", "emphasis": {"focus": "adjacency"},
                "label": {"show": True, "fontSize": 12, "color": style.ink},
                "data": [
                    {
                        "name": name, "symbolSize": 8 + 26 * math.sqrt(size / most), "value": size,
                        "itemStyle": {"color": colours[name]},
                        "label": {"position": "top", "formatter": short(name, 18)},
                        "tooltip": {"formatter": f"{short(name, 80)}"},
                    }
                    for name, size in sizes.items()
                ],
                "links": [
                    {
                        "source": row["source"], "target": row["target"], "value": row[per],
                        "lineStyle": {
                            "width": 0.8 + 7 * row[per] / widest, "curveness": 0.22,
                            "opacity": 0.25 + 0.6 * row[per] / widest,
                            "color": _edge(row, compared, colours, style),
                        },
                        "tooltip": {"formatter": _told(row)},
                    }
                    for row in rows
                ],
            }
        ],
    }  # fmt: skip


def _edge(row: dict[str, Any], compared: bool, colours: dict[str, str], style: Look) -> str:
    if not compared:
        return colours[row["source"]]
    if not row["beyond_chance"]:
        return style.muted
    return style.up if row["difference"] > 0 else style.down


def _told(row: dict[str, Any]) -> str:
    words = (
        f"{short(row['source'], 60)} → {short(row['target'], 60)}: {exact(row['count'], 'count')} times, "
        f"{written(row['share'], 'share')} of what follows it, {exact(row['shoppers'], 'count')} shoppers"
    )
    if row.get("difference") is not None:
        words += f", {signed(row['difference'], 'share')} on the other group"
    return words


def graph_figure(table: pa.Table, style: Look) -> go.Figure:
    """Transitions as a matrix, for the export: source × target, the share of what follows."""
    rows = table.to_pylist()
    names = sorted({row["source"] for row in rows} | {row["target"] for row in rows})
    z = np.full((len(names), len(names)), np.nan)
    for row in rows:
        z[names.index(row["source"]), names.index(row["target"])] = (
            np.nan if row["share"] is None else row["share"]
        )
    figure = go.Figure(go.Heatmap(z=z, x=names, y=names, colorscale=scale(style.sequential), showscale=False))
    dressed(figure, style, height=460)
    figure.update_yaxes(autorange="reversed")
    return figure


def next_bars(table: pa.Table, style: Look) -> go.Figure:
    """The `next` table: how likely each next event is, with its interval; in the other group as a tick,
    bold where they differ beyond chance. `customdata` of a bar is its event.
    """
    rows = [row for row in table.to_pylist() if row["probability"] is not None]
    compared = "difference" in table.column_names
    y = list(range(len(rows)))
    figure = go.Figure(
        go.Bar(
            x=[row["probability"] for row in rows], y=y, orientation="h", width=0.6,
            marker={"color": [style.muted if r["next"] in (*ENDS, OTHER) else style.accent for r in rows]},
            customdata=[row["next"] for row in rows], unselected={"marker": {"opacity": 1}},
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 0, "color": style.ink,
                "array": [row["high"] - row["probability"] for row in rows],
                "arrayminus": [row["probability"] - row["low"] for row in rows],
            },
            hovertext=[
                f"<b>{row['next']}</b><br>{exact(row['probability'], 'share')}: "
                f"{exact(row['count'], 'count')} times, {exact(row['shoppers'], 'count')} shoppers<br>"
                f"95 % interval {exact(row['low'], 'share')} to "
                f"{exact(row['high'], 'share')}"
                + (f"<br>{signed(row['difference'], 'share')} on the other group" if compared else "")
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )  # fmt: skip
    if compared:
        figure.add_scatter(
            x=[row["other_probability"] for row in rows], y=y, mode="markers", hoverinfo="skip",
            marker={
                "symbol": "line-ns", "size": 16,
                "line": {"color": style.ink, "width": [3 if row["beyond_chance"] else 1 for row in rows]},
            },
        )  # fmt: skip
    dressed(figure, style, height=25 * max(len(rows), 5) + 34)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", fixedrange=True, side="top")
    figure.update_yaxes(
        range=[max(len(rows), 5) - 0.4, -0.6], tickvals=y, ticktext=[short(row["next"], 24) for row in rows],
        fixedrange=True, showgrid=False, zeroline=False, tickfont={"size": 12, "color": style.ink},
    )  # fmt: skip
    figure.update_layout(clickmode="event+select", dragmode=False, showlegend=False)
    return figure
