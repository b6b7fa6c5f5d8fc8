"""What is known before a moment, against plain loops; nothing of later is in it."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse

from core.recommender import item_models
from core.recommender.acts import SLOTS, Acts, Contexts, World, slot_of
from core.recommender.features import FEATURES, SOURCES, Signals
from core.recommender.histories import Histories, arrivals
from core.recommender.interactions import DAY
from core.recommender.item_models import alike, ease_matrix, strongest
from core.recommender.lift import PRIORS, Lift, Lifts
from core.recommender.past import TOGETHER, Past
from core.recommender.prices import Prices
from core.recommender.training import Ground

SHOPPERS, ITEMS, DAYS, END = 30, 25, 120, 100 * DAY


def made(seed: int = 0, most: int = 900) -> World:
    """A small log: three categories, four cells in two regions, sessions of a day."""
    rng = np.random.default_rng(seed)
    row = np.sort(rng.integers(0, SHOPPERS, most))
    second = rng.integers(0, DAYS * DAY, most)
    order = np.lexsort((second, row))
    row, second = row[order], second[order]
    cell = rng.integers(-1, 4, most)
    acts = Acts(
        row=row, item=rng.integers(0, ITEMS, most), second=second,
        strength=rng.choice(np.array([0.3, 1.0], np.float32), most), taken=rng.random(most) < 0.5,
        session=row * 1_000 + second // DAY, cell=cell, region=np.where(cell < 0, -1, cell // 2),
        slot=rng.integers(0, SLOTS, most), device=rng.integers(0, 2, most),
    )  # fmt: skip
    names = np.array(["a", "b", "c"], object)
    catalogue = np.where(np.arange(ITEMS) % 4, np.log(np.arange(ITEMS) + 1), np.nan)
    prices = Prices(catalogue, acts.item, acts.second, rng.normal(size=most), np.ones(most, np.int64))
    return World(
        acts, SHOPPERS, ITEMS, np.array(list("wxyz"), object), np.array([0, 0, 1, 1]), names[:2], names[:2],
        np.arange(ITEMS) % 3, names, prices, 1,
    )  # fmt: skip


VECTORS = np.linalg.qr(np.random.default_rng(5).normal(size=(ITEMS, 8)))[0].astype(np.float32)
#: Whose histories are looked at.
WHO = np.array([0, 3, 7, 29])


@pytest.fixture(scope="module")
def past() -> Past:
    return Past.of(made(), END, VECTORS)


def known(world: World) -> list[dict[str, float]]:
    names = ("row", "item", "second", "strength", "taken", "session", "cell", "region", "slot")
    columns = {name: getattr(world.acts, name).tolist() for name in names}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row for row in rows if row["second"] < END]


def test_nothing_of_later_is_known(past: Past) -> None:
    world = made()
    later = world.acts.second >= END
    rng = np.random.default_rng(9)
    item = np.where(later, rng.integers(0, ITEMS, later.size), world.acts.item)
    dearer = replace(world.prices, total=world.prices.total + later)
    acts = replace(world.acts, item=item, taken=world.acts.taken | later)
    other = replace(world, acts=acts, prices=dearer)
    changed = Past.of(other, END, VECTORS)
    pairs = np.repeat(np.arange(WHO.size), ITEMS), np.tile(np.arange(ITEMS), WHO.size)
    for coming in (False, True):
        ours, theirs = (
            Signals(its, Histories.of_shoppers(its, WHO, coming)).pairs(*pairs) for its in (past, changed)
        )
        np.testing.assert_array_equal(ours, theirs)
    assert (item != world.acts.item).any()


def test_counts_and_ages_are_those_of_a_plain_loop(past: Past) -> None:
    rows = known(past.world)
    for item in range(ITEMS):
        takers = {r["row"] for r in rows if r["item"] == item and r["taken"]}
        week = {r["row"] for r in rows if r["item"] == item and r["taken"] and r["second"] >= END - 7 * DAY}
        assert past.popular[item, 5] == pytest.approx(np.log1p(len(takers)))
        assert past.popular[item, 1] == pytest.approx(np.log1p(len(week)))
        first = min((r["second"] for r in rows if r["item"] == item), default=None)
        age = -1 if first is None else np.log1p((END - first) / DAY)
        assert past.age[item] == pytest.approx(age, rel=1e-5)
        assert past.cold[item] == (not takers)


def test_items_of_one_visit_go_together_as_in_a_plain_loop(past: Past) -> None:
    sessions: dict[float, dict[float, float]] = {}
    for row in known(past.world):
        fresh = 0.5 ** ((END - row["second"]) / DAY / TOGETHER / 2)
        its = sessions.setdefault(row["session"], {})
        its[row["item"]] = its.get(row["item"], 0) + fresh
    both = np.zeros((ITEMS, ITEMS))
    for its in sessions.values():
        for a, b in combinations(its, 2):
            both[int(a), int(b)] += its[a] * its[b] / len(its)
            both[int(b), int(a)] += its[a] * its[b] / len(its)
    size = np.sqrt(both.sum(axis=0) + 1e-3)
    np.testing.assert_allclose(past.together.toarray(), both / np.outer(size, size), rtol=1e-4, atol=1e-6)


def test_a_place_is_drawn_to_its_region_and_that_to_all() -> None:
    """As far as one half of the shoppers foretells the other best, by plain loops over a log with tastes."""
    world = made()
    cell, rng = world.acts.cell, np.random.default_rng(4)
    item = np.where(rng.random(cell.size) < 0.7, 5 * cell + rng.integers(0, 9, cell.size), world.acts.item)
    past = Past.of(replace(world, acts=replace(world.acts, item=item % ITEMS)), END, VECTORS)
    rows = known(past.world)
    weight = np.zeros(ITEMS)
    for row in rows:
        weight[int(row["item"])] += row["strength"]
    share = (weight + 1e-6) / (weight.sum() + 1e-6 * ITEMS)

    def drawn(
        name: str, group: int, expected: np.ndarray, prior: float, halves: tuple[int, ...] = (0, 1)
    ) -> np.ndarray:
        count = np.zeros(ITEMS)
        for row in rows:
            if row[name] == group and row["row"] % 2 in halves:
                count[int(row["item"])] += row["strength"]
        return np.asarray((count + prior * expected) / (count.sum() + prior))

    def likelihood(prior: float, region_prior: float | None = None) -> float:
        found = 0.0
        for row in rows:
            name = "region" if region_prior is None else "cell"
            if row[name] >= 0 and row["row"] % 2:
                expected = share
                if region_prior is not None:
                    expected = drawn("region", int(row["cell"]) // 2, share, region_prior, (0,))
                shares = drawn(name, int(row[name]), expected, prior, (0,))
                found += row["strength"] * np.log(shares[int(row["item"])])
        return found

    region = max(PRIORS, key=likelihood)
    of_cell = max(PRIORS, key=lambda prior: likelihood(prior, region))
    lift = past.lifts.here
    assert lift.parent is not None and (lift.prior, lift.parent.prior) == (of_cell, region)
    assert of_cell < PRIORS[-1]
    for cell_ in range(4):
        expected = drawn("cell", cell_, drawn("region", cell_ // 2, share, region), of_cell)
        np.testing.assert_allclose(lift(np.array([cell_]))[0], np.log(expected / share), rtol=1e-3, atol=1e-4)
    for number in range(2):  # a region without a cell
        place = Contexts(np.array([-1]), np.array([number]), np.array([-1]), np.array([-1])).places(4)
        expected = np.log(drawn("region", number, share, region) / share)
        np.testing.assert_allclose(lift(place)[0], expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(lift(np.array([-1])), 0, atol=1e-6)


def test_what_is_learnt_from_and_what_is_asked_have_the_same_priors() -> None:
    """Where tastes of places are told late, each past by itself would draw to what is usual by another
    measure, and what is asked would lie far outside of what was learnt from.
    """
    world = made(most=4_000)
    acts, rng = world.acts, np.random.default_rng(4)
    late = (acts.second > 60 * DAY) & (acts.cell >= 0)
    item = np.where(late, (9 * acts.cell + rng.integers(0, 4, late.size)) % ITEMS, acts.item)
    world = replace(world, acts=replace(acts, item=item))
    alone = [Past.of(world, end, VECTORS).lifts.priors for end in (60 * DAY, END)]
    assert alone[0] != alone[1]
    ground = Ground(None, world, VECTORS, None).settled(END)  # type: ignore[arg-type]
    assert ground.priors == alone[1]
    assert all(ground.past(end).lifts.priors == alone[1] for end in (60 * DAY, END))
    given, chosen = ground.past(END).lifts, Past.of(world, END, VECTORS).lifts
    for name in (field.name for field in fields(Lifts)):
        one, other = getattr(given, name), getattr(chosen, name)
        np.testing.assert_array_equal(one(np.arange(2)), other(np.arange(2)))
    # Only what is before the split chooses.
    later = replace(world.acts, item=np.where(acts.second < 60 * DAY, item, 0))
    assert ground.settled(60 * DAY).priors == alone[0]
    assert replace(ground, world=replace(world, acts=later)).settled(60 * DAY).priors == alone[0]


def test_where_places_do_not_differ_they_say_next_to_nothing(past: Past) -> None:
    lifts = past.lifts
    for lift in (lifts.here, lifts.here_category, lifts.now, lifts.device):
        assert lift.prior >= PRIORS[2] and np.abs(lift(np.array([0]))).max() < 0.5


def test_a_group_without_events_says_nothing() -> None:
    acts = made().acts.only(np.arange(2))
    lift = Lift.of(acts, np.array([0, 0]), np.array([0, 1]), 3, 2)
    assert not lift(np.array([2])).any() and not lift(np.array([-1])).any()


def test_a_group_of_few_shoppers_says_nothing_on_shared_data() -> None:
    acts = made().acts
    group = np.where(acts.row < 3, 0, np.where(acts.row < 9, 1, 2))  # of 3 shoppers, of 6 and of all others
    for k, speaks in ((1, True), (3, True), (4, False)):
        lift = Lift.of(acts, group, acts.item, 3, ITEMS, k)
        assert (np.abs(lift(np.array([0]))) > 1e-6).any() == speaks
        assert (np.abs(lift(np.array([2]))) > 1e-6).any()


def test_a_price_of_the_log_stands_in_for_one_of_the_catalogue_and_not_a_later_one(past: Past) -> None:
    its = past.world.prices
    for item in range(ITEMS):
        at = (its.item == item) & (its.second < END)
        told = its.total[at].mean() if np.isnan(its.catalogue[item]) else its.catalogue[item]
        assert past.price_log[item] == pytest.approx(told, abs=1e-5) and past.priced[item]


def test_neighbours_stand_in_for_the_dense_model(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = scipy.sparse.csr_matrix((np.random.default_rng(1).random((40, 12)) < 0.3).astype(np.float32))
    dense = alike(taken, 10.0)
    np.testing.assert_array_equal(dense, ease_matrix(taken, 10.0))
    monkeypatch.setattr(item_models, "MOST_DENSE", 3)
    sparse = scipy.sparse.csr_matrix(alike(taken, 10.0)).toarray()
    columns = taken.toarray()
    size = np.linalg.norm(columns, axis=0)
    cosine = columns.T @ columns / np.outer(size, size)
    np.fill_diagonal(cosine, 0)
    np.testing.assert_allclose(sparse, cosine, rtol=1e-5)


def test_the_strongest_of_each_row_are_kept() -> None:
    matrix = scipy.sparse.csr_matrix(np.array([[3.0, 1, 2], [0, 5, 5], [0, 0, 0]]))
    kept = strongest(matrix, 1).toarray()
    np.testing.assert_array_equal(kept, [[3, 0, 0], [0, 5, 0], [0, 0, 0]])


def test_a_weekend_hour_is_another_time_than_a_working_day() -> None:
    hours = np.array([0, 24 * 2 + 5, 24 * 3 - 1])  # Thursday 1 January 1970 0 h; Saturday 5 h; Saturday 23 h
    assert slot_of(hours).tolist() == [0, SLOTS // 2 + 1, SLOTS // 2 + 7]


def test_features_follow_place_hour_and_price(past: Past) -> None:
    who = Histories.of_shoppers(past, WHO)
    row, item = np.zeros(ITEMS, int), np.arange(ITEMS)
    names = list(FEATURES)

    def changed(signals: Signals) -> set[str]:
        usual = Signals(past, who).pairs(row, item)
        differs = (signals.pairs(row, item) != usual).any(axis=0)
        return {FEATURES[name] for name, other in zip(names, differs, strict=True) if other}

    usual = who.contexts
    elsewhere = Contexts((usual.cell + 2) % 4, (usual.region + 1) % 2, usual.slot, usual.device)
    later = Contexts(usual.cell, usual.region, (usual.slot + 5) % SLOTS, usual.device)
    assert changed(Signals(past, replace(who, contexts=elsewhere))) == {"place"}
    assert changed(Signals(past, replace(who, contexts=later))) == {"hour"}
    assert changed(Signals(past, who, prices=past.price_log + 1)) == {"price"}
    assert changed(Signals(past, who, phrase=VECTORS[3])) == {"words"}


def test_of_who_is_coming_the_place_time_and_device_alone_are_known(past: Past) -> None:
    acts, everybody = past.world.acts, np.arange(SHOPPERS)
    usual, coming = (Histories.of_shoppers(past, everybody, its) for its in (False, True))
    for who in everybody.tolist():
        mine = sorted((int(s), n) for n, s in enumerate(acts.second) if acts.row[n] == who)
        after, before = [n for s, n in mine if s >= END], [n for s, n in mine if s < END]
        for name in ("cell", "region", "slot", "device"):
            values = [int(getattr(acts, name)[n]) for n in (*after[:1], *before[-1:])]
            known = next((value for value in values if value >= 0), -1)
            assert getattr(coming.contexts, name)[who] == known
            assert getattr(arrivals(past.world, everybody, END), name)[who] == (
                int(getattr(acts, name)[after[0]]) if after else -1
            )
    pairs = np.repeat(everybody, ITEMS), np.tile(np.arange(ITEMS), SHOPPERS)
    differs = (Signals(past, coming).pairs(*pairs) != Signals(past, usual).pairs(*pairs)).any(axis=0)
    moved = {group for group, other in zip(FEATURES.values(), differs, strict=True) if other}
    assert moved == {"place", "hour", "device"}


def test_a_place_is_of_one_event(past: Past) -> None:
    none, one = np.array([-1, -1, 2]), np.array([5, 7, -1])
    first = Contexts(none, np.array([-1, 3, -1]), none, none)
    found = first.or_else(Contexts(one, one, one, one))
    assert found.cell.tolist() == [5, -1, 2] and found.region.tolist() == [5, 3, -1]
    assert found.slot.tolist() == found.device.tolist() == [5, 7, 2]


def test_candidates_are_allowed_and_say_who_proposed_them(past: Past) -> None:
    allowed = np.random.default_rng(2).random((WHO.size, ITEMS)) < 0.5
    found, bits = Signals(past, Histories.of_shoppers(past, WHO)).candidates(allowed)
    for row, (items, its) in enumerate(zip(found, bits, strict=True)):
        assert items.size and allowed[row, items].all()
        assert (its > 0).all() and (its < 1 << len(SOURCES)).all()


def test_somebody_new_gets_candidates(past: Past) -> None:
    nowhere = Contexts(*(np.array([-1]) for _ in range(4)))
    none = past.world.acts.only(np.zeros(0, int))
    found, _ = Signals(past, Histories.of(past, none, nowhere)).candidates(np.ones((1, ITEMS), bool))
    assert found[0].size >= ITEMS // 2
