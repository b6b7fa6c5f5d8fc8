"""Cells as arrays answer as the h3 library does, cell by cell."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WrongCall
from core.space import cells

places = st.tuples(st.floats(-89.9, 89.9), st.floats(-180, 180))


def at(places: list[tuple[float, float]], resolution: int) -> np.ndarray:
    return np.array([h3.latlng_to_cell(lat, lon, resolution) for lat, lon in places], dtype=np.uint64)


@given(st.lists(places, min_size=1, max_size=20), st.integers(0, 15), st.integers(0, 15))
def test_parents_are_those_of_h3(points: list[tuple[float, float]], fine: int, coarse: int) -> None:
    fine, coarse = max(fine, coarse), min(fine, coarse)
    found = at(points, fine)
    expected = [h3.cell_to_parent(int(c), coarse) for c in found]
    assert cells.parents(found, coarse).tolist() == expected
    assert cells.resolutions(found).tolist() == [fine] * len(points)


def test_a_cell_has_no_parent_finer_than_itself() -> None:
    with pytest.raises(WrongCall, match="resolution 5 has no parent at resolution 7"):
        cells.parents(at([(40, -83)], 5), 7)
    with pytest.raises(WrongCall, match="Resolution 16"):
        cells.parents(at([(40, -83)], 5), 16)


@given(st.lists(places, max_size=20), st.integers(0, 15))
def test_addresses_return(points: list[tuple[float, float]], resolution: int) -> None:
    found = at(points, resolution)
    texts = cells.addresses(found)
    assert texts == [h3.int_to_str(int(c)) for c in found]
    assert cells.from_addresses(texts).tolist() == found.tolist()


@pytest.mark.parametrize("text", ["", "ohio", "0", "86266e55ffffffff", "-1", "f" * 40])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(WrongCall, match="is not an H3 cell"):
        cells.from_addresses([text])


def test_centres_and_outlines() -> None:
    found = at([(39.96, -83.0), (-23.5, -46.6), (0.5, 179.99)], 4)
    lat, lon = cells.centres(found)
    assert np.abs(lat - [39.96, -23.5, 0.5]).max() < 0.5
    for ring, x, y in zip(cells.outlines(found), lon, lat, strict=True):
        assert np.ptp(ring[:, 0]) < 2, "a ring stays in one piece, at longitude 180° too"
        offset = (x - ring[:, 0].mean() + 180) % 360 - 180
        assert abs(offset) < 0.2
        assert abs(ring[:, 1].mean() - y) < 0.2
    empty_lat, empty_lon = cells.centres(np.array([], dtype=np.uint64))
    assert empty_lat.shape == empty_lon.shape == (0,)


@given(st.integers(0, 3), st.randoms(use_true_random=False))
def test_neighbours_by_grid_distance(ring: int, random: object) -> None:
    near = h3.grid_disk(h3.latlng_to_cell(40, -83, 6), 4)
    chosen = random.sample(near, 25)  # type: ignore[attr-defined]
    matrix = cells.neighbours(np.array(chosen, dtype=np.uint64), ring).toarray()
    for i, a in enumerate(chosen):
        for j, b in enumerate(chosen):
            assert matrix[i, j] == (h3.grid_distance(a, b) <= ring)


def test_neighbours_want_distinct_cells_of_one_resolution() -> None:
    one = at([(40, -83)], 5)
    assert cells.neighbours(one, 2).toarray().tolist() == [[1.0]]
    with pytest.raises(WrongCall, match="each cell once"):
        cells.neighbours(np.concatenate([one, one]))
    with pytest.raises(WrongCall, match="one resolution"):
        cells.neighbours(np.concatenate([one, at([(40, -83)], 6)]))


@given(st.lists(places, min_size=1, max_size=60), st.integers(1, 60))
def test_resolution_for_is_the_finest_under_the_cap(points: list[tuple[float, float]], cap: int) -> None:
    found = at(points, 9)
    chosen = cells.resolution_for(found, cap=cap)
    if chosen > cells.COARSEST:
        assert len({h3.cell_to_parent(int(c), chosen) for c in found}) <= cap
    if chosen < 9:
        assert len({h3.cell_to_parent(int(c), chosen + 1) for c in found}) > cap


def test_resolution_follows_the_extent() -> None:
    world = cells.resolution_for_extent(-60, -180, 75, 180)
    country = cells.resolution_for_extent(24, -125, 49, -66)
    state = cells.resolution_for_extent(38.4, -84.8, 42.0, -80.5)
    street = cells.resolution_for_extent(39.96, -83.0, 39.96, -83.0)
    assert (world, country, state, street) == (2, 4, 7, 9)
