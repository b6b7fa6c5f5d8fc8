"""Rules hold whatever the ranking, the catalogue and the other rules are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WrongCall
from core.recommender.catalogue import Catalogue
from core.recommender.rule_kinds import Always, AtMost, Boost, Does, InStock, Never, Rule, check, words
from core.recommender.rules import Applied, Moved, TakenOut, apply

TODAY = date(2025, 6, 1)
CATEGORIES, BRANDS = ("Shoes", "Coffee", ""), ("Acme", "Bolt", "")


def catalogue_of(categories: list[str], brands: list[str], in_stock: list[bool] | None = None) -> Catalogue:
    ids = [f"P{code}" for code in range(len(categories))]
    stock = None if in_stock is None else np.array(in_stock, bool)
    return Catalogue(np.array(ids, object), np.array(categories, object), np.array(brands, object), stock)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Rule], np.ndarray, np.ndarray, Catalogue, int]:
    """Rules, a ranking of some of the items, its scores, and a length."""
    size = draw(st.integers(1, 14))

    def each(of: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(of, min_size=size, max_size=size))

    stock = each(st.booleans()) if draw(st.booleans()) else None
    catalogue = catalogue_of(each(st.sampled_from(CATEGORIES)), each(st.sampled_from(BRANDS)), stock)  # type: ignore[arg-type]
    ids = st.sampled_from(catalogue.items.tolist())
    category, brand = st.sampled_from(CATEGORIES[:2]), st.sampled_from(BRANDS[:2])
    factor = st.sampled_from([0.1, 0.5, 1.0, 2.0, 10.0])
    does = st.one_of(
        st.builds(Never, item=ids), st.builds(Never, category=category), st.builds(Never, brand=brand),
        st.builds(Always, ids, st.integers(0, 16)), st.builds(Boost, factor, category=category),
        st.builds(Boost, factor, brand=brand), st.just(InStock()),
        st.builds(AtMost, st.integers(1, 3), st.sampled_from(["brand", "category"])),
    )  # fmt: skip
    rules = [
        Rule(
            f"rule {number}", one, draw(st.sampled_from([True, True, True, False])),
            draw(st.sampled_from(["", "", "Ohio", "Texas"])),
        )
        for number, one in enumerate(draw(st.lists(does, max_size=6)))
    ]  # fmt: skip
    items = draw(st.permutations(range(size)))[: draw(st.integers(0, size))]
    # Apart from each other by what no product of the factors makes up for: no two ever become equal.
    steps = st.lists(st.integers(-9, 9), min_size=len(items), max_size=len(items), unique=True)
    scores = sorted((0.37 * step for step in draw(steps)), reverse=True)
    return rules, np.array(items, np.int64), np.array(scores, float), catalogue, draw(st.integers(1, 15))


def asked(case: tuple[list[Rule], np.ndarray, np.ndarray, Catalogue, int]) -> tuple[Applied, list[Does]]:
    """The list for a shopper in Ohio, and what the rules that hold there do."""
    rules, items, scores, catalogue, n = case
    holding = sorted((r for r in rules if r.on and r.region != "Texas"), key=lambda r: r.name)
    return apply(rules, items, scores, catalogue, when=TODAY, n=n, region="Ohio"), [r.does for r in holding]


def forbidden(code: int, does: list[Does], its: Catalogue) -> bool:
    for one in does:
        if isinstance(one, InStock) and its.in_stock is not None and not its.in_stock[code]:
            return True
        if isinstance(one, Never) and (
            its.items[code] == one.item
            or (one.category and its.category[code] == one.category)
            or (one.brand and its.brand[code] == one.brand)
        ):
            return True
    return False


def too_many(codes: list[int], does: list[Does], its: Catalogue) -> bool:
    for one in does:
        if isinstance(one, AtMost):
            counted = Counter(str(its.of(one.by)[code]) for code in codes)
            counted.pop("", None)
            if any(count > one.n for count in counted.values()):
                return True
    return False


def pins_of(does: list[Does], its: Catalogue, n: int) -> list[tuple[int, int]]:
    """Codes and places to include: each by its first rule, unless forbidden, too many, or without room."""
    found: list[tuple[int, int]] = []
    for one in does:
        if isinstance(one, Always):
            code = its.items.tolist().index(one.item)
            codes = [c for c, _ in found]
            barred = forbidden(code, does, its) or too_many([*codes, code], does, its)
            if code not in codes and not barred and len(found) < n:
                found.append((code, one.place))
    return found


@given(cases())
def test_what_is_forbidden_is_never_shown(case) -> None:
    applied, does = asked(case)
    assert not [code for code in applied.items.tolist() if forbidden(code, does, case[3])]


@given(cases())
def test_no_list_has_more_of_a_brand_than_it_may(case) -> None:
    applied, does = asked(case)
    assert not too_many(applied.items.tolist(), does, case[3])
    assert len(set(applied.items.tolist())) == applied.items.size <= case[4]


@given(cases())
def test_what_is_always_shown_is_shown_where_nothing_forbids_it(case) -> None:
    applied, does = asked(case)
    listed = applied.items.tolist()
    wanted = pins_of(does, case[3], case[4])
    assert {code for code, _ in wanted} <= set(listed)
    places = [place for _, place in wanted if place]
    if len(set(places)) == len(places) and max(places, default=0) <= len(listed):
        assert all(listed[place - 1] == code for code, place in wanted if place)
    refused = {d.item for d in does if isinstance(d, Always)} - {case[3].items[code] for code, _ in wanted}
    for item in refused:
        assert any(f"does not include {item!r}" in note for note in applied.notes)


@given(cases())
def test_the_list_is_the_best_that_the_rules_allow_in_the_order_of_its_scores(case) -> None:
    """Against a slow oracle: rank by score × boosts, go down it, take what may be taken."""
    applied, does = asked(case)
    _, items, scores, its, n = case
    boosted = []
    for code, score in zip(items.tolist(), scores, strict=True):
        for one in does:
            if isinstance(one, Boost) and (its.of("category" if one.category else "brand")[code]) == (
                one.category or one.brand
            ):
                score += math.log(one.factor)
        boosted.append(float(score))
    order = [items.tolist()[i] for i in sorted(range(len(boosted)), key=lambda i: -boosted[i])]
    pins = [code for code, _ in pins_of(does, its, n)]
    taken = list(pins)
    for code in order:
        barred = forbidden(code, does, its) or too_many([*taken, code], does, its)
        if code not in taken and len(taken) < n and not barred:
            taken.append(code)
    assert set(applied.items.tolist()) == set(taken)
    others = [code for code in order if code in taken and code not in pins]
    assert [code for code in applied.items.tolist() if code not in pins] == others
    for code, score in zip(applied.items.tolist(), applied.scores, strict=True):
        if code in order:
            assert score == pytest.approx(boosted[items.tolist().index(code)])
        else:
            assert math.isnan(score)


@given(cases())
def test_without_a_rule_the_list_is_as_it_was(case) -> None:
    rules, items, scores, its, n = case
    for none in ([], [replace(rule, on=False) for rule in rules]):
        applied = apply(none, items, scores, its, when=TODAY, n=n)
        assert applied.items.tolist() == items[:n].tolist()
        assert applied.scores.tolist() == scores[:n].tolist()
        assert (applied.moved, applied.out, applied.notes) == ((), (), ())


@given(cases(), st.randoms())
def test_the_order_in_which_rules_come_says_nothing(case, random) -> None:
    rules, items, scores, its, n = case
    shuffled = list(rules)
    random.shuffle(shuffled)
    one, other = (apply(r, items, scores, its, when=TODAY, n=n, region="Ohio") for r in (rules, shuffled))
    assert one.items.tolist() == other.items.tolist()
    assert (one.moved, one.out, one.notes) == (other.moved, other.out, other.notes)


@given(cases())
def test_moves_and_removals_are_told_as_they_are(case) -> None:
    applied, does = asked(case)
    listed, names = applied.items.tolist(), {rule.name: rule.does for rule in case[0]}
    for move in applied.moved:
        if isinstance(names[move.rule], Always):
            assert listed[move.to - 1] == move.item
        else:
            assert isinstance(names[move.rule], Boost) and move.place != move.to
            assert move.item in listed or move.item in case[1][: case[4]]
            assert move.item not in {taken.item for taken in applied.out}
    for taken in applied.out:
        assert taken.place == case[1].tolist().index(taken.item) + 1
        assert taken.item not in listed and isinstance(names[taken.rule], Never | InStock | AtMost)
    if any(isinstance(one, Boost) for one in does):
        return
    # Taken out is who stands before the last that came in by its rank; all, where the list has room left.
    pins = {code for code, _ in pins_of(does, case[3], case[4])}
    ranked = case[1].tolist()
    came = [at for at, code in enumerate(ranked) if code in listed and code not in pins]
    until = len(ranked) if len(listed) < case[4] else max(came, default=-1)
    assert {t.item for t in applied.out} == set(ranked[:until]) - set(listed)


SHOES = catalogue_of(["Shoes"] * 3 + ["Coffee"] * 3, ["Acme", "Bolt", "Acme", "", "Bolt", "Acme"])
RANKED, SCORES = np.arange(6), np.array([2.0, 1.5, 1.0, 0.5, 0.0, -0.5])


def listed(*does: Does, n: int = 4, its: Catalogue = SHOES) -> Applied:
    rules = [Rule(f"r{number}", one) for number, one in enumerate(does)]
    return apply(rules, RANKED, SCORES, its, when=TODAY, n=n)


def test_a_boost_multiplies_the_odds_and_tells_each_move() -> None:
    applied = listed(Boost(math.e, category="Coffee"))
    assert applied.items.tolist() == [0, 1, 3, 2]
    assert applied.scores.tolist() == pytest.approx([2, 1.5, 1.5, 1.0])
    assert applied.moved == (Moved("r0", 3, 4, 3),)  # an equal stays behind
    lowered = listed(Boost(0.1, brand="Bolt"))
    assert lowered.items.tolist() == [0, 2, 3, 5]
    assert lowered.moved == (Moved("r0", 1, 2, 5),)


def test_what_is_in_the_list_for_a_boost_alone_is_told_though_others_were_kept_out_before_it() -> None:
    applied = listed(Boost(math.e**4, category="Coffee"), Never(item="P3"), n=2)
    assert applied.items.tolist() == [4, 5]
    assert applied.moved == (Moved("r0", 4, 5, 2), Moved("r0", 5, 6, 3))  # P5 came up as P3 may not be shown
    assert applied.out == (TakenOut("r1", 3, 4),)


def test_a_boost_is_not_told_of_what_another_rule_forbids() -> None:
    applied = listed(Boost(0.001, category="Shoes"), Never(item="P0"), n=2)
    assert 0 not in {move.item for move in applied.moved}


def test_a_ranking_that_does_not_follow_its_scores_keeps_its_order() -> None:
    scores = np.array([1.0, 2.0, 0.5, 0.6, 0.1, 0.0])
    rule = Rule("r", Boost(1.01, category="Coffee"))
    assert apply([rule], RANKED, scores, SHOES, when=TODAY, n=6).items.tolist() == [0, 1, 3, 2, 4, 5]


def test_what_is_taken_out_is_told_as_far_as_the_list_goes() -> None:
    applied = listed(Never(category="Shoes"), n=2)
    assert applied.items.tolist() == [3, 4]
    assert applied.out == (TakenOut("r0", 0, 1), TakenOut("r0", 1, 2), TakenOut("r0", 2, 3))
    assert listed(Never(item="P5"), n=4).out == ()  # it would not have been there anyway
    assert listed(AtMost(1), n=3).out == (TakenOut("r0", 2, 3),)
    assert listed(AtMost(1, "category"), n=3).items.tolist() == [0, 3]


def test_places_are_the_lists_places() -> None:
    first = listed(Always("P5", 1), Always("P4", 3))
    assert first.items.tolist() == [5, 0, 4, 1]
    assert first.moved == (Moved("r0", 5, 6, 1), Moved("r1", 4, 5, 3))
    assert listed(Always("P5")).items.tolist() == [0, 1, 2, 5]
    assert listed(Always("P3")).moved == ()  # it is there as it is
    last = listed(Always("P3"), Never(item="P2"), n=3)
    assert (last.items.tolist(), last.moved, last.out) == ([0, 1, 3], (), ())  # P2 had no room beside it
    assert listed(Always("P5"), Always("P4")).items.tolist() == [0, 1, 5, 4]  # behind by their names
    assert listed(Always("P5", 2), Always("P4", 2)).items.tolist() == [0, 5, 4, 1]
    assert listed(Always("P5", 4), Always("P4", 9)).items.tolist() == [0, 1, 4, 5]
    assert listed(Always("P5", 99)).items.tolist() == [0, 1, 2, 5]


def test_who_gives_way_to_whom_is_said() -> None:
    stock = replace(SHOES, in_stock=np.array([True] * 5 + [False]))
    applied = listed(Always("P5", 1), InStock(), its=stock)
    assert 5 not in applied.items
    assert applied.notes == ("'r0' does not include 'P5': 'r1' wins (only what is in stock).",)
    assert listed(Always("P0"), Always("P2"), AtMost(1)).notes == (
        "'r1' does not include 'P2': 'r2' wins (at most 1 of a brand).",
    )
    assert listed(Always("P5", 1), Always("P5", 2)).notes == (
        "'r1' does not include 'P5': 'r0' has placed it.",
    )
    (note,) = listed(Always("P4"), Always("P5"), n=1).notes
    assert note == "'r1' does not include 'P5': the list has only 1, all taken by rules before it."


def test_a_log_without_stock_and_names_that_are_gone_are_notes() -> None:
    applied = listed(InStock(), Never(brand="Gone"), Always("P99", 1))
    assert applied.items.tolist() == [0, 1, 2, 3]
    assert [("table of stock" in n, "brand 'Gone'" in n, "item 'P99'" in n) for n in applied.notes] == [
        (False, True, False), (True, False, False), (False, False, True),
    ]  # fmt: skip


def test_regions_and_days_are_where_a_rule_holds() -> None:
    rule = Rule("r", Never(item="P0"), region="Ohio", start=date(2025, 6, 1), end=date(2025, 6, 2))

    def shown(region: str, day: int) -> bool:
        at = {"region": region, "when": date(2025, 6, 1 + day) if day >= 0 else date(2025, 5, 31)}
        return 0 in apply([rule], RANKED, SCORES, SHOES, n=2, **at).items  # type: ignore[arg-type]

    assert [shown("Ohio", day) for day in (-1, 0, 1, 2)] == [True, False, False, True]
    assert shown("Texas", 0) and shown("", 0)


def test_places_that_hold_no_item_are_passed_over() -> None:
    rule = Rule("r", Boost(2.0, brand="Bolt"))
    items, scores = np.array([0, 1, -1, -1]), np.array([1.0, 0.9, -np.inf, -np.inf])
    for rules in ([], [rule]):
        assert set(apply(rules, items, scores, SHOES, when=TODAY, n=9).items.tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("x", Boost(0.0, brand="Acme")), "factor of 0; it takes one above 0"),
        (Rule("x", Boost(math.nan, brand="Acme")), "factor of nan"),
        (Rule("x", Boost(2.0)), "names nothing; it takes one category or brand"),
        (Rule("x", Never()), "names nothing; it takes one item or category or brand"),
        (Rule("x", Never(item="P1", brand="Acme")), "names item and brand"),
        (Rule("x", Never(item="P9")), "the item 'P9', which this log does not have"),
        (Rule("x", Never(category="Shose")), "the category 'Shose', which"),
        (Rule("x", Boost(2.0, brand="acme")), "the brand 'acme', which"),
        (Rule("x", Always("")), "names nothing; it takes one item"),
        (Rule("x", Always("P1", -1)), "place -1; places begin at 1"),
        (Rule("x", AtMost(0)), "at most 0; it takes 1 or more"),
        (Rule("x", AtMost(1, "colour")), "counts by 'colour'"),
        (Rule("x", InStock(), region="Atlantis"), "the region 'Atlantis', which"),
        (
            Rule("x", InStock(), start=date(2025, 2, 1), end=date(2025, 1, 1)),
            "ends on 2025-01-01, before it starts on 2025-02-01",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(rule: Rule, said: str) -> None:
    with pytest.raises(WrongCall, match="The rule 'x'") as caught:
        check(rule, SHOES, ["Ohio"])
    assert said in str(caught.value)


def test_a_list_of_nothing_is_a_sentence() -> None:
    with pytest.raises(WrongCall, match="1 item or more, not 0"):
        listed(n=0)


@given(cases())
def test_what_is_kept_is_what_was_written(case) -> None:
    for rule in case[0]:
        dated = replace(rule, start=TODAY)
        assert Rule.of_body(dated.name, dated.body()) == dated


def test_rules_are_told_in_words() -> None:
    june = {"region": "Ohio", "start": date(2025, 6, 1), "end": date(2025, 6, 30)}
    assert [
        words(Rule("x", Never(brand="Acme"), **june)),  # type: ignore[arg-type]
        words(Rule("x", Always("P1", 2))),
        words(Rule("x", Boost(0.5, category="Shoes"))),
        words(Rule("x", Boost(3, brand="Acme"))),
        words(Rule("x", AtMost(2, "category"))),
        words(Rule("x", InStock())),
    ] == [
        "never show the brand Acme in Ohio from 2025-06-01 to 2025-06-30",
        "always show the item P1 at place 2",
        "lower the category Shoes: odds × 0.5",
        "raise the brand Acme: odds × 3",
        "at most 2 of a category",
        "only what is in stock",
    ]
