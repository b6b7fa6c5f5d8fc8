"""What a map in sight needs: fine cells near, coarse cells far, and none that nobody sees."""

from __future__ import annotations

import pyarrow as pa
import pytest

from core.charts.extent import in_sight, resolution_in_sight, window
from core.charts.map_view import View


def test_the_closer_the_finer() -> None:
    zooms = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    found = [resolution_in_sight(View(40, -83, zoom, 800, 500)) for zoom in zooms]
    assert found == sorted(found)
    assert found[0] <= 4
    assert found[-1] == 9


@pytest.mark.parametrize(("lon", "kept"), [(-83.0, ["near", "beside"]), (179.9, ["far east", "far west"])])
def test_only_cells_near_the_view_are_kept(lon: float, kept: list[str]) -> None:
    table = pa.table(
        {
            "cell": ["near", "beside", "far east", "far west", "north"],
            "lat": [40.0, 40.2, 40.0, 40.0, 70.0],
            "lon": [-83.0, -83.4, 179.8, -179.9, lon],
        }
    )
    view = View(40.0, lon, 8.0, 800, 500)
    assert in_sight(table, view)["cell"].to_pylist() == kept


def test_the_window_is_wider_than_the_view() -> None:
    view = View(40.0, -83.0, 8.0, 800, 500)
    (s, w, n, e), (south, west, north, east) = window(view), view.box()
    assert s < south < north < n
    assert w < west < east < e


def test_a_view_of_the_world_keeps_all() -> None:
    table = pa.table({"cell": ["a", "b"], "lat": [0.0, 10.0], "lon": [-170.0, 170.0]})
    assert in_sight(table, View(0, 0, 0.5, 900, 500)).num_rows == 2
