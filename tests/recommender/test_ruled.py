"""Rules over what the model ranks: the list is the one that going down the whole ranking by hand gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.recommender import features, quick
from core.recommender.catalogue import Catalogue, open_catalogue
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked, last_days
from core.recommender.recommend import recommend
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, AtMost, Boost, Does, InStock, Never, Rule
from core.scope import Scope
from core.store import Store
from tests.recommender.test_rules import forbidden, pins_of, too_many

ALL = 10_000  # more than the sample has items


@pytest.fixture
def book(trained: Store) -> Iterator[RuleBook]:
    """The rules of that copy, none of which outlives its test."""
    found = RuleBook(trained)
    yield found
    for kept in found.all():
        found.delete(kept.rule.name, kept.revision)


@pytest.fixture
def model(trained: Store) -> Model:
    return open_model(trained)


def everything(store: Store, model: Model, asked: Asked) -> tuple[list[int], dict[int, float]]:
    """The whole ranking by hand: what sources propose, then all others that may be shown, by their scores."""
    proposed = recommend(store, model, replace(asked, rules=False, n=ALL))
    with pytest.MonkeyPatch.context() as patch:
        for module in (features, quick):  # whoever proposes, proposes all
            patch.setattr(module, "CANDIDATES", ALL)
        whole = recommend(store, model, replace(asked, rules=False, n=ALL))
    score = dict(zip(whole.items.tolist(), whole.scores.tolist(), strict=True))
    first = proposed.items.tolist()
    return [*first, *(item for item in whole.items.tolist() if item not in set(first))], score


def by_hand(
    ranking: list[int], score: dict[int, float], does: list[Does], its: Catalogue, n: int
) -> list[int]:
    """Items that the list must hold, each kind of rule in its plainest words."""
    worth, least = {}, math.inf
    for item in ranking:
        least = min(least, score[item])
        worth[item] = least
        for one in does:
            if isinstance(one, Boost) and its.of("category" if one.category else "brand")[item] == (
                one.category or one.brand
            ):
                worth[item] += math.log(one.factor)
    taken = [code for code, _ in pins_of(does, its, n)]
    for item in sorted(ranking, key=lambda item: -worth[item]):
        if len(taken) < n and item not in taken and not forbidden(item, does, its):
            taken += [item] * (not too_many([*taken, item], does, its))
    return taken


def cases(its: Catalogue, first: list[int]) -> dict[str, list[Does]]:
    """Rules about what the model ranks first, and about what it ranks nowhere."""
    category, brand = str(its.category[first[0]]), str(its.brand[first[0]])
    rare = str(its.items[max(its.code_of.values())])
    others = sorted(its.values["category"] - {category})
    return {
        "never": [Never(category=category), Never(item=str(its.items[first[1]]))],
        "one a category": [AtMost(1, "category")],
        "one a brand": [AtMost(1)],
        "almost nothing": [Never(category=name) for name in sorted(its.values["category"])[:-1]],
        "raised": [Boost(50.0, category=others[0]), Boost(0.01, brand=brand)],
        "always": [Always(rare, 2), Always(str(its.items[first[0]])), AtMost(1, "category")],
        "all": [Always(rare, 1), Never(brand=brand), Boost(9.0, category=others[1]), AtMost(2), InStock()],
    }


@pytest.mark.parametrize(
    "name", ["never", "one a category", "one a brand", "almost nothing", "raised", "always", "all"]
)
@pytest.mark.parametrize("n", [10, 60])
def test_the_list_is_the_one_that_going_down_the_whole_ranking_gives(
    trained: Store, model: Model, book: RuleBook, name: str, n: int
) -> None:
    asked = Asked(region="Ohio", n=n)
    its = open_catalogue(trained)
    ranking, score = everything(trained, model, asked)
    does = cases(its, ranking)[name]
    for number, one in enumerate(does):
        book.save(Rule(f"rule {number:02}", one))
    found = recommend(trained, model, asked, deep=100)
    wanted = by_hand(ranking, score, does, its, n)
    listed = found.items[: found.listed].tolist()
    assert set(listed) == set(wanted) and len(listed) == len(wanted) == found.listed
    assert not [item for item in found.items.tolist() if forbidden(item, does, its)]
    for item, got in zip(found.items.tolist(), found.scores.tolist(), strict=True):
        if item in score:  # the model's, whatever rules did
            assert got == pytest.approx(score[item], abs=1e-5)
    np.testing.assert_allclose(found.chances, 1 / (1 + np.exp(-found.scores)))


def test_a_rule_about_something_else_changes_nothing(trained: Store, model: Model, book: RuleBook) -> None:
    plain = recommend(trained, model, Asked(n=20), deep=100)
    its = open_catalogue(trained)
    last = str(its.items[everything(trained, model, Asked())[0][-1]])
    book.save(Rule("far away", Never(item=last)))
    found = recommend(trained, model, Asked(n=20), deep=100)
    assert found.items.tolist() == plain.items.tolist() and found.notes == plain.notes
    assert found.ruled.effects == ()


def test_effects_are_told_in_columns_and_sentences(trained: Store, model: Model, book: RuleBook) -> None:
    its = open_catalogue(trained)
    first = recommend(trained, model, Asked()).items.tolist()
    rare, gone = str(its.items[max(its.code_of.values())]), str(its.items[first[2]])
    book.save(Rule("gone", Never(item=gone)))
    book.save(Rule("pinned", Always(rare, 1)))
    answer = ANALYSES["recommended"].run(trained, Scope())
    told = {row["item_id"]: row["rule"] for row in answer.table.to_pylist()}
    assert next(iter(told.items())) == (rare, "put in by 'pinned'")
    assert gone not in told and sum(rule is not None for rule in told.values()) == 1
    assert f"The rule 'gone' (never show the item {gone}) kept out 1 item." in answer.notes
    assert any(
        note.startswith("The rule 'pinned'") and note.endswith("put in 1 item.") for note in answer.notes
    )

    beside = ANALYSES["what-if"].run(trained, Scope(), rules="off", b_rules="on")
    rows = {row["item_id"]: row for row in beside.table.to_pylist()}
    assert rows[gone]["rule_a"] is None and rows[gone]["rule_b"] == "kept out by 'gone'"
    assert (rows[gone]["place_a"], rows[gone]["place_b"]) == (3, None)
    assert rows[rare]["place_b"] == 1 and rows[rare]["rule_b"] == "put in by 'pinned'"
    assert "B differs in rules" in beside.of

    effects = ANALYSES["rule-effects"].run(trained, Scope(), rules="off", b_rules="on").table.to_pylist()
    assert [(r["list"], r["rule"], r["did"], r["item_id"], r["place"], r["to"]) for r in effects] == [
        ("B", "pinned", "put in", rare, effects[0]["place"], 1), ("B", "gone", "kept out", gone, 3, None),
    ]  # fmt: skip
    assert {r["list"] for r in ANALYSES["rule-effects"].run(trained, Scope()).table.to_pylist()} == {"A"}


def test_rules_off_is_what_the_model_alone_says(trained: Store, model: Model, book: RuleBook) -> None:
    plain = recommend(trained, model, Asked(n=30))
    book.save(Rule("few", AtMost(1, "category")))
    assert recommend(trained, model, Asked(n=30)).items.tolist() != plain.items.tolist()
    off = recommend(trained, model, Asked(n=30, rules=False))
    assert off.items.tolist() == plain.items.tolist()
    assert off.notes == ("Rules are off here: 1 of this log is left out.",)
    with pytest.raises(WrongCall, match="rules='maybe' is not known; it takes on or off"):
        ANALYSES["recommended"].run(trained, Scope(), rules="maybe")


def test_where_and_when_are_those_that_are_asked_for(trained: Store, model: Model, book: RuleBook) -> None:
    its = open_catalogue(trained)
    first = recommend(trained, model, Asked()).items.tolist()[0]
    june = {"start": date(2025, 6, 1), "end": date(2025, 6, 30)}  # the log ends on the 30th
    book.save(Rule("x", Never(item=str(its.items[first])), region="Ohio", **june))  # type: ignore[arg-type]

    def shown(**words: str) -> bool:
        found = recommend(trained, model, Asked.read(words | {"n": "100"}), deep=100)
        return first in found.items

    assert not shown(region="Ohio") and not shown(region="Ohio", at="2025-06-01T10:00")
    assert not shown(lat="39.96", lon="-83.0")  # Columbus
    assert shown() and shown(region="Texas") and shown(region="Ohio", at="2025-07-01T10:00")
    notes = recommend(trained, model, Asked(region="Texas")).notes
    assert notes == ("1 rule does not hold in Texas on 2025-06-30: 'x'.",)


def test_stock_is_that_of_the_day(trained: Store, model: Model, book: RuleBook) -> None:
    """The best-selling coffee is out of stock from 17 March to 4 April (a story of the sample)."""
    book.save(Rule("stock", InStock()))
    book.save(Rule("coffee", Always("P10017", 1)))
    coffee = model.codes["P10017"]
    assert recommend(trained, model, Asked()).items[0] == coffee
    then = recommend(trained, model, Asked(at="2025-03-25T10:00"), deep=100)
    assert coffee not in then.items
    assert "'coffee' does not include 'P10017': 'stock' wins (only what is in stock)." in then.notes


def test_what_is_sold_out_here_is_not_put_in(trained: Store, model: Model, book: RuleBook) -> None:
    first = ANALYSES["recommended"].run(trained, Scope()).table["item_id"][0].as_py()
    book.save(Rule("pinned", Always(first, 1)))
    found = recommend(trained, model, Asked(out_of_stock=(first,)), deep=100)
    assert model.codes[first] not in found.items
    assert f"'pinned' does not include {first!r}, which is sold out here." in found.notes


def test_a_list_that_rules_leave_empty_or_short_is_a_sentence(
    trained: Store, book: RuleBook, capsys: pytest.CaptureFixture[str]
) -> None:
    categories = sorted(open_catalogue(trained).values["category"])
    book.save(Rule("only two", AtMost(1, "category")))
    for name in categories[2:]:
        book.save(Rule(f"no {name}", Never(category=name)))
    short = ANALYSES["recommended"].run(trained, Scope())
    assert short.table.num_rows == 2 and "The rules leave only 2 of 10 items." in short.notes
    for name in categories[:2]:
        book.save(Rule(f"no {name}", Never(category=name)))
    with pytest.raises(
        CartscapeError, match=r"^The rules leave nothing to show: .* keeps out .*rules=off\.$"
    ):
        ANALYSES["recommended"].run(trained, Scope())
    assert main(["recommend", "--store", str(trained.path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("The rules leave nothing to show")
    assert main(["recommend", "--store", str(trained.path), "--rules", "off"]) == 0


def test_hours_to_choose_from_are_of_the_logs_last_days() -> None:
    for last in (date(2025, 6, 30), date(2025, 6, 28), date(2025, 6, 27)):
        found = last_days(last)
        for name, weekend in (("Working day", False), ("Weekend", True)):
            assert (found[name].isoweekday() > 5) == weekend
            assert 0 <= (last - found[name]).days < 7
        assert last in found.values()
