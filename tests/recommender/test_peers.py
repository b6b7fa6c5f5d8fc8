"""Tasks and peers against plain loops, and that nothing of the future leaks into a list."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CartscapeError, WrongCall
from core.recommender.acts import SLOTS, Acts, World
from core.recommender.evaluation import choose, lists_of
from core.recommender.interactions import DAY, Interactions, Task, task
from core.recommender.lift import Lifts, Priors
from core.recommender.peers import (
    ease,
    ease_here_and_now,
    here_and_now,
    item_knn,
    own_frequency,
    peers,
    popular,
)
from core.recommender.prices import Prices

SHOPPERS, ITEMS, DAYS = 60, 40, 90


def drawn(seed: int, most: int = 700) -> Interactions:
    """Shoppers of two tastes over three months."""
    rng = np.random.default_rng(seed)
    shopper = np.sort(rng.integers(0, SHOPPERS, most))
    taste = np.where(shopper % 2 == 0, 0, ITEMS // 2)
    item = (taste + rng.integers(0, ITEMS // 2 + 2, most)) % ITEMS
    second = rng.integers(0, DAYS * DAY, most)
    order = np.lexsort((second, shopper))
    return Interactions(np.arange(most), shopper[order], item[order], second[order], SHOPPERS, ITEMS)


def world_of(every: Interactions) -> World:
    """The same events with a place (four cells in two regions) and a time of the week for each."""
    rng = np.random.default_rng(8)
    most = len(every)
    cell = rng.integers(-1, 4, most)
    acts = Acts(
        row=every.shopper, item=every.item, second=every.second, strength=np.ones(most, np.float32),
        taken=np.ones(most, bool), session=every.shopper, cell=cell, region=np.where(cell < 0, -1, cell // 2),
        slot=rng.integers(0, SLOTS, most), device=np.zeros(most, np.int64),
    )  # fmt: skip
    names = np.array(list("wxyz"), object)
    prices = Prices(np.full(ITEMS, np.nan), acts.item, acts.second, np.zeros(most), np.ones(most, np.int64))
    return World(
        acts, SHOPPERS, ITEMS, names, np.array([0, 0, 1, 1]), names[:2], names[:1],
        np.zeros(ITEMS, np.int64), names[:1], prices, 1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def split() -> Task:
    return task(drawn(3), 10, "new")


def foretold(made: Task) -> dict[int, set[int]]:
    return {int(who): set(row.indices.tolist()) for who, row in zip(made.shoppers, made.wanted, strict=True)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), days=st.integers(10, 40), wanted=st.sampled_from(["new", "any"]))
def test_a_split_is_by_time_and_complete(seed: int, days: int, wanted: str) -> None:
    every = drawn(seed)
    made = task(every, days, wanted)
    end = int(every.second.max()) + 1 - days * DAY
    before: dict[int, set[int]] = {who: set() for who in range(SHOPPERS)}
    after: dict[int, set[int]] = {}
    for shopper, item, second in zip(every.shopper, every.item, every.second, strict=True):
        (before if second < end else after).setdefault(int(shopper), set()).add(int(item))
    expected = {
        who: items - (before[who] if wanted == "new" else set())
        for who, items in after.items()
        if items - (before[who] if wanted == "new" else set())
    }  # whoever is new to the shop is among them
    assert foretold(made) == expected
    assert made.train.second.max() < made.end == end


def test_the_future_does_not_leak_into_a_list(split: Task) -> None:
    every = drawn(3)
    later = every.second >= split.end
    changed = replace(every, item=np.where(later, (every.item * 5 + 1) % ITEMS, every.item))
    other = task(changed, 10, "new")
    assert foretold(other) != foretold(split)
    past, other_past = (task(log, 10, "new", until=split.end) for log in (every, changed))
    known = (peers(of, world_of(log)) for of, log in ((split, every), (other, changed)))
    for peer, same in zip(*known, strict=True):
        assert choose(past, peer) == choose(other_past, same)
        both = np.intersect1d(split.shoppers, other.shoppers)
        mine, theirs = (
            lists_of(replace(one, shoppers=both), peer.fit(one, **peer.settings[0])) for one in (split, other)
        )
        assert (mine == theirs).all(), peer.name


def test_nothing_that_was_taken_before_is_new(split: Task) -> None:
    for row, shopper in zip(lists_of(split, popular(split)), split.shoppers, strict=True):
        mine = set(split.train.item[split.train.shopper == shopper].tolist())
        assert not mine & set(row.tolist())


def test_what_is_popular_is_counted_by_shopper(split: Task) -> None:
    for days in (None, 7):
        low = -np.inf if days is None else split.end - days * DAY
        pairs = {
            (int(who), int(item))
            for who, item, when in zip(split.train.shopper, split.train.item, split.train.second, strict=True)
            if when >= low
        }
        counted = Counter(item for _, item in pairs)
        score = popular(split, days)(np.array([0]))[0]
        assert score.tolist() == [counted[item] for item in range(ITEMS)]


def test_what_is_popular_here_and_now_is_that_of_plain_loops(split: Task) -> None:
    world = world_of(drawn(3))
    acts = world.acts
    before = [n for n in range(len(acts)) if acts.second[n] < split.end]
    share = np.array([sum(acts.item[n] == item for n in before) for item in range(ITEMS)]) + 1e-6
    share /= share.sum()

    lifts = Lifts.of(world, split.end)
    places_, times = lifts.here, lifts.now
    assert places_.parent is not None

    def drawn_to(values: np.ndarray, group: int, expected: np.ndarray, prior: float) -> np.ndarray:
        its = [int(acts.item[n]) for n in before if group >= 0 and values[n] == group]
        counts = np.bincount(np.array(its, int), minlength=ITEMS)
        return np.asarray((counts + prior * expected) / (len(its) + prior))

    usual = popular(split, 30)(np.zeros(1, np.int64))[0]
    found = here_and_now(split, world, 0.5, 1.0)(split.shoppers)
    places = set()
    for row, who in zip(found, split.shoppers.tolist(), strict=True):
        later = [n for n in range(len(acts)) if acts.row[n] == who and acts.second[n] >= split.end]
        first = min(later, key=lambda n: acts.second[n])
        cell, slot = int(acts.cell[first]), int(acts.slot[first])
        places.add(cell)
        region = drawn_to(acts.region, cell // 2 if cell >= 0 else -1, share, places_.parent.prior)
        here, now = (
            drawn_to(acts.cell, cell, region, places_.prior),
            drawn_to(acts.slot, slot, share, times.prior),
        )
        wanted = np.log(usual + 1) + 0.5 * np.log(here / share) + np.log(now / share)
        assert row == pytest.approx(wanted, abs=1e-4)
    assert len(places) == 5  # a shopper without a place among them


def test_what_is_popular_here_and_now_is_tuned_and_tested_by_one_measure(
    split: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of what was before the split, in a task before it too."""
    asked: list[tuple[float, Priors]] = []

    def lifts(world: World, end: float, priors: Priors) -> Lifts:
        asked.append((end, priors))
        return Lifts.of(world, end, priors)

    world = world_of(drawn(3))
    monkeypatch.setattr("core.recommender.peers._lifts", lifts)
    earlier = replace(split, end=split.end - 10 * DAY)
    for peer in peers(split, world):
        if "here and now" in peer.name:
            for one in (earlier, split):
                peer.fit(one, **peer.settings[0])
    its = Lifts.of(world, split.end).priors
    assert asked == [(earlier.end, its), (split.end, its)] * 2 and None not in its


def test_ease_takes_what_is_popular_here_and_now_beside_it(split: Task) -> None:
    world = world_of(drawn(3))
    common = np.exp(here_and_now(split, world, 1.0, 1.0)(split.shoppers))
    expected = ease(split, 100.0)(split.shoppers) + 0.3 * common / common.max(axis=1, keepdims=True)
    found = ease_here_and_now(split, world, 100.0, 0.3)(split.shoppers)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_own_habit_comes_before_what_is_popular(split: Task) -> None:
    counts = Counter(zip(split.train.shopper.tolist(), split.train.item.tolist(), strict=True))
    for row, shopper in zip(own_frequency(split)(split.shoppers), split.shoppers, strict=True):
        assert np.floor(row).tolist() == [counts[int(shopper), item] for item in range(ITEMS)]


def test_item_knn_is_that_of_plain_loops(split: Task) -> None:
    takers = [set(split.train.shopper[split.train.item == item].tolist()) for item in range(ITEMS)]
    alike = np.zeros((ITEMS, ITEMS))
    for a in range(ITEMS):
        for b in range(ITEMS):
            if a != b:
                size = (len(takers[a]) * len(takers[b])) ** 0.5
                alike[a, b] = len(takers[a] & takers[b]) / (size + 5)
    for item in range(ITEMS):
        alike[item, np.argsort(-alike[item], kind="stable")[4:]] = 0
    shoppers = split.shoppers[:9]
    wanted = [
        [sum(alike[item, its] for its in range(ITEMS) if who in takers[its]) for item in range(ITEMS)]
        for who in shoppers.tolist()
    ]
    assert item_knn(split, neighbours=4, shrink=5)(shoppers) == pytest.approx(np.array(wanted), abs=1e-5)


def test_whoever_is_new_gets_what_is_popular(split: Task) -> None:
    first = int(split.train.shopper[0])
    train = split.train.only(split.train.shopper != first)
    of = replace(split, train=train, met=train.taken)
    popular_first = np.argsort(-popular(of, 30)(np.array([first]))[0], kind="stable")
    for model in (item_knn(of), ease(of), own_frequency(of)):
        assert np.argsort(-model(np.array([first]))[0], kind="stable").tolist() == popular_first.tolist()


def test_ease_is_a_ridge_regression_of_each_item_on_the_others(split: Task) -> None:
    taken = split.train.taken.toarray().astype(float)
    weights = np.zeros((ITEMS, ITEMS))
    for item in range(ITEMS):
        others = [n for n in range(ITEMS) if n != item]
        x = taken[:, others]
        gram = x.T @ x + 20 * np.eye(len(others))
        weights[others, item] = np.linalg.solve(gram, x.T @ taken[:, item])
    found = ease(split, penalty=20)(split.shoppers)
    assert found == pytest.approx(taken[split.shoppers] @ weights, abs=1e-5)


def test_what_cannot_be_tested_is_a_sentence() -> None:
    every = drawn(3)
    with pytest.raises(WrongCall, match="it takes new, any"):
        task(every, 10, "old")
    with pytest.raises(WrongCall, match="must be above 0"):
        task(every, 0)
    with pytest.raises(CartscapeError, match="a test needs 20"):
        task(every.only(every.shopper < 9), 10)
    length = round((float(every.second.max()) + 1) / DAY)
    with pytest.raises(
        CartscapeError, match=f"shorter than 99,999 days: it has {length} up to the last event"
    ):
        task(every, 99_999)
    with pytest.raises(CartscapeError, match="before the days that are foretold is shorter"):
        task(every, 30, until=20 * DAY)
    with pytest.raises(CartscapeError, match=r"^No shopper comes in the last 10 days"):
        task(every.only(every.shopper < 0), 10, until=50 * DAY)
