"""Exposure, what is small, the re-ranking and its curve, against plain loops and every possible list."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from core.recommender.catalogue import Catalogue
from core.recommender.fairness import (
    Drawn,
    Long,
    Small,
    Step,
    chosen,
    curve,
    exposure,
    parity,
    quality,
    share,
)  # fmt: skip
from core.recommender.interactions import Interactions, Task
from core.recommender.metrics import LONGEST, first_of

ITEMS = 5
CHANCES = st.lists(st.integers(1, 99).map(lambda n: n / 100), min_size=ITEMS, max_size=ITEMS)
SMALL = st.lists(st.booleans(), min_size=ITEMS, max_size=ITEMS)


def long_of(chances: Any) -> Long:
    """All items, best first."""
    scores = np.atleast_2d(np.array(chances, float))
    items = first_of(scores, scores.shape[1])
    return Long(items, np.take_along_axis(scores, items, 1))


def worth(listed: Any, value: Any) -> float:
    return sum(value[item] / math.log2(place + 2) for place, item in enumerate(listed))


@given(chances=CHANCES, small=SMALL, weight=st.floats(-1, 1))
def test_no_list_is_worth_more(chances: list[float], small: list[bool], weight: float) -> None:
    marks = np.array(small)
    listed = long_of(chances).lists(marks, weight)[0]
    value = np.array(chances) + weight * marks
    best = max(worth(order, value) for order in permutations(range(ITEMS)))
    assert worth(listed, value) == pytest.approx(best)
    theirs, every = exposure(listed[None], marks)
    assert theirs[0] == pytest.approx(worth(listed, marks))
    assert every[0] == pytest.approx(worth(listed, np.ones(ITEMS)))


@given(chances=CHANCES, small=SMALL, weight=st.floats(0, 1), more=st.floats(0, 1))
def test_more_weight_is_more_exposure(
    chances: list[float], small: list[bool], weight: float, more: float
) -> None:
    long, marks = long_of(chances), np.array(small)
    assert share(long.lists(marks, weight + more), marks) >= share(long.lists(marks, weight), marks) - 1e-12
    none = Long(np.full((1, 3), -1), np.zeros((1, 3)))
    assert share(none.lists(marks, weight), marks) == 0


def world(shoppers: int = 60, items: int = 40, seed: int = 3) -> tuple[Task, Long, np.ndarray]:
    """Shoppers who take what they are likely to, and what is small: the less likely half."""
    rng = np.random.default_rng(seed)
    usual = np.sort(rng.beta(1, 8, items))[::-1]
    chances = np.clip(usual * rng.uniform(0.3, 1.7, (shoppers, items)), 0, 0.95)
    wanted = (rng.random(chances.shape) < chances).astype(np.float32)
    wanted[wanted.sum(axis=1) == 0, 0] = 1
    nothing = Interactions(*(np.zeros(0, np.int64),) * 4, shoppers, items)
    task = Task(
        nothing, np.arange(shoppers), scipy.sparse.csr_matrix(wanted), False, 0.0, nothing.taken
    )  # fmt: skip
    return task, long_of(chances), np.arange(items) >= items // 2


@pytest.mark.parametrize("target", [0.3, 0.5, 0.02])
def test_the_curve_ends_at_parity_on_the_days_that_choose(target: float) -> None:
    task, long, small = world()
    other, test, _ = world(seed=4)
    steps = curve((task, long), (other, test), small, target)
    assert len(steps) == 11 and steps[0].weight == 0
    assert steps[-1].past_share == pytest.approx(target, abs=0.01)
    assert (steps[0].past_share < target) == (steps[-1].weight > 0)
    np.testing.assert_array_equal(steps[0].lists, test.items[:, :LONGEST])
    for step in steps:
        lists = test.lists(small, step.weight)
        assert step.share == share(lists, small)
        np.testing.assert_array_equal(step.ndcg, quality(lists, other))


def test_what_cannot_be_reached_is_come_near_to() -> None:
    _, long, _ = world()
    alone = np.arange(40) == 39
    weight = parity(long, alone, 0.9)
    assert share(long.lists(alone, weight), alone) == share(long.lists(alone, 2.0), alone) < 0.9


def test_the_step_is_chosen_by_the_days_before_alone() -> None:
    def step(past: float, test: float) -> Step:
        return Step(0.0, 0.0, past, np.zeros((1, 1), int), 0.0, np.array([test]))

    steps = [step(0.50, 0.1), step(0.49, 0.9), step(0.47, 0.0), step(0.49, 0.0)]
    assert chosen(steps, 0.021) == 1
    assert chosen(steps, 0.06) == 3
    assert chosen(steps, 0.0) == 0


def test_small_brands_are_the_half_that_was_taken_least() -> None:
    brand = np.array(["b", "b", "a", "c", "", "d", "a"], object)
    catalogue = Catalogue(np.array(list("tuvwxyz"), object), np.full(7, "k", object), brand, None, 4)
    item = np.array([0, 0, 1, 2, 3, 3, 3])
    train = Interactions(item, np.arange(7), item, item, 7, 7)
    small = Small.among(catalogue, train)  # d was never taken, a once; b and c three times
    assert (small.of, small.many) == ("brands", (2, 4))
    assert small.small.tolist() == [False, False, True, False, False, True, True]
    assert small.share_of_takes(train) == pytest.approx(1 / 7)
    assert small.share_of_takes(train, np.array([3, 4])) == pytest.approx(1 / 2)
    assert small.share_of_catalogue == pytest.approx(3 / 6)
    nameless = Catalogue(catalogue.items, np.full(7, "", object), np.full(7, "", object), None, 4)
    assert Small.among(nameless, train).of == "items"


def test_intervals_of_ratios_and_gaps_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(0)
    values, mine = rng.normal(1, 1, 4_000), np.arange(4_000) < 1_500
    drawn = Drawn(4_000)
    gap = drawn.gap(values, mine)
    assert gap.value == pytest.approx(values[:1_500].mean() - values[1_500:].mean())
    spread = 1.96 * math.sqrt(values[mine].var() / 1_500 + values[~mine].var() / 2_500)
    assert gap.high - gap.low == pytest.approx(2 * spread, rel=0.12)
    mean = drawn.ratio(values * mine, mine.astype(float))
    assert mean.value == pytest.approx(values[mine].mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 * values[mine].std() / math.sqrt(1_500), rel=0.12)
