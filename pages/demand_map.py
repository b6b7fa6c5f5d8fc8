"""Demand map: where is it, where is it rising, and is that more than chance?

A merchandiser explores regions and asks
1. where do shoppers look, buy, spend → hexagons coloured by the chosen measure, in columns on demand; finer
   hexagons the closer one looks;
2. where did that change → the same hexagons in two directions from neutral, against the compared period;
3. where does demand gather beyond chance, and is it new or fading → hot spots by kind;
4. how do two measures differ in place, and how does one spread over days → two maps that move together, and
   a playback;
5. which regions are these, and how do they move → the region table beside the map, a line each.
A click on hexagons or regions makes them the scope of every page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.analyses.measures import MEASURES, Measure
from core.charts.map import ADDRESS, CELLS, legend_html, map_deck
from core.charts.map_cells import CellLayer, demand_layer, hotspot_layer
from core.charts.map_image import map_png, map_svg
from core.charts.map_view import View, fit_view
from core.charts.regions import region_rows
from core.scope import Scope
from pages.parts import ask, dates, page, player, state, states, tables
from pages.parts.chart_frame import Export, frame, style

MODES = {"absolute": "Level", "change": "Change", "hotspots": "Hot spots"}
MAPS = {"one": "One map", "two": "Two maps", "playback": "Playback"}
#: Pixels: map, legend and words fit a laptop's window under the bars.
HEIGHT = 470
HINT = "Click hexagons to keep those places; click again to drop them."


@dataclass(frozen=True)
class Drawn:
    """A map's question and what is drawn of it."""

    answer: Any
    command: str
    layer: CellLayer
    title: str


def main() -> None:
    """Draw the page."""
    page.toolbar("Demand map")
    if not ask.has_places():
        states.notice(
            "This log has no coordinates, so there is no map. Load it again with the columns lat and lon, or "
            "map yours on the page Data."
        )
        _regions()
        return
    _controls()
    left, right = st.columns([7, 3], gap="small")
    with left:
        _maps()
    with right:
        _regions()


def _controls() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="map_controls"):
        page.choose("mode", "What the colour says", MODES)
        page.choose("maps", "Maps", MAPS)
        if state.view("maps") == "two":
            page.pick("second", "Second map", {m.name: m.label for m in page.offered()})
        sizes = {"auto": "Size by extent", **{str(r): f"H3 resolution {r}" for r in range(3, 10)}}
        page.pick("resolution", "Size of the hexagons", sizes)
        page.switch("columns", "3-D columns")


def _maps() -> None:
    measure, mode, scope = page.measure(), state.view("mode"), state.scope()
    if mode == "change" and not dates.compared_words(scope):
        states.notice("Nothing is compared, so there is no change to map. Choose what to compare with above.")
        return
    asked = replace(scope, cells=())  # all cells stay in sight, the picked ones are outlined
    if state.view("maps") == "playback":
        player.playback(asked, lambda day, ends: _drawn(measure, "absolute", asked, day, ends), _picture)
        return
    first = _drawn(measure, mode, asked)
    if not first.layer.cells:
        states.nothing_here()
        return
    view = fit_view(first.layer.lat, first.layer.lon, height=HEIGHT)
    if state.view("maps") == "two":
        second = _drawn(MEASURES[state.view("second")], mode, asked)
        halves = st.columns(2, gap="small")
        for half, drawn, key in zip(halves, (first, second), ("map", "second_map"), strict=True):
            with half:
                _picture(drawn, view, key)
        return
    _picture(first, view, "map")


def _drawn(measure: Measure, mode: str, asked: Scope, day: str = "", breaks: tuple[float, ...] = ()) -> Drawn:
    """Ask for a map and colour its cells."""
    size = {"resolution": state.view("resolution")}
    if mode == "hotspots":
        added = measure if measure.additive else MEASURES["events"]
        options = {"measure": added.name, **size}
        answer = ask.ask("hotspots", asked, **options)
        layer = hotspot_layer(answer.table, added.label, added.unit, style(), currency=ask.currency())
        return Drawn(answer, ask.command("hotspots", asked, **options), layer, answer.title)
    options = {**size, **({"on": day} if day else {})}
    answer = ask.ask("demand", asked, **options)
    layer = demand_layer(
        answer.table, measure.name, measure.label, measure.unit, style(),
        mode="change" if mode == "change" else "value", currency=ask.currency(), breaks=breaks,
    )  # fmt: skip
    what = f"Change of {measure.label.lower()}" if mode == "change" else measure.label
    return Drawn(answer, ask.command("demand", asked, **options), layer, f"{what} by hexagon")


def _picture(drawn: Drawn, view: View, key: str) -> None:
    """One map in its frame."""
    elevated = state.view("columns") == "on"
    chosen = state.scope().cells
    look = style()
    deck = map_deck(drawn.layer, view, look, selected=chosen, elevation=elevated)
    # A selection is remembered by row number, so another set of rows needs another key.
    widget = f"{key}_{hash((drawn.layer.cells, elevated)):x}"

    def picked() -> None:
        objects = st.session_state[widget]["selection"]["objects"].get(CELLS, [])
        now = {str(o[ADDRESS]) for o in objects}
        before = st.session_state.get(f"{widget}_before", set())
        st.session_state[f"{widget}_before"] = now
        # What changed between two clicks is toggled, so that cells of a link can be dropped as well.
        kept = [cell for cell in state.scope().cells if cell not in now ^ before]
        new = [cell for cell in sorted(now ^ before) if cell not in state.scope().cells]
        state.change_scope(cells=(*kept, *new))

    def draw() -> None:
        st.pydeck_chart(
            deck, key=widget, height=HEIGHT, on_select=picked, selection_mode="multi-object",
            alt=f"Map: {drawn.title}, {drawn.answer.of}.",
        )  # fmt: skip
        st.html(legend_html(drawn.layer.legend, look))

    export = Export(
        svg=lambda: map_svg(drawn.layer, view, look, selected=chosen),
        png=lambda: map_png(drawn.layer, view, look, selected=chosen, title=drawn.title, of=drawn.answer.of),
    )
    frame(key, drawn.answer, drawn.command, draw, export, title=drawn.title, hint=HINT)


def _regions() -> None:
    scope, measure = state.scope(), page.measure()
    asked = replace(scope, regions=())  # the others stay in sight, to be picked as well
    answer = ask.ask("regions", asked)
    rows = region_rows(answer.table, measure.name)
    names = rows["region"].to_pylist()
    key = f"regions_{state.state().version}"

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        state.change_scope(regions=tuple(names[i] for i in chosen))

    def draw() -> None:
        st.dataframe(
            rows,
            key=key,
            hide_index=True,
            height=HEIGHT,
            column_config=tables.region_columns(measure, ask.currency()),
            on_select=picked,
            selection_mode="multi-row",
            selection_default={"selection": {"rows": [names.index(r) for r in scope.regions if r in names]}},
        )

    frame(
        "regions", answer, ask.command("regions", asked), draw, Export(), title=f"{measure.label} by region"
    )


main()
