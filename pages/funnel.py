"""Funnel: where do they drop, is it getting better, where is it worse, and what goes with it?

A product manager reviews the way to the purchase and asks
1. how many get to each step, where are they lost, and is that different from before → a bar a step, what it
   lost in pale, the compared period as a tick; a click on either saves those shoppers as a cohort;
2. is one region, device, category or channel worse → a point a group with its interval, red where it is
   surely below all; the same on the map;
3. what goes with converting → drivers, ranked by how sure their odds are;
4. how long does it take, for whom longer, and since when → a histogram, a span a group, spans over time;
5. is conversion rising → a trend.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from core.analyses import Answer
from core.charts.funnel import (
    DROPPED,
    conversion_trend,
    driver_intervals,
    funnel_bars,
    funnel_groups,
)
from core.charts.funnel_time import time_course, time_groups, time_histogram
from core.charts.map import ADDRESS, CELLS, legend_html, map_deck
from core.charts.map_funnel import conversion_layer
from core.charts.map_image import map_png, map_svg
from core.charts.map_view import fit_view
from core.charts.numbers import time_words
from core.errors import CartscapeError
from core.paths.steps import Step, write_steps
from pages.parts import ask, cohort_maker, dates, page, state, states, steps_editor
from pages.parts.chart_frame import Export, frame, plot, style

SPLITS = {"region": "Region", "device": "Device", "category": "Category", "channel": "Channel"}
COHORTS = {"cohort": "Cohort"}
WHERE = {"groups": "Groups", "map": "Map"}
EVERY = {
    "auto": "Hours, days or weeks", "hour": "By hour of the day", "day": "By day", "week": "By week",
    "month": "By month",
}  # fmt: skip
#: Splits that a click can narrow the scope by.
FIELDS = {"region": "regions", "device": "devices", "category": "categories", "cohort": "cohorts"}
TIMES = {"all": "All", "groups": "By group", "course": "Over time"}
MAP_WIDTH, MAP_HEIGHT = 560, 420


def main() -> None:
    """Draw the page."""
    page.toolbar("Funnel", choose_measure=False, instead=steps_editor.editor)
    cohort_maker.said()
    try:
        steps = steps_editor.steps()
        first = ask.ask("funnel", state.scope(), **steps_editor.options())
    except CartscapeError as error:
        states.notice(str(error), ":material/error:")
        return
    left, right = st.columns([5, 4], gap="small")
    with left:
        _bars(first, steps)
        _trend(steps)
    with right:
        _where(first, steps)
    left, right = st.columns([5, 4], gap="small")
    with left:
        _between(steps)
        _drivers(steps)
    with right:
        _time(steps)


def _who() -> str:
    return "sessions" if state.view("unit") == "session" else "shoppers"


def _bars(answer: Answer, steps: tuple[Step, ...]) -> None:
    options, who = steps_editor.options(), _who()
    figure = funnel_bars(answer.table, who, style(), ask.currency())
    key = f"funnel_{state.state().version}_{abs(hash(tuple(options.items()))):x}"

    def draw() -> None:
        event = plot(
            figure, key, answer.title, on_select="rerun",
            alt=f"Bars of {who} at each of {len(steps)} steps; {_spoken(answer, who)}.",
        )  # fmt: skip
        points = event["selection"]["points"] if event else []
        if points:
            number, outcome = points[0]["customdata"]
            _chosen(steps, int(number), str(outcome))

    hint = "Click a bar to save the shoppers who got there, or the pale part for those who dropped."
    if answer.table["previous_of_first"].null_count < len(steps):
        hint = f"The tick is the {dates.compared_words(state.scope())}. {hint}"
    frame("funnel", answer, ask.command("funnel", state.scope(), **options), draw, Export(figure), hint=hint)


def _spoken(answer: Answer, who: str) -> str:
    rows = answer.table.to_pylist()
    return f"{rows[-1][who]} of {rows[0][who]} reach the last one"


def _chosen(steps: tuple[Step, ...], number: int, outcome: str) -> None:
    """The shoppers behind a bar, to be saved or followed."""
    label = steps[number - 1].label
    words = f"dropped before {label}" if outcome == DROPPED else f"got to {label}"
    rule: dict[str, Any] = {
        "of": "funnel", "scope": state.scope().words(), "step": number, "outcome": outcome,
        "options": steps_editor.options() | {"steps": write_steps(steps)},
    }  # fmt: skip
    cohort_maker.keep(rule, words, f"{words[:1].upper()}{words[1:]}", f"{number}_{outcome}", paths=True)


def _where(first: Answer, steps: tuple[Step, ...]) -> None:
    with st.container(horizontal=True, gap="small", key="funnel_where"):
        if ask.has_places():
            page.choose("where", "Groups or map", WHERE)
        if state.view("where") == "groups" or not ask.has_places():
            page.choose("split", "Split by", _splits())
    if state.view("where") == "map" and ask.has_places():
        _map(first)
        return
    by, who = _split(), _who()
    options = steps_editor.options() | {"by": by, "top": "16"} | _value()

    def ready(answer: Answer) -> None:
        overall = first.table["of_first"].to_pylist()[-1]
        figure = funnel_groups(answer.table, by, len(steps), who, style(), overall)
        key = f"groups_{state.state().version}_{by}_{abs(hash(tuple(options.items()))):x}"

        def draw() -> None:
            alt = f"Points of the share that reach the last step by {by}."
            plot(figure, key, answer.title, alt=alt, on_select=partial(_narrow, key, by), height="stretch")

        frame(
            "groups", answer, ask.command("funnel", state.scope(), **options), draw, Export(figure),
            title=f"Reach {steps[-1].label}, by {by} {_at(steps)}",
            hint="Red is surely below all (dotted), blue surely above; hollow is the compared period."
            + (" Click one to look at it alone." if by in FIELDS else ""),
        )  # fmt: skip

    _ask("funnel", options, ready)


def _narrow(key: str, by: str) -> None:
    """Take the clicked group of a picture into the scope."""
    points = st.session_state[key]["selection"]["points"]
    if points and by in FIELDS and points[0]["customdata"] not in ("other", "(everybody)"):
        state.change_scope(**{FIELDS[by]: (str(points[0]["customdata"]),)})


def _value() -> dict[str, str]:
    return {} if state.view("value") == "first" else {"value": state.view("value")}


def _at(steps: tuple[Step, ...]) -> str:
    return {"first": f"at {steps[0].label}", "last": "at the last step reached", "each": "at each step"}[
        state.view("value")
    ]


def _split() -> str:
    by = state.view("split")
    return by if by in _splits() else next(iter(_splits()))


def _splits() -> dict[str, str]:
    """What the log has several values of, so that a split says something."""
    found = {by: name for by, name in SPLITS.items() if ask.differs(by)} or {"region": SPLITS["region"]}
    return found | (COHORTS if ask.store().cohorts.state else {})


def _map(first: Answer) -> None:
    options, who, look = steps_editor.options(), _who(), style()

    def ready(answer: Answer) -> None:
        if not answer.table.num_rows:
            states.notice("No cell has enough shoppers for a share. Widen the scope.")
            return
        overall = first.table["of_first"].to_pylist()[-1] or 0.0
        layer = conversion_layer(answer.table, overall, who, look)
        view = fit_view(layer.lat, layer.lon, MAP_WIDTH, MAP_HEIGHT)

        widget = f"funnel_map_{state.state().version}_{hash(layer.cells)}"

        def clicked() -> None:
            objects = st.session_state[widget]["selection"]["objects"].get(CELLS, [])
            if objects:
                state.change_scope(cells=(str(objects[0][ADDRESS]),))

        def draw() -> None:
            deck = map_deck(layer, view, look, selected=state.scope().cells)
            st.pydeck_chart(
                deck, key=widget, height=MAP_HEIGHT, alt=f"Map: {answer.title}, {answer.of}.",
                on_select=clicked, selection_mode="single-object",
            )  # fmt: skip
            st.html(legend_html(layer.legend, look))

        export = Export(
            svg=lambda: map_svg(layer, view, look),
            png=lambda: map_png(layer, view, look, title=answer.title, of=answer.of),
        )
        frame(
            "funnel_map", answer, ask.command("funnel-map", state.scope(), **options), draw, export,
            hint="Click a cell to look at it alone.",
        )  # fmt: skip

    _ask("funnel-map", options, ready)


def _drivers(steps: tuple[Step, ...]) -> None:
    options = steps_editor.options()
    if len(steps) < 2:
        return
    options |= _pair(steps)

    def ready(answer: Answer) -> None:
        if not answer.table.num_rows:
            states.notice(" ".join(answer.notes) or "Too few shoppers for drivers.")
            return
        figure = driver_intervals(answer.table, _who(), style())

        def draw() -> None:
            best = answer.table.slice(0, 1).to_pylist()[0]
            alt = f"Odds ratios with intervals; first {best['driver']} {best['value']}."
            plot(figure, "drivers", answer.title, alt=alt)

        frame(
            "drivers", answer, ask.command("drivers", state.scope(), **options), draw, Export(figure),
            hint="Odds of converting with it against without; grey may be chance. It goes together, which "
            "does not say that it causes.",
        )  # fmt: skip

    _ask("drivers", options, ready)


def _between(steps: tuple[Step, ...]) -> None:
    """Which two steps drivers, times and the trend are about."""
    if len(steps) < 3:
        return
    pairs = _pairs(steps)
    key = "funnel_between"
    now = state.text("between")
    st.session_state[key] = now if now in pairs else pairs[0]

    def words(pair: str) -> str:
        a, b = pair.split("-")
        return f"{steps[int(a) - 1].label} → {steps[int(b) - 1].label}"

    def chosen() -> None:
        state.set_text("between", "" if st.session_state[key] == pairs[0] else st.session_state[key])
        state.state().changed = True

    st.selectbox(
        "Between", pairs, key=key, format_func=words, label_visibility="collapsed", width=280,
        on_change=chosen, help="Between which steps: for drivers, times and the trend",
    )  # fmt: skip


def _pairs(steps: tuple[Step, ...]) -> list[str]:
    every = [f"{i}-{j}" for i in range(1, len(steps)) for j in range(i + 1, len(steps) + 1)]
    return sorted(every, key=lambda pair: pair != f"1-{len(steps)}")


def _pair(steps: tuple[Step, ...]) -> dict[str, str]:
    """The chosen two steps, as long as the funnel has them: they may have been dropped since."""
    between = state.text("between")
    return {"between": between} if between in _pairs(steps) else {}


def _time_split(by: str) -> dict[str, str]:
    if state.view("times") == "groups":
        return {"by": by, "top": "16"} | _value()
    return {"by": by} if by else {}


def _time(steps: tuple[Step, ...]) -> None:
    with st.container(horizontal=True, gap="small", key="funnel_times"):
        page.choose("times", "All, by group, or over time", TIMES)
        page.choose("period", "Steps of time, for the trend as well", EVERY, folded=True)
    how, who = state.view("times"), _who()
    by = {"all": "", "groups": _split(), "course": _every()}[how]
    options = steps_editor.options() | _pair(steps) | _time_split(by)

    def ready(answer: Answer) -> None:
        halves = answer.table["p50"].to_pylist()
        if not any(half is not None for half in halves):
            states.notice("Too few got from the one step to the other to say how long it takes.")
            return
        key = f"funnel_time_{state.state().version}_{abs(hash(tuple(options.items()))):x}"
        hint, clicked = "", None  # what a click does
        if how == "all":
            figure = time_histogram(answer.table, who, style())
            alt = f"Histogram of time; half within {time_words(halves[0])}."
        elif how == "groups":
            figure, clicked = time_groups(answer.table, by, who, style()), partial(_narrow, key, by)
            alt = f"Spans of time by {by}."
            hint = "Point: half within. Bar: the middle half. Line: to nine of ten."
            hint += " Click one to see it alone." if by in FIELDS else ""
        else:
            figure, alt = time_course(answer.table, by, who, style()), f"Lines of time by {by}."
            hint = f"By the {by} of the first step; the last ones had less time to get on."

        def draw() -> None:
            plot(figure, key, answer.title, alt=alt, on_select=clicked)

        command = ask.command("funnel-time", state.scope(), **options)
        frame("funnel_time", answer, command, draw, Export(figure), hint=hint)

    _ask("funnel-time", options, ready)


def _every() -> str:
    if state.view("period") != "auto":
        return state.view("period")
    days = dates.length(state.scope())
    return "hour" if days == 1 else "week" if days > 62 else "day"


def _trend(steps: tuple[Step, ...]) -> None:
    every = _every()
    options = steps_editor.options() | _pair(steps) | {"every": every}

    def ready(answer: Answer) -> None:
        figure = conversion_trend(answer.table, style(), dates.compared_words(state.scope()) or "compared")

        def draw() -> None:
            plot(figure, "funnel_trend", answer.title, alt=f"Line of conversion by {every}.")

        frame(
            "funnel_trend",
            answer,
            ask.command("funnel-trend", state.scope(), **options),
            draw,
            Export(figure),
        )

    _ask("funnel-trend", options, ready)


def _ask(name: str, options: dict[str, str], ready: Callable[[Answer], None]) -> None:
    """Ask, and draw; what cannot be asked is a sentence in the picture's place, and the page stays."""
    try:
        answer = ask.ask(name, state.scope(), **options)
    except CartscapeError as error:
        states.notice(str(error), ":material/error:")
        return
    ready(answer)


main()
