"""Playback: a map of one day after the other, with a slider to any of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import streamlit as st

from core.charts.map_view import fit_view
from core.scope import Scope
from pages.parts import ask, page, states

#: Seconds a day stays on the screen.
PACE = 1.2


def playback(
    asked: Scope,
    drawn: Callable[[str, tuple[float, ...]], Any],
    picture: Callable[..., None],
) -> None:
    """Play the days of the scope. `drawn` asks for a day on given class ends; `picture` shows it.

    All days share the class ends of the strongest one, so that a colour means the same on each.
    """
    measure = page.measure().name
    rows = ask.ask("calendar", asked).table.to_pylist()
    days: list[date] = [row["day"] for row in rows]
    if len(days) < 2:
        states.notice("A playback needs two days or more. Widen the dates in the bar above.")
        return
    strongest = max(rows, key=lambda row: row[measure] or 0)["day"]
    base = drawn(strongest.isoformat(), ())
    view = fit_view(base.layer.lat, base.layer.lon)
    if st.session_state.get("play_day") not in days:
        st.session_state["play_day"] = days[0]
    playing = bool(st.session_state.get("playing"))

    @st.fragment(run_every=PACE if playing else None)
    def show() -> None:
        if bool(st.session_state.get("playing")) != playing:
            st.rerun()  # the clock of this fragment is set where it is made
        if playing and st.session_state.get("_ticking"):
            _next(days)
        st.session_state["_ticking"] = playing
        left, right = st.columns([1, 6], vertical_alignment="bottom", gap="small")
        left.toggle("Play", key="playing")
        with right:
            st.select_slider("Day", days, key="play_day", format_func=_named, label_visibility="collapsed")
        day = st.session_state["play_day"]
        picture(drawn(day.isoformat(), base.layer.breaks), view, "playback", pickable=False)

    show()


def _named(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _next(days: list[date]) -> None:
    """Move on by a day, from the last to the first."""
    at = days.index(st.session_state["play_day"])
    st.session_state["play_day"] = days[at + 1] if at + 1 < len(days) else days[0]
