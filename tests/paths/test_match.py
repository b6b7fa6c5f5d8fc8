"""Funnels against brute force on random logs, and what each rule means in small."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths.match import Funnel, match, unmet
from core.paths.steps import Exclusion, Step, parse_steps
from core.paths.tokens import Naming
from core.scope import Scope
from tests.paths import brute
from tests.paths.fakes import random_rows, row
from tests.paths.logs import Row, in_order, path_log

LOGS = st.builds(random_rows, st.integers(0, 2**32), st.integers(2, 40))
NARROWED = st.sampled_from([(), (), (), (("category", "Shoes"),), (("device", "mobile"),), (("item", "i1"),)])
STEPS = st.lists(st.builds(Step, st.sampled_from([*"abc", "*"]), NARROWED), min_size=1, max_size=4)


def counted(rows: list[Row], funnel: Funnel, scope: Scope = Scope()) -> list[int]:  # noqa: B008
    return match(path_log(rows), scope, funnel).reached.sum(axis=0).tolist()


@settings(max_examples=400)
@given(
    LOGS, STEPS, st.sampled_from([0, 1, 3, 6]), st.sampled_from(["any", "first"]),
    st.sampled_from(["shopper", "session"]), st.sampled_from(["nothing", "item", "category"]),
    st.lists(st.integers(1, 2), max_size=2), st.booleans(),
)  # fmt: skip
def test_ordered_funnels_equal_brute_force(
    rows: list[Row], steps: list[Step], window: int, entry: str, unit: str, hold: str,
    optional: list[int], exclude: bool,
) -> None:  # fmt: skip
    last = len(steps) - 1
    # Which of several held values counts is decided by time; brute force does not follow that.
    may = hold == "nothing"
    steps = [Step(s.event, s.narrowed, may and i in optional and 0 < i < last) for i, s in enumerate(steps)]
    out = (Exclusion(Step("x"), 0, last),) if exclude and last > 0 and hold == "nothing" else ()
    funnel = Funnel(tuple(steps), "ordered", window, entry, unit, hold, out)
    # "First" asks which of a second's events is the first; the order of ties must not decide that.
    assume(entry == "any" or len({(r["shopper"], r["second"]) for r in rows}) == len(rows))
    want = brute.counts(brute.favourable(rows, funnel), funnel)
    assert counted(rows, funnel) == want


@settings(max_examples=300)
@given(
    LOGS, STEPS, st.sampled_from([0, 1, 3, 6]), st.sampled_from(["any", "first", "start"]),
    st.sampled_from(["shopper", "session"]),
)  # fmt: skip
def test_strict_funnels_equal_brute_force(
    rows: list[Row], steps: list[Step], window: int, entry: str, unit: str
) -> None:
    funnel = Funnel(tuple(steps), "strict", window, entry, unit)
    assert counted(rows, funnel) == brute.counts(in_order(rows), funnel)


@settings(max_examples=200)
@given(
    LOGS,
    st.sampled_from(["ab", "abc", "ca"]),
    st.sampled_from([0, 1, 3, 6]),
    st.sampled_from(["shopper", "session"]),
)
def test_funnels_in_any_order_equal_brute_force(rows: list[Row], events: str, window: int, unit: str) -> None:
    funnel = Funnel(tuple(Step(e) for e in events), "any", window, unit=unit)
    assert counted(rows, funnel) == brute.counts(in_order(rows), funnel)


@settings(max_examples=100)
@given(LOGS, STEPS)
def test_reading_from_the_end_is_reading_the_mirrored_log(rows: list[Row], steps: list[Step]) -> None:
    rows = in_order(rows)
    assume(len({(r["shopper"], r["second"]) for r in rows}) == len(rows))
    latest = max(r["second"] for r in rows)
    mirrored = [{**r, "second": latest - r["second"]} for r in rows]
    backwards = counted(rows, Funnel(tuple(steps), "strict", entry="last"))
    assert backwards[::-1] == counted(mirrored, Funnel(tuple(steps[::-1]), "strict", entry="first"))


@given(LOGS, st.sampled_from(["Ohio", "Utah"]))
def test_a_scope_keeps_its_events_alone(rows: list[Row], region: str) -> None:
    funnel = Funnel(parse_steps("a,b"))
    ordered = brute.favourable(rows, funnel)
    kept = brute.counts(ordered, funnel, lambda r: r["region"] == region)
    assume(any(r["region"] == region for r in rows))
    assert counted(rows, funnel, Scope(regions=(region,))) == kept


def test_a_later_entry_replaces_one_that_the_window_has_left_behind() -> None:
    rows = [row(1, 0, "a"), row(1, 50, "b"), row(1, 90, "a"), row(1, 95, "b"), row(1, 99, "c")]
    assert counted(rows, Funnel(parse_steps("a,b,c"), window=10)) == [1, 1, 1]
    greedy_first = [row(1, 0, "a"), row(1, 5, "a"), row(1, 12, "b")]
    assert counted(greedy_first, Funnel(parse_steps("a,b"), window=10)) == [1, 1]


def test_one_event_is_one_step() -> None:
    assert counted([row(1, 0, "a")], Funnel(parse_steps("a,a"))) == [1, 0]
    assert counted([row(1, 0, "a"), row(1, 0, "a")], Funnel(parse_steps("a,a"))) == [1, 1]


def test_the_counted_path_is_the_first_to_arrive_begun_as_late_as_can_be() -> None:
    rows = [row(1, 0, "a"), row(1, 3, "a"), row(1, 7, "b"), row(1, 8, "a"), row(1, 9, "b")]
    paths = path_log(rows)
    found = match(paths, Scope(), Funnel(parse_steps("a,b")))
    assert paths["second"][found.events[0]].tolist() == [3, 7]


def test_hidden_events_do_not_come_between_and_repeats_collapse() -> None:
    rows = [row(1, i, e) for i, e in enumerate("axab")]
    assert counted(rows, Funnel(parse_steps("a,b"), "strict", entry="first")) == [1, 0]
    told = Naming(hide=("x",), collapse=True)
    assert counted(rows, Funnel(parse_steps("a,b"), "strict", entry="first", naming=told)) == [1, 1]


def test_an_optional_step_may_be_left_out_in_strict_order_too() -> None:
    rows = [row(who, i, e) for who, events in enumerate(("abc", "ac", "axc")) for i, e in enumerate(events)]
    assert counted(rows, Funnel(parse_steps("a,b?,c"), "strict")) == [3, 1, 2]


def test_groups_are_steps() -> None:
    rows = [row(1, i, e) for i, e in enumerate("abc")]
    told = Naming(group=(("/[ab]/", "browse"),), collapse=True)
    assert counted(rows, Funnel(parse_steps("browse,c"), "strict", entry="start", naming=told)) == [1, 1]


def test_an_event_that_is_two_steps_in_any_order_is_a_sentence() -> None:
    with pytest.raises(WrongCall, match="each event must be one step"):
        counted([row(1, 0, "a", category="Shoes")], Funnel(parse_steps("a,a[category=Shoes]"), "any"))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"order": "sideways"}, "order='sideways' is not known"),
        ({"order": "any", "exclusions": (Exclusion(Step("x"), 0, 1),)}, "no between"),
        ({"order": "strict", "exclusions": (Exclusion(Step("x"), 0, 1),)}, "nothing to exclude"),
        ({"order": "any", "entry": "first"}, "begins anywhere"),
        ({"entry": "last"}, "needs order=strict"),
    ],
)
def test_rules_that_do_not_go_together_are_sentences(rules: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongCall, match=words):
        Funnel(parse_steps("a,b"), **rules)


def test_steps_that_never_happen_and_equal_steps_are_said() -> None:
    paths = path_log([row(1, 0, "a", category="Shoes")])
    said = unmet(paths, Funnel(parse_steps("a,nix,a,a[category=Hats]")))
    assert [s[:30] for s in said] == [
        "Step 2 never happens: the log ", "Step 4 never happens: the log ", "Steps 1 and 3 are the same: ea",
    ]  # fmt: skip
