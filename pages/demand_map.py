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

import pyarrow as pa
import streamlit as st

from core.analyses import Answer
from core.analyses.hotspots import FINEST as HOT_FINEST
from core.analyses.measures import MEASURES, Measure
from core.charts.extent import drawable, in_sight, resolution_in_sight
from core.charts.hourly import MOST_DAYS
from core.charts.map import ADDRESS, CELLS, legend_html, map_deck
from core.charts.map_cells import CellLayer, demand_layer, hotspot_layer
from core.charts.map_image import map_png, map_svg
from core.charts.map_view import View, fit_view
from core.charts.regions import region_rows
from core.scope import Scope
from pages.parts import ask, dates, map_watch, page, player, state, states, tables
from pages.parts.chart_frame import Export, frame, style

MODES = {"absolute": "Level", "change": "Change", "hotspots": "Hot spots"}
MAPS = {"one": "One map", "two": "Two maps", "playback": "Playback"}
#: Pixels: map, legend and words fit a laptop's window under the bars; a map and half
#: of one are at least as wide as this.
HEIGHT, WIDTH, HALF = 470, 760, 380
HINT = "Click hexagons to keep those places; click again to drop them."


@dataclass(frozen=True)
class Drawn:
    """A map's question and what is drawn of it."""

    answer: Answer
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
        _regions(beside=False)
        return
    _controls()
    left, right = st.columns([7, 3], gap="small")
    with left:
        _maps()
    with right:
        _regions(beside=True)


def _controls() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="map_controls"):
        page.choose("maps", "Maps", MAPS)
        if state.view("maps") != "playback":  # a day of a playback is compared with nothing
            page.choose("mode", "What the colour says", MODES)
        if state.view("maps") == "two":
            page.choose("second", "Second map", {m.name: m.label for m in page.offered()}, folded=True)
        sizes = {"auto": "Finer as you zoom in", **{str(r): f"H3 resolution {r}" for r in range(3, 10)}}
        page.choose("resolution", "Size of the hexagons", sizes, folded=True)
        page.switch("columns", "3-D columns")


@st.fragment
def _maps() -> None:
    measure, mode, scope = page.measure(), state.view("mode"), state.scope()
    if mode == "change" and not dates.compared_words(scope):
        states.notice("Nothing is compared, so there is no change to map. Choose what to compare with above.")
        return
    asked = replace(scope, cells=())  # all cells stay in sight, the picked ones are outlined
    if state.view("maps") == "playback":
        player.playback(
            asked, lambda day, ends: _drawn(measure, "absolute", asked, None, day, ends), _picture
        )
        return
    # Another store or other regions are another map; other dates are the same map with other colours.
    place = f"{abs(hash((state.state().store, scope.regions, state.view('maps')))):x}"
    two = state.view("maps") == "two"
    width = HALF if two else WIDTH
    seen = map_watch.seen(f"view_of_{place}", (width, HEIGHT))
    first = _drawn(measure, mode, asked, seen)
    if not first.layer.cells and seen is None:
        states.nothing_here()
        return
    fitted = st.session_state.setdefault(
        f"fitted_{place}", fit_view(first.layer.lat, first.layer.lon, width, HEIGHT)
    )
    look_at = seen or fitted
    if two:
        second = _drawn(page.other_measure(), mode, asked, seen)
        halves = st.columns(2, gap="small")
        for half, drawn, key in zip(halves, (first, second), ("map", "second_map"), strict=True):
            with half:
                _picture(drawn, look_at, f"{key}_{place}")
        return
    _picture(first, look_at, f"map_{place}")


def _drawn(
    measure: Measure,
    mode: str,
    asked: Scope,
    seen: View | None = None,
    day: str = "",
    breaks: tuple[float, ...] = (),
) -> Drawn:
    """Ask for a map as fine as what is in sight allows, and colour its cells."""
    look, currency = style(), ask.currency()
    if mode == "hotspots":
        added = measure if measure.additive else MEASURES["events"]
        answer, command, table = _cells("hotspots", asked, seen, {"measure": added.name})
        layer = hotspot_layer(table, added.label, added.unit, look, currency=currency)
        return Drawn(answer, command, layer, answer.title)
    answer, command, table = _cells("demand", asked, seen, {"on": day} if day else {})
    layer = demand_layer(
        table, measure.name, measure.label, measure.unit, look,
        mode="change" if mode == "change" else "value", currency=currency, breaks=breaks,
    )  # fmt: skip
    what = f"Change of {measure.label.lower()}" if mode == "change" else measure.label
    return Drawn(answer, command, layer, f"{what} by hexagon")


def _cells(
    name: str, asked: Scope, seen: View | None, options: dict[str, str]
) -> tuple[Answer, str, pa.Table]:
    """The answer, the command for it, and the cells to draw: those in sight, coarser while too many."""
    size = state.view("resolution")
    sizes = [size]
    if size == "auto" and seen is not None:
        finest = resolution_in_sight(seen)
        sizes = [str(r) for r in range(min(finest, HOT_FINEST) if name == "hotspots" else finest, 0, -1)]
    for size in sizes:
        answer = ask.ask(name, asked, resolution=size, **options)
        table = answer.table if seen is None else in_sight(answer.table, seen)
        if drawable(table):
            break
    return answer, ask.command(name, asked, resolution=size, **options), table


def _picture(drawn: Drawn, view: View, key: str, *, pickable: bool = True) -> None:
    """One map in its frame."""
    elevated = state.view("columns") == "on"
    chosen = state.scope().cells
    look = style()
    deck = map_deck(drawn.layer, view, look, selected=chosen, elevation=elevated)
    widget = _widget(f"{key}_{elevated}", drawn.layer)
    # The map is put where it starts; from there it is the visitor who moves it.
    start = st.session_state.setdefault(f"{widget}_start", view)
    deck.initial_view_state.latitude = start.lat
    deck.initial_view_state.longitude = start.lon
    deck.initial_view_state.zoom = start.zoom

    def draw() -> None:
        alt = f"Map: {drawn.title}, {drawn.answer.of}."
        if pickable:
            st.pydeck_chart(
                deck, key=widget, height=HEIGHT, alt=alt, on_select=lambda: _toggle(widget),
                selection_mode="multi-object",
            )  # fmt: skip
        else:
            st.pydeck_chart(deck, key=widget, height=HEIGHT, alt=alt)
        st.html(legend_html(drawn.layer.legend, look))

    export = Export(
        svg=lambda: map_svg(drawn.layer, view, look, selected=chosen),
        png=lambda: map_png(drawn.layer, view, look, selected=chosen, title=drawn.title, of=drawn.answer.of),
    )
    hint = HINT if pickable else ""
    frame(key.partition("_")[0], drawn.answer, drawn.command, draw, export, title=drawn.title, hint=hint)


def _widget(key: str, layer: CellLayer) -> str:
    """The key of a map's widget.

    Streamlit remembers picked cells by row number. Where the rows changed under a selection, the
    widget starts anew, at the view it had; without one it stays, and the map does not flicker.
    """
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    rows = hash(layer.cells)
    picked = st.session_state.get(f"{key}_{turn}", {}).get("selection", {}).get("objects")
    if picked and st.session_state.get(f"{key}_rows") != rows:
        turn = st.session_state[f"{key}_turn"] = turn + 1
    st.session_state[f"{key}_rows"] = rows
    return f"{key}_{turn}"


def _toggle(widget: str) -> None:
    """Take the cells that were clicked since the last time into the scope, or drop them from it.

    What changed between two clicks counts, so that a cell that came with a link can be dropped too.
    """
    objects = st.session_state[widget]["selection"]["objects"].get(CELLS, [])
    now = {str(o[ADDRESS]) for o in objects}
    clicked = now ^ st.session_state.get(f"{widget}_before", set())
    st.session_state[f"{widget}_before"] = now
    cells = state.scope().cells
    kept = [cell for cell in cells if cell not in clicked]
    state.change_scope(cells=(*kept, *sorted(clicked - set(cells))))


def _regions(*, beside: bool) -> None:
    scope, measure = state.scope(), page.measure()
    asked = replace(scope, regions=())  # the others stay in sight, to be picked as well
    answer = ask.ask("regions", asked)
    rows = region_rows(answer.table, measure.name)
    names = rows["region"].to_pylist()
    lines = dates.length(scope) > MOST_DAYS and rows["spark"].null_count < rows.num_rows
    key = f"regions_{state.state().version}"

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        state.change_scope(regions=tuple(names[i] for i in chosen))

    def draw() -> None:
        st.dataframe(
            rows,
            key=key,
            hide_index=True,
            height="stretch" if beside else tables.height_of(rows.num_rows),
            placeholder="–",
            column_config=tables.region_columns(measure, ask.currency(), lines=lines),
            on_select=picked,
            selection_mode="multi-row",
            selection_default={"selection": {"rows": [names.index(r) for r in scope.regions if r in names]}},
        )

    frame(
        "regions", answer, ask.command("regions", asked), draw, Export(), title=f"{measure.label} by region"
    )


main()
