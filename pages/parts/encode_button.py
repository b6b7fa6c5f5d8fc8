"""Encoding from a page: what is missing, a button, and progress that every visitor of the log sees."""

from __future__ import annotations

import streamlit as st

from core.journeys import encoding
from core.scope import OFF, Scope
from pages.parts import ask, states

#: Seconds between two looks at the work.
PAUSE = 1.0


def offer(missing: int) -> None:
    """Say how many of the log's texts have no vectors yet, and encode them when asked to."""
    job = encoding.job_of(ask.store())
    if job is not None and job.running:
        _progress()
        return
    if job is not None and job.sentence:
        st.error(states.plain(job.sentence), icon=":material/error:")
    with st.container(border=True, key="frame_encode", horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/neurology: {missing:,} texts of this log's items and searches are not encoded yet, "
            f"so nothing can be found by its meaning. Press Encode, or run "
            f"`python -m core encode --store {ask.store().path}`.",
            width="stretch",
        )
        st.button("Encode", key="encode", type="primary", icon=":material/play_arrow:", on_click=_begin)


def _begin() -> None:
    encoding.begin(ask.store(), Scope(compare=OFF))


@st.fragment(run_every=PAUSE)
def _progress() -> None:
    job = encoding.job_of(ask.store())
    if job is None or not job.running:
        st.rerun()
    left = f" · about {job.remaining:.0f} s left" if job.remaining is not None else ""
    with st.container(border=True, key="frame_encode", horizontal=True, vertical_alignment="center"):
        st.progress(min(job.done, 1.0), text=f"{job.stage.capitalize()}{left}")
        st.button(
            "Cancel",
            key="encode_cancel",
            on_click=job.cancel,
            help="What was done stays",
        )
