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
from core.charts.map_base import Sheet, base_map, borders, rgb
from core.charts.map_cells import CellLayer, Legend
from core.charts.map_view import CLOSEST, View
from core.space.boundaries import labels

#: Id of the layer whose cells can be picked, and the key of a picked object's address.
CELLS, ADDRESS = "cells", "c"
#: Keys of the tooltip's lines on a row: short, as they travel once a cell.
LINES = ("t", "u", "v", "w")

PITCH = 45
#: A literal; pydeck takes a bare string for the name of a column.
PIXELS = pdk.types.String("pixels")
#: Height of the tallest column as a share of the picture's height on the ground.
TALLEST = 0.14
#: Column lighting: soft, so that a column keeps the colour of its class.
MATERIAL = {"ambient": 0.75, "diffuse": 0.3, "shininess": 8, "specularColor": [20, 20, 20]}
#: Colour of what is not drawn.
BLACK = "#000000"


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
        layers=[
            *(_sheet(sheet) for sheet in base_map(view, style)),
            _cells(layer, style, tallest if elevation else None),
        ],
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
        deck.layers += [_sheet(borders(view, style), alpha=110), _names(view, style)]
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


def _sheet(sheet: Sheet, alpha: int = 255) -> pdk.Layer:
    return pdk.Layer(
        "GeoJsonLayer",
        sheet.shapes,
        id=sheet.name,
        pickable=False,
        filled=sheet.fill is not None,
        stroked=sheet.line is not None,
        get_fill_color=rgb(sheet.fill or BLACK),
        get_line_color=[*rgb(sheet.line or BLACK), alpha],
        line_width_units=PIXELS,
        get_line_width=1,
    )


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
        get_color=[*rgb(style.ink), 190],
        background=True,
        get_background_color=[*rgb(style.panel), 150],
        background_padding=[2, 0],
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
        columns = {"extruded": True, "get_elevation": "h", "elevation_scale": tallest, "material": MATERIAL}
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
    *first, last = (f"[{','.join(map(str, colour))}]" for colour in palette or [[0, 0, 0, 0]])
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
    """The template of the tooltip, without lines that no cell has; the browser escapes what it fills in."""
    styles = ("font-weight:600", "", "", f"color:{style.muted}")
    lines = [
        f'<div style="{css}">{html.escape(caption)}{{{key}}}</div>'
        for i, (key, css, caption) in enumerate(zip(LINES, styles, layer.captions, strict=True))
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
