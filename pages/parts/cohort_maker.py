"""Saving the shoppers of a selection as a cohort, from any page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.charts.numbers import exact
from core.errors import CartscapeError
from core.store import Document
from pages.parts import ask, state
from pages.parts.states import plain

#: The cohort that the form of the page Cohorts is about, where it is not a new one.
EDITED = "_cohort_edited"


def keep(
    rule: dict[str, Any],
    words: str,
    suggestion: str,
    key: str,
    *,
    fixed: bool = False,
    paths: bool = False,
    edited: Document | None = None,
) -> None:
    """A line that says who is chosen, with a name to save them under and a click to look at them alone.

    With `paths`, also a click to their paths. Under the name of the `edited` cohort, it is saved anew.
    """
    try:
        count = ask.members(rule)
    except CartscapeError as error:
        st.caption(str(error))
        return
    if count is None:
        st.caption(plain(f"{words}: too few shoppers to show."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"keep_{key}"):
        who = "shopper" if count == 1 else "shoppers"
        st.markdown(f"**{exact(count, 'count')} {who}** {plain(words)}", width="stretch")
        name_key = f"cohort_name_{key}"
        st.session_state.setdefault(name_key, suggestion)
        st.text_input(
            "Name of the cohort",
            key=name_key,
            label_visibility="collapsed",
            width=260,
            placeholder="A name for them",
        )
        st.button(
            "Save as cohort", icon=":material/group_add:", key=f"cohort_save_{key}", type="primary",
            on_click=_save, args=(rule, name_key, False, fixed, None, edited), disabled=not count,
        )  # fmt: skip
        st.button(
            "Save and look at them alone", icon=":material/filter_alt:", key=f"cohort_use_{key}",
            on_click=_save, args=(rule, name_key, True, fixed, None, edited), disabled=not count,
            help="Every page then answers to this cohort",
        )  # fmt: skip
        if paths:
            st.button(
                "Their paths", icon=":material/route:", key=f"cohort_paths_{key}", disabled=not count,
                on_click=_save, args=(rule, name_key, True, fixed, "paths"), help="Saves them, too",
            )  # fmt: skip


def _save(
    rule: dict[str, Any],
    name_key: str,
    use: bool,
    fixed: bool,
    goto: str | None = None,
    edited: Document | None = None,
) -> None:
    name = str(st.session_state[name_key]).strip()
    seen = edited.revision if edited and edited.name == name else 0
    try:
        ask.save_cohort(name, rule, fixed=fixed, seen=seen)
    except CartscapeError as error:
        st.session_state["_cohort_said"] = (False, str(error))
        state.state().changed = True
        return
    state.state().changed = True  # the page above the frame says it
    st.session_state["_cohort_said"] = (True, f"Saved the cohort “{name}”.")
    if edited:
        st.session_state.pop(EDITED, None)
    if use:
        state.change_scope(cohorts=(name,))
        state.state().goto = goto


def said() -> None:
    """What the last saving gave, once."""
    if found := st.session_state.pop("_cohort_said", None):
        good, sentence = found
        (st.success if good else st.error)(
            plain(sentence), icon=":material/group:" if good else ":material/error:"
        )
