"""What a cohort would take of its lists under A and B, and how far that can be trusted."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.analyses import preview_lists
from core.analyses.preview_lists import PreviewWords
from core.charts.preview import expectations, in_a_sentence, reliability, replay_in_a_sentence
from core.errors import CartscapeError
from core.scope import OFF, Scope
from core.store import Store
from pages.parts import ask, job_progress, page, state, states
from pages.parts.chart_frame import Export, frame, plot, style

#: Seconds that a preview may take before it shows how far it is.
AT_ONCE = 0.5
DRAWN = {"500": "500 shoppers drawn", "1000": "1,000 shoppers drawn", "4000": "4,000 shoppers drawn"}


def draw(words: dict[str, str]) -> None:
    """Expected numbers by region, and the replay; `words` are those of what-if."""
    scope = _members()
    options = words | {"shoppers": state.view("drawn_shoppers")}
    if not _made(scope, PreviewWords(**options)):
        return
    try:
        answer = ask.ask("preview", scope, **options)
        tenths = ask.ask("preview", scope, **options, part="reliability")
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    kinds = list(dict.fromkeys(answer.table["kind"].to_pylist()))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="preview_controls"):
        kind = _kind(kinds)
        page.choose("drawn_shoppers", "Shoppers that are drawn", DRAWN, folded=True)
        whom = "whoever the bar above chooses, on any day" if scope.words() else "everybody"
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
            Export(curve), title=title, hint="On the dotted line as many come as are expected.",
        )  # fmt: skip


def _members() -> Scope:
    """Whom the bar above chooses, whenever they did it: dates are those of other pages' pictures."""
    chosen = replace(state.scope(), start=None, end=None, compare=OFF)
    return chosen if chosen != Scope(compare=OFF) else Scope()


def _made(scope: Scope, options: PreviewWords) -> bool:
    """Whether the lists are made, so that the answer is at once; else they are under way, or it is told why
    they are not.
    """
    store = ask.store()
    if preview_lists.is_ready(store, scope, options):
        return True
    job = preview_lists.job_of(store, scope, options)
    if job is None:
        job = preview_lists.begin(store, scope, options)
        job.join(AT_ONCE)
    if job_progress.shown(job, "preview", "Nothing is kept"):
        st.caption(
            "Lists of some shoppers are made, as they would be now and as they were before the held-out days."
        )
        return False
    if job.sentence:
        st.button(
            "Make the preview", icon=":material/play_arrow:", on_click=_begin,
            args=(store, scope, options), key="preview_again",
        )  # fmt: skip
    return not job.sentence


def _begin(store: Store, scope: Scope, options: PreviewWords) -> None:
    preview_lists.begin(store, scope, options)


def _kind(kinds: list[str]) -> str:
    """What is expected: a kind of event, or revenue."""
    key = "preview_kind"
    st.session_state[key] = state.text("expect") if state.text("expect") in kinds else kinds[0]
    st.segmented_control(
        "What is expected", kinds, key=key, format_func=str.capitalize, label_visibility="collapsed",
        on_change=lambda: state.set_text("expect", st.session_state[key] or ""),
    )  # fmt: skip
    return str(st.session_state[key])
