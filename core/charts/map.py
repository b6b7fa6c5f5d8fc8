"""The interactive map: a pydeck deck that fetches nothing, and its legend.

    layer = demand_layer(answer.table, "revenue", "Revenue", "money", style, currency="USD")
    deck = map_deck(layer, fit_view(layer.lat, layer.lon), style, selected=scope.cells)
    st.pydeck_chart(deck, on_select=…, selection_mode="multi-object")
    st.html(legend_html(layer.legend, style))

A selected object of the layer `CELLS` carries its H3 address under the key `ADDRESS`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

import h3.api.basic_str as h3
import pydeck as pdk
from pydeck.bindings.json_tools import default_serialize

from core.charts.look import FONT, Look
from core.charts.map_cells import CellLayer, Legend
from core.charts.map_view import CLOSEST, View
from core.space.boundaries import COUNTRIES, drawing, labels, map_for_extent

#: Id of the layer whose cells can be picked, and the key of a picked object's address.
CELLS, ADDRESS = "cells", "c"
#: Keys of the tooltip's lines on a row: short, as they travel once a cell.
LINES = ("t", "u", "v", "w")

PITCH = 45
#: A literal; pydeck takes a bare string for the name of a column.
PIXELS = pdk.types.String("pixels")
#: Height of the tallest column as a share of the picture's height on the ground.
TALLEST = 0.22
#: Pixels that tell one border from the next; the land behind the states needs fewer.
FINE, BACKDROP = 1000, 150


class OfflineDeck(pdk.Deck):
    """A deck without tiles, and without the blanks that would double what travels to the browser."""

    def __init__(self, **arguments: Any) -> None:
        # `map_style` stays unset: None or "" would fetch tiles.
        super().__init__(map_provider=None, **arguments)

    def to_json(self) -> str:
        return json.dumps(self, sort_keys=True, default=default_serialize, separators=(",", ":"))


def map_deck(
    layer: CellLayer,
    view: View,
    style: Look,
    *,
    selected: Sequence[str] = (),
    elevation: bool = False,
) -> OfflineDeck:
    """The deck of a layer over its base map; `selected` cells are outlined, `elevation` draws columns."""
    south, _, north, _ = view.box()
    tallest = TALLEST * (north - south) * 111_320
    deck = OfflineDeck(
        layers=[*_land(view, style), _cells(layer, style, tallest if elevation else None)],
        initial_view_state=pdk.ViewState(
            latitude=view.lat,
            longitude=view.lon,
            zoom=view.zoom,
            max_zoom=CLOSEST + 2,
            pitch=PITCH if elevation else 0,
            bearing=0,
        ),
        views=[pdk.View(type="MapView", controller=True)],
        height=view.height,
        tooltip=_tooltip(layer, style),
    )
    if not elevation:
        deck.layers += [_borders(view, style), _names(view, style)]
    if chosen := [{ADDRESS: cell} for cell in selected if h3.is_valid_cell(cell)]:
        deck.layers.append(_outlines(chosen, style))
    return deck


def legend_html(legend: Legend, style: Look) -> str:
    """The legend as HTML with inline styles: a stepped bar for a scale, swatches for names."""
    items = []
    for colour, label in legend.entries:
        shape = "width:26px;height:10px" if legend.ordered else "width:11px;height:11px;border-radius:2px"
        swatch = f'<span style="display:inline-block;{shape};background:{colour};margin-right:5px"></span>'
        items.append(f'<span style="white-space:nowrap">{swatch}{html.escape(label)}</span>')
    return (
        f'<div role="note" style="font-size:12px;line-height:1.7;color:{style.ink};display:flex;'
        f'flex-wrap:wrap;gap:0 14px;align-items:center"><b>{html.escape(legend.title)}</b>'
        f'{"".join(items)}<span style="color:{style.muted}">{html.escape(legend.note)}</span></div>'
    )


def rgb(colour: str) -> list[int]:
    """A hex colour as three numbers."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def border(style: Look) -> list[int]:
    """The colour of borders: between the grid's and the secondary text's."""
    return [round(0.65 * a + 0.35 * b) for a, b in zip(rgb(style.grid), rgb(style.muted), strict=True)]


def _land(view: View, style: Look) -> list[pdk.Layer]:
    """The countries, and over them the states where the view has their map."""
    window = view.box()
    states = map_for_extent(*window)
    layers = [
        _outline_layer("land", drawing(COUNTRIES, window, FINE if states == COUNTRIES else BACKDROP), style)
    ]
    if states != COUNTRIES:
        layers.append(_outline_layer("states", drawing(states, window, FINE), style))
    return layers


def _outline_layer(name: str, shapes: dict[str, Any], style: Look) -> pdk.Layer:
    return pdk.Layer(
        "GeoJsonLayer",
        shapes,
        id=name,
        pickable=False,
        filled=True,
        stroked=True,
        get_fill_color=rgb(style.panel),
        get_line_color=border(style),
        line_width_units=PIXELS,
        get_line_width=1,
    )


def _borders(view: View, style: Look) -> pdk.Layer:
    """Borders once more, thin and over the cells, so that a full map still shows its states."""
    window = view.box()
    name = map_for_extent(*window)
    layer = _outline_layer("borders", drawing(name, window, FINE), style)
    layer.filled = False
    layer.get_line_color = [*border(style), 110]
    return layer


def _names(view: View, style: Look) -> pdk.Layer:
    rows = [{"n": name, "p": [round(lon, 2), round(lat, 2)]} for name, lat, lon in labels(*view.box())]
    return pdk.Layer(
        "TextLayer",
        rows,
        id="names",
        pickable=False,
        get_text="n",
        get_position="p",
        get_size=11,
        get_color=[*rgb(style.ink), 150],
        font_family=pdk.types.String(FONT),
        character_set=pdk.types.String("auto"),
    )


def _cells(layer: CellLayer, style: Look, tallest: float | None) -> pdk.Layer:
    rows: list[dict[str, Any]] = [
        {ADDRESS: cell, "k": k, **dict(zip(LINES, lines, strict=True))}
        for cell, k, lines in zip(layer.cells, layer.classes.tolist(), layer.text, strict=True)
    ]
    columns: dict[str, Any] = {"extruded": False}
    if tallest is not None:
        for row, height in zip(rows, layer.height.round(4).tolist(), strict=True):
            row["h"] = height
        columns = {"extruded": True, "get_elevation": "h", "elevation_scale": tallest}
    return pdk.Layer(
        "H3HexagonLayer",
        rows,
        id=CELLS,
        pickable=True,
        auto_highlight=True,
        highlight_color=[*rgb(style.flag), 110],
        get_hexagon=ADDRESS,
        # The classes' colours once, not on every row.
        get_fill_color=_by_class([[*rgb(colour), 235] for colour, _ in layer.legend.entries]),
        stroked=False,
        coverage=0.96,
        **columns,
    )


def _by_class(palette: list[list[int]]) -> str:
    """An expression of deck.gl that gives the colour of class `k`."""
    *first, last = (f"[{','.join(map(str, colour))}]" for colour in palette)
    return "".join(f"k=={k}?{colour}:" for k, colour in enumerate(first)) + last


def _outlines(rows: list[dict[str, str]], style: Look) -> pdk.Layer:
    return pdk.Layer(
        "H3HexagonLayer",
        rows,
        id="selected",
        pickable=False,
        extruded=False,
        filled=False,
        stroked=True,
        get_hexagon=ADDRESS,
        get_line_color=rgb(style.flag),
        line_width_units=PIXELS,
        get_line_width=2,
    )


def _tooltip(layer: CellLayer, style: Look) -> dict[str, Any]:
    """The template of the tooltip; the browser escapes what it fills in. Lines that no cell has are left out."""
    styles = ("font-weight:600", "", "", f"color:{style.muted}")
    lines = [
        f'<div style="{css}">{{{key}}}</div>'
        for i, (key, css) in enumerate(zip(LINES, styles, strict=True))
        if any(text[i] for text in layer.text)
    ]
    return {
        "html": "".join(lines),
        "style": {
            "background": style.panel,
            "color": style.ink,
            "border": f"1px solid {style.grid}",
            "borderRadius": "6px",
            "fontSize": "12px",
            "padding": "6px 9px",
        },
    }
