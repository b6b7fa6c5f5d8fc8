"""Who lies in a lasso is what geometry says, and a pick is void once it is about other points."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.journeys.lasso import even_odd
from pages.parts import scatter
from pages.parts.scatter import Group, Picked, Points, inside

DEMO = Path(__file__).parents[1] / "browser" / "scatter_demo.py"

Polygon = tuple[tuple[float, float], ...]
coordinate = st.floats(-10, 10, allow_nan=False, width=32)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12).map(tuple)
#: Whole numbers put points on edges and corners, and edges upon each other.
whole = st.integers(-3, 3).map(float)
tight = st.lists(st.tuples(whole, whole), min_size=1, max_size=9).map(tuple)


def points(xy: np.ndarray, group: np.ndarray | None = None) -> Points:
    n = len(xy)
    group = np.zeros(n, np.uint8) if group is None else group
    steps = np.zeros((n, 2), np.uint8)
    groups = (Group("one", "#0f6e7a"), Group("two", "#d9772b"))
    return Points(xy, group, steps[:, 0], groups, steps, steps.astype(np.float32), ("view",))


def in_browser(polygon: Polygon, x: float, y: float) -> bool:
    """As scatter.js has it."""
    odd = False
    j = len(polygon) - 1
    for i in range(len(polygon)):
        (xi, yi), (xj, yj) = polygon[i], polygon[j]
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            odd = not odd
        j = i
    return odd


@given(polygons, st.integers(0, 2**32 - 1))
def test_it_agrees_with_shapely(polygon: Polygon, seed: int) -> None:
    xy = np.random.default_rng(seed).uniform(-11, 11, (200, 2)).astype(np.float32)
    there = shapely.points(xy.astype(np.float64))
    # By the even-odd rule a polygon is the triangles from its first corner, each undoing the others where
    # they overlap; so it may cross itself and have edges twice.
    fan = [shapely.LinearRing([polygon[0], b, c]) for b, c in pairwise(polygon[1:])]
    odd = np.bitwise_xor.reduce([shapely.contains(shapely.Polygon(ring), there) for ring in fan])
    clear = np.min([shapely.distance(ring, there) for ring in fan], axis=0) > 1e-9
    found = inside(points(xy), Picked("lasso", polygon))
    np.testing.assert_array_equal(found[clear], odd[clear])


@given(tight)
def test_it_agrees_with_the_browser_to_the_edge(polygon: Polygon) -> None:
    xy = np.stack(np.meshgrid(np.arange(-4, 4.5, 0.5), np.arange(-4, 4.5, 0.5)), axis=-1).reshape(-1, 2)
    assert even_odd(xy, polygon).tolist() == [in_browser(polygon, x, y) for x, y in xy]


def test_a_lasso_in_space_is_one_of_the_screen() -> None:
    xyz = np.random.default_rng(3).normal(0, 1, (500, 3)).astype(np.float32)
    view = np.array([[1, 0.2, 0, 0.1], [0, 0.9, 0.3, 0], [0, 0, 0.2, 0], [0, 0.1, -0.2, 1.5]])
    square = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    found = inside(points(xyz), Picked("lasso", square, view=tuple(view.ravel())))
    seen = np.column_stack([xyz, np.ones(500)]) @ view.T
    seen = seen[:, :2] / seen[:, 3:]
    np.testing.assert_array_equal(found, (np.abs(seen) < 0.5).all(axis=1))
    assert 0 < found.sum() < 500


def test_groups_and_points_and_what_was_hidden() -> None:
    group = np.array([0, 1, 255, 1], np.uint8)
    drawn = points(np.zeros((4, 2), np.float32), group)
    around = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
    assert inside(drawn, Picked("group", group=1)).tolist() == [False, True, False, True]
    assert inside(drawn, Picked("group", group=255)).tolist() == [False, False, True, False]
    assert inside(drawn, Picked("point", point=3)).tolist() == [False, False, False, True]
    assert inside(drawn, Picked("lasso", around)).all()
    assert inside(drawn, Picked("lasso", around, hidden=(1, 255))).tolist() == [True, False, False, False]


def test_points_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="group has 3 rows for 4 points"):
        points(np.zeros((4, 2), np.float32), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="two or three coordinates"):
        points(np.zeros((4, 5), np.float32))


def test_times_travel_to_the_second() -> None:
    minutes = np.array([[0, 0.25, 3, 59, 1_440, 400_000, np.nan]], np.float32)
    drawn = points(np.zeros((1, 2), np.float32))
    object.__setattr__(drawn, "steps", np.zeros((1, 7), np.uint8))
    object.__setattr__(drawn, "minutes", minutes)
    data = scatter._parcels(drawn)[0].data
    length = int.from_bytes(data[:4], "little")
    assert (4 + length) % 8 == 0
    _, _, start, shape = {part[0]: part for part in json.loads(data[4 : 4 + length])["parts"]}["minutes"]
    codes = np.frombuffer(data, np.uint16, math.prod(shape), 4 + length + start)
    seconds = np.expm1(codes[:-1] / scatter._PER_LOG)
    np.testing.assert_allclose(seconds, minutes[0, :-1] * 60, rtol=3e-4, atol=0.01)
    assert codes[-1] == 65_535


def test_a_pick_of_other_points_is_void() -> None:
    of = {"places": "a", "groups": "a/b"}
    lasso = {"picked": {"kind": "lasso", "of": "a", "token": 0}}
    group = {"picked": {"kind": "group", "of": "a/b", "token": 0}}
    assert scatter._fresh(lasso, of, 0)
    assert scatter._fresh(group, of, 0)
    assert scatter._fresh(lasso, {**of, "groups": "a/c"}, 0), "other colours leave a lasso"
    assert not scatter._fresh(group, {**of, "groups": "a/c"}, 0)
    assert not scatter._fresh(lasso, {**of, "places": "c"}, 0)
    assert not scatter._fresh(lasso, of, 1), "it was cleared since"
    assert not scatter._fresh(None, of, 0)
    assert not scatter._fresh({"picked": None}, of, 0)


@pytest.mark.parametrize("words", [{}, {"deep": "1"}, {"scale": "1", "lit": "1"}])
def test_it_mounts_without_a_browser(words: dict[str, str]) -> None:
    test = AppTest.from_file(str(DEMO))
    for key, value in {"n": "200", **words}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    assert "Picked: nothing" in test.markdown[-1].value
    test.button[0].click().run()
    assert not test.exception
