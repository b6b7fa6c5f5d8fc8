"""Gi*, the trend test and the false-discovery control against slow oracles, and each kind by hand."""

from __future__ import annotations

import math
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from core.errors import WrongCall
from core.space import cells, hotspots

SMALL = np.array(h3.grid_disk(h3.latlng_to_cell(40, -83, 6), 2), dtype=np.uint64)  # 19 cells
cubes = hnp.arrays(
    np.float64,
    st.tuples(st.just(len(SMALL)), st.integers(1, 6)),
    elements=st.one_of(st.integers(0, 5).map(float), st.just(math.nan)),
)


def gi_star(values: np.ndarray, i: int, t: int, ring: int, back: int) -> float:
    """Ord & Getis 1995, equation 14, one bin at a time."""
    bins = [(j, s) for j in range(len(values)) for s in range(values.shape[1])]
    bins = [(j, s) for j, s in bins if not math.isnan(values[j, s])]
    n = len(bins)
    x = np.array([values[b] for b in bins])
    near = [h3.grid_distance(int(SMALL[i]), int(SMALL[j])) <= ring and t - back <= s <= t for j, s in bins]
    w = np.array(near, dtype=float)
    mean = x.sum() / n
    s = math.sqrt((x**2).sum() / n - mean**2)
    spread = (n * (w**2).sum() - w.sum() ** 2) / (n - 1)
    return float(((w * x).sum() - mean * w.sum()) / (s * math.sqrt(spread)))


@settings(max_examples=25, deadline=None)
@given(cubes, st.integers(0, 2), st.integers(0, 2))
def test_gi_star_is_the_formula(values: np.ndarray, ring: int, back: int) -> None:
    z = hotspots.getis_ord(values, cells.neighbours(SMALL, ring), back)
    known = ~np.isnan(values)
    assert (np.isnan(z) == ~known).all()
    if known.sum() < 2 or np.ptp(values[known]) == 0:
        assert (z[known] == 0).all()
        return
    for i, t in zip(*np.nonzero(known), strict=True):
        with np.errstate(all="ignore"):
            try:
                expected = gi_star(values, i, t, ring, back)
            except ZeroDivisionError:
                expected = 0.0
        assert z[i, t] == pytest.approx(expected if math.isfinite(expected) else 0.0, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.just(3), st.integers(2, 30)), elements=st.integers(-4, 4).map(float))
)
def test_trend_is_that_of_pymannkendall(series: np.ndarray) -> None:
    tau, z = hotspots.mann_kendall(series)
    for row, t, score in zip(series, tau, z, strict=True):
        if np.ptp(row) == 0:
            assert (t, score) == (0, 0)
            continue
        expected = pymannkendall.original_test(row)
        assert t == pytest.approx(expected.Tau)
        assert score == pytest.approx(expected.z)
        assert 2 * stats.norm.sf(abs(score)) == pytest.approx(expected.p)


def test_trend_skips_what_is_missing() -> None:
    series = np.array([[1.0, math.nan, 2.0, 3.0], [math.nan] * 4, [math.nan, 1.0, math.nan, math.nan]])
    tau, z = hotspots.mann_kendall(series)
    assert tau.tolist() == [1.0, 0.0, 0.0]
    assert z[0] == pytest.approx(pymannkendall.original_test([1, 2, 3]).z)


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.floats(-6, 6)))
def test_false_discovery_control_is_the_step_up_rule(z: np.ndarray) -> None:
    hot, cold, threshold = hotspots.significant(z, 0.05)
    p = 2 * stats.norm.sf(np.abs(z))
    expected = stats.false_discovery_control(p, axis=None).reshape(p.shape) <= 0.05
    assert ((hot | cold) == expected).all()
    assert not (hot & cold).any()
    assert threshold == (p[expected].max() if expected.any() else 0)
    by_hand = 0.0
    for k, value in enumerate(sorted(p.ravel()), start=1):
        if value <= 0.05 * k / p.size:
            by_hand = value
    assert threshold == by_hand


@pytest.mark.parametrize(
    ("series", "trend", "kind"),
    [
        ("..........", 0, "none"),
        (".........#", 0, "new"),
        ("......####", 0, "new"),
        ("##########", 4, "intensifying"),
        (".#########", 4, "intensifying"),
        ("##########", 0, "persistent"),
        ("##########", -4, "diminishing"),
        ("..#.#..#.#", 0, "sporadic"),
        ("oo.......#", 0, "new"),
        ("oo.#.....#", 0, "sporadic"),
        ("#########.", 0, "historical"),
        ("#########.", -4, "historical"),
        ("########..", 0, "none"),
        ("..#.......", 0, "none"),
        ("#########o", 0, "cold new"),
        (".........o", 0, "cold new"),
        ("oooooooooo", -4, "cold intensifying"),
        ("oooooooooo", 0, "cold persistent"),
        ("oooooooooo", 4, "cold diminishing"),
        ("..o.o..o.o", 0, "cold sporadic"),
        ("ooooooooo.", 0, "cold historical"),
        ("#", 0, "new"),
        ("o", 0, "cold new"),
        (".", 0, "none"),
    ],
)
def test_each_kind(series: str, trend: int, kind: str) -> None:
    hot = np.array([[c == "#" for c in series]])
    cold = np.array([[c == "o" for c in series]])
    trend_z = np.array([float(trend)])
    found = hotspots.kinds(hot, cold, trend_z, 2 * stats.norm.sf(np.abs(trend_z)), 0.05)
    assert found.tolist() == [kind]
    assert kind in hotspots.KINDS


def country() -> np.ndarray:
    return np.array(h3.grid_disk(h3.latlng_to_cell(40, -95, 4), 15), dtype=np.uint64)


def test_a_planted_hot_spot_is_found_and_little_else() -> None:
    everywhere = country()
    values = np.random.default_rng(3).poisson(5.0, size=(len(everywhere), 30)).astype(float)
    disk = h3.grid_disk(h3.latlng_to_cell(41.0, -93.0, 4), 2)
    planted = np.isin(everywhere, np.array(disk, dtype=np.uint64))
    values[planted, 20:] += 8
    found = hotspots.emerging(values, everywhere)
    assert (found.kind[planted] == "new").mean() > 0.7
    rim = np.isin(everywhere, np.array(h3.grid_disk(h3.latlng_to_cell(41.0, -93.0, 4), 3), dtype=np.uint64))
    assert (found.kind[~rim] != "none").mean() < 0.02
    assert (found.z_last[planted] > 3).all()
    assert (found.trend_p[planted] < 0.05).mean() > 0.9
    assert 0 < found.threshold < 0.05
    assert found.bins == values.size


def test_noise_is_rarely_called_a_spot() -> None:
    everywhere = country()
    flagged = []
    for seed in range(10):
        values = np.random.default_rng(seed).poisson(5.0, size=(len(everywhere), 30)).astype(float)
        found = hotspots.emerging(values, everywhere)
        flagged.append(float((found.hot_share + found.cold_share).mean()))
        assert (found.kind != "none").mean() < 0.01
    assert np.mean(flagged) < 0.001


def test_nothing_that_varies_is_nothing_to_find() -> None:
    for shape in ((19, 6), (19, 1)):
        found = hotspots.emerging(np.full(shape, 1 / 3), SMALL)
        assert set(found.kind) == {"none"}
        assert not found.z_last.any()
        assert (found.p_last == 1).all()
        assert (found.trend_p == 1).all()


def test_one_cell_one_step_and_missing_values() -> None:
    one = hotspots.emerging(np.array([[3.0]]), SMALL[:1])
    assert one.kind.tolist() == ["none"]
    assert one.z_last.tolist() == [0]
    assert one.bins == 1
    row = hotspots.emerging(np.arange(8.0)[None, :], SMALL[:1])
    assert row.trend[0] > 0.9
    assert np.isfinite(row.z_last).all()
    empty = hotspots.emerging(np.full((19, 4), math.nan), SMALL)
    assert set(empty.kind) == {"none"}
    assert empty.bins == 0
    spike = np.zeros((19, 1))
    spike[0] = 50.0
    assert "new" in hotspots.emerging(spike, SMALL, ring=0).kind


def test_the_order_of_the_cells_does_not_matter() -> None:
    values = np.random.default_rng(1).gamma(0.5, 4.0, size=(len(SMALL), 12))
    order = np.random.default_rng(2).permutation(len(SMALL))
    one, other = hotspots.emerging(values, SMALL), hotspots.emerging(values[order], SMALL[order])
    assert np.allclose(one.z_last[order], other.z_last)
    assert (one.kind[order] == other.kind).all()


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        (np.zeros((3, 2)), {}, "one row of values a cell"),
        (np.zeros(19), {}, "one row of values a cell"),
        (np.zeros((19, 0)), {}, "at least one cell and one time step"),
        (np.zeros((19, 2)), {"alpha": 1.5}, "alpha between 0 and 1"),
        (np.zeros((19, 2)), {"ring": -1}, "ring and back"),
    ],
)
def test_a_wrong_call_is_a_sentence(values: np.ndarray, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        hotspots.emerging(values, SMALL, **options)
