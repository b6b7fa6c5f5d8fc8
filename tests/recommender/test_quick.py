"""One row without a pass over the catalogue: the same candidates and features as with one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.recommender import features, item_models, quick
from core.recommender.acts import SLOTS, Contexts
from core.recommender.features import Signals
from core.recommender.histories import last_contexts
from core.recommender.interactions import DAY
from core.recommender.item_models import strongest_of
from core.recommender.one_history import OneHistory
from core.recommender.past import Past
from core.recommender.quick import Lists, Quick
from tests.recommender.test_past import END, ITEMS, SHOPPERS, VECTORS, made

PASTS: dict[tuple[int, bool], Past] = {}


def past_of(seed: int, dense: bool) -> Past:
    if (seed, dense) not in PASTS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(item_models, "MOST_DENSE", ITEMS if dense else 1)
            # Few events, so that many signals are equal, and ties must go the same way.
            PASTS[seed, dense] = Past.of(made(seed, 60 + 300 * (seed % 2)), END, VECTORS)
    return PASTS[seed, dense]


@given(
    seed=st.integers(0, 3), dense=st.booleans(), row=st.integers(-1, SHOPPERS - 1), cell=st.integers(-1, 3),
    slot=st.integers(-1, SLOTS - 1), device=st.integers(-1, 1), gone=st.sets(st.integers(0, ITEMS - 1)),
    few=st.integers(1, 12), held=st.integers(1, 30), sold=st.lists(st.integers(0, ITEMS - 1), max_size=6),
    prices=st.booleans(), month=st.booleans(), later=st.sampled_from([0, 40 * DAY]),
)  # fmt: skip
def test_it_is_what_a_pass_over_everything_finds(
    seed: int, dense: bool, row: int, cell: int, slot: int, device: int, gone: set[int], few: int, held: int,
    sold: list[int], prices: bool, month: bool, later: int,
) -> None:  # fmt: skip
    past = past_of(seed, dense)
    past = replace(past, popular=past.popular.copy(), cold=past.cold.copy())
    touched: set[int] = set()
    contexts = Contexts(
        np.array([cell]), np.array([-1 if cell < 0 else cell // 2]), np.array([slot]), np.array([device])
    )
    acts = past.world.acts.only((past.world.acts.row == row) & (past.world.acts.second < END))
    who = OneHistory.of(past, replace(acts, row=np.zeros(len(acts), np.int64)), contexts, END + later)
    allowed = ~np.isin(np.arange(ITEMS), list(gone))[None]
    tried = np.linspace(0, 3, ITEMS).astype(np.float32) if prices else None
    with pytest.MonkeyPatch.context() as patch:
        for module in (features, quick):
            patch.setattr(module, "CANDIDATES", few)
        patch.setattr(quick, "HELD", held)
        lists = Lists(past, touched)
        Quick(lists, who).candidates(allowed)  # lists that were made before something was sold
        for item in sold:
            past.popular[item] += 1
            past.cold[item] = False
            touched.add(item)
        season = np.arange(ITEMS, dtype=np.float32) if month else None
        ours = Quick(lists, who, tried, season=season)
        theirs = Signals(past, who.whole, tried, season=season)
        (items, bits), (all_items, all_bits) = ours.candidates(allowed), theirs.candidates(allowed)
    np.testing.assert_array_equal(items[0], all_items[0])
    np.testing.assert_array_equal(bits[0], all_bits[0])
    some = np.r_[items[0], ITEMS - 1, 0]  # others are asked for as well
    pairs = np.zeros(some.size, np.int64), some
    np.testing.assert_allclose(ours.pairs(*pairs), theirs.pairs(*pairs), atol=2e-6)


def test_words_of_many_items_are_found_by_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index finds what a full search does where it looks into all its lists."""
    past = past_of(1, False)
    monkeypatch.setattr(quick, "MOST_SEARCHED", 10)
    monkeypatch.setattr(quick, "LISTS_SEARCHED", 1_000)
    for module in (features, quick):
        monkeypatch.setattr(module, "CANDIDATES", 5)
    for shopper in range(SHOPPERS):
        acts = past.world.acts.only((past.world.acts.row == shopper) & (past.world.acts.second < END))
        acts = replace(acts, row=np.zeros(len(acts), np.int64))
        who = OneHistory.of(past, acts, last_contexts(acts, 1))
        allowed = np.ones((1, ITEMS), bool)
        allowed[0, who.taken.indices] = False
        ours, theirs = Quick(Lists(past, set()), who), Signals(past, who.whole)
        for found, expected in zip(ours.candidates(allowed), theirs.candidates(allowed), strict=True):
            np.testing.assert_array_equal(found[0], expected[0])


@given(values=st.lists(st.integers(0, 5), max_size=30), most=st.integers(1, 12))
def test_the_strongest_are_those_of_a_stable_sort(values: list[int], most: int) -> None:
    given_values = np.array(values, float)
    expected = np.sort(np.argsort(-given_values, kind="stable")[:most])
    np.testing.assert_array_equal(strongest_of(given_values, most), expected)
