"""What sets a cohort apart, against plain pandas, and without a small group that could be worked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from core.analyses import ANALYSES
from core.errors import CartscapeError
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from tests import oracle

Copied = Callable[[Store], Store]
SPAN = Scope.parse({"from": "2025-05-01", "to": "2025-06-15"})
RULES: dict[str, dict[str, Any]] = {
    "Cart": {"of": "did", "event": "cart"},
    "Mobile": {"of": "did", "event": "view[device=mobile]", "times": 3},
}
TRAITS = ("event", "category", "region", "device", "channel", "weekday", "hour")


@pytest.fixture
def store(sample_store: Store, copied: Copied) -> Store:
    own = copied(sample_store)
    for name, rule in RULES.items():
        open_cohorts(own).save(name, rule)
    return own


def in_pandas(log: pd.DataFrame) -> dict[str, set[int]]:
    """The same cohorts, without the path log."""
    views = log[(log.event == "view") & (log.device == "mobile")].user_id.value_counts()
    return {"Cart": set(log[log.event == "cart"].user_id), "Mobile": set(views[views >= 3].index)}


def asked(store: Store, scope: Scope = SPAN, **options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ANALYSES["cohort"].run(store, scope, **options).table.to_pylist()
    return rows


def test_a_broken_cohort_takes_no_other_with_it(store: Store) -> None:
    store.cohorts.save("Ring", {"rule": {"of": "cohort", "name": "Ring"}, "fixed": False})
    answer = ANALYSES["funnel"].run(store, SPAN, steps="view,cart", by="cohort")
    assert set(answer.table["cohort"].to_pylist()) == {"(everybody)", "Cart", "Mobile"}
    assert any("“Ring” is left out" in note and "refers to itself" in note for note in answer.notes)


def test_the_list_has_sizes_shares_and_rules(store: Store) -> None:
    log = oracle.whole_log(store)
    people, rows = in_pandas(log), {row["name"]: row for row in asked(store)}
    assert set(rows) == set(RULES)
    for name, row in rows.items():
        assert row["shoppers"] == len(people[name])
        assert row["share"] == pytest.approx(len(people[name]) / log.user_id.nunique())
    assert rows["Mobile"]["rule"] == "did view · mobile 3 times or more"


@pytest.mark.parametrize("against", ["", "Mobile"])
def test_shares_of_traits_are_those_of_pandas(store: Store, against: str) -> None:
    log = oracle.whole_log(store)
    people = in_pandas(log)
    part = oracle.within(log, SPAN)
    mine = part[part.user_id.isin(people["Cart"])]
    other = part[part.user_id.isin(people[against]) if against else ~part.user_id.isin(people["Cart"])]
    sizes = [its.user_id.nunique() for its in (mine, other)]
    rows = [row for row in asked(store, name="Cart", against=against) if row["trait"] != "size"]
    assert {row["trait"] for row in rows} == set(TRAITS)
    for trait in TRAITS:
        told = {row["value"]: row for row in rows if row["trait"] == trait}
        have, others = (its.groupby(trait, observed=True).user_id.nunique() for its in (mine, other))
        assert len(told) == len(set(have.index) | set(others.index))
        if trait in ("weekday", "hour"):  # written as a person says them; their order is that of shares
            got = sorted((row["shoppers"], round(row["other_share"], 9)) for row in told.values())
            there = set(have.index) | set(others.index)
            assert got == sorted((have.get(v, 0), round(others.get(v, 0) / sizes[1], 9)) for v in there)
            continue
        for value, row in told.items():
            assert row["shoppers"] == have.get(value, 0)
            assert row["share"] == pytest.approx(have.get(value, 0) / sizes[0])
            assert row["other_share"] == pytest.approx(others.get(value, 0) / sizes[1])
            assert row["difference"] == pytest.approx(row["share"] - row["other_share"])
            assert row["low"] <= row["difference"] <= row["high"]


def test_the_overlap_is_that_of_the_whole_log(store: Store) -> None:
    people = in_pandas(oracle.whole_log(store))
    rows = asked(store, name="Cart", against="Mobile")[:3]
    both = people["Cart"] & people["Mobile"]
    assert [row["shoppers"] for row in rows] == [len(people["Cart"]), len(people["Mobile"]), len(both)]
    assert [row["value"] for row in rows] == ["Cart", "Mobile", "both"]


def test_what_differs_most_comes_first_and_what_may_be_chance_is_told(store: Store) -> None:
    rows = [row for row in asked(store, name="Cart") if row["trait"] != "size"]
    assert rows[0]["value"] == "cart" and rows[0]["share"] > 0.5 and rows[0]["other_share"] == 0
    assert {row["beyond_chance"] for row in rows} == {True, False}
    assert all(row["beyond_chance"] == (row["q"] < 0.05) for row in rows)


def test_a_scope_with_too_few_of_them_is_a_sentence(store: Store) -> None:
    open_cohorts(store).save("Nobody", {"of": "did", "event": "view", "times": 10_000})
    with pytest.raises(CartscapeError, match="“Nobody” has fewer than"):
        asked(store, name="Nobody")


def test_no_small_group_is_shown(trivago_store: Store, copied: Copied) -> None:
    store = copied(trivago_store)
    cohorts, k = open_cohorts(store), store.k
    assert k > 1
    rules: dict[str, dict[str, Any]] = {
        "Some": {"of": "did", "event": "filter"}, "Many": {"of": "did", "event": "click"},
    }  # fmt: skip
    for name, rule in rules.items():
        cohorts.save(name, rule)
    for against in ("", "Many"):
        table = ANALYSES["cohort"].run(store, Scope(), name="Some", against=against).table.to_pandas()
        told = table[table.trait != "size"]
        sizes = [cohorts.members("Some").sum(), cohorts.members(against).sum() if against else None]
        sizes[1] = sizes[1] or cohorts.paths.shoppers - sizes[0]
        assert len(told) > 20
        for column, size in (("share", sizes[0]), ("other_share", sizes[1])):
            people = (told[column].astype(float) * size).round().astype(int)
            assert not ((people > 0) & (people < k)).any()
            assert not ((people > size - k) & (people < size)).any()


def test_an_overlap_that_leaves_a_few_in_one_alone_is_hidden(trivago_store: Store, copied: Copied) -> None:
    store = copied(trivago_store)
    cohorts = open_cohorts(store)
    whole = cohorts.find({"of": "did", "event": "click"})
    users = pd.Index(cohorts.user_ids(whole).to_pylist())
    for name, people in (("All", users), ("All but three", users[3:])):
        table = pa.table({"user_id": people.to_list()})
        body = {"rule": {"of": "did", "event": "click"}, "fixed": True}
        store.cohorts.save(name, body, table=table)
    rows = ANALYSES["cohort"].run(store, Scope(), name="All", against="All but three").table.to_pylist()
    assert [row["shoppers"] for row in rows[:3]] == [len(users), len(users) - 3, None]
