"""Path clusters: which kinds of journeys are there, who takes them, and do they change?

A product manager or demo lead asks
1. which kinds of journeys exist, and how many shoppers take each → the map of journeys, alike paths side by
   side, and a list of its clusters under names of their own;
2. who are these → what sets a cluster or a lasso apart, typical journeys, where, when, and their way to the
   goal, beside everybody or another cluster; kept as a cohort that every page answers to;
3. who looks for this → paths nearest in meaning to a phrase light up on the map;
4. do the kinds change → their shares over weeks and against the compared period;
5. can I trust the picture → its quality, in numbers and a warning where it should not be trusted.
"""

from __future__ import annotations

import math

import pyarrow.compute as pc
import streamlit as st

from core.analyses import Answer
from core.charts.numbers import MISSING, written
from core.journeys import MapOptions, open_map
from pages.parts import (
    ask,
    cohort_maker,
    journey_detail,
    journey_map,
    journey_picture,
    page,
    state,
    states,
    tables,
)
from pages.parts.chart_frame import Export, frame

#: Pixels of a row of the list, high enough for a name to wrap, and of the list at most.
ROW, HEIGHT = 65, 520


def main() -> None:
    """Draw the page."""
    page.toolbar("Path clusters", choose_measure=False, instead=_controls)
    cohort_maker.said()
    if not journey_map.made(state.scope()):
        return
    journey_picture.forget()
    answer = ask.ask("clusters", state.scope(), **journey_map.options())
    clusters = answer.table.to_pylist()
    _left_out([str(row["cluster"]) for row in clusters if row["cluster"]])
    left, right = st.columns([5, 4], gap="small")
    with left:
        journey_picture.picture(clusters)
    with right:
        _list(answer)
    journey_detail.detail([row for row in clusters if row["cluster"]])
    journey_detail.drift()


def _left_out(known: list[str]) -> None:
    """Say which words of the link this map has no use for."""
    lacking = [
        f"The link says {word}={state.text(word)!r}, which was left out; "
        f"this map has clusters 1 to {len(known)}."
        for word in ("cluster", "beside")
        if state.text(word) and state.text(word) not in known
    ]
    for sentence in (*lacking, *journey_map.unread(), *journey_picture.unread()):
        st.warning(states.plain(sentence), icon=":material/link_off:")


def _controls() -> None:
    journey_map.controls()
    key = "journeys_need"
    st.session_state[key] = state.text("need")

    def asked() -> None:
        state.set_text("need", str(st.session_state[key]).strip())
        if state.text("need") or state.view("colour") == "nearness":
            state.set_view("colour", "auto")  # nearness, where there are words

    st.text_input(
        "Light up paths near to", key=key, on_change=asked, label_visibility="collapsed", width=320,
        icon=":material/manage_search:", placeholder="Light up, such as waterproof hiking shoes",
    )  # fmt: skip


def _list(answer: Answer) -> None:
    kinds = answer.table.filter(answer.table["cluster"].to_numpy() > 0)
    shown = kinds.select(["cluster", "name", "shoppers", "share", "conversion"])
    if shown["conversion"].null_count == shown.num_rows:
        shown = shown.drop_columns(["conversion"])
    for name in ("share", "conversion"):
        if name in shown.column_names:
            at = shown.column_names.index(name)
            shown = shown.set_column(at, name, pc.multiply(shown[name], 100.0))
    key = f"{journey_picture.key()}_list"

    def draw() -> None:
        _quality(answer)
        event = st.dataframe(
            shown, key=key, hide_index=True, on_select="rerun", selection_mode="single-row",
            row_height=ROW, height=min(shown.num_rows * ROW + tables.ROW + 2, HEIGHT), placeholder="–",
            column_config={
                "cluster": st.column_config.NumberColumn("#", width=30),
                "name": st.column_config.TextColumn("Kind of journey", width=250),
                "shoppers": st.column_config.NumberColumn("Shoppers", format="localized", width=70),
                "share": st.column_config.NumberColumn("Of paths", format="%.1f %%", width=60),
                "conversion": st.column_config.NumberColumn(
                    "Buy", format="%.1f %%", width=55,
                    help="Paths with a purchase ÷ all its paths. The funnel below is of those who did its "
                    "first step, in order; conversion on other pages is sessions with a purchase ÷ sessions.",
                ),
            },
        )  # fmt: skip
        rows = event["selection"]["rows"]
        if rows != st.session_state.get(f"{key}_seen", []):
            st.session_state[f"{key}_seen"] = rows
            journey_picture.clear()
            if rows:
                state.set_text("cluster", str(shown["cluster"][rows[0]].as_py()))
            st.rerun()

    frame(
        "clusters", answer, ask.command("clusters", state.scope(), **journey_map.options()), draw, Export(),
        hint="Tick a kind to see who takes it.",
    )  # fmt: skip


def _quality(answer: Answer) -> None:
    made = open_map(ask.store(), state.scope(), MapOptions(**journey_map.options())).map
    quality = made.quality
    noise = None if answer.table["paths"].to_pylist()[-1] is None else quality.noise
    told = (
        ("Neighbours kept", written(quality.trustworthiness, "share"),
         "How far neighbours on the picture are neighbours in truth (trustworthiness)"),
        ("Found again", written(quality.agreement, "share"),
         "How far other random seeds find the same clusters (adjusted Rand index)"),
        ("Set apart", MISSING if math.isnan(quality.silhouette) else f"{quality.silhouette:.2f}",
         "Silhouette, −1 to 1: how much nearer paths are to their own cluster than to the next"),
        ("Between clusters", written(noise, "share"), "Paths that belong to no cluster"),
    )  # fmt: skip
    with st.container(horizontal=True, gap="medium", key="map_quality"):
        for label, value, meaning in told:
            st.metric(label, value, help=meaning)


main()
