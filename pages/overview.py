"""Overview: how are we doing, and what changed?

A merchandiser or product manager opens this page in the morning and asks
1. is anything up or down that I should know of → up to five numbers in a row, each with its change against
   the compared period and its course day by day;
2. what explains it → the regions × categories × devices that moved the chosen measure most, as ranked bars
   that add up to the whole change; a click on one makes it the scope of every page;
3. since when → the measure's trend beside them, with the compared period and unusual days marked.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses.measures import MEASURES
from core.charts.changes import changes_bridge, is_other, is_total
from core.charts.hourly import MOST_DAYS
from core.charts.numbers import change, is_level, written
from core.charts.trend import trend_line
from pages.parts import ask, dates, page, saved_views, state, states
from pages.parts.chart_frame import Export, frame, plot, style
from pages.parts.course import course

TOP = 8
KEY_NUMBERS = ("events", "shoppers", "sessions", "conversion", "revenue")


def main() -> None:
    """Draw the page."""
    saved_views.listed()
    page.toolbar("Overview")
    _numbers()
    with st.container(key="tall"):
        left, right = st.columns([3, 2], gap="small")
        with left:
            _changes()
        with right:
            _trend()


def _numbers() -> None:
    scope = state.scope()
    answer = ask.ask("overview", scope)
    rows = {row["measure"]: row for row in answer.table.to_pylist()}

    def draw() -> None:
        with st.container(horizontal=True, gap="medium", key="numbers"):
            for name in KEY_NUMBERS:
                if ask.has(MEASURES[name]):  # the note says what the log lacks
                    _metric(rows[name], dates.compared_words(scope))

    frame("overview", answer, ask.command("overview", scope), draw, Export(), title="Key numbers")


def _metric(row: dict[str, Any], compared: str) -> None:
    relative = row["change"]
    # A string counts as a rise or a fall; the number 0 is drawn without either.
    delta = None if relative is None else 0 if is_level(relative) else change(relative).replace("−", "-")
    spark = [value or 0 for value in row["spark"]]
    st.metric(
        row["label"],
        written(row["value"], row["unit"], ask.currency()),
        delta=delta,
        delta_description=f"vs {compared}" if relative is not None and compared else None,
        chart_data=spark if row["value"] is not None and len(spark) > MOST_DAYS else None,
        chart_type="area",
        help=page.meaning(row["measure"]),
    )


def _changes() -> None:
    scope = state.scope()
    measure = page.measure()
    answer = ask.ask("changes", scope, measure=measure.name, top=str(TOP))
    command = ask.command("changes", scope, measure=measure.name, top=str(TOP))
    rows = answer.table.to_pylist()
    if not rows:
        states.notice(" ".join(answer.notes))
        return
    figure = changes_bridge(answer.table, measure.label, measure.unit, style(), ask.currency())
    key = f"changes_{state.state().version}"

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            _look_at(rows[int(points[0]["customdata"])])

    def draw() -> None:
        plot(
            figure, key, answer.title,
            alt=f"Bars of the parts that changed {measure.label.lower()} most; first {rows[0]['words']}.",
            on_select=clicked, height="stretch",
        )  # fmt: skip

    parts = any(not is_other(row) and not is_total(row) for row in rows)
    hint = "Each bar begins where the one above ends. Click one to look at that part alone." if parts else ""
    frame("changes", answer, command, draw, Export(figure), hint=hint)


def _look_at(row: dict[str, Any]) -> None:
    """Make the part of the market that a row is about the scope of every page."""
    if is_other(row) or is_total(row):
        return
    fields = {"region": "regions", "category": "categories", "device": "devices"}
    state.change_scope(**{fields[word]: (row[word],) for word in fields if row[word] is not None})


def _trend() -> None:
    scope = state.scope()
    measure = page.measure()
    told = course(scope, measure)
    if not told.table.num_rows:
        states.nothing_here()
        return
    figure = trend_line(
        told.table, measure.name, measure.label, measure.unit, style(),
        compared=dates.compared_words(scope) or "compared", currency=ask.currency(),
    )  # fmt: skip

    def draw() -> None:
        alt = f"Line of {measure.label.lower()} by {told.step}."
        plot(figure, "overview_trend", told.title, alt=alt, height="stretch")

    frame("trend", told.answer, told.command, draw, Export(figure), title=told.title)


main()
