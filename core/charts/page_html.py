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

from core.charts.look import FONT, Look
from core.charts.numbers import exact

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
            f"<details{fold}><summary>Table</summary>{_table(part.table)}</details></section>"
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


def _table(table: pa.Table) -> str:
    names = [f.name for f in table.schema if not pa.types.is_list(f.type)]
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    rows = table.select(names).slice(0, MOST_ROWS).to_pylist()
    lines = "".join("<tr>" + "".join(_cell(row[name]) for name in names) + "</tr>" for row in rows)
    more = table.num_rows - len(rows)
    rest = f"<p class=of>and {more:,} rows more, in the page's CSV export.</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>{rest}"


def _cell(value: Any) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, float):
        text = exact(value, "count") if abs(value) >= 1 else f"{value:.4g}"
        return f"<td class=n>{text}</td>"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{html.escape(str(value))}</td>"


def _css(style: Look) -> str:
    return (
        f"body{{margin:0 auto;max-width:1200px;padding:24px;background:{style.paper};color:{style.ink};"
        f"font:15px/1.45 {FONT}}}"
        "h1{font:600 26px Georgia,serif;margin:0}h2{font-size:16px;margin:0 0 8px}"
        f".of{{color:{style.muted};font-size:13px;margin:6px 0}}"
        f"section{{border:1px solid {style.grid};border-radius:8px;padding:16px;margin:16px 0;"
        "overflow-x:auto}"
        "svg{max-width:100%;height:auto}"
        "table{border-collapse:collapse;font-size:13px;width:100%}"
        f"th,td{{text-align:left;padding:4px 8px;border-bottom:1px solid {style.grid}}}.n{{text-align:right;"
        "font-variant-numeric:tabular-nums}"
        f"summary{{cursor:pointer;color:{style.accent}}}"
    )
