"""A place that is chosen on a map: a button that opens it, and the place as it stands."""

from __future__ import annotations

import streamlit as st

from core.analyses.measures import MEASURES
from core.charts.map import ADDRESS, CELLS, map_deck
from core.charts.map_cells import demand_layer
from core.charts.map_view import fit_view
from core.recommender.acts import HERE_RESOLUTION
from core.scope import Scope
from pages.parts import ask, state
from pages.parts.chart_frame import style

WIDTH, HEIGHT = 680, 430
SHOPPERS = MEASURES["shoppers"]


def pick(side: str) -> None:
    """The button of one side, and its place where one was chosen; choosing forgets the side's region."""
    if not ask.has_places():
        return
    if point := state.text(f"{side}_point"):
        st.button(
            f"At {point.replace(',', ', ')}", key=f"{side}_no_point", icon=":material/close:",
            help="Forget this place", on_click=state.set_text, args=(f"{side}_point", ""),
        )  # fmt: skip
    elif st.button(
        "Map", key=f"{side}_map", icon=":material/add_location_alt:", help="Choose the place on a map"
    ):
        st.session_state[f"{side}_opened"] = st.session_state.get(f"{side}_opened", 0) + 1
        _choose(side)


@st.dialog("Where? Click a cell", width="large")
def _choose(side: str) -> None:
    answer = ask.ask("demand", Scope(), resolution=str(HERE_RESOLUTION))
    layer = demand_layer(
        answer.table, SHOPPERS.name, SHOPPERS.label, SHOPPERS.unit, style(), currency=ask.currency()
    )
    deck = map_deck(layer, fit_view(layer.lat, layer.lon, WIDTH, HEIGHT), style())
    found = st.pydeck_chart(
        deck, key=f"{side}_place_{st.session_state[f'{side}_opened']}", height=HEIGHT, on_select="rerun",
        selection_mode="single-object", alt=f"Map: shoppers by cell, {answer.of}.",
    )  # fmt: skip
    st.caption(f"Shoppers by cell. {answer.of}.")
    if objects := found["selection"]["objects"].get(CELLS):
        at = layer.cells.index(str(objects[0][ADDRESS]))
        state.set_text(f"{side}_point", f"{layer.lat[at]:.2f},{layer.lon[at]:.2f}")
        state.set_text(f"{side}_region", "")
        st.rerun()
