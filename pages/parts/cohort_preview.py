"""What a cohort would take of its lists under A and B, and how far that can be trusted."""

from __future__ import annotations

import streamlit as st

from core.charts.preview import expectations, in_a_sentence, reliability, replay_in_a_sentence
from core.errors import CartscapeError
from core.scope import OFF, Scope
from pages.parts import ask, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

DRAWN = {"500": "500 shoppers drawn", "1000": "1,000 shoppers drawn", "4000": "4,000 shoppers drawn"}


def draw(words: dict[str, str]) -> None:
    """Expected numbers by region, and the replay; `words` are those of what-if."""
    cohorts = state.scope().cohorts
    scope = Scope(cohorts=cohorts, compare=OFF) if cohorts else Scope()
    options = words | {"shoppers": state.view("drawn_shoppers")}
    try:
        with st.spinner(
            "Making the lists of some shoppers, now and before the held-out days; it takes a while"
        ):
            answer = ask.ask("preview", scope, **options)
            tenths = ask.ask("preview", scope, **options, part="reliability")
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    kinds = list(dict.fromkeys(answer.table["kind"].to_pylist()))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="preview_controls"):
        kind = _kind(kinds)
        page.choose("drawn_shoppers", "Shoppers that are drawn", DRAWN, folded=True)
        whom = "the cohorts chosen above" if cohorts else "everybody; choose a cohort in the bar above"
        st.caption(f"The preview is of {whom}.")
    look, currency = style(), ask.currency()
    left, right = st.columns([6, 4], gap="small")
    said = in_a_sentence(answer.table, kind, currency)
    with left:
        command = ask.command("preview", scope, **options)
        if not said:
            states.notice(states.plain(replay_in_a_sentence(answer.table, kind, currency)))
        else:
            figure = expectations(answer.table, kind, currency, look)
            frame(
                "preview", answer, command,
                lambda: plot(figure, f"preview_{kind}", said, alt=f"Expected by region. {said}."),
                Export(figure), title=said,
                hint="Estimates of a model, no experiment: the days to come are taken to be as the last, "
                "and a list to change nothing of what is taken.",
            )  # fmt: skip
    with right:
        if kind == "revenue":
            return
        command = ask.command("preview", scope, **options, part="reliability")
        curve = reliability(tenths.table, kind, look)
        title = replay_in_a_sentence(answer.table, kind, currency)
        frame(
            "replay", tenths, command,
            lambda: plot(curve, f"replay_{kind}", title, alt=f"Chances said against shares taken. {title}."),
            Export(curve), title=title, hint="On the dotted line what is said is what is taken.",
        )  # fmt: skip


def _kind(kinds: list[str]) -> str:
    """What is expected: a kind of event, or revenue."""
    key = "preview_kind"
    st.session_state[key] = state.text("expect") if state.text("expect") in kinds else kinds[0]
    st.segmented_control(
        "What is expected", kinds, key=key, format_func=str.capitalize, label_visibility="collapsed",
        on_change=lambda: state.set_text("expect", st.session_state[key] or ""),
    )  # fmt: skip
    return str(st.session_state[key])
