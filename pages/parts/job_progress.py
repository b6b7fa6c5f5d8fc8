"""How far a job beside the pages is, with a way to cancel it; why the last one ended, where it failed."""

from __future__ import annotations

import streamlit as st

from core.jobs import Job
from pages.parts import states

#: Seconds between two looks at the work.
PAUSE = 1.0


def shown(job: Job | None, key: str, cancelled: str, about: str = "") -> bool:
    """Show a job that is at work and return True; else say why it ended, if it failed.

    `cancelled` says what becomes of what was done, `about` stands beside the stage.
    """
    if job is None:
        return False
    if job.running:
        _progress(job, key, cancelled, about)
        return True
    if job.sentence:
        st.error(states.plain(job.sentence), icon=":material/error:")
    return False


@st.fragment(run_every=PAUSE)
def _progress(job: Job, key: str, cancelled: str, about: str) -> None:
    if not job.running:
        st.rerun()
    left = f" · about {job.remaining:.0f} s left" if job.remaining is not None else ""
    words = f"{job.stage.capitalize()}{left}" + (f" · {about}" if about else "")
    with st.container(border=True, key=f"frame_{key}", horizontal=True, vertical_alignment="center"):
        st.progress(min(job.done, 1.0), text="Stopping after the step at hand" if job.stopping else words)
        st.button("Cancel", key=f"{key}_cancel", on_click=job.cancel, help=cancelled, disabled=job.stopping)
