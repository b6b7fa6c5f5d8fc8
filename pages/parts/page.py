"""The head of a page: which measure its pictures show, and the export of the page as one file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.analyses.measures import MEASURES, Measure
from core.charts.page_html import page_html
from pages.parts import ask, chart_frame, saved_views, state


def measure() -> Measure:
    """The measure that pictures show: the chosen one where the log has it, else events."""
    chosen = MEASURES[state.view("measure")]
    return chosen if chosen in offered() else MEASURES["events"]


def other_measure() -> Measure:
    """The measure of a second picture beside the first."""
    chosen = MEASURES[state.view("second")]
    return chosen if chosen in offered() else MEASURES["shoppers"]


def offered() -> list[Measure]:
    """The measures that this log can give."""
    return [m for m in MEASURES.values() if ask.has(m)]


def meaning(name: str) -> str:
    """What a measure is, for the hint beside it."""
    return MEASURES[name].meaning.capitalize() + "."


def toolbar(
    title: str,
    more: dict[str, dict[str, str]] | None = None,
    *,
    choose_measure: bool = True,
    instead: Callable[[], None] | None = None,
) -> None:
    """The measure's choice at the left, or what stands `instead`; `more` words of the view; the export."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="toolbar"):
        if choose_measure:
            choose("measure", "Measure", {m.name: m.label for m in offered()})
        elif instead:
            instead()
        elif more is None:
            st.caption("The whole log: the scope above narrows the other pages, not this one.")
        for word, names in (more or {}).items():
            choose(word, word.capitalize(), names)
        st.space("stretch")
        saved_views.save_menu()
        _export(title)
    saved_views.said()


def choose(
    word: str, label: str, names: dict[str, str], *, folded: bool = False, usual: str | None = None
) -> str:
    """A choice of one word of the view, side by side or folded into a list; returns the chosen value.

    Where the word is none of the names, it is the usual one, or the first.
    """
    key, chosen = state.chooser(word)
    if st.session_state[key] not in names:
        st.session_state[key] = usual or next(iter(names))
    control = partial(st.selectbox, width=190) if folded else partial(st.segmented_control, help=label)
    control(
        label,
        list(names),
        key=key,
        format_func=lambda value: names[value],
        on_change=chosen,
        label_visibility="collapsed",
    )
    return str(st.session_state[key])


def write(word: str, label: str, example: str, width: int) -> None:
    """A field for a free word of the view."""
    key = f"text_{word}"
    st.session_state[key] = state.text(word)
    st.text_input(
        label, key=key, placeholder=example, width=width,
        on_change=lambda: state.set_text(word, st.session_state[key].strip()),
    )  # fmt: skip


def _export(title: str) -> None:
    parts, style = chart_frame.parts(), chart_frame.style()
    about = f"{ask.store().name}: {state.scope_words()}"
    st.download_button(
        "Export page",
        data=lambda: page_html(f"Cartscape · {title}", about, list(parts.values()), style),
        file_name=chart_frame.file_name(title, "html"),
        mime="text/html",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key="export_page",
        help="The whole page as one HTML file that opens anywhere, without a network",
    )


def switch(word: str, label: str) -> bool:
    """A word of the view that is on or off."""
    key = f"view_{word}"
    st.session_state[key] = state.view(word) == "on"
    return st.toggle(
        label,
        key=key,
        on_change=lambda: state.set_view(word, "on" if st.session_state[key] else "off"),
    )
