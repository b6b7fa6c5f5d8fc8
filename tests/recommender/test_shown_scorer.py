"""The scorer of shown lists: its features against plain loops, no leak, the same seed, reasons that sum."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.recommender import shown_scorer
from core.recommender.shown_features import FEATURES, GROUP_OF, GROUPS
from core.recommender.shown_log import Catalogue, Event, events, lists_of, others_now, walk
from core.recommender.shown_models import REASONS, shapley
from core.recommender.shown_scorer import Lists, ShownOptions, ShownScorer, fit
from core.recommender.shown_visit import FILTER, ITEM, TAKEN, Memory, Step
from core.store import Store
from tests.recommender.shown_oracle import slow

ITEMS = ("a", "b", "c", "d", "e", "f")
NAMES = list(FEATURES)
NOTHING = Catalogue({}, np.zeros((1, 1), np.float32), [""], np.array([np.nan]), [])
#: Some items with words, categories and prices.
GOODS = Catalogue(
    {item: number for number, item in enumerate(ITEMS[:4])},
    np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8], [0, 0]], np.float32),
    ["x", "y", "x", "", ""],
    np.array([5.0, 7.0, np.nan, 9.0, np.nan]),
    ["A", "B", "C", "D"],
)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Visits of few shoppers, many of whose events share a second."""
    out = []
    second = 0
    for number in range(draw(st.integers(1, 25))):
        second += draw(st.sampled_from([0, 1, 1, 30, 700]))
        visit = draw(st.integers(0, 3))
        kind = draw(st.sampled_from([TAKEN, TAKEN, ITEM, ITEM, FILTER]))
        item = draw(st.sampled_from(ITEMS)) if kind != FILTER else None
        shown: tuple[str, ...] = ()
        prices: tuple[float, ...] = ()
        if kind == TAKEN and draw(st.booleans()):
            shown = tuple(draw(st.permutations(ITEMS))[: draw(st.integers(2, 6))])
            if draw(st.booleans()):
                price = st.sampled_from([10.0, 20.0, 25.0, float("nan")])
                prices = tuple(draw(price) for _ in shown)
        # Two visits are one shopper's.
        shopper = ("u", "v", "w", "u")[visit]
        step = Step(float(second), kind, item, shown, prices)
        out.append(Event(float(second), number, shopper, (shopper, str(visit)), step, "mobile", False))
    return out


def features_of(log: list[Event], catalogue: Catalogue = NOTHING) -> dict[int, np.ndarray]:
    wanted = {event.number for event in log if event.step.shown}
    return {number: rows for number, _, rows in walk(iter(log), catalogue, wanted)}


@settings(deadline=None, max_examples=150)
@given(logs())
def test_features_are_those_of_plain_loops(log: list[Event]) -> None:
    found = features_of(log)
    for event in log:
        if event.step.shown:
            for item, row in zip(slow(log, event), found[event.number], strict=True):
                mine = {name: float(row[NAMES.index(name)]) for name in item}
                assert mine == pytest.approx(item, abs=1e-5, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(logs(), st.integers(0, 24))
def test_what_comes_after_changes_nothing(log: list[Event], at: int) -> None:
    of = log[at % len(log)]
    of = replace(of, step=Step(of.second, TAKEN, "a", ("a", "b", "c")))
    log[at % len(log)] = of
    before = [event for event in log if event.second < of.second]
    # The list alone decides, not which of it is taken.
    alone = [*before, replace(of, step=replace(of.step, item="c"), ends=True)]
    for catalogue in (NOTHING, GOODS):
        one, other = (features_of(some, catalogue)[of.number] for some in (log, alone))
        assert np.array_equal(one, other, equal_nan=True)


def test_words_and_categories_are_of_what_was_touched() -> None:
    touched = Event(0.0, 0, "u", ("u", "1"), Step(0.0, ITEM, "a"), "", False)
    shown = Event(9.0, 1, "u", ("u", "1"), Step(9.0, TAKEN, "c", ("b", "c", "d", "f")), "", False)
    rows = features_of([touched, shown], GOODS)[1]
    assert rows[:, NAMES.index("words_mean")] == pytest.approx([0, 1, 0.6, 0])
    assert rows[:, NAMES.index("category_share")].tolist() == [0, 1, 0, 0]
    # Prices of the catalogue serve where none was shown: 7, unknown, 9, unknown.
    assert rows[:, NAMES.index("price_least")].tolist() == [1, 0, 0, 0]


def test_an_item_of_the_log_alone_has_no_trait(trivago_store: Store) -> None:
    """What is only known of items with an event would tell the taken one from its list."""
    catalogue = Catalogue.of(trivago_store)
    assert not catalogue.number and not catalogue.vectors.any()


def test_what_is_asked_now_is_what_a_memory_of_the_log_says(trivago_store: Store) -> None:
    memory = Memory()
    for event in events(trivago_store, "click"):
        memory.tell(event.visit, event.shopper, event.step)
        if event.ends:
            memory.forget(event.visit)
    found = trivago_store.cursor().execute(
        "SELECT shown FROM log WHERE event = 'click' ORDER BY event_id LIMIT 15"
    )
    for (shown,) in found.fetchall():
        items = tuple(dict.fromkeys(shown))
        then, now = memory.others(("", ""), "", items), others_now(trivago_store, "click", items)
        for name in ("visits", "taken", "shown", "places"):
            assert (getattr(then, name) == getattr(now, name)).all(), name
        assert now.visits.any() and now.shown.all()


QUICK = ShownOptions(epochs=4, members=2, width=8, batch=32)


@lru_cache(maxsize=8)
def planted(lists: int, seed: int = 0) -> Lists:
    """Lists of five, in which the item looked at last is the one taken, four times out of five."""
    rng = np.random.default_rng(seed)
    log: list[Event] = []
    asked = []
    for number in range(lists):
        shown = tuple(rng.permutation(ITEMS)[:5].tolist())
        last = int(rng.integers(5))
        taken = last if rng.random() < 0.8 else int(rng.integers(5))
        visit, second = ("u", str(number)), float(number * 100)
        log.append(Event(second, -number - 1, "u", visit, Step(second, ITEM, shown[last]), "", False))
        step = Step(second + 9, TAKEN, shown[taken], shown)
        log.append(Event(second + 9, number, "u", visit, step, "", True))
        asked.append((number, taken, True))
    return lists_of(features_of(log), asked)


@pytest.fixture(scope="module")
def scorer() -> ShownScorer:
    return fit(planted(300), QUICK)


def test_a_scorer_finds_what_was_planted(scorer: ShownScorer) -> None:
    place = scorer.place_of_taken(planted(200, seed=1))
    assert 0.72 < (place == 1).mean() < 0.95
    blind = fit(planted(300), replace(QUICK, without=("seen", "beside")))
    assert (blind.place_of_taken(planted(200, seed=1)) == 1).mean() < 0.5


def test_the_same_seed_is_the_same_scorer(scorer: ShownScorer) -> None:
    features = planted(20, seed=2).features
    again, other = fit(planted(300), QUICK), fit(planted(300), replace(QUICK, seed=1))
    assert (again.of_scaled(again.scaled(features)) == scorer.of_scaled(scorer.scaled(features))).all()
    assert (other.of_scaled(other.scaled(features)) != scorer.of_scaled(scorer.scaled(features))).any()


def test_a_scorer_is_the_same_after_its_file(scorer: ShownScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    features = planted(20, seed=2).features
    file = scorer.to_bytes()
    opened = ShownScorer.from_bytes(file)
    assert opened.options == scorer.options
    assert (opened.of_scaled(opened.scaled(features)) == scorer.of_scaled(scorer.scaled(features))).all()
    monkeypatch.setattr(shown_scorer, "MADE_FOR", NAMES[1:])
    with pytest.raises(ValueError, match="features"):
        ShownScorer.from_bytes(file)


def test_what_is_not_known_is_as_usual(scorer: ShownScorer) -> None:
    features = planted(5, seed=4).features
    of_prices = list(GROUPS).index("price") == GROUP_OF
    assert (
        np.isnan(features[:, of_prices]).all() and not np.isnan(features[:, NAMES.index("place_log")]).any()
    )
    scaled = scorer.scaled(features)
    assert not scaled[:, of_prices].any() and np.isfinite(scorer.of_scaled(scaled)).all()


def test_equals_stand_as_they_were_shown(scorer: ShownScorer) -> None:
    lists = planted(3)
    flat = replace(lists, features=np.zeros_like(lists.features), taken=np.array([0, 3, -1]))
    assert scorer.place_of_taken(flat).tolist() == [1, 4, np.inf]


def test_reasons_are_shapley_values(scorer: ShownScorer) -> None:
    scaled = scorer.scaled(planted(2, seed=3).features)
    shares, usual = shapley(scorer, scaled[:5])
    assert shares.sum(axis=1) + usual == pytest.approx(scorer.of_scaled(scaled[:5]), abs=1e-4)
    # Of two groups alone, what each adds is the mean of first and second.
    names = list(GROUPS)
    two = scaled.copy()
    two[:, ~np.isin(GROUP_OF, [names.index(name) for name in ("seen", "place", "moment")])] = 0
    shares, usual = shapley(scorer, two[:5])

    def worth(*groups: str) -> np.ndarray:
        some = two[:5].copy()
        some[:, ~np.isin(GROUP_OF, [names.index(name) for name in (*groups, "moment")])] = 0
        return scorer.of_scaled(some)

    wanted = (worth("seen") - worth() + worth("seen", "place") - worth("place")) / 2
    assert shares[:, list(REASONS).index("seen")] == pytest.approx(wanted, abs=1e-4)
    assert shares[:, list(REASONS).index("habit")] == pytest.approx(0, abs=1e-5)
