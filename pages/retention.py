"""Retention: how many come back, after how long, is it getting better, and who are they?

A product manager asks
1. how many come back, and after how long → the share back one period and several periods later, in numbers
   and as a curve, beside the compared dates or parted by region, category or device;
2. is it getting better → cohort by cohort in a triangle, and the share of each period's shoppers who were
   there in the next as a line;
3. who is there → new, returning and resurrecting shoppers by period, those gone dormant below the axis;
4. how often do they come → shoppers by the number of days on which they came.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analyses import Answer
from core.charts.lifecycle import lifecycle_bars, stickiness_bars
from core.charts.numbers import written
from core.charts.retention import (
    MOST_COHORTS,
    MOST_LINES,
    retention_course,
    retention_curve,
    retention_triangle,
)
from core.charts.return_numbers import key_numbers
from core.scope import Scope
from pages.parts import ask, cohort_maker, dates, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

ANY = "*"
STEPS = {"day": "By day", "week": "By week", "month": "By month"}
#: Days that the dates must have for a step: two periods or more, whole or nearly so.
LEAST_DAYS = {"day": 3, "week": 14, "month": 62}
#: Days from which on a step is the usual one.
USUAL_FROM = {"month": 190, "week": 21, "day": 0}
FOLLOWED = {"day": "14", "week": "12", "month": "12"}
#: Twice the cohorts up to which the triangle is too low to stand beside two pictures.
FEW_PERIODS = 5
#: What shoppers are counted in who come often: the next shorter step.
OFTEN = {"day": "day", "week": "day", "month": "week"}
SPLITS = {"none": "All shoppers", "region": "By region", "category": "By category", "device": "By device"}
RETURNS = {"on": "Back in exactly that period", "after": "Back in that period or later"}
RELATIVE = {"first": "Share of the cohort", "previous": "Share of the period before"}
COHORTS = {"first": "A shopper's first period in these dates", "every": "Every period that a shopper came"}


def main() -> None:
    """Draw the page."""
    scope = state.scope()
    steps = {step: name for step, name in STEPS.items() if dates.length(scope) >= LEAST_DAYS[step]}
    if not steps:
        page.toolbar("Retention", {}, choose_measure=False)
        _too_short()
        return
    usual = next(step for step, days in USUAL_FROM.items() if dates.length(scope) >= days)
    names = {"auto": f"{STEPS[usual]} (usual)"} | {s: name for s, name in steps.items() if s != usual}
    page.toolbar("Retention", {"period": names} | _splits(), choose_measure=False)
    _controls()
    cohort_maker.said()
    chosen = state.view("period")
    step = chosen if chosen in steps else usual
    answer = _retention(scope, step)
    if not any(row["share"] is not None and row["period"] for row in answer.table.to_pylist()):
        states.notice(" ".join([_nobody(step), *answer.notes]))
        return
    compared = _compared(scope)
    before = _retention(compared, step) if compared else None
    lifecycle = ask.ask("lifecycle", scope, event=_event("start"), step=step)
    _numbers(answer, before, lifecycle, step)
    few = dates.length(scope) < FEW_PERIODS * LEAST_DAYS[step]
    left, right = st.columns([3, 2], gap="small")
    with left:
        _triangle(answer, step, 270 if few else 560)
    with right:
        _curve(answer, before, step)
        if not few:
            _course(step)
    left, *middle, right = st.columns([3, 2, 2] if few else [3, 2], gap="small")
    with left:
        _lifecycle(lifecycle, step)
    for place in middle:
        with place:
            _course(step)
    with right:
        _stickiness(OFTEN[step])


def _too_short() -> None:
    """Why there is nothing to see, in a line."""
    first, last = ask.span()
    whole = dates.length(Scope(start=first, end=last))
    if whole < LEAST_DAYS["day"]:
        states.notice(f"This log has {_days(whole)} in all: too few to see who comes back.")
    else:
        held, least = _days(dates.length(state.scope())), LEAST_DAYS["day"]
        states.notice(
            f"These dates hold {held}: too few to see who comes back. Choose {least} or more above."
        )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _nobody(step: str) -> str:
    return (
        f"Of no cohort is it known whether it came back a {step} later: nobody started, too few did, or no "
        f"second {step} has ended within these dates. Choose longer dates, other events or a shorter step."
    )


def _splits() -> dict[str, dict[str, str]]:
    """The choice of a split, where the log has something to split by."""
    offered = {w: name for w, name in SPLITS.items() if w == "none" or ask.values(w) > 1}
    if ask.store().cohorts.state:
        offered["cohort"] = "By cohort"
    return {"groups": offered} if len(offered) > 1 else {}


def _controls() -> None:
    """Which events start and return, and the finer rules folded away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="retention_controls"):
        _event_choice("start", "Started with")
        _event_choice("back", "Came back with")
        with st.popover("Rules", icon=":material/tune:", help="What a cohort and a return are"):
            page.choose("cohorts", "Cohort", COHORTS)
            page.choose("returns", "Return", RETURNS)
            page.choose("relative", "Share", RELATIVE)


def _event_choice(word: str, label: str) -> None:
    """A choice among the log's events that also takes a step as one writes it: view[category=Shoes]."""
    found = [str(r["value"]) for r in ask.ask("facets", Scope()).table.to_pylist() if r["field"] == "event"]
    key = f"text_{word}"
    st.session_state[key] = _event(word)

    def chosen() -> None:
        value = st.session_state[key]
        state.set_text(word, "" if value in (None, ANY) else str(value))

    st.markdown(label, width="content")
    st.selectbox(
        label,
        list(dict.fromkeys([ANY, *found, _event(word)])),
        key=key,
        format_func=lambda value: "any event" if value == ANY else value,
        on_change=chosen,
        accept_new_options=True,
        label_visibility="collapsed",
        width=210,
        help="Several as view,cart; narrowed as view[category=Shoes&device=mobile]",
    )


def _event(word: str) -> str:
    return state.text(word) or ANY


def _options(step: str, **other: str) -> dict[str, str]:
    """The options of the analysis; those that are as usual are left out of the command."""
    chosen = {
        "start": _event("start"),
        "back": _event("back"),
        "mode": state.view("returns"),
        "relative": state.view("relative"),
        "entry": state.view("cohorts"),
        **other,
    }
    usual = {"start": ANY, "back": ANY, "mode": "on", "relative": "first", "entry": "first"}
    return {"step": step, "periods": FOLLOWED[step]} | {w: v for w, v in chosen.items() if usual.get(w) != v}


def _retention(scope: Scope, step: str) -> Answer:
    return ask.ask("retention", replace(scope, compare="off"), **_options(step))


def _compared(scope: Scope) -> Scope | None:
    """The compared dates, where the log has any of them."""
    other = scope.compared()
    first, last = ask.span()
    if other is None or other.start is None or other.end is None or other.end < first or other.start > last:
        return None
    return other


def _numbers(answer: Answer, before: Answer | None, lifecycle: Answer, step: str) -> None:
    told = key_numbers(
        answer.table, before.table if before else None, lifecycle.table, step,
        dates.compared_words(state.scope()),
    )  # fmt: skip
    with (
        st.container(border=True, key="frame_return_numbers"),
        st.container(horizontal=True, gap="medium", key="return_numbers"),
    ):
        for number in told:
            st.metric(
                number.label,
                number.value,
                delta=number.delta,
                delta_description=number.against if number.delta is not None else None,
                delta_color="inverse" if number.label == "Dormant" else "normal",
                help=number.meaning,
            )


def _triangle(answer: Answer, step: str, beside: int) -> None:
    figure = retention_triangle(answer.table, step, style(), beside)

    def draw() -> None:
        words = f"Share of each {step}'s cohort back in each {step} after, {answer.of}."
        key = f"retention_triangle_{abs(hash((state.state().version, step, str(_options(step))))):x}"
        event = plot(figure, key, answer.title, alt=words, on_select="rerun")
        points = event["selection"]["points"] if event else []
        if points and points[0]["customdata"][0]:
            _chosen(step, *points[0]["customdata"])

    hint = "Beside each cohort its shoppers. Click a cell to save who came back, or who did not."
    if len(answer.table["cohort"].unique()) > MOST_COHORTS + 1:
        hint += f" The {MOST_COHORTS} latest are drawn; the table has all."
    if state.view("cohorts") == "first":
        hint += f" The first {step} holds everybody who came in it, not only the new."
    title = f"Back {step} by {step}, cohort by cohort"
    frame("retention", answer, _command(state.scope(), step), draw, Export(figure), title=title, hint=hint)


def _chosen(step: str, cohort: str, period: int) -> None:
    """The shoppers of a cell, to be saved."""
    rule = {
        "of": "retention", "scope": state.scope().words(), "cohort": cohort, "period": int(period),
        "options": {k: v for k, v in _options(step).items() if k not in ("periods", "relative")},
    }  # fmt: skip
    for outcome in ("returned", "lost"):
        asked = rule | {"outcome": outcome}
        said = "came back" if outcome == "returned" else "did not"
        name = f"{said.capitalize()} {period} {step}s after {cohort}"
        cohort_maker.keep(asked, f"{said} {period} {step}s later", name, f"{outcome}_{cohort}_{period}")


def _command(scope: Scope, step: str, **other: str) -> str:
    return ask.command("retention", replace(scope, compare="off"), **_options(step, **other))


def _curve(answer: Answer, before: Answer | None, step: str) -> None:
    scope, by = state.scope(), state.view("groups")
    if by == "none":
        figure = retention_curve(
            answer.table, step, style(), compared=before.table if before else None,
            compared_words=dates.compared_words(scope),
        )  # fmt: skip
        command = _command(scope, step)
        hint = "The further right, the fewer cohorts are old enough to be in the mean."
    else:
        answer = ask.ask("retention", replace(scope, compare="off"), **_options(step, by=by))
        column = "saved_cohort" if by == "cohort" else by
        figure = retention_curve(answer.table, step, style(), by=column)
        command = _command(scope, step, by=by)
        some = len(answer.table[column].unique()) > MOST_LINES
        hint = f"The {MOST_LINES} largest are drawn; the table has all." if some else ""

    def draw() -> None:
        words = f"Line of the mean share back by {step}s after, {answer.of}."
        plot(figure, f"retention_curve_{by}", answer.title, alt=words)

    title = f"Share back, by {step}s later" + ("" if by == "none" else f" and {by}")
    frame("curve", answer, command, draw, Export(figure), title=title, hint=hint)


def _course(step: str) -> None:
    scope, other = state.scope(), {"entry": "every", "periods": "1"}
    answer = ask.ask("retention", replace(scope, compare="off"), **_options(step, **other))
    figure = retention_course(answer.table, step, style())

    def draw() -> None:
        words = f"Line of the share of each {step}'s shoppers back in the next, {answer.of}."
        plot(figure, "retention_course", answer.title, alt=words)

    hint = f"Of all shoppers of a {step}, new or not; dotted is their mean."
    title = f"Is it getting better? Back the next {step}"
    frame("course", answer, _command(scope, step, **other), draw, Export(figure), title=title, hint=hint)


def _lifecycle(answer: Answer, step: str) -> None:
    figure = lifecycle_bars(answer.table, step, style())
    command = ask.command(
        "lifecycle", replace(state.scope(), compare="off"), event=_event("start"), step=step
    )

    def draw() -> None:
        words = f"Stacked bars of new, returning and resurrecting shoppers by {step}, dormant below zero."
        key = f"lifecycle_{state.state().version}_{step}"
        alt = f"{words} {answer.of}."
        event = plot(figure, key, answer.title, alt=alt, on_select="rerun")
        points = event["selection"]["points"] if event else []
        if points and points[0].get("customdata"):
            day, found = points[0]["customdata"]
            rule = {
                "of": "lifecycle", "scope": state.scope().words(), "event": _event("start"), "step": step,
                "state": found, "day": day,
            }  # fmt: skip
            name = f"{found.capitalize()} {step} of {day}"
            cohort_maker.keep(rule, f"were {found} in the {step} of {day}", name, f"{found}_{day}")

    hint = "Click a part of a bar to keep its shoppers."
    frame("lifecycle", answer, command, draw, Export(figure), hint=hint)


def _stickiness(step: str) -> None:
    scope = replace(state.scope(), compare="off")
    options = {"event": _event("start"), "step": step}
    answer = ask.ask("stickiness", scope, **options)
    rows = answer.table.to_pylist()
    if all(row["share"] is None for row in rows):
        states.notice(" ".join(["How often they come cannot be shown.", *answer.notes]))
        return
    figure = stickiness_bars(answer.table, step, style())
    ratio = written(rows[0]["ratio"], "share")

    def draw() -> None:
        words = f"Bars of the share of shoppers by number of {step}s on which they came, {answer.of}."
        plot(figure, "stickiness", answer.title, alt=words)

    hint = f"An average {step} has {ratio} of these shoppers."
    title = f"How often they come: {step}s with an event"
    frame(
        "stickiness",
        answer,
        ask.command("stickiness", scope, **options),
        draw,
        Export(figure),
        title=title,
        hint=hint,
    )


main()
