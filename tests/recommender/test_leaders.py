"""What leads where: the same as asking for each place alone, and counts as a plain query gives them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import import_module
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import pytest

from core.analyses import ANALYSES
from core.analyses.leaders import SILENT, places_of
from core.errors import CartscapeError, WrongCall
from core.recommender.catalogue import open_catalogue
from core.recommender.leaders import Everywhere, everywhere
from core.recommender.models import open_model
from core.recommender.moment import Asked
from core.recommender.recommend import recommend
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, AtMost, Boost, Never, Rule
from core.scope import Scope
from core.store import Store

EVENING = "2025-06-03T19:00"


@pytest.fixture
def store(trained: Store) -> Store:
    places_of.cache_clear()  # it knows nothing of a k that a test sets
    return trained


def rows(store: Store, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ANALYSES["leaders"].run(store, Scope(), **words).table.to_pylist()
    return found


def path_of(store: Store) -> str:
    items = sorted(open_model(store).codes)
    return f"view:{items[3]}, click:{items[40]}"


def steps_of(path: str) -> tuple[tuple[str, str], ...]:
    return Asked.read({"path": path}).path


def test_each_place_has_the_leader_of_its_own_list(store: Store) -> None:
    model, path = open_model(store), path_of(store)
    found = rows(store, what="item", at=EVENING, path=path, b_device="mobile")
    assert len(found) > 100
    for row in found[::25]:
        lat, lon = h3.cell_to_latlng(row["cell"])
        for side, device in (("a", ""), ("b", "mobile")):
            asked = Asked(lat=lat, lon=lon, at=EVENING, path=steps_of(path), device=device, n=1)
            alone = recommend(store, model, asked)
            assert row[f"chance_{side}"] == pytest.approx(alone.chances[0], rel=1e-3)
            assert row[f"leader_{side}"] == str(model.ids[alone.items[0]])


def test_each_place_has_the_leader_of_its_own_list_after_the_rules(store: Store) -> None:
    model, catalogue, path = open_model(store), open_catalogue(store), path_of(store)
    free = rows(store, what="item", at=EVENING, path=path)
    led = Counter(row["leader_a"] for row in free)
    gone = led.most_common(1)[0][0]
    follows = recommend(store, model, Asked(at=EVENING, path=steps_of(path))).items
    rare = next(item for item in model.ids[follows].astype(str).tolist() if item not in led)
    code = next(item for item in sorted(model.codes) if item not in led)
    book = RuleBook(store)
    state = Counter(row["region"] for row in free).most_common(1)[0][0]
    brand = str(catalogue.brand[catalogue.code_of[rare]])
    rules = [
        Rule("gone", Never(item=gone)), Rule("here", Always(item=code, place=1), region=state),
        Rule("few", AtMost(1, "category")), Rule("more", Boost(8.0, brand=brand)),
        Rule("off", Never(item=rare), on=False),
    ]  # fmt: skip
    try:
        for rule in rules:
            book.save(rule)
        places_of.cache_clear()
        found = rows(store, what="item", at=EVENING, path=path, n="5")
        for row in [*found[::40], next(row for row in found if row["region"] == state)]:
            lat, lon = h3.cell_to_latlng(row["cell"])
            alone = recommend(store, model, Asked(lat=lat, lon=lon, at=EVENING, path=steps_of(path), n=5))
            assert row["leader_a"] == str(model.ids[alone.items[0]])
            assert row["chance_a"] == pytest.approx(alone.chances[0], rel=1e-3)
            assert (row["leader_a"] == code) == (row["region"] == state)
        answer = ANALYSES["leaders"].run(store, Scope(), at=EVENING, what="item", path=path)
        assert "After the rules of this log: 'more'" in " ".join(answer.notes)
        assert rows(store, what="item", at=EVENING, path=path, rules="off") == free
        both = rows(store, what="item", at=EVENING, path=path, b_rules="off")
        assert both[0]["leader_b"] == free[0]["leader_a"]
    finally:
        for rule in rules:
            book.delete(rule.name, book.get(rule.name).revision)


def test_a_category_that_is_never_shown_leads_nowhere(store: Store) -> None:
    free = rows(store, at=EVENING)
    most = Counter(row["leader_a"] for row in free).most_common(1)[0][0]
    book = RuleBook(store)
    book.save(Rule("gone", Never(category=most)))
    book.save(Rule("pinned", Always(item=next(iter(open_model(store).codes)))))
    try:
        answer = ANALYSES["leaders"].run(store, Scope(), at=EVENING)
        assert most not in answer.table["leader_a"].to_pylist()
        assert "'pinned') says nothing of which category leads" in " ".join(answer.notes)
        chances = [row["chance_a"] for row in free if row["leader_a"] != most]
        kept = answer.table.to_pylist()
        assert [
            row["chance_a"] for row, old in zip(kept, free, strict=True) if old["leader_a"] != most
        ] == chances
    finally:
        for name in ("gone", "pinned"):
            book.delete(name, book.get(name).revision)


def test_a_category_leads_by_the_sum_of_its_items(store: Store) -> None:
    model = open_model(store)
    world = model.ground.world
    found = rows(store, at=EVENING)
    for row in found[::60]:
        lat, lon = h3.cell_to_latlng(row["cell"])
        # Every item in question there, of any place in the list.
        alone = recommend(store, model, Asked(lat=lat, lon=lon, at=EVENING, n=100_000))
        sums: dict[str, float] = {}
        for code, chance in zip(alone.items, alone.chances, strict=True):
            name = str(world.categories[world.category_of[code]])
            sums[name] = sums.get(name, 0.0) + float(chance)
        sums.pop("(none)", None)
        assert row["chance_a"] == pytest.approx(max(sums.values()), rel=1e-3)
        assert row["leader_a"] == max(sums, key=lambda name: sums[name])


def test_what_is_taken_is_counted_as_a_query_counts_it(store: Store) -> None:
    found = rows(store, what="item", rank="most", days="60", at=EVENING)
    days = store.cursor().execute(
        """SELECT user_id, item_id, h3_cell, hour(ts AT TIME ZONE 'UTC' AT TIME ZONE tz) AS hour FROM (
        SELECT *, cell AS h3_cell FROM log WHERE event = 'click' AND item_id IS NOT NULL
          AND epoch(ts) > (SELECT max(epoch(ts)) FROM log WHERE item_id IS NOT NULL) - 60 * 86400
          AND isodow(ts AT TIME ZONE 'UTC' AT TIME ZONE tz) < 6) WHERE hour BETWEEN 18 AND 20"""
    ).fetchall()  # fmt: skip
    counts: dict[str, dict[str, set[str]]] = {}
    for user, item, cell, _ in days:
        parent = h3.cell_to_parent(f"{cell:x}", 4)
        counts.setdefault(parent, {}).setdefault(item, set()).add(user)
    assert sum(row["taken_by_a"] is not None for row in found) > 50
    for row in found:
        there = {item: len(users) for item, users in counts.get(row["cell"], {}).items()}
        assert row["taken_by_a"] == (max(there.values()) if there else None)
        assert row["leader_by_a"] == there.get(row["leader_a"], 0)
        if there:
            assert row["differs_a"] == (row["leader_by_a"] < row["taken_by_a"])


def test_every_hour_is_the_hours_one_by_one(store: Store) -> None:
    every = rows(store, hours="all")
    one = rows(store, at=EVENING)
    there = [row for row in every if row["hour"] == one[0]["hour"]]
    assert len(every) == 16 * len(one) and [r["leader_a"] for r in there] == [r["leader_a"] for r in one]


def test_small_groups_are_not_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {row["cell"]: row for row in rows(store)}
    model = open_model(store)
    monkeypatch.setattr(Store, "k", 10)
    monkeypatch.setattr("core.recommender.models._open", {})
    hidden = open_model(store)
    assert hidden is not model
    for row in rows(store):
        for word in ("taken_by_a", "leader_by_a"):
            assert row[word] is None or row[word] == 0 or row[word] >= 10
        assert whole[row["cell"]]["taken_by_a"] is not None or row["taken_by_a"] is None


def test_what_stands_out_is_above_what_is_usual_anywhere(store: Store) -> None:
    found = rows(store, rank="above", n="28")
    plain = rows(store)
    assert len({row["leader_a"] for row in found}) > len({row["leader_a"] for row in plain})
    assert np.mean([row["above_a"] for row in found]) > np.mean([row["above_a"] for row in plain])


def test_beyond_chance_is_held_over_all_cells_and_all_that_could_be_taken_most(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = open_model(store).ground.world.categories.tolist()
    leads = [names.index(row["leader_a"]) for row in rows(store)]
    other = next(code for code, name in enumerate(names) if code not in leads and name != "(none)")

    def sure(few: int, more: int = 0, others: int = 1) -> list[bool]:
        counts = np.zeros((len(leads), len(names)), np.int64)
        counts[np.arange(len(leads)), leads] = 3
        for place, number in ((0, few), (1, more)):
            if number:
                counts[place, leads[place]], counts[place, other] = 0, number
        counts[2, [code for code in range(len(names)) if names[code] != "(none)"][:others]] += 1
        found = (counts, np.zeros(counts.shape, bool))
        monkeypatch.setattr(import_module("core.analyses.leaders"), "_taken", lambda *_: found)
        told = rows(store)[:2]
        assert [row["differs_a"] for row in told] == [few > 0, more > 0]
        return [row["sure_a"] for row in told]

    # 7 against 0 is 1 in 128: nothing among hundreds of cells; 40 against 0 is beyond all doubt.
    assert sure(7, 40) == [False, True]
    led = len(set(leads))
    level = 0.05 / len(leads)
    enough = next(number for number in range(1, 99) if 0.5**number * led < level)
    assert sure(enough)[0] and not sure(enough - 2)[0]
    assert not sure(enough, others=len(names))[0]


def test_nothing_stands_out_where_places_say_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*words: Any) -> Everywhere:
        found = everywhere(*words)
        return replace(found, chances=np.where(found.chances > 0, found.anywhere * (1 + 1e-6), 0))

    monkeypatch.setattr(import_module("core.analyses.leaders"), "everywhere", silent)
    for what in ("item", "category"):
        answer = ANALYSES["leaders"].run(store, Scope(), what=what, rank="above")
        assert answer.table["leader_a"].null_count == answer.table.num_rows
        assert answer.table["differs_a"].null_count == answer.table.num_rows
        assert SILENT in answer.notes
    most = ANALYSES["leaders"].run(store, Scope(), what="item")
    assert most.table["leader_a"].null_count == 0 and SILENT in most.notes
    monkeypatch.undo()
    assert SILENT not in ANALYSES["leaders"].run(store, Scope(), rank="above").notes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"what": "brand"}, "it takes category, item"),
        ({"rank": "best"}, "it takes most, above"),
        ({"hours": "none"}, "it takes all"),
        ({"days": "soon"}, "days='soon'"),
        ({"b_at": "noon"}, "at='noon' is no time"),
    ],
)
def test_odd_words_are_a_sentence(store: Store, words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        rows(store, **words)


def test_a_scope_and_a_place_are_said(store: Store) -> None:
    with pytest.raises(WrongCall, match="leave --scope out"):
        ANALYSES["leaders"].run(store, Scope(regions=("Ohio",)))
    answer = ANALYSES["leaders"].run(store, Scope(), b_region="Ohio")
    assert "the place of A and B is left out" in " ".join(answer.notes)


def test_a_log_without_a_model_says_how_to_train_one(sample_store: Store) -> None:
    with pytest.raises(CartscapeError, match="python -m core train --store"):
        rows(sample_store)
