"""The first start: making the sample, and building the marts of a store that has none, with progress."""

from __future__ import annotations

import streamlit as st

from core import marts
from core.cli.progress import Teller
from core.errors import StoreBusy
from core.settings import settings
from core.store import Store
from data.sample import sample_reader
from pages.parts import ask

SAMPLE = "sample"
#: Seconds until a page that waits for another writer looks again.
PATIENCE = 2.0


class Bar:
    """A progress bar that says what is done and how long it will take.

    There from the start with `words`, where work is sure to come; else not there until there is some.
    """

    def __init__(self, words: str = "") -> None:
        self._place = st.empty()
        if words:
            self._place.progress(0.0, text=words)

    def __call__(self, stage: str, done: float, words: str) -> None:
        self._place.progress(min(max(done, 0.0), 1.0), text=f"{stage.capitalize()} · {words}")

    def clear(self) -> None:
        """Take the bar away."""
        self._place.empty()


def is_due() -> bool:
    """Whether there is nothing to show yet: no log at all, or a sample that was cut short."""
    infos = ask.stores()
    return not infos or (not ask.filled() and any(i.kind == "sample" and not i.error for i in infos))


def make_sample() -> None:
    """Make the sample marketplace in an empty home, then start over with it."""
    with st.container(width=720, key="first_start"):
        st.header("Welcome to Cartscape")
        st.markdown(
            "There is no log here yet, so a sample marketplace is being made: a million events of fifty "
            "thousand imaginary shoppers in the United States. It takes about a minute, once. Your own "
            "log is loaded on the page **Data**."
        )
        teller = Teller(Bar("Starting"))  # the first block takes seconds to come
        path = settings().home / SAMPLE
        try:
            store = Store.open(path) if path.exists() else Store.create(path, kind="sample")
            store.append(sample_reader(), teller.of_load)
            marts.build(store.refresh(), teller.of_build)
        except StoreBusy as busy:
            _wait(str(busy))
    st.rerun()


def build_marts() -> None:
    """Build what the pages read, where the chosen store's log is newer than it; at once where it is not."""
    bar = Bar()
    try:
        marts.build(ask.store(), Teller(bar).of_build)
    except StoreBusy as busy:
        _wait(str(busy))
    bar.clear()


def _wait(sentence: str) -> None:
    """Say who is at work, and look again until the page can go on."""
    st.info(
        "Another window or process is writing this log; the page goes on by itself once it is done.",
        icon=":material/hourglass_top:",
    )
    st.caption(sentence)

    @st.fragment(run_every=PATIENCE)
    def look_again() -> None:
        if st.session_state.pop("_looked", False):
            st.rerun()
        st.session_state["_looked"] = True

    look_again()
    st.stop()
