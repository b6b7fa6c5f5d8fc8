"""Encoding from a page: what is missing, a button, and progress that every visitor of the log sees."""

from __future__ import annotations

import streamlit as st

from core.encoder import open_encoder
from core.journeys import encoding
from core.scope import OFF, Scope
from pages.parts import ask, job_progress


def offer(missing: int, scope: Scope | None = None) -> None:
    """Say how many texts of a scope (or of the whole log) have no vectors yet; encode them when asked to."""
    job = encoding.job_of(ask.store())
    if job_progress.shown(job, "encode", "What was done stays", open_encoder().describe()):
        return
    whole = Scope(compare=OFF)
    whose = "this log's items and searches" if scope is None else "what these shoppers looked at"
    of_scope = f" {scope.command()}" if scope is not None and scope.words() else ""
    with st.container(border=True, key="frame_encode"):
        with st.container(horizontal=True, vertical_alignment="center", key="encode_row"):
            st.markdown(
                f":material/neurology: **{missing:,} texts** of {whose} are not encoded yet. The encoder "
                "reads each once; then they are compared by their meaning.",
                width="stretch",
            )
            st.button(
                "Encode", key="encode", type="primary", icon=":material/play_arrow:", on_click=_begin,
                args=(scope or whole,),
            )  # fmt: skip
        st.caption(
            f"{open_encoder().describe()}. "
            f"Or run `python -m core encode --store {ask.store().path}{of_scope}`."
        )


def _begin(scope: Scope) -> None:
    encoding.begin(ask.store(), scope)
