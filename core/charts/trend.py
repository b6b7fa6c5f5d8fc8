"""How a measure moves: one line with its compared period, expected band and anomalies, or many small ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from core.charts.look import Look, dressed
from core.charts.numbers import Unit, exact, ticks_in

#: Small multiples at most; the table behind them keeps every group.
MOST_PANELS = 12
#: Pixels of a panel with its title.
PANEL_HEIGHT = 128
#: Days of which each gets its tick.
FEW_DAYS = 8
#: How a tick is written by the distance to the next; the second line stands where it changes.
TICKS = (
    {"dtickrange": [None, 27 * 86_400_000], "value": "%-d %b\n%Y"},
    {"dtickrange": ["M1", "M11"], "value": "%b\n%Y"},
    {"dtickrange": ["M12", None], "value": "%Y"},
)


def trend_line(
    table: pa.Table,
    measure: str,
    label: str,
    unit: Unit,
    style: Look,
    *,
    compared: str = "compared period",
    currency: str | None = None,
) -> go.Figure:
    """The `trend` table without groups. `compared` names the compared period in the legend."""
    figure = go.Figure()
    rows = table.to_pylist()
    days = [row["day"] for row in rows]
    if any(row.get("low") is not None for row in rows):
        figure.add_scatter(
            x=days + days[::-1],
            y=[row["high"] for row in rows] + [row["low"] for row in rows][::-1],
            fill="toself",
            fillcolor=style.band,
            line={"width": 0},
            hoverinfo="skip",
            name="expected range",
        )
    previous = [row.get(f"previous_{measure}") for row in rows]
    if any(value is not None for value in previous):
        figure.add_scatter(
            x=days,
            y=previous,
            **_seen(previous, 4),
            line={"color": style.muted, "width": 1.5, "dash": "dot"},
            hovertext=[f"{compared}: {exact(v, unit, currency)}" for v in previous],
            hovertemplate="%{hovertext}<extra></extra>",
            name=compared,
        )
    figure.add_scatter(
        x=days,
        y=[row[measure] for row in rows],
        **_seen([row[measure] for row in rows], 5),
        line={"color": style.accent, "width": 2.2},
        hovertext=[f"<b>{label}: {exact(row[measure], unit, currency)}</b>" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        name=label,
    )
    odd = [row for row in rows if row.get("anomaly")]
    if odd:
        figure.add_scatter(
            x=[row["day"] for row in odd],
            y=[row[measure] for row in odd],
            mode="markers",
            marker={
                "size": 10,
                "symbol": "circle-open",
                "color": style.flag,
                "line": {"width": 2.5, "color": style.flag},
            },
            hovertext=[f"unusual: expected {exact(row['expected'], unit, currency)}" for row in odd],
            hovertemplate="%{hovertext}<extra></extra>",
            name="unusual",
        )
    dressed(figure, style, height=296)
    figure.update_layout(hovermode="x unified", margin_t=34)
    figure.update_yaxes(**ticks_in(unit, currency), rangemode="tozero", nticks=6)
    figure.update_xaxes(showgrid=False, **_moments(days))
    return figure


def _seen(values: list[float | None], size: int) -> dict[str, Any]:
    """Mode and marker of a line on which a value between two gaps is a dot: no line would show it."""
    around = [None, *values, None]
    sizes = [
        size if value is not None and around[i] is None and around[i + 2] is None else 0
        for i, value in enumerate(values)
    ]
    return {"mode": "lines+markers", "marker": {"size": sizes}} if any(sizes) else {"mode": "lines"}


def _moments(days: list[date], most_ticks: int | None = None) -> dict[str, Any]:
    """How an axis of days, or of hours, writes them.

    A tick a day where there are few, so that no hours appear between them.
    """
    if days and isinstance(days[0], datetime):
        one = days[-1] - days[0] < timedelta(days=1)
        written = "%H h" if one else "%H h\n%a %-d %b"
        return {"hoverformat": "%a %-d %b, %H h", "tickformat": written, "nticks": most_ticks or 9}
    ticks: dict[str, Any] = {"nticks": most_ticks, "tickformatstops": list(TICKS)}
    if len(days) <= FEW_DAYS:
        ticks = {"tickvals": days, "tickformat": "%a %-d %b"}
    return {"hoverformat": "%a %-d %b %Y", **ticks}


def trend_panels(
    table: pa.Table,
    by: str,
    measure: str,
    label: str,
    unit: Unit,
    style: Look,
    *,
    columns: int = 4,
    currency: str | None = None,
) -> go.Figure:
    """Small multiples of the `trend` table by group: largest first, one scale for all of them.

    A shared scale keeps the panels comparable; the compared period runs dotted behind each.
    """
    names = panel_names(table, by, measure)
    rows = max(ceil(len(names) / columns), 1)
    shown = sorted(set(table["day"].to_pylist()))
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for index, name in enumerate(names):
        part = table.filter(pc.equal(table[by], pa.scalar(name))).to_pylist()
        place = _place(index, len(names), rows, columns)
        layout["annotations"].append(
            {
                "text": name, "showarrow": False, "xref": "paper", "yref": "paper",
                "x": place.left, "y": place.top, "xanchor": "left", "yanchor": "bottom",
                "font": {"size": 12, "color": style.ink},
            }
        )  # fmt: skip
        layout |= place.axes()
        data += _panel(place, part, name, measure, label, unit, style, currency)
    # A dictionary at once: Plotly checks one update an axis slowly, and there are many axes.
    figure = go.Figure({"data": data, "layout": layout})
    dressed(figure, style, height=PANEL_HEIGHT * rows + 34)
    figure.update_layout(showlegend=False, hovermode="x", margin_t=26)
    figure.layout.template.layout.xaxis.update(showgrid=False, **_moments(shown, 4))
    figure.layout.template.layout.yaxis.update(**ticks_in(unit, currency), rangemode="tozero", nticks=3)
    return figure


@dataclass(frozen=True)
class _Place:
    """Where a panel lies, in shares of the picture, and the names of its axes."""

    number: int  # from 1
    left: float
    right: float
    bottom: float
    top: float
    first: bool  # in its row: it has the ticks of the shared vertical axis
    last: bool  # in its column: it has the ticks of the shared horizontal axis

    def axes(self) -> dict[str, Any]:
        """Its two axes, on the scale of the first panel's."""
        end = "" if self.number == 1 else str(self.number)
        matched = {} if self.number == 1 else {"matches": "x"}
        return {
            f"xaxis{end}": {
                "domain": [self.left, self.right], "anchor": f"y{end}", "showticklabels": self.last,
                **matched,
            },
            f"yaxis{end}": {
                "domain": [self.bottom, self.top], "anchor": f"x{end}", "showticklabels": self.first,
                **({"matches": "y"} if matched else {}),
            },
        }  # fmt: skip

    def on(self) -> dict[str, str]:
        """The axes of a trace."""
        end = "" if self.number == 1 else str(self.number)
        return {"xaxis": f"x{end}", "yaxis": f"y{end}"}


def _place(index: int, count: int, rows: int, columns: int) -> _Place:
    row, column = divmod(index, columns)
    gap_x, gap_y = 0.022, min(0.36 / rows, 0.2)
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    left, top = column * (width + gap_x), 1 - row * (height + gap_y)
    last = index + columns >= count
    # Rounding must not put an edge a hair outside the picture, which Plotly refuses.
    right, bottom = min(left + width, 1.0), max(top - height, 0.0)
    return _Place(index + 1, left, right, bottom, top, column == 0, last)


def panel_names(table: pa.Table, by: str, measure: str) -> list[str]:
    """The groups that get a panel: by their sum of the measure, largest first, `MOST_PANELS` at most.

    A group whose every value is hidden or zero gets none: a flat line would say that nobody came.
    """
    shown = table.filter(pc.not_equal(table[measure], 0))  # null is neither, and drops out too
    if not shown.num_rows:
        return []
    sums = shown.group_by(by).aggregate([(measure, "sum")])
    ranked = sums.sort_by([(f"{measure}_sum", "descending"), (by, "ascending")])
    return [str(name) for name in ranked[by].to_pylist()[:MOST_PANELS]]


def _panel(
    place: _Place,
    part: list[dict[str, Any]],
    name: str,
    measure: str,
    label: str,
    unit: Unit,
    style: Look,
    currency: str | None,
) -> list[dict[str, Any]]:
    """The traces of one panel."""
    days = [row["day"] for row in part]
    previous = [row.get(f"previous_{measure}") for row in part]
    values = [row[measure] for row in part]
    common = {"type": "scatter", **place.on()}
    traces: list[dict[str, Any]] = []
    if any(value is not None for value in previous):
        dotted = {"color": style.muted, "width": 1, "dash": "dot"}
        traces.append(
            {**common, **_seen(previous, 3), "x": days, "y": previous, "line": dotted, "hoverinfo": "skip"}
        )
    traces.append(
        {
            **common,
            **_seen(values, 4),
            "x": days,
            "y": values,
            "line": {"color": style.accent, "width": 1.7},
            "hovertext": [
                f"<b>{name}</b><br>{label}: {exact(row[measure], unit, currency)}"
                + (f"<br>Compared: {exact(p, unit, currency)}" if p is not None else "")
                for row, p in zip(part, previous, strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    odd = [row for row in part if row.get("anomaly")]
    if odd:
        ring = {"size": 7, "symbol": "circle-open", "color": style.flag, "line": {"width": 2}}
        traces.append(
            {
                **common,
                "mode": "markers",
                "x": [row["day"] for row in odd],
                "y": [row[measure] for row in odd],
                "marker": ring,
                "hoverinfo": "skip",
            }
        )
    return traces
