"""A cohort's lists and what was taken of them: one by one, by plain loops, and never of too few shoppers."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.analyses.preview_lists import PreviewWords, Replay, prepare
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender.catalogue import open_catalogue
from core.recommender.interactions import DAY
from core.recommender.models import open_model
from core.recommender.moment import Asked
from core.recommender.preview import REVENUE, Bootstrap, Lists, lists_of, taken_of
from core.recommender.recommend import recommend
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, AtMost, Boost, InStock, Never, Rule
from core.recommender.ruled_many import ManyRules
from core.scope import Scope
from core.store import Store


def answer(store: Store, scope: Scope | None = None, **words: str) -> Any:
    return ANALYSES["preview"].run(store, scope or Scope(), shoppers="400", **words)


def rows(store: Store, scope: Scope | None = None, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(store, scope, **words).table.to_pylist()
    return found


def test_lists_are_those_of_each_shopper_alone(trained: Store) -> None:
    model = open_model(trained)
    shoppers = np.unique(model.ground.world.acts.row)[::300]
    item = next(iter(model.codes))
    asked = Asked(
        region="Ohio", device="mobile", n=4, out_of_stock=(item,), prices={sorted(model.codes)[9]: 1.0}
    )
    (found,) = lists_of(model, model.past, [asked], shoppers)
    names = names_of(trained)
    assert shoppers.size > 3
    for at, number in enumerate(shoppers.tolist()):
        alone = recommend(trained, model, replace(asked, shopper=names[number]))
        np.testing.assert_array_equal(found.items[at], alone.items)
        np.testing.assert_allclose(found.chances[at], alone.chances, rtol=1e-3)
        np.testing.assert_allclose(found.prices[at], np.nan_to_num(alone.prices), rtol=1e-4)


def test_two_questions_at_once_are_those_of_each_shopper_alone_after_the_rules(trained: Store) -> None:
    """Whatever B asks otherwise, and whatever rules make of it, a list is what `recommend` gives."""
    model, catalogue = open_model(trained), open_catalogue(trained)
    shoppers = np.unique(model.ground.world.acts.row)[5::400]
    ids = [str(model.ids[code]) for code in np.flatnonzero(catalogue.brand != "")]
    brand, category = (
        str(names[catalogue.code_of[ids[0]]]) for names in (catalogue.brand, catalogue.category)
    )
    rules = [
        Rule("first", Always(item=ids[7], place=2)), Rule("gone", Never(category=category)),
        Rule("few", AtMost(1, "category"), region="Ohio"), Rule("more", Boost(30.0, brand=brand)),
        Rule("less", Boost(0.2, category=str(catalogue.category[catalogue.code_of[ids[90]]]))),
        Rule("stock", InStock(), region="Texas"),
    ]  # fmt: skip
    a, b = Asked(n=6), Asked(n=6, region="Ohio", at="2025-06-07T21:00", device="mobile", prices={ids[3]: 1.0})
    questions = [
        (a, b), (a, replace(b, out_of_stock=tuple(ids[:40]))), (a, replace(a, phrase="red shoes")),
        (replace(a, region="Texas"), replace(a, rules=False)),
    ]  # fmt: skip
    book, regions = RuleBook(trained), model.ground.world.regions
    names = names_of(trained)
    try:
        for number, pair in enumerate(questions):
            if number == 1:
                for rule in rules:
                    book.save(rule)
            its = [ManyRules.of(trained, one, regions) for one in pair]
            found = lists_of(model, model.past, pair, shoppers, its)
            for one, lists in zip(pair, found, strict=True):
                for at, shopper in enumerate(shoppers.tolist()):
                    alone = recommend(trained, model, replace(one, shopper=names[shopper]))
                    listed = lists.items[at][lists.items[at] >= 0]
                    np.testing.assert_array_equal(listed, alone.items)
                    np.testing.assert_allclose(lists.chances[at][: listed.size], alone.chances, rtol=1e-3)
    finally:
        for rule in rules:
            book.delete(rule.name, book.get(rule.name).revision)


def test_a_preview_follows_the_rules_and_says_so(trained: Store) -> None:
    model, book, category = open_model(trained), RuleBook(trained), open_catalogue(trained).category
    gone = np.unique(category[model.known])[::4].astype(str).tolist()
    free = rows(trained)
    for name in gone:
        book.save(Rule(f"no {name}", Never(category=name)))
    try:
        options = PreviewWords(shoppers="400", b_rules="off")
        made = prepare(trained, Scope(), options)
        for lists, barred in zip((*made.lists, made.then.lists), (True, False, True), strict=True):
            listed = category[lists.items[lists.items >= 0]]
            assert np.isin(listed, gone).any() != barred
        found = answer(trained, b_rules="off")
        row = next(r for r in found.table.to_pylist() if r["region"] is None and r["kind"] == "click")
        whole = next(r for r in free if r["region"] is None and r["kind"] == "click")
        assert row["then_raw"] < whole["then_raw"]
        told = " ".join(found.notes)
        assert f"After the rules of this log: 'no {gone[0]}' (never show" in told
        assert f"Rules are off here: {len(gone)} of this log are left out." in told
        assert rows(trained, rules="off") == free
    finally:
        for name in gone:
            book.delete(f"no {name}", book.get(f"no {name}").revision)


def names_of(store: Store) -> dict[int, str]:
    """The pseudonym of each shopper by number."""
    number = {int(key): at for at, key in enumerate(open_paths(store)["shopper"])}
    found = store.cursor().execute(
        "SELECT DISTINCT user_id, CAST(CAST(hash(user_id) AS BIT) AS BIGINT) FROM log"
    )
    return {number[int(key)]: name for name, key in found.fetchall()}


def test_what_was_taken_is_what_a_query_finds(trained: Store) -> None:
    model, paths = open_model(trained), open_paths(trained)
    acts = model.ground.world.acts
    stop = float(model.ground.every.second.max()) + 1
    low = stop - 40 * DAY
    shoppers = np.unique(acts.row[acts.second < low])[:150]
    (lists,) = lists_of(model, model.ground.past(low), [Asked(n=50)], shoppers)
    every = trained.cursor().execute(
        "SELECT CAST(CAST(hash(user_id) AS BIT) AS BIGINT), item_id, event, epoch(ts), price * quantity"
        " FROM log WHERE item_id IS NOT NULL"
    ).fetchall()  # fmt: skip
    first = trained.cursor().execute("SELECT min(epoch(ts)) FROM log").fetchall()[0][0]
    number = {int(key): at for at, key in enumerate(paths["shopper"])}
    for kind, event in (("click", "click"), (REVENUE, "purchase")):
        money: dict[tuple[int, str], float] = {}
        for key, item, its, at, paid in every:
            if its == event and low <= int(at) - int(first) < stop:
                money[number[key], item] = money.get((number[key], item), 0.0) + float(paid or 0)
        expected = [
            [worth(kind, money, (who, str(model.ids[i]))) for i in its]
            for who, its in zip(shoppers.tolist(), lists.items, strict=True)
        ]  # fmt: skip
        found = taken_of(paths, lists, kind, event, low, stop)
        assert found.any() or kind == REVENUE
        np.testing.assert_allclose(found, expected, atol=1e-3)


def worth(kind: str, money: dict[tuple[int, str], float], pair: tuple[int, str]) -> float:
    return 0.0 if pair not in money else 1.0 if kind == "click" else money[pair]


@pytest.mark.parametrize(("kind", "least"), [("click", 8), ("purchase", 1), (REVENUE, 1)])
def test_expectations_are_corrected_tenth_by_tenth(
    trained: Store, kind: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By plain loops over shoppers and what is listed for them."""
    monkeypatch.setattr("core.analyses.preview_lists.LEAST_IN_PART", least)
    monkeypatch.setattr("core.analyses.preview_lists.LEAST_TAKEN", 1)
    made = prepare(trained, Scope(), PreviewWords(shoppers="400"))
    then, now = made.then, made.lists[0]
    pairs = sorted(
        (float(chance), who, at)
        for who, row in enumerate(then.lists.chances) for at, chance in enumerate(row)
        if then.lists.items[who, at] >= 0
    )  # fmt: skip
    tenths = [[pairs[n] for n in part] for part in np.array_split(np.arange(len(pairs)), 10)]
    starts: list[float] = []
    its: list[tuple[float, int, int]] = []
    for tenth in reversed(tenths):
        its = its + tenth
        if sum(then.taken[kind][who, at] > 0 for _, who, at in its) >= least:
            starts, its = [tenth[0][0], *starts], []
    edges = sorted(set(starts[1:]))
    assert then.edges(kind).tolist() == pytest.approx(edges)
    assert edges or kind != "click"

    def sums(lists: Any, part: int, took: np.ndarray | None = None) -> float:
        found = 0.0
        for who, row in enumerate(lists.chances):
            for at, chance in enumerate(row):
                if lists.items[who, at] >= 0 and sum(chance >= edge for edge in edges) == part:
                    price = lists.prices[who, at] if kind == REVENUE else 1.0
                    found += chance * price if took is None else took[who, at]
        return found

    wanted = sum(
        sums(now, part) * sums(then.lists, part, then.taken[kind]) / sums(then.lists, part)
        for part in range(len(edges) + 1)
    )
    whole = next(row for row in rows(trained) if row["region"] is None and row["kind"] == kind)
    assert whole["a"] == pytest.approx(wanted * whole["shoppers"] / whole["drawn"])


def test_numbers_follow_from_the_factor(trained: Store) -> None:
    found = rows(trained)
    whole = next(row for row in found if row["region"] is None and row["kind"] == "click")
    assert whole["factor"] == pytest.approx(whole["then_taken"] / whole["then_raw"])
    assert whole["factor_low"] < whole["factor"] < whole["factor_high"]
    assert whole["a_low"] < whole["a"] == whole["b"] < whole["a_high"] and whole["change"] == 0
    parts = [row for row in found if row["region"] and row["kind"] == "click"]
    assert sum(row["then_taken"] for row in parts) <= whole["then_taken"]
    assert sum(row["drawn"] for row in parts) == whole["drawn"]


def test_b_is_held_against_a_of_the_same_shoppers(trained: Store) -> None:
    model = open_model(trained)
    gone = ",".join(sorted(model.codes)[::2])
    row = next(r for r in rows(trained, b_out=gone) if r["region"] is None and r["kind"] == "click")
    assert row["b"] < row["a"] and row["change"] == pytest.approx(row["b"] - row["a"])
    assert row["change_high"] < 0


def test_the_same_question_has_the_same_answer(trained: Store) -> None:
    one = rows(trained)
    made = import_module("core.analyses.preview_lists")
    made._kept.clear()
    made._replays.clear()
    assert rows(trained) == one


def test_tenths_sum_to_the_whole(trained: Store) -> None:
    tenths = [row for row in rows(trained, part="reliability") if row["kind"] == "click"]
    whole = next(row for row in rows(trained) if row["region"] is None and row["kind"] == "click")
    assert len(tenths) == 10
    assert sum(row["taken"] * row["pairs"] for row in tenths) == pytest.approx(whole["then_taken"])
    assert sum(row["chance"] * row["pairs"] for row in tenths) == pytest.approx(whole["then_raw"])
    assert [row["chance"] for row in tenths] == sorted(row["chance"] for row in tenths)
    expected = sum(row["expected"] * row["pairs"] for row in tenths)
    assert expected == pytest.approx(whole["then_expected"])
    # What is expected is of the other half of the shoppers, so that it may miss what came; not by much.
    assert expected == pytest.approx(whole["then_taken"], rel=0.25) and expected != whole["then_taken"]


def test_small_regions_are_not_told(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    every = {row["region"] for row in rows(trained)}
    monkeypatch.setattr(Store, "k", 10)
    monkeypatch.setattr("core.recommender.models._open", {})
    found = answer(trained)
    shown = found.table.to_pylist()
    assert {row["region"] for row in shown} < every and "regions are not shown" in " ".join(found.notes)
    assert all(row["drawn"] >= 10 for row in shown)
    hidden = every - {row["region"] for row in shown}
    assert len(hidden) >= 2


def test_a_region_that_the_log_does_not_have_is_said(trained: Store) -> None:
    with pytest.raises(CartscapeError, match="The log has no region 'Flordia'; nearest is Florida"):
        answer(trained, Scope(regions=("Flordia",), compare="off"))


def test_a_cohort_is_its_own_and_that_is_said(trained: Store) -> None:
    found = answer(trained, Scope(devices=("mobile",), compare="off"))
    assert "as it is now" in " ".join(found.notes) and "no experiment" in found.of
    whole = rows(trained)[0]
    assert found.table.to_pylist()[0]["shoppers"] < whole["shoppers"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"part": "all"}, "it takes regions, reliability"),
        ({"b_region": "Atlantis"}, "region='Atlantis'"),
        ({"at": "2025-06-07T25:00"}, "hours go from 00 to 23"),
        ({"b_at": "2025-06-07T25:00"}, "hours go from 00 to 23"),
    ],
)
def test_odd_words_are_a_sentence(trained: Store, words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        rows(trained, None, **words)


def test_a_place_in_the_sea_is_a_note(trained: Store) -> None:
    assert "the place says nothing here" in " ".join(answer(trained, lat="0", lon="-150").notes)


def test_a_path_of_a_and_b_says_nothing_of_a_cohort(trained: Store) -> None:
    assert "the path of A and B are left out" in " ".join(answer(trained, path="click:P1").notes)


def test_chances_that_are_all_alike_are_corrected_together() -> None:
    shoppers, n = 80, 3
    items = np.tile([4, 5, -1], (shoppers, 1))
    chances = np.where(items >= 0, 0.3, 0.0)
    lists = Lists(np.arange(shoppers), np.zeros(shoppers, int), items, chances, np.zeros((shoppers, n)))
    took = np.zeros((shoppers, n))
    took[:40, 0] = 1
    then = Replay(lists, {"click": took, REVENUE: took}, Bootstrap(shoppers, 1), 1)
    assert then.edges("click").size == 0
    assert float(then.factor("click").all[0]) == pytest.approx(40 / (160 * 0.3))
    assert then.fair("click").sum() == pytest.approx(40, rel=0.01)
    assert np.isinf(then.factor(REVENUE).all[0])  # no price is known, and something was paid
    assert replace(then, k=41).few("click") and np.isnan(replace(then, k=41).factor("click").all[0])


def test_draws_keep_what_is_the_same_the_same() -> None:
    values, group = np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1])
    summed = Bootstrap(3, 1).summed(values, group, 2)
    np.testing.assert_array_equal(summed.all, [1, 6, 7])
    np.testing.assert_allclose(summed.drawn[:, :2].sum(axis=1), summed.drawn[:, 2])
    low, high = (summed / summed).interval()
    assert (low[2], high[2]) == (1, 1)
    assert np.isnan(low[0])  # a group that a draw often leaves empty has no interval
