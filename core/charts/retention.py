"""Who comes back: a triangle of cohorts, the curve of their mean, and the course of it over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from core.charts.hours import robust_range
from core.charts.look import Look, dressed, scale
from core.charts.numbers import MISSING, compact, exact, ticks_in
from core.charts.trend import TICKS

#: Cohorts that are drawn, the latest; the table behind the picture keeps all.
MOST_COHORTS = 30
#: Groups that get a line.
MOST_LINES = 6
#: Pixels of a row of the triangle, at least and at most, and of what stands around the rows.
ROW, TALL_ROW, AROUND = 21, 36, 58
#: Points of a line beside another that have room for their numbers.
MOST_NUMBERS = 8
UNKNOWN = "not known: the {step} has not ended within these dates, or too few shoppers came back"


def retention_triangle(table: pa.Table, step: str, style: Look, beside: int = 270) -> go.Figure:
    """The `retention` table without groups: a row a cohort, a column a period after, shares in the cells.

    `beside` are the pixels of what stands beside it, which few cohorts fill with higher rows. The mean
    stands on top. The cohort's own period is left out where everybody is back in it, by
    definition; colours span the periods after it. Cells without a share are grey; those of a period that
    has not ended are not drawn at all. `customdata` of a cell is its cohort ("" of the mean) and period.
    """
    cells = _cells(table.to_pylist())
    columns = sorted({n for _, n in cells})
    cohorts = sorted({cohort for cohort, _ in cells if cohort is not None})[-MOST_COHORTS:]
    lines: list[date | None] = [None, *cohorts]
    z, told, hover = (np.full((len(lines), len(columns)), fill, object) for fill in (np.nan, "", ""))
    for (cohort, n), row in cells.items():
        if cohort in lines:
            place = lines.index(cohort), columns.index(n)
            z[place] = np.nan if row["share"] is None else row["share"]
            told[place], hover[place] = _short(row["share"]), _told(row, step)
    shares = z.astype(float)
    low, high = robust_range([row["share"] for (_, n), row in cells.items() if n])
    common = {
        "x": columns, "y": list(range(len(lines))), "xgap": 2, "ygap": 2, "showscale": False,
        "hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>", "hoverongaps": False,
    }  # fmt: skip
    figure = go.Figure()
    unknown = np.where((told != "") & np.isnan(shares), 0.0, np.nan)
    figure.add_heatmap(z=unknown, colorscale=[(0, style.empty), (1, style.empty)], **common)
    figure.add_heatmap(z=shares, zmin=low, zmax=high, colorscale=scale(style.sequential), **common)
    at, across = np.nonzero(told != "")
    figure.add_scatter(
        x=[columns[j] for j in across], y=at.tolist(), text=told[at, across].tolist(), mode="text",
        textfont={"size": 11, "color": [_ink(v, low, high, style) for v in shares[at, across].tolist()]},
        hoverinfo="skip",
    )  # fmt: skip
    # Cells of a heatmap do not tell a click; points that are not seen, over them, do.
    cells_told = [(lines[i], columns[j], hover[i, j]) for i, j in zip(at, across, strict=True)]
    figure.add_scatter(
        x=[columns[j] for j in across], y=at.tolist(), mode="markers",
        marker={"symbol": "square", "size": 20, "opacity": 0}, unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0}}, hovertext=[words for _, _, words in cells_told],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[["" if cohort is None else cohort.isoformat(), n] for cohort, n, _ in cells_told],
    )  # fmt: skip
    row_height = min(max(ROW, (beside - AROUND) // len(lines)), TALL_ROW)
    dressed(figure, style, height=AROUND + row_height * len(lines))
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=0.5, y1=0.5, line={"color": style.muted, "width": 1}
    )
    sizes = {cohort: cells[cohort, n]["cohort_shoppers"] for cohort, n in reversed(cells)}
    names = [f"{_cohort(cohort, step, cohorts)}   <b>{_size(sizes.get(cohort))}</b>" for cohort in lines]
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    figure.update_xaxes(
        side="top", tickvals=columns, ticktext=[str(n) if n else "same" for n in columns],
        title={"text": f"{step.capitalize()}s later", "standoff": 6}, **bare,
    )  # fmt: skip
    figure.update_yaxes(
        range=[len(lines) - 0.4, -0.6], tickvals=list(range(len(lines))), ticktext=names, **bare
    )
    figure.update_layout(showlegend=False, dragmode=False, clickmode="event+select")
    return figure


def retention_curve(
    table: pa.Table, step: str, style: Look, *, by: str = "", compared: pa.Table | None = None,
    compared_words: str = "compared",
) -> go.Figure:  # fmt: skip
    """The mean share back by periods after: one line with the compared dates, or one a group.

    Groups are the `MOST_LINES` largest by shoppers.
    """
    figure = go.Figure()
    longest = 0
    before = _means(compared) if compared is not None else []
    if before:
        figure.add_scatter(
            **_line(before, f"{compared_words}: ", step),
            line={"color": style.muted, "width": 1.5, "dash": "dot"}, name=compared_words,
        )  # fmt: skip
    for i, group in enumerate(line_names(table, by) if by else [""]):
        points = _means(table.filter(pc.equal(table[by], pa.scalar(group))) if by else table)
        longest = max(longest, *(row["period"] for row in points), 1) if points else longest
        colour = style.categorical[i % len(style.categorical)] if by else style.accent
        line = _line(points, f"{group}: " if by else "", step)
        if not by and (not before or len(points) <= MOST_NUMBERS):
            line |= {
                "mode": "lines+markers+text",
                "text": [_short(row["share"]) for row in points],
                "textposition": f"{_free_side(points, before)} center",
                "textfont": {"size": 11, "color": style.ink},
                "cliponaxis": False,
            }
        figure.add_scatter(**line, line={"color": colour, "width": 2.2}, name=group or "these dates")
    dressed(figure, style, height=270)
    figure.update_layout(hovermode="closest", margin_t=34, showlegend=bool(by or before))
    figure.update_yaxes(**ticks_in("share"), rangemode="tozero", nticks=5)
    figure.update_xaxes(
        showgrid=False, title={"text": f"{step.capitalize()}s later"}, range=[0.6, longest + 0.4],
        tickmode="linear" if longest <= 14 else "auto", dtick=1 if longest <= 14 else None,
    )  # fmt: skip
    return figure


def retention_course(table: pa.Table, step: str, style: Look) -> go.Figure:
    """The share back one period later, cohort by cohort, of the `retention` table without groups."""
    rows = sorted(
        (r for r in table.to_pylist() if r["period"] == 1 and r["cohort"]), key=lambda row: row["cohort"]
    )
    while rows and rows[-1]["share"] is None:  # not ended yet
        rows.pop()
    mean = [r["share"] for r in table.to_pylist() if r["period"] == 1 and r["cohort"] is None]
    figure = go.Figure()
    figure.add_scatter(
        x=[row["cohort"] for row in rows], y=[row["share"] for row in rows], mode="lines+markers",
        marker={"size": 5}, line={"color": style.accent, "width": 2.2},
        hovertext=[_told(row, step) for row in rows], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    if mean and mean[0] is not None:
        figure.add_hline(y=mean[0], line={"color": style.muted, "width": 1, "dash": "dot"})
    dressed(figure, style, height=200)
    figure.update_layout(showlegend=False, hovermode="closest")
    figure.update_yaxes(**ticks_in("share"), rangemode="tozero", nticks=4)
    few = len(rows) <= 8
    figure.update_xaxes(
        showgrid=False, tickvals=[row["cohort"] for row in rows] if few else None,
        tickformat="%b %Y" if step == "month" else "%-d %b" if few else None,
        tickformatstops=None if few else list(TICKS),
    )  # fmt: skip
    return figure


def line_names(table: pa.Table, by: str) -> list[str]:
    """The groups that get a line: those with most shoppers, of which some share is known."""
    sizes: dict[str, int] = {}
    for row in _means(table):
        sizes[row[by]] = max(sizes.get(row[by], 0), row["cohort_shoppers"])
    return sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_LINES]


def _cells(rows: Sequence[dict[str, Any]]) -> dict[tuple[date | None, int], dict[str, Any]]:
    """(cohort, n) → the row, for the cells that are drawn.

    Left out are the cohort's own period where everybody is back in it, means of nothing, and the last
    period where nothing of it is known, since it has not ended.
    """
    own = [row["share"] for row in rows if row["period"] == 0 and row["share"] is not None]
    first = 0 if any(share != 1 for share in own) else 1
    starts = sorted({row["cohort"] for row in rows if row["cohort"]})
    index = {cohort: i for i, cohort in enumerate(starts)}
    final = [r for r in rows if r["cohort"] and index[r["cohort"]] + r["period"] == len(starts) - 1]
    cut = all(row["returned"] is None for row in final)
    gone = {(row["cohort"], row["period"]) for row in final if cut}
    gone |= {
        (None, row["period"]) for row in rows if row["cohort"] is None and row["cohort_shoppers"] is None
    }
    found = {(row["cohort"], row["period"]): row for row in rows if row["period"] >= first}
    return {at: row for at, row in found.items() if at not in gone}


def _free_side(points: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]) -> str:
    """On which side of the line numbers do not meet the compared line."""
    shares = {row["period"]: row["share"] for row in before}
    above = [shares[row["period"]] > row["share"] for row in points if row["period"] in shares]
    return "bottom" if sum(above) * 2 > len(above) else "top"


def _ink(share: float, low: float, high: float, style: Look) -> str:
    """The colour of letters that stand out on a cell: the theme's ink or its paper."""
    if np.isnan(share):
        return style.muted
    place = min(max((share - low) / (high - low), 0), 1) * (len(style.sequential) - 1)
    below, above = (_rgb(style.sequential[int(at)]) for at in (place, np.ceil(place)))
    cell = _light(below + (above - below) * (place % 1))
    return max(style.ink, style.paper, key=lambda ink: _contrast(_light(_rgb(ink)), cell))


def _rgb(colour: str) -> np.ndarray:
    """A hex colour as float[3], each 0–1."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _light(rgb: np.ndarray) -> float:
    """Relative luminance, 0–1 (WCAG 2)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _contrast(one: float, other: float) -> float:
    """Contrast of two luminances, 1–21 (WCAG 2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _means(table: pa.Table) -> list[dict[str, Any]]:
    """The mean's rows from the first period after, where known."""
    means = table.filter(pc.is_null(table["cohort"]))  # few of many rows, where there are many groups
    return [row for row in means.to_pylist() if row["period"] >= 1 and row["share"] is not None]


def _line(points: Sequence[dict[str, Any]], before: str, step: str) -> dict[str, Any]:
    return {
        "x": [row["period"] for row in points],
        "y": [row["share"] for row in points],
        "mode": "lines+markers",
        "marker": {"size": 6},
        "hovertext": [before + _told(row, step) for row in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _told(row: dict[str, Any], step: str) -> str:
    """A cell in words, for its tooltip."""
    who = "All cohorts" if row["cohort"] is None else f"Cohort of {written_day(row['cohort'], step)}"
    n = row["period"]
    when = f"in the {step} itself" if n == 0 else f"{n} {step}{'s' if n > 1 else ''} later"
    if row["share"] is None:
        return f"<b>{who}</b><br>{when}: {UNKNOWN.format(step=step)}"
    counts = f"{exact(row['returned'], 'count')} of {exact(row['cohort_shoppers'], 'count')} shoppers"
    return f"<b>{who}</b><br>{when}: {exact(row['share'], 'share')}<br>{counts}"


def written_day(day: date, step: str) -> str:
    """The first day of a period as it is called: Mar 2025, 3 Mar 2025."""
    return f"{day:%b %Y}" if step == "month" else f"{day.day} {day:%b %Y}"


def _cohort(day: date | None, step: str, cohorts: Sequence[date]) -> str:
    if day is None:
        return "Mean"
    several_years = cohorts[0].year != cohorts[-1].year
    if step == "month":
        return f"{day:%b %Y}" if several_years else f"{day:%b}"
    return f"{day.day} {day:%b} {day:%y}" if several_years else f"{day.day} {day:%b}"


def _size(shoppers: int | None) -> str:
    return MISSING if shoppers is None else compact(shoppers)


def _short(share: float | None) -> str:
    """A share in as few signs as a cell has room for: 29 %, 3.4 %."""
    if share is None:
        return MISSING
    return f"{share * 100:.0f} %" if share >= 0.0995 or not share else f"{share * 100:.1f} %"
