"""Bars and maps of who looks for something: what is drawn is what the table says, coloured by chance."""

from __future__ import annotations

from datetime import date
from typing import Any

import h3.api.basic_str as h3
import pyarrow as pa
import pytest

from core.analyses.unmet import NOT_CLICKED
from core.charts.finds import any_unmet, found_rows, lost_rows, nearest, told_by, unmet_names
from core.charts.look import LIGHT
from core.charts.meaning import MOST, NAMES, lift_bars, lift_layer, view_of

CELLS = [h3.latlng_to_cell(40, lon, 3) for lon in (-100, -95, -90, -85)]


def groups(**columns: list[Any]) -> pa.Table:
    n = len(next(iter(columns.values())))
    usual: dict[str, list[Any]] = {
        "shoppers": [400, 30, 20, 10][:n],
        "share": [0.4, 0.02, 0.1, 0.1][:n],
        "lift": [2.5, 0.2, 1.4, 1.0][:n],
        "lift_low": [2.0, 0.1, 1.1, 0.5][:n],
        "lift_high": [3.0, 0.5, 1.8, 2.0][:n],
        "beyond_chance": [True, True, False, False][:n],
    }
    return pa.table(usual | columns)


def test_bars_say_counts_and_lifts_and_are_coloured_beyond_chance() -> None:
    table = groups(region=["Ohio", "Texas", "Utah", "Iowa"])
    figure = lift_bars(table, "region", "shoppers", "Shoppers", LIGHT)
    (bars,) = figure.data
    assert list(bars.x) == [400, 30, 20, 10] and list(bars.customdata) == ["Ohio", "Texas", "Utah", "Iowa"]
    assert list(bars.marker.color) == [LIGHT.up, LIGHT.down, LIGHT.muted, LIGHT.muted]
    assert [note.text.split() for note in figure.layout.annotations][:2] == [["400", "×2.5"], ["30", "×0.2"]]
    assert "×2.50 of all (2.00 – 3.00), beyond chance" in bars.hovertext[0]
    assert "may be chance" in bars.hovertext[3]


def test_the_largest_groups_get_a_bar_and_hidden_ones_none() -> None:
    many = pa.concat_tables([groups(region=[f"r{i}"], shoppers=[i]) for i in range(40, 0, -1)])
    (bars,) = lift_bars(many, "region", "shoppers", "Shoppers", LIGHT).data
    assert len(bars.x) == MOST
    hidden = groups(region=["Ohio", "Texas"], shoppers=[None, 5], lift=[None, 1.0])
    (bars,) = lift_bars(hidden, "region", "shoppers", "Shoppers", LIGHT).data
    assert list(bars.customdata) == ["Texas"]
    (bars,) = lift_bars(hidden.slice(0, 0), "region", "shoppers", "Shoppers", LIGHT).data
    assert not bars.x


def test_weeks_stand_in_time() -> None:
    table = groups(week=[date(2025, 3, 3), date(2025, 3, 10)])
    (bars,) = lift_bars(table, "week", "shoppers", "Shoppers", LIGHT).data
    assert list(bars.customdata) == ["2025-03-03", "2025-03-10"]
    assert list(bars.y) == [400, 30]
    assert "Week of 3 Mar 2025" in bars.hovertext[0]


def test_a_single_week_has_its_day_beneath_and_no_parts_of_seconds() -> None:
    axis = lift_bars(groups(week=[date(2025, 3, 3)]), "week", "shoppers", "Shoppers", LIGHT).layout.xaxis
    assert list(axis.ticktext) == ["3 Mar 2025"]
    assert (axis.range[1] - axis.range[0]).days >= 7
    many = groups(week=[date(2025, 3, 3)])
    many = pa.concat_tables(
        many.set_column(many.schema.get_field_index("week"), "week", pa.array([date(2025, 3, day)]))
        for day in range(1, 20)
    )
    assert lift_bars(many, "week", "shoppers", "Shoppers", LIGHT).layout.xaxis.ticktext is None


def cells() -> pa.Table:
    lat, lon = zip(*(h3.cell_to_latlng(cell) for cell in CELLS), strict=True)
    return groups(cell=CELLS, lat=list(lat), lon=list(lon), region=["Kansas", "Missouri", "Illinois", ""])


def test_cells_are_classed_by_where_their_interval_lies() -> None:
    layer = lift_layer(cells(), "shoppers", "Shoppers", "of the shoppers there", LIGHT)
    assert layer.classes.tolist() == [3, 0, 2, 1]
    assert [label for _, label in layer.legend.entries] == [f"{name} (1)" for name in NAMES]
    assert layer.note(0) == "Kansas\nShoppers: 400\n40.00 % of the shoppers there\n×2.50 of all (2.00 – 3.00)"
    assert layer.text[3][0] == CELLS[3]


def test_the_view_holds_the_cells_that_count_most() -> None:
    layer = lift_layer(cells(), "shoppers", "Shoppers", "of the shoppers there", LIGHT)
    south, west, north, east = view_of(layer, 500, 400).box()
    for cell in CELLS[:2]:
        for lat, lon in h3.cell_to_boundary(cell):
            assert south < lat < north and west < lon < east


def test_tables_for_a_screen() -> None:
    found = pa.table(
        {
            "kind": ["item", "query"], "id": ["i1", "red"], "title": ["Red hat", "red"],
            "category": ["Hats", None], "price": [9.5, None], "similarity": [0.9, 0.8],
            "shoppers": [3, 4], "sessions": [3, 4], "events": [5, 6], "purchases": [1, None],
            "counted": [True, False],
        }
    )  # fmt: skip
    rows = found_rows(found)
    assert rows["kind"].to_pylist() == ["item", "search"]
    assert "id" not in rows.column_names
    assert "kind" not in found_rows(found.slice(0, 1)).column_names
    assert "purchases" not in found_rows(found.slice(1, 1)).column_names
    lost = pa.table(
        {
            "query": ["a", "b"], "unmet": [False, True], "unmet_searches": [1, 2], "shoppers": [1, 2],
            "followed": [0.5, 0.019], "bought": [None, 0.25], "similarity": [0.4, None],
            "usual": [0.7, 0.7], "best_title": ["A hat", None], "why": [NOT_CLICKED, None],
        }
    )  # fmt: skip
    shown = lost_rows(lost, only=False).to_pydict()
    assert shown["followed"] == pytest.approx([50, 1.9]) and shown["why"] == ["not clicked", None]
    told = lost_rows(lost.slice(0, 1), only=False).column_names
    assert "bought" not in told and "why" in told
    assert nearest(lost, "a") == f"Nearest item: A hat, similarity 0.40, where 0.70 is usual: {NOT_CLICKED}."
    assert nearest(lost, "b") == nearest(lost, "c") == ""
    assert any_unmet(lost) and unmet_names(lost) == ["b"]
    assert lost_rows(lost, only=True)["query"].to_pylist() == ["b"]
    assert lost_rows(lost, only=False).num_rows == 2
    assert lost_rows(lost.slice(0, 1), only=True).num_rows == 1  # none is unmet: all are shown
    assert told_by(lost, "shoppers") and not told_by(lost.slice(0, 0), "shoppers")


@pytest.mark.parametrize("lift", [0.05, 0.5, 12.3])
def test_any_lift_is_short(lift: float) -> None:
    table = groups(region=["Ohio"], lift=[lift])
    (note,) = lift_bars(table, "region", "shoppers", "Shoppers", LIGHT).layout.annotations
    assert note.text.split()[1] == {0.05: "×0.05", 0.5: "×0.5", 12.3: "×12"}[lift]
