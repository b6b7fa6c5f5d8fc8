"""Metrics of lists against plain loops over every item of every shopper."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.recommender.metrics import (
    CUTS,
    LONGEST,
    by_chance,
    draws,
    first_of,
    interval,
    ndcg_by_chance,
    of_all,
    of_each,
    ranked,
)

SCORES = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 30)),
    elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]),
)  # fmt: skip


def plain_list(scores: list[float]) -> list[int]:
    """The best first, of equals the first, none that is never recommended."""
    return sorted((n for n, s in enumerate(scores) if s > -math.inf), key=lambda n: (-scores[n], n))[:LONGEST]


def plain_metrics(listed: list[int], wanted: set[int]) -> dict[str, float]:
    out: dict[str, float] = {}
    for k in CUTS:
        hits = [n for n, item in enumerate(listed[:k]) if item in wanted]
        best = sum(1 / math.log2(n + 2) for n in range(min(k, len(wanted))))
        out[f"hr@{k}"] = float(bool(hits))
        out[f"ndcg@{k}"] = sum(1 / math.log2(n + 2) for n in hits) / best
        out[f"recall@{k}"] = len(hits) / len(wanted)
    places = [n + 1 for n, item in enumerate(listed) if item in wanted]
    out["mrr"] = 1 / places[0] if places else 0.0
    return out


@given(scores=SCORES, data=st.data())
def test_metrics_are_those_of_plain_loops(scores: np.ndarray, data: Any) -> None:
    rows, items = scores.shape
    wanted = [data.draw(st.sets(st.integers(0, items - 1), min_size=1)) for _ in range(rows)]
    dense = np.zeros((rows, items), np.float32)
    for row, its in enumerate(wanted):
        dense[row, list(its)] = 1
    lists = first_of(scores)
    each = of_each(ranked(lists, scipy.sparse.csr_matrix(dense)))
    for row in range(rows):
        listed = plain_list(scores[row].tolist())
        assert [n for n in lists[row].tolist() if n >= 0] == listed
        for metric, value in plain_metrics(listed, wanted[row]).items():
            assert each[metric][row] == pytest.approx(value), metric


def test_coverage_and_novelty() -> None:
    lists = np.full((2, LONGEST), -1)
    lists[0, :2], lists[1, :2] = [0, 1], [0, 3]
    told = of_all(lists, np.array([6, 1, 1, 0]))
    assert told["coverage"] == pytest.approx(2 / 3)  # items 0 and 1 of 0, 1 and 2
    rare = [-math.log2(share) for share in (6 / 8, 1 / 8, 6 / 8, 1 / 8)]
    assert told["novelty"] == pytest.approx(sum(rare) / 4)


def test_an_interval_holds_the_mean_and_narrows_with_more_shoppers() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for many in (50, 5_000):
        values = rng.random(many)
        low, high = interval(values, draws(many))
        assert low < values.mean() < high
        assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(many), rel=0.15)
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


@pytest.mark.parametrize(("wanted", "items"), [(1, 3), (2, 5), (3, 3), (4, 7)])
def test_chance_is_the_mean_over_every_order_of_the_items(wanted: int, items: int) -> None:
    k = 4
    hr, ndcg = [], []
    for order in permutations(range(items)):
        hits = [place for place, item in enumerate(order[:k]) if item < wanted]
        best = sum(1 / math.log2(place + 2) for place in range(min(k, wanted)))
        hr.append(bool(hits))
        ndcg.append(sum(1 / math.log2(place + 2) for place in hits) / best)
    asked = np.array([wanted]), np.array([items])
    assert by_chance(*asked, k)[0] == pytest.approx(np.mean(hr))
    assert ndcg_by_chance(*asked, k)[0] == pytest.approx(np.mean(ndcg))
