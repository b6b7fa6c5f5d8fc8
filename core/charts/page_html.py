"""A page as one HTML file: pictures, tables and their notes, with nothing to fetch."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.csv as pa_csv
from plotly.offline import get_plotlyjs

from core.analyses.measures import MEASURES
from core.charts.look import FONT, Look
from core.charts.numbers import Unit, exact

#: Rows of a table in the file; the rest is a CSV export away.
MOST_ROWS = 500


@dataclass(frozen=True)
class Part:
    """One frame of a page: its words, its table, and its picture where it has one."""

    title: str
    of: str
    notes: tuple[str, ...]
    table: pa.Table
    figure: go.Figure | None = None
    svg: Callable[[], str] | None = None  # drawn when the file is written
    command: str = ""  # prints the same numbers
    currency: str | None = None


def page_html(title: str, of: str, parts: Iterable[Part], style: Look) -> str:
    """The file's text. Plotly's script is inside once; maps are SVG; tables are folded away."""
    body: list[str] = []
    scripted = False
    for number, part in enumerate(parts):
        picture = ""
        if part.figure is not None:
            picture = part.figure.to_html(
                full_html=False,
                include_plotlyjs=False,
                div_id=f"picture-{number}",
                config={"displaylogo": False, "responsive": True},
            )
            scripted = True
        elif part.svg is not None:
            picture = part.svg()
        words = html.escape(" ".join([part.of, *part.notes]))
        fold = "" if picture else " open"
        body.append(
            f"<section><h2>{html.escape(part.title)}</h2>{picture}<p class=of>{words}</p>"
            f"<details{fold}><summary>Table</summary>{_table(part.table, part.currency, style)}"
            f"<p class=of>The same numbers: <code>{html.escape(part.command)}</code></p></details></section>"
        )
    script = f"<script>{get_plotlyjs()}</script>" if scripted else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # Nothing may be fetched, whatever a picture would ask for.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:\">"
        f"<title>{html.escape(title)}</title><style>{_css(style)}</style>{script}</head>"
        f"<body><header><h1>{html.escape(title)}</h1><p class=of>{html.escape(of)}</p></header>"
        f"{''.join(body)}</body></html>"
    )


def table_csv(table: pa.Table) -> bytes:
    """The table as CSV. A list (a sparkline) becomes its values with spaces between."""
    flat = [
        pa.array([None if v is None else " ".join(map(str, v)) for v in column.to_pylist()], pa.string())
        if pa.types.is_list(column.type)
        else column
        for column in table.columns
    ]
    out = io.BytesIO()
    pa_csv.write_csv(pa.table(flat, names=table.column_names), out)
    return out.getvalue()


def _table(table: pa.Table, currency: str | None, style: Look) -> str:
    names = [name for name in table.column_names if name not in ("label", "unit", "meaning")]
    head = "".join(f"<th>{html.escape(_heading(name))}</th>" for name in names)
    lines = []
    for row in table.slice(0, MOST_ROWS).to_pylist():
        if "label" in row and "measure" in row:
            row["measure"] = row["label"]
        cells = "".join(_cell(row[name], _unit(name, row), currency, style) for name in names)
        lines.append(f"<tr>{cells}</tr>")
    more = table.num_rows - len(lines)
    rest = f"<p class=of>and {more:,} rows more, in the page's CSV export.</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{rest}"


def _heading(name: str) -> str:
    base = name.removeprefix("previous_")
    if base not in MEASURES:
        return name.replace("_", " ").capitalize()
    return MEASURES[base].label + ("" if name == base else ", compared")


def _unit(name: str, row: dict[str, Any]) -> Unit:
    """The unit of a cell: that of its column's measure, or of its row's."""
    base = name.removeprefix("previous_")
    if base in MEASURES:
        return MEASURES[base].unit
    if name in ("share", "contribution") or (name == "change" and "unit" in row):
        return "share"
    return str(row.get("unit", "count"))


def _cell(value: Any, unit: Unit, currency: str | None, style: Look) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, list):
        return f"<td>{_spark([v or 0.0 for v in value], style)}</td>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        small = unit == "count" and 0 < abs(value) < 1
        return f"<td class=n>{f'{value:.4g}' if small else exact(value, unit, currency)}</td>"
    return f"<td>{html.escape(str(value))}</td>"


def _spark(values: list[float], style: Look, width: int = 120, height: int = 24) -> str:
    """A line without axes."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{i * step:.1f},{height - 2 - (v - low) / ((high - low) or 1) * (height - 4):.1f}"
        for i, v in enumerate(values)
    )
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="course over time"><polyline '
        f'points="{points}" fill="none" stroke="{style.accent}" stroke-width="1.5"/></svg>'
    )


def _css(style: Look) -> str:
    return (
        f"body{{margin:0 auto;max-width:1200px;padding:24px;background:{style.paper};color:{style.ink};"
        f"font:15px/1.45 {FONT}}}"
        "h1{font:600 26px Georgia,serif;margin:0}h2{font-size:16px;margin:0 0 8px}"
        f".of{{color:{style.muted};font-size:13px;margin:6px 0}}"
        f"section{{border:1px solid {style.grid};border-radius:8px;padding:16px;margin:16px 0;"
        "overflow-x:auto}"
        "section>svg{width:100%;max-width:1000px;height:auto}code{font-size:12px}"
        "table{border-collapse:collapse;font-size:13px;width:100%}"
        f"th,td{{text-align:left;padding:4px 8px;border-bottom:1px solid {style.grid}}}.n{{text-align:right;"
        "font-variant-numeric:tabular-nums}"
        f"summary{{cursor:pointer;color:{style.accent}}}"
        # On paper nothing folds: what is open is printed, what is folded away is not, and rows stay whole.
        "@media print{body{padding:0;max-width:none}section,tr{break-inside:avoid}section:has(table)"
        "{break-inside:auto}h2{break-after:avoid}summary{display:none}details:not([open]){display:none}}"
    )
