"""What follows a search, and who looks for what, against going through each session in plain lists."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.paths import PathLog, open_paths
from core.paths.did import times_did
from core.paths.searches import Rows, about, is_search, searches, step_of
from core.scope import Scope
from core.store import Store
from tests.paths.logs import FIRST_DAY, Row, filled, in_order, kept, path_log

QUERIES = (None, "red hat", "Hat red", "boots")
HOURS = tuple(f"1.{h}" for h in range(3))
SCOPES = (
    Scope(), Scope(devices=("mobile",)), Scope(regions=("Ohio",), hours=HOURS),
    Scope(events=("search", "view")), Scope(events=("cart",)),
)  # fmt: skip


def random_rows(seed: int, rows: int, named: bool) -> list[Row]:
    """Sessions that interleave, searches with and without a text or an item; `named`: the event search."""
    rng = random.Random(seed)
    return [
        {
            "shopper": rng.choice("abcd"),
            "session": rng.choice("xyz"),
            "second": n * rng.choice([1, 500]),  # no two events of a session tie
            "event": rng.choice(["search" if named else "look", "view", "cart", "purchase", "sort"]),
            "item": rng.choice([None, None, "i1", "i2"]),
            "query": rng.choice(QUERIES),
            "device": rng.choice([None, "mobile"]),
            "region": rng.choice(["Ohio", "Texas"]),
        }
        for n in rng.sample(range(4 * rows), rows)
    ]


LOGS = st.builds(random_rows, st.integers(0, 2**32), st.integers(1, 120), st.booleans())


def what_became(rows: list[Row]) -> dict[int, tuple[bool, bool]]:
    """Place in the log → whether the search there is followed, and whether a purchase comes after it."""
    has_name = any(r["event"] == "search" and r["query"] for r in rows)
    sessions: dict[tuple[Any, Any], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        sessions[row["shopper"], row["session"]].append(i)
    found = {}
    for its in sessions.values():
        for at, i in enumerate(its):
            if not searched(rows[i], has_name):
                continue
            followed = rows[i]["item"] is not None
            for later in its[at + 1 :]:
                if searched(rows[later], has_name):
                    break
                followed |= rows[later]["item"] is not None
            found[i] = (followed, any(rows[later]["event"] == "purchase" for later in its[at + 1 :]))
    return found


def searched(row: Row, has_name: bool) -> bool:
    return row["query"] is not None and (row["event"] == "search" or not has_name)


@settings(max_examples=150)
@given(LOGS, st.sampled_from(SCOPES))
def test_what_follows_a_search_is_what_its_session_says(rows: list[Row], scope: Scope) -> None:
    log, rows, scope = path_log(rows), in_order(rows), filled(scope)
    want = {i: told for i, told in what_became(rows).items() if kept(rows[i], scope)}
    got = searches(log, scope)
    assert {
        int(event): (bool(state & 1), bool(state & 2))
        for event, state in zip(got.event, got.state, strict=True)
    } == want
    names = sorted({r["shopper"] for r in rows})
    assert [names[u] for u in got.who] == [rows[int(i)]["shopper"] for i in got.event]


@settings(max_examples=80)
@given(LOGS, st.sampled_from(SCOPES))
def test_a_tally_counts_rows_and_shoppers(rows: list[Row], scope: Scope) -> None:
    log, rows = path_log(rows), in_order(rows)
    got = searches(log, filled(scope))
    group = log["query"][got.event].astype(np.int64) - 1  # the first code has none
    tally = got.tally(group, 3)
    for g in range(3):
        its = [(u, s) for u, s, at in zip(got.who, got.state, group, strict=True) if at == g]
        assert [int(counts[g]) for counts in vars(tally).values()] == [
            len(its), sum(bool(s & 1) for _, s in its), sum(bool(s & 2) for _, s in its),
            len({u for u, _ in its}), len({u for u, s in its if s & 1}),
            len({u for u, s in its if not s & 1}), len({u for u, s in its if s & 2}),
        ]  # fmt: skip


@settings(max_examples=80)
@given(
    LOGS,
    st.sampled_from(SCOPES),
    st.sets(st.sampled_from(["i1", "i2"])),
    st.sets(st.sampled_from(QUERIES[1:])),
)
def test_who_is_about_something_is_who_has_an_event_of_it(
    rows: list[Row], scope: Scope, items: set[str], queries: set[str]
) -> None:
    log, rows, scope = path_log(rows), in_order(rows), filled(scope)
    has_name = any(r["event"] == "search" and r["query"] for r in rows)
    want = [
        i for i, r in enumerate(rows)
        if kept(r, scope) and (r["item"] in items or (r["query"] in queries and searched(r, has_name)))
    ]  # fmt: skip
    got = about(log, scope, codes(log.items, items), codes(log.queries, queries))
    assert sorted(got.event.tolist()) == want


def codes(names: np.ndarray, wanted: set[str]) -> np.ndarray:
    return np.flatnonzero(np.isin(names, list(wanted)))


@settings(max_examples=40)
@given(LOGS)
def test_the_step_of_a_query_means_its_searches(rows: list[Row]) -> None:
    log = path_log(rows)
    got = searches(log, filled(Scope()))
    for code, query in enumerate(log.queries):
        if code == log.no_query:
            continue
        mine = log["query"][got.event] == code
        did = times_did(log, filled(Scope()), step_of(log, str(query)))
        assert did.tolist() == np.bincount(got.who[mine], minlength=log.shoppers).tolist()


def test_members_of_a_cohort_alone_are_read() -> None:
    log = path_log(random_rows(3, 100, True))
    log.members = lambda _: np.arange(log.shoppers) == 1
    got = searches(log, filled(Scope()))
    assert set(got.who.tolist()) == {1}
    assert set(about(log, filled(Scope()), codes(log.items, {"i1"}), np.zeros(0, np.int64)).who) == {1}


def test_a_log_without_queries_has_no_searches() -> None:
    log = path_log([{"shopper": "a", "session": "x", "second": 1, "event": "view", "item": "i1"}])
    assert searches(log, filled(Scope())).event.size == 0
    assert searches(log, Scope(start=FIRST_DAY + timedelta(days=3), end=FIRST_DAY)).event.size == 0


@pytest.mark.parametrize(("name", "search"), [("sample", {"search"}), ("trivago", {"search"})])
def test_searches_are_named_so(name: str, search: set[str], request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    paths: PathLog = open_paths(store)
    assert set(paths.kinds[0][is_search(paths)]) == search


def test_rows_can_be_narrowed() -> None:
    rows = Rows(np.arange(3), np.arange(3), np.array([0, 1, 3], np.uint8))
    assert rows.only(rows.followed).event.tolist() == [1, 2]
