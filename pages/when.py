"""When: at which hours, on which days, and is it unusual?

A merchandiser plans staff, pushes and campaigns and asks
1. at which hours of which weekdays do shoppers here come, buy, spend → hours × weekdays in each place's own
   time, the current hour marked; picking squares makes those hours the scope of every page;
2. which days were strong or weak, was there a gap → a calendar, a square a day;
3. is it rising, and is today unusual → the trend with the compared period, the expected range and unusual
   days;
4. is that so everywhere → the same trend small, by region, category or device, on one scale.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from core.charts.days import calendar_heatmap
from core.charts.hours import hours_heatmap
from core.charts.trend import MOST_PANELS, panel_names, trend_line, trend_panels
from pages.parts import ask, dates, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

BY = {"region": "By region", "category": "By category", "device": "By device"}
HOURS_HINT = "Click squares to keep those hours, again to let them go; the red frame is now."
STEPS = {"day": "By day", "week": "By week"}


def main() -> None:
    """Draw the page."""
    page.toolbar("When", {"step": STEPS})
    left, right = st.columns([1, 1], gap="small")
    with left:
        _hours()
    with right:
        _trend()
    _calendar()
    _panels()


def _hours() -> None:
    measure = page.measure()
    scope = state.scope()
    asked = replace(scope, hours=())  # all hours stay in sight, the picked ones stand out
    answer = ask.ask("hours", asked)
    figure = hours_heatmap(
        answer.table, measure.name, measure.label, measure.unit, style(),
        now=_now(), chosen=scope.hours, currency=ask.currency(),
    )  # fmt: skip
    key = f"hours_{state.state().version}"  # a chart of its own after each click, so that none is told twice

    def picked() -> None:
        clicked = {str(point["customdata"]) for point in st.session_state[key]["selection"]["points"]}
        words = set(scope.hours) ^ clicked  # a second click lets the hour go
        state.change_scope(hours=tuple(sorted(words, key=_order)))

    def draw() -> None:
        plot(
            figure, key, answer.title,
            alt=f"{measure.label} by hour of the day and day of the week, {answer.of}.",
            on_select=picked,
        )  # fmt: skip

    title = f"{measure.label} by hour of the week"
    frame("hours", answer, ask.command("hours", asked), draw, Export(figure), title=title, hint=HOURS_HINT)


def _order(word: str) -> tuple[int, int]:
    day, hour = word.split(".")
    return int(day), int(hour)


def _now() -> tuple[int, int]:
    """Weekday and hour on the visitor's clock."""
    now = datetime.now(ZoneInfo(st.context.timezone or "UTC"))
    return now.isoweekday(), now.hour


def _calendar() -> None:
    measure = page.measure()
    first, last = ask.span()
    # Days around the chosen ones give them their meaning: the calendar shows the whole log.
    asked = replace(state.scope(), start=first, end=last, compare="off")
    answer = ask.ask("calendar", asked)
    if not answer.table.num_rows:
        states.nothing_here()
        return
    figure = calendar_heatmap(
        answer.table, measure.name, measure.label, measure.unit, style(), currency=ask.currency()
    )

    def draw() -> None:
        plot(figure, "calendar", answer.title, alt=f"{measure.label} by day as a calendar, {answer.of}.")

    title = f"{measure.label} by day, whole log"
    frame("calendar", answer, ask.command("calendar", asked), draw, Export(figure), title=title)


def _trend() -> None:
    scope, measure, step = state.scope(), page.measure(), state.view("step")
    options = {"measure": measure.name, "step": step}
    answer = ask.ask("trend", scope, **options)
    if not answer.table.num_rows:
        states.nothing_here()
        return
    figure = trend_line(
        answer.table, measure.name, measure.label, measure.unit, style(),
        compared=dates.compared_words(scope) or "compared", currency=ask.currency(),
    )  # fmt: skip

    def draw() -> None:
        plot(
            figure, "trend_line", answer.title, alt=f"Line of {measure.label.lower()} over time, {answer.of}."
        )

    frame("trend", answer, ask.command("trend", scope, **options), draw, Export(figure))


def _panels() -> None:
    scope, measure = state.scope(), page.measure()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="panel_controls"):
        by = page.choose("by", "Small multiples", BY)
    options = {"measure": measure.name, "step": state.view("step"), "by": by}
    answer = ask.ask("trend", scope, **options)
    names = panel_names(answer.table, by, measure.name)
    if len(names) < 2:
        states.notice(
            f"The scope holds {'one' if names else 'no'} {by}, so there is nothing to set side by side."
        )
        return
    figure = trend_panels(
        answer.table, by, measure.name, measure.label, measure.unit, style(), currency=ask.currency()
    )

    def draw() -> None:
        plot(
            figure, f"panels_{by}", answer.title, alt=f"{measure.label} over time for each {by}, {answer.of}."
        )

    most = f"The {MOST_PANELS} largest are drawn; the table has all." if len(names) == MOST_PANELS else ""
    frame("panels", answer, ask.command("trend", scope, **options), draw, Export(figure), hint=most)


main()
