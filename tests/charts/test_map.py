"""The map: classes and legends by hand, a deck that fetches nothing, pictures that are whole."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from core.analyses.measures import MEASURES
from core.charts.look import DARK, LIGHT, Look
from core.charts.map import ADDRESS, CELLS, legend_html, map_deck
from core.charts.map_base import attribution, mixed
from core.charts.map_cells import CellLayer, Mode, demand_layer, hotspot_layer
from core.charts.map_image import map_png, map_svg
from core.charts.map_scale import change_breaks, kind_colours, kind_label, value_breaks
from core.charts.map_view import View, fit_view
from core.space.hotspots import KINDS

OHIO = h3.latlng_to_cell(39.96, -83.0, 6)
NEAR = sorted(h3.grid_disk(OHIO, 5))
FIGURES: dict[str, Any] = {"events": 900, "shoppers": 300, "sessions": 450, "conversion": 0.04}


def demand(rows: list[dict[str, Any]] | None = None, cells: list[str] | None = None) -> pa.Table:
    """A `demand` table: one cell a row, `rows` overriding the usual figures."""
    cells = cells or NEAR
    rows = rows or [{"revenue": float(i + 1)} for i in range(len(cells))]
    full = []
    for cell, row in zip(cells, rows, strict=False):
        lat, lon = h3.cell_to_latlng(cell)
        line = {"cell": cell, "lat": lat, "lon": lon, "region": "Ohio"}
        for name in MEASURES:
            line[name] = FIGURES.get(name, 10.0)
            line[f"previous_{name}"] = FIGURES.get(name, 10.0)
        full.append(line | row)
    return pa.Table.from_pylist(full)


def revenue(table: pa.Table, mode: Mode = "value", style: Look = LIGHT, **more: Any) -> CellLayer:
    return demand_layer(table, "revenue", "Revenue", "money", style, mode=mode, currency="USD", **more)


def colours(layer: CellLayer) -> list[str]:
    return [layer.legend.entries[k][0] for k in layer.classes.tolist()]


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e9)), st.booleans())
def test_classes_ascend_and_hold_every_value(values: np.ndarray, whole: bool) -> None:
    ends = value_breaks(values, whole=whole)
    assert list(ends) == sorted(set(ends))
    assert len(ends) <= 5
    if ends:
        assert values.min() < ends[0]
        assert ends[-1] <= values.max()


def test_more_is_darker_and_the_legend_says_from_where() -> None:
    layer = revenue(demand())
    assert layer.breaks == (24.0, 46.0, 68.0, 82.0, 88.0)
    assert [label for _, label in layer.legend.entries][:2] == ["< $24", "$24 – $46"]
    assert layer.legend.entries[-1][1] == "≥ $88"
    assert layer.legend.note == "about 25, 50, 75, 90 and 97 % of the cells lie below the steps"
    assert (np.diff(layer.classes) >= 0).all()
    assert layer.classes.max() == 5
    assert layer.height.argmax() == len(NEAR) - 1


def test_frames_on_one_scale_give_one_value_one_colour() -> None:
    first = revenue(demand())
    second = revenue(demand([{"revenue": 50.0}], NEAR[:1]), breaks=first.breaks)
    assert colours(second) == [colours(first)[49]]


def test_a_change_has_two_directions_and_chance_is_neutral() -> None:
    rows: list[dict[str, Any]] = [
        {"revenue": 35.0},  # more than three times as much, of 300 shoppers
        {"revenue": 10.0},
        {"revenue": 10 / 3.5},
        {"revenue": 0.0},
        {"revenue": 10.0, "previous_revenue": 0.0},
        {"revenue": 0.0, "previous_revenue": 0.0},
        {"revenue": 30.0, "shoppers": 1, "previous_shoppers": 1},  # one shopper spent more
        {"revenue": None},
    ]
    layer = revenue(demand(rows), mode="change")
    up, same, down, gone, new, quiet, one, unknown = layer.classes.tolist()
    middle = len(layer.breaks)
    assert same == quiet == one == middle
    assert down + up == 2 * middle
    assert gone <= down < middle < up <= new
    assert unknown == len(layer.legend.entries) - 1
    assert layer.legend.entries[unknown][1] == "nothing to compare"
    assert "Compared: $10.00 (+250 %)" in layer.note(0)
    assert "(new)" in layer.note(4)


def test_the_steps_of_a_change_mirror() -> None:
    assert change_breaks(np.array([2.0, 0.5, 2.0, 0.5])) == (2.0,)
    assert change_breaks(np.ones(5)) == (1.1, 1.5, 2.0)
    assert change_breaks(np.array([np.nan, np.inf, 0.0])) == (1.1, 1.5, 2.0)
    labels = [label for _, label in revenue(demand([{"revenue": 40.0}] * 3), mode="change").legend.entries]
    assert labels == ["below −67 %", "−67 % to +200 %", "over +200 %"]


def test_nothing_compared_is_said() -> None:
    table = demand().set_column(
        demand().column_names.index("previous_revenue"), "previous_revenue", pa.nulls(len(NEAR), pa.float64())
    )
    layer = revenue(table, mode="change")
    assert {layer.legend.entries[k][1] for k in layer.classes.tolist()} == {"nothing to compare"}
    assert "Compared" not in layer.note(0)


def test_one_value_everywhere_is_one_class() -> None:
    layer = revenue(demand([{"revenue": 7.0}] * 5))
    assert [label for _, label in layer.legend.entries] == ["$7"]
    assert revenue(demand()[:0]).cells == ()


def test_every_kind_has_its_colour_and_is_counted() -> None:
    for style in (LIGHT, DARK):
        chosen = kind_colours(style)
        assert set(chosen) == set(KINDS)
        assert len(set(chosen.values())) == len(KINDS)
    assert kind_label("cold new") == "New cold spot"
    assert kind_label("intensifying") == "Intensifying hot spot"
    rows = [{"cell": cell, "kind": kind} for cell, kind in zip(NEAR, [*KINDS, "none"], strict=False)]
    points = dict(zip(("lat", "lon"), h3.cell_to_latlng(OHIO), strict=True))
    facts = {"region": "Ohio", "value": 12, "z": 4.2, "p": 0.0, "trend": -1.0, "trend_p": 0.3, **points}
    layer = hotspot_layer(pa.Table.from_pylist([row | facts for row in rows]), "Events", "count", LIGHT)
    assert layer.legend.entries[-1] == (kind_colours(LIGHT)["none"], "No pattern (2)")
    assert layer.note(0) == "Ohio\nNew hot spot\nEvents: 12\nGi* +4.2, trend −1.0"


def links(text: str) -> list[str]:
    found = re.findall(r"https?://[^\s\"']+|url\([^)]*\)", text)
    return [link for link in found if link != "http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=lambda style: str(style.name))
@pytest.mark.parametrize("elevation", [False, True])
def test_the_deck_fetches_nothing(style: Look, elevation: bool) -> None:
    layer = revenue(demand(), style=style)
    deck = map_deck(
        layer, fit_view(layer.lat, layer.lon), style, selected=[NEAR[0], "gone"], elevation=elevation
    )
    text = deck.to_json()
    assert links(text) == []
    spec = json.loads(text)
    assert spec["mapStyle"] == "__MAP_STYLE__", "pydeck's word for unset, which Streamlit drops"
    assert spec.get("mapProvider") is None
    by_id = {one["id"]: one for one in spec["layers"]}
    assert len(by_id) == len(spec["layers"])
    assert [row[ADDRESS] for row in by_id[CELLS]["data"]] == list(layer.cells)
    assert [one["id"] for one in spec["layers"] if one["pickable"]] == [CELLS]
    assert by_id["selected"]["data"] == [{ADDRESS: NEAR[0]}]
    assert by_id[CELLS]["extruded"] is elevation
    assert {"land", "lakes", "states"} <= set(by_id)


def test_a_full_screen_stays_small() -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(40, -95, 5), 81))[:20_000]
    layer = revenue(demand([{"revenue": i * 7919 % 99_991 / 3} for i in range(20_000)], cells))
    deck = map_deck(layer, fit_view(layer.lat, layer.lon), LIGHT)
    assert len(deck.to_json().encode()) < 3_000_000


def test_words_of_the_log_are_never_markup() -> None:
    row = {"revenue": 5.0, "region": "<script>x</script>"}
    layer = revenue(demand([row]))
    view = fit_view(layer.lat, layer.lon)
    assert "<script" not in map_svg(layer, view, LIGHT, title="<script>", of="<script>")
    legend = layer.legend.__class__("<script>", (("#000000", "<b>"),))
    assert "<script" not in legend_html(legend, LIGHT)
    tooltip = map_deck(layer, view, LIGHT)._tooltip["html"]
    assert "script" not in tooltip, "the template holds keys; the browser escapes the values"


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=lambda style: str(style.name))
def test_pictures_are_whole(style: Look) -> None:
    layer = revenue(demand(), style=style)
    view = fit_view(layer.lat, layer.lon, 600, 400)
    words = {"title": "Revenue by hexagon", "of": "1–28 June 2025 · local time"}
    text = map_svg(layer, view, style, selected=NEAR[:2], **words)
    assert links(text) == []
    root = ET.fromstring(text)
    said = " ".join(root.itertext())
    for word in (*words.values(), "< $24", "≥ $88", "US Census Bureau", "OH", "Compared: $10.00"):
        assert word in said
    image = Image.open(io.BytesIO(map_png(layer, view, style, selected=NEAR[:2], **words)))
    assert image.width == 1200
    seen = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in image.getcolors(1 << 24) or ()}  # type: ignore[misc]
    assert {style.paper, style.panel, *(colour for colour, _ in layer.legend.entries)} <= seen


def test_a_heavy_picture_shares_its_paths() -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(40, -95, 6), 45))
    layer = revenue(demand([{"revenue": float(i % 50)} for i in range(len(cells))], cells))
    text = map_svg(layer, fit_view(layer.lat, layer.lon), LIGHT)
    assert "<title>" not in text
    assert text.count("<path") < 400


def test_the_view_holds_the_places() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(25, 49, 500), rng.uniform(-124, -67, 500)
    view = fit_view(lat, lon, 900, 500)
    x, y = view.project(lat, lon)
    assert x.min() > 0
    assert x.max() < 900
    assert y.min() > 0
    assert y.max() < 500
    south, west, north, east = view.box()
    assert south < 25.1 < 48.9 < north
    assert west < -123.9 < -67.1 < east


def test_one_far_place_does_not_stretch_the_view() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(25, 49, 500), rng.uniform(-124, -67, 500)
    near = fit_view(lat, lon)
    far = fit_view(np.append(lat, [21.3, 61.2]), np.append(lon, [-157.9, -149.9]))
    assert far.zoom == pytest.approx(near.zoom, abs=0.1)


def test_the_view_crosses_the_antimeridian() -> None:
    view = fit_view(np.array([-17.0, -18.0, -21.0]), np.array([177.0, 179.0, -175.0]), 800, 600)
    assert 177 < view.lon < 182 or -183 < view.lon < -178
    assert view.zoom > 4
    assert fit_view(np.array([]), np.array([])).zoom < 2
    assert fit_view(np.array([40.0]), np.array([-83.0])).zoom == 12
    cells = [h3.latlng_to_cell(-17.8, lon, 4) for lon in (178.0, 179.9, -179.5)]
    layer = revenue(demand(cells=cells))
    fiji = fit_view(layer.lat, layer.lon, 600, 400)
    drawn = ET.fromstring(map_svg(layer, fiji, LIGHT))
    notes = [element.text for element in drawn.iter() if element.tag.endswith("title")]
    assert len(notes) == 3


def test_pixels_agree_with_deck_gl() -> None:
    # Values of @math.gl/web-mercator for this viewport.
    view = View(37.8, -122.4, 11.0, 800, 600)
    x, y = view.project(np.array([37.8, 37.9]), np.array([-122.4, -122.3]))
    assert x == pytest.approx([400, 400 + 512 * 2**11 * 0.1 / 360])
    assert y[0] == pytest.approx(300)
    assert y[1] < 300


def test_attribution_and_mixing() -> None:
    assert (
        attribution(View(39.0, -95.0, 4.0, 900, 500))
        == "Borders: US Census Bureau, Natural Earth. Hexagons: H3."
    )
    assert attribution(View(50.0, 10.0, 4.0, 900, 500)) == "Borders: Natural Earth. Hexagons: H3."
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"
