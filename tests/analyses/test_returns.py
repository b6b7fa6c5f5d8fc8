"""Retention, lifecycle and stickiness say what sets of shoppers say, and give no small group away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.analyses import ANALYSES
from core.analyses.lifecycle import hidden_states
from core.analyses.retention import protect
from core.analyses.stickiness import LEAST_HIDDEN, hidden_counts
from core.errors import WrongCall
from core.paths.periods import Periods
from core.paths.returns import Cohorts
from core.scope import Scope
from core.store import Store
from tests import oracle
from tests.paths import returns_oracle as truth

K = 10


def every(log: pd.DataFrame) -> pd.Series[bool]:
    return pd.Series(True, index=log.index)


@pytest.fixture(params=["sample", "trivago", "olist", "online_retail"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@lru_cache(maxsize=4)
def log_of(path: Path) -> pd.DataFrame:
    return truth.shopper_log(Store.open(path))


def rows_of(store: Store, name: str, scope: Scope, **options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ANALYSES[name].run(store, scope, **options).table.to_pylist()
    return rows


def late(store: Store, days: int = 120) -> Scope:
    first, last = oracle.span(log_of(store.path))
    return Scope(start=max(first, last - timedelta(days=days)), end=last, compare="off")


@pytest.mark.parametrize("mode", ["on", "after"])
def test_retention_is_what_the_sets_say(store: Store, mode: str) -> None:
    scope = late(store)
    want = truth.retention(log_of(store.path), scope, every, every, "week", mode, "first")
    rows = rows_of(store, "retention", scope, mode=mode, periods="30")
    means = {row["period"]: row for row in rows if row["cohort"] is None}
    cells = {(row["cohort"], row["period"]): row for row in rows if row["cohort"]}
    assert set(cells) == {(at, n) for at, (_, came) in want.items() for n in came}
    small = {at for at, (who, _) in want.items() if 0 < len(who) < store.k}
    for (at, n), row in cells.items():
        who, came = want[at][0], want[at][1][n]
        assert row["cohort_shoppers"] in (len(who), None)
        if came is None:
            assert row["returned"] is row["share"] is None
        elif row["returned"] is not None:
            assert row["returned"] == len(came)
            assert not 0 < len(came) < store.k
            assert row["share"] == (pytest.approx(len(came) / len(who)) if who else None)
        else:
            assert store.k > 1
    for n, row in means.items():
        told = [
            at
            for at in want
            if n in want[at][1] and want[at][1][n] is not None and cells[at, n]["cohort_shoppers"] is not None
        ]
        assert not small & set(told)
        if row["share"] is not None:
            base = sum(len(want[at][0]) for at in told)
            back = sum(len(want[at][1][n] or ()) for at in told)
            assert (row["cohort_shoppers"], row["returned"]) == (base, back)
            assert row["share"] == pytest.approx(back / base)


def test_shares_of_the_period_before(sample_store: Store) -> None:
    first, previous = (
        {
            (r["cohort"], r["period"]): r
            for r in rows_of(sample_store, "retention", Scope(), relative=relative)
        }
        for relative in ("first", "previous")
    )
    assert first.keys() == previous.keys()
    for (cohort, n), row in previous.items():
        same = first[cohort, n]
        assert (row["cohort_shoppers"], row["returned"]) == (same["cohort_shoppers"], same["returned"])
        if cohort and n >= 2 and row["share"] is not None:
            assert row["share"] == pytest.approx(row["returned"] / first[cohort, n - 1]["returned"])
        elif n < 2:
            assert row["share"] == same["share"]
    known = [c for c, n in first if c and n == 3 and first[c, 3]["returned"] is not None]
    base = sum(first[c, 2]["returned"] for c in known)
    assert previous[None, 3]["share"] == pytest.approx(previous[None, 3]["returned"] / base)


@pytest.mark.parametrize("by", ["region", "device", "category"])
def test_groups_sum_to_the_whole(sample_store: Store, by: str) -> None:
    whole = rows_of(sample_store, "retention", Scope(), step="month")
    parts = rows_of(sample_store, "retention", Scope(), step="month", by=by)
    for row in whole:
        same = [p for p in parts if (p["cohort"], p["period"]) == (row["cohort"], row["period"])]
        assert sum(p["cohort_shoppers"] or 0 for p in same) == (row["cohort_shoppers"] or 0)
        assert sum(p["returned"] or 0 for p in same) == (row["returned"] or 0)
        assert all((p["returned"] is None) == (row["returned"] is None) for p in same if p["cohort"])


@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_lifecycle_is_what_the_sets_say_and_its_shoppers_the_trend(store: Store, step: str) -> None:
    scope = late(store, 40)
    rows = rows_of(store, "lifecycle", scope, step=step)
    want = truth.lifecycle(log_of(store.path), scope, every, step)
    assert [row["day"] for row in rows] == list(want)
    for row in rows:
        for state, who in want[row["day"]].items():
            assert row[state] in (len(who), None)
            assert row[state] is None or not 0 < row[state] < store.k
        if store.k == 1:
            assert row["new"] + row["returning"] + row["resurrecting"] == row["shoppers"]
            assert row["dormant"] is not None or truth.after(row["day"], step) > scope.end + timedelta(days=1)  # type: ignore[operator]
    if step != "month":
        trend = {row["day"]: row["shoppers"] for row in rows_of(store, "trend", scope, step=step)}
        for row in rows:
            assert trend[row["day"]] is None or row["shoppers"] == trend[row["day"]]


def test_stickiness_is_what_the_sets_say(store: Store) -> None:
    scope = late(store, 40)
    log = log_of(store.path)
    want = truth.activity(log, scope, every, "day")
    shoppers = sum(map(len, want.values()))
    overview = {row["measure"]: row["value"] for row in rows_of(store, "overview", scope)}
    assert overview["shoppers"] == shoppers
    rows = rows_of(store, "stickiness", scope)
    assert [row["active"] for row in rows] == list(range(1, max(want) + 1))
    for row in rows:
        who = want.get(row["active"], set())
        assert row["shoppers"] in (len(who), None)
        assert row["share"] is None or row["share"] == pytest.approx(len(who) / shoppers)
    days = oracle.within(log, scope).groupby("day").shopper.nunique()
    held = (scope.end - scope.start).days + 1  # type: ignore[operator]
    assert rows[0]["ratio"] == pytest.approx(days.sum() / held / shoppers)


def test_events_are_chosen_and_what_the_log_has_not_is_said(sample_store: Store) -> None:
    log = log_of(sample_store.path)
    scope = Scope(start=oracle.span(log)[0], end=oracle.span(log)[1])
    bought = log[log.event == "purchase"].shopper.nunique()
    rows = rows_of(sample_store, "retention", scope, start="purchase", back="view,cart", step="month")
    assert sum(r["cohort_shoppers"] for r in rows if r["cohort"] and r["period"] == 0) == bought
    answer = ANALYSES["retention"].run(sample_store, scope, start="joy")
    assert not answer.table.num_rows
    assert any("no “joy”; it has browse, cart" in note for note in answer.notes)
    narrow = replace(scope, events=("view",))
    assert any(
        "leave out “purchase”" in n
        for n in ANALYSES["lifecycle"].run(sample_store, narrow, event="purchase").notes
    )
    assert not ANALYSES["stickiness"].run(sample_store, narrow, event="purchase").table.num_rows


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("retention", {"relative": "last"}, "relative='last'"),
        ("retention", {"periods": "many"}, "periods='many'"),
        ("retention", {"periods": "0"}, "from 1 to"),
        ("retention", {"by": "planet"}, "by='planet'"),
        ("retention", {"start": "=view"}, "cannot be read"),
        ("retention", {"return": "view"}, "no option 'return'.*start, back, step"),
        ("lifecycle", {"step": "year"}, "step='year'"),
        ("stickiness", {"event": "cart,view?,cart"}, "optional"),
    ],
)
def test_a_wrong_call_is_a_sentence(
    sample_store: Store, name: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(WrongCall, match=words):
        ANALYSES[name].run(sample_store, Scope(), **options)


# -- nothing hidden can be worked out ------------------------------------------------------------


def determined(known: list[np.ndarray], hidden: np.ndarray) -> list[int]:
    """Which hidden numbers the known sums of numbers leave no choice for."""
    if not known:
        return []
    rows = np.array(known, float)
    rank = np.linalg.matrix_rank(rows)
    return [
        i
        for i in np.flatnonzero(hidden).tolist()
        if np.linalg.matrix_rank(np.vstack([rows, np.eye(rows.shape[1])[i]])) == rank
    ]


COUNTS = st.one_of(st.integers(0, 3), st.integers(0, 40))


@settings(max_examples=200)
@given(arrays(np.int64, st.tuples(st.just(4), st.integers(1, 5)), elements=COUNTS))
def test_no_state_that_is_hidden_can_be_worked_out(counts: np.ndarray) -> None:
    hidden = hidden_states(counts, K)
    assert not ((counts > 0) & (counts < K) & ~hidden).any()
    places = np.arange(counts.size).reshape(counts.shape)
    unit = np.eye(counts.size)
    known = [unit[i] for i in places[~hidden]]
    for p in range(counts.shape[1]):
        known += [
            unit[places[states, p]].sum(axis=0)
            for states in ([0, 1, 2], [1, 3])
            if counts[states, p].sum() >= K
        ]
    assert not [i for i in determined(known, hidden.ravel()) if 0 < counts.ravel()[i] < K]


@settings(max_examples=200)
@given(arrays(np.int64, st.integers(1, 8), elements=COUNTS))
def test_neither_shoppers_nor_their_days_give_a_hidden_number_away(counts: np.ndarray) -> None:
    hidden = hidden_counts(counts, K)
    assert not ((counts > 0) & (counts < K) & ~hidden).any()
    left = (counts > 0) & ~hidden
    assert not hidden.any() or hidden.sum() >= LEAST_HIDDEN or not left.any()
    assert not hidden.any() or (counts * hidden).sum() >= K or not left.any()


@st.composite
def triangles(draw: st.DrawFn) -> Cohorts:
    groups, count = draw(st.integers(1, 3)), draw(st.integers(2, 5))
    shoppers = draw(arrays(np.int64, (groups, count), elements=COUNTS))
    shares = draw(arrays(np.float64, (groups, count, count), elements=st.floats(0, 1)))
    returned = np.round(shoppers[:, :, None] * shares).astype(np.int64)
    known = np.arange(count)[:, None] + np.arange(count) < count - draw(st.integers(0, 1))
    weeks = np.datetime64(date(2025, 3, 3)) + 7 * np.arange(count)
    its = Periods("week", weeks, np.zeros(1, np.int32), np.full(count, 7), np.ones(count, bool))
    return Cohorts(tuple("abc"[:groups]), its, shoppers, returned, known)


@settings(max_examples=300)
@given(triangles(), st.sampled_from(["first", "previous"]))
def test_no_return_that_is_hidden_can_be_worked_out(found: Cohorts, relative: str) -> None:
    shown = protect(found, K, relative)
    groups, count, followed = found.returned.shape
    small = np.isnan(shown.shoppers[:, 1:, 0])
    assert not ((found.shoppers > 0) & (found.shoppers < K) & ~small).any()
    told = ~np.isnan(shown.returned)
    cells = told[:, 1:]
    assert not (cells & ~found.known).any()
    assert not (cells & (found.returned > 0) & (found.returned < K)).any()
    counted = found.known & ~small[:, :, None]
    places = np.arange(found.returned.size).reshape(found.returned.shape)
    unit = np.eye(found.returned.size)
    for g in range(groups):
        known = [unit[i] for i in places[g][cells[g]]]
        for n in range(followed):
            if told[g, 0, n]:
                total = (found.returned[g, :, n] * counted[g, :, n]).sum()
                assert shown.returned[g, 0, n] == total
                known.append(unit[places[g, counted[g, :, n], n]].sum(axis=0))
            if relative == "previous" and n >= 2 and not np.isnan(shown.share[g, 0, n]):
                known.append(unit[places[g, counted[g, :, n], n - 1]].sum(axis=0))
            if relative == "previous" and n >= 2:
                ratios = ~np.isnan(shown.share[g, 1:, n]) & (found.returned[g, :, n] > 0)
                known += [unit[i] for i in places[g, ratios, n - 1]]
        hidden = np.zeros(found.returned.shape, bool)
        hidden[g] = counted[g] & ~cells[g] & (found.returned[g] > 0) & (found.returned[g] < K)
        assert determined(known, hidden.ravel()) == []
    # Parts of one cohort: what the groups leave of their sum is of k shoppers or more, or nobody is shown.
    for n in range(followed):
        for c in range(count if groups > 1 else 0):
            gone = ~cells[:, c, n] & (found.returned[:, c, n] > 0)
            others = cells[:, c, n] & (found.returned[:, c, n] > 0)
            if found.known[c, n] and gone.any() and others.any():
                assert gone.sum() > 1
                assert found.returned[gone, c, n].sum() >= K


def test_without_k_nothing_is_hidden() -> None:
    shoppers = np.array([[3, 1]])
    its = Periods(
        "week", np.array(["2025-03-03", "2025-03-10"], "M8[D]"), np.zeros(1, np.int32), np.full(2, 7),
        np.ones(2, bool),
    )  # fmt: skip
    known = np.array([[True, True], [True, False]])
    shown = protect(Cohorts(("",), its, shoppers, np.array([[[3, 1], [1, 0]]]), known), 1, "first")
    assert shown.hidden == 0
    assert shown.returned[0].tolist()[1] == [3, 1]
    assert shown.returned[0, 0].tolist() == [4, 1]
    assert np.isnan(shown.returned[0, 2, 1])
