"""When: at which hours, on which days, and is it unusual?

A merchandiser plans staff, pushes and campaigns and asks
1. at which hours of which weekdays do shoppers here come, buy, spend → hours × weekdays in each place's own
   time, the current hour marked where the log reaches to about now; picking squares makes those hours the
   scope of every page;
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
from pages.parts import ask, course, dates, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

BY = {"region": "By region", "category": "By category", "device": "By device"}
HOURS_HINT = "Click squares to keep those hours, again to let them go"


def main() -> None:
    """Draw the page."""
    steps = course.steps(state.scope())
    page.toolbar("When", {"step": steps} if steps else {})
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
    weekdays, now = dates.weekdays(scope), _now()
    figure = hours_heatmap(
        answer.table, measure.name, measure.label, measure.unit, style(),
        now=now, chosen=scope.hours, weekdays=weekdays,
        compared=dates.weekdays(scope.compared()), currency=ask.currency(),
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
    hint = HOURS_HINT + ("; the red frame is now." if now and now[0] in weekdays else ".")
    frame("hours", answer, ask.command("hours", asked), draw, Export(figure), title=title, hint=hint)


def _order(word: str) -> tuple[int, int]:
    day, hour = word.split(".")
    return int(day), int(hour)


def _now() -> tuple[int, int] | None:
    """Weekday and hour on the visitor's clock; none where the log ended long ago: it has no now."""
    now = datetime.now(ZoneInfo(st.context.timezone or "UTC"))
    return (now.isoweekday(), now.hour) if dates.is_recent(ask.span()[1], now.date()) else None


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
    scope, measure = state.scope(), page.measure()
    told = course.course(scope, measure, state.view("step"))
    if not told.table.num_rows:
        states.nothing_here()
        return
    figure = trend_line(
        told.table, measure.name, measure.label, measure.unit, style(),
        compared=dates.compared_words(scope) or "compared", currency=ask.currency(),
    )  # fmt: skip

    def draw() -> None:
        words = f"Line of {measure.label.lower()} by {told.step}, {told.answer.of}."
        plot(figure, "trend_line", told.title, alt=words)

    frame("trend", told.answer, told.command, draw, Export(figure), title=told.title)


def _panels() -> None:
    scope, measure = state.scope(), page.measure()
    offered = {word: name for word, name in BY.items() if ask.values(word) > 1}
    if not offered:
        return  # a log of one region, category and device has nothing to set side by side
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="panel_controls"):
        by = page.choose("by", "Small multiples", offered)
    told = course.course(scope, measure, state.view("step"), by)
    names = panel_names(told.table, by, measure.name)
    if len(names) < 2:
        only = f"Only {names[0]} has" if names else f"No {by} has"
        why = " ".join(told.answer.notes)
        states.notice(f"{only} values to draw by {told.step}, so nothing stands side by side. {why}")
        return
    figure = trend_panels(
        told.table, by, measure.name, measure.label, measure.unit, style(), currency=ask.currency()
    )

    def draw() -> None:
        words = f"{measure.label} by {told.step} for each {by}, {told.answer.of}."
        plot(figure, f"panels_{by}", told.title, alt=words)

    most = f"The {MOST_PANELS} largest are drawn; the table has all." if len(names) == MOST_PANELS else ""
    frame("panels", told.answer, told.command, draw, Export(figure), title=told.title, hint=most)


main()
