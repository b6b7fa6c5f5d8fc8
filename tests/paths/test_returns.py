"""Who came back, by the compiled passes and by sets of shoppers in plain Python."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths import PathLog, open_cube, open_paths, returns
from core.paths.lifecycle import STATES, active_for, activity, in_state, lifecycle
from core.paths.marks import parse_events
from core.paths.periods import periods
from core.paths.returns import Retention, cohorts, returned
from core.scope import Scope
from core.store import Store
from tests import oracle
from tests.marts.test_cube import LOGS, SCOPES, random_log, store_of
from tests.paths import returns_oracle as truth

STORES = ["sample", "trivago", "olist", "online_retail"]

#: Events as they are written, and as the oracle tells them.
EVENTS: dict[str, truth.Is] = {
    "*": lambda log: pd.Series(True, index=log.index),
    "view": lambda log: log.event == "view",
    "purchase": lambda log: log.event == "purchase",
    "view,cart": lambda log: log.event.isin(["view", "cart"]),
    "view[category=Shoes],purchase[device=mobile]": lambda log: (
        ((log.event == "view") & (log.category == "Shoes"))
        | ((log.event == "purchase") & (log.device == "mobile"))
    ),
    "*[category=Hats&device=desktop]": lambda log: (log.category == "Hats") & (log.device == "desktop"),
}
ASKED = st.fixed_dictionaries(
    {
        "start": st.sampled_from(list(EVENTS)),
        "back": st.sampled_from(list(EVENTS)),
        "step": st.sampled_from(["day", "week", "month"]),
        "mode": st.sampled_from(["on", "after"]),
        "entry": st.sampled_from(["first", "every"]),
    }
)


def keys(paths: PathLog, numbers: np.ndarray) -> set[int]:
    """Shoppers as the log has them; each must be given once."""
    assert numbers.dtype == np.uint32
    assert np.unique(numbers).size == numbers.size
    return set(paths["shopper"][numbers].tolist())


def check_retention(store: Store, log: pd.DataFrame, scope: Scope, words: dict[str, str], picks: int) -> None:
    paths = open_paths(store)
    asked = Retention(
        parse_events(words["start"], "start"), parse_events(words["back"], "back"),
        words["step"], words["mode"], words["entry"], followed=200,
    )  # fmt: skip
    got = cohorts(paths, scope, asked)
    want = truth.retention(
        log,
        scope,
        EVENTS[words["start"]],
        EVENTS[words["back"]],
        words["step"],
        words["mode"],
        words["entry"],
    )
    assert [at.item() for at in got.periods.starts] == list(want)
    for c, (who, came) in enumerate(want.values()):
        assert got.shoppers[0, c] == len(who)
        for n, back in list(came.items())[: got.known.shape[1]]:
            assert got.known[c, n] == (back is not None)
            if back is not None:
                assert got.returned[0, c, n] == len(back), (c, n, words)
        assert not got.known[c, len(came) :].any()
    rng = np.random.default_rng(0)
    for c in rng.choice(len(want), min(picks, len(want)), replace=False).tolist():
        who, came = list(want.values())[c]
        assert keys(paths, returned(paths, scope, asked, c)) == who
        for n in {0, 1, len(came) - 1} & set(came):
            if came[n] is not None:
                assert keys(paths, returned(paths, scope, asked, c, n)) == came[n]


def check_lifecycle(store: Store, log: pd.DataFrame, scope: Scope, event: str, step: str, picks: int) -> None:
    paths, steps = open_paths(store), parse_events(event, "event")
    got = lifecycle(paths, scope, steps, step)
    want = truth.lifecycle(log, scope, EVENTS[event], step)
    assert [at.item() for at in got.periods.starts] == list(want)
    for p, states in enumerate(want.values()):
        for s, state in enumerate(STATES):
            if state != "dormant" or got.periods.ended[p]:
                assert got.shoppers[s, p] == len(states[state]), (p, state)
                if p % max(len(want) // picks, 1) == 0:
                    assert keys(paths, in_state(paths, scope, state, p, steps, step)) == states[state]
    assert got.from_the_start == (truth.all_periods(scope, step)[:1] == [_first(log, step)])
    often = activity(paths, scope, steps, step)
    by_count = truth.activity(log, scope, EVENTS[event], step)
    for n in range(1, often.periods.count + 1):
        assert often.shoppers[n] == len(by_count.get(n, set()))
    for n in (1, 2):
        if n <= often.periods.count:
            assert keys(paths, active_for(paths, scope, n, steps, step)) == by_count.get(n, set())


def _first(log: pd.DataFrame, step: str) -> date:
    first: date = truth.period(log.day, step).min().date()
    return first


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(LOGS, SCOPES, st.lists(ASKED, min_size=3, max_size=3))
def test_random_logs(rows: list[dict[str, Any]], scope: Scope, several: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(rows, Path(folder) / "log")
        log = truth.shopper_log(store)
        first, last = oracle.span(log)
        try:
            scope = replace(open_cube(store).fill(scope), compare="off")
        except WrongCall:
            reject()
        assert scope.start and scope.end
        scope = replace(scope, start=max(scope.start, first), end=min(scope.end, last))
        assume(scope.start <= scope.end)  # type: ignore[operator]
        for words in several:
            check_retention(store, log, scope, words, 4)
            check_lifecycle(store, log, scope, words["start"], words["step"], 4)


@lru_cache(maxsize=4)
def log_of(path: Path) -> pd.DataFrame:
    return truth.shopper_log(Store.open(path))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def some_scopes(store: Store) -> list[Scope]:
    """The whole log, and a part of it that begins and ends amid weeks and months, by its busiest region."""
    log = log_of(store.path)
    first, last = oracle.span(log)
    third = (last - first) / 3
    region = str(log.region.value_counts().index[0])
    device = str(log.device.value_counts().index[0])
    busy = tuple(f"{day}.{hour}" for day in (1, 3, 5, 6) for hour in range(9, 21))
    return [
        Scope(start=first, end=last),
        Scope(start=first + third, end=last - third, regions=(region,)),
        Scope(start=first + third, end=last, devices=(device,), hours=busy),
    ]


@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_each_log(store: Store, step: str) -> None:
    log = log_of(store.path)
    for number, scope in enumerate(some_scopes(store)):
        assert scope.start and scope.end
        if step == "day":  # the oracle takes its time over many days
            scope = replace(scope, start=max(scope.start, scope.end - timedelta(days=40)))
        mode, entry = ("on", "after")[number % 2], ("first", "every")[number // 2]
        words = {"start": "*", "back": "*", "step": step, "mode": mode, "entry": entry}
        check_retention(store, log, scope, words, 2)
        check_lifecycle(store, log, scope, "*", step, 2)
        check_retention(store, log, scope, {**words, "back": "purchase"}, 1)


@pytest.mark.parametrize(
    ("by", "entry"), [("region", "first"), ("category", "every"), ("device", "first"), ("channel", "every")]
)
def test_cohorts_are_parted_by_the_value_at_their_first_start(store: Store, by: str, entry: str) -> None:
    paths, log = open_paths(store), log_of(store.path)
    scope = some_scopes(store)[0]
    asked = Retention(step="month", entry=entry, by=by)
    whole, parted = cohorts(paths, scope, replace(asked, by="")), cohorts(paths, scope, asked)
    assert np.array_equal(parted.shoppers.sum(axis=0), whole.shoppers[0])
    assert np.array_equal(parted.returned.sum(axis=0), whole.returned[0])
    want = truth.retention(log, scope, EVENTS["*"], EVENTS["*"], "month", "on", entry)
    cohort_of = {at: who for at, (who, _) in want.items()}
    values = truth.first_values(oracle.within(log, scope), cohort_of, "month", by)
    largest = np.argsort(parted.shoppers.sum(axis=1))[-3:]
    for g in largest.tolist():
        for c, at in enumerate(cohort_of):
            members = keys(paths, returned(paths, scope, asked, c, None, parted.groups[g]))
            assert len(members) == parted.shoppers[g, c]
            assert all(parted.groups[g] in values[at, who] for who in members)


def test_the_shoppers_of_a_period_are_those_of_the_overview(store: Store) -> None:
    paths, cube = open_paths(store), open_cube(store)
    for scope in some_scopes(store):
        for step in ("day", "week", "month"):
            states = lifecycle(paths, scope, step=step).shoppers[:3].sum(axis=0)
            shoppers = cube.ask(replace(scope, compare="off"), [step], protect=False).shoppers[0]
            assert np.array_equal(states, shoppers)
        whole = cube.ask(replace(scope, compare="off"), protect=False).shoppers[0]
        assert activity(paths, scope).shoppers[1:].sum() == whole
        assert cohorts(paths, scope, Retention()).shoppers.sum() == whole


def test_members_of_the_scope_alone_are_counted(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = open_paths(sample_store)
    scope = some_scopes(sample_store)[0]
    chosen = np.arange(paths.shoppers) % 3 == 0
    monkeypatch.setattr(paths, "members", lambda _: chosen)
    for c in (0, 5):
        everyone = returned(paths, scope, Retention(), c)
        assert chosen[everyone].all()
    assert cohorts(paths, scope, Retention()).shoppers.sum() == chosen.sum()
    assert lifecycle(paths, scope).shoppers[0].sum() == chosen.sum()
    assert activity(paths, scope).shoppers[1:].sum() == chosen.sum()


def test_periods_know_which_of_them_are_whole(sample_store: Store) -> None:
    paths = open_paths(sample_store)
    weeks = periods(paths, Scope(start=date(2025, 3, 5), end=date(2025, 3, 23)), "week")
    assert [d.item().isoformat() for d in weeks.starts] == ["2025-03-03", "2025-03-10", "2025-03-17"]
    assert weeks.days.tolist() == [5, 7, 7]
    assert weeks.ended.tolist() == [True, True, True]
    cut = periods(paths, Scope(start=date(2025, 3, 5), end=date(2025, 3, 22)), "week")
    assert cut.ended.tolist() == [True, True, False]
    months = periods(paths, Scope(start=date(1990, 1, 1), end=date(2190, 1, 1)), "month")
    assert months.count == 6
    assert months.ended.all()
    assert periods(paths, Scope(start=date(2031, 1, 1), end=date(2031, 2, 1)), "day").count == 0
    assert months.at(date(2025, 2, 1)) == 1
    with pytest.raises(WrongCall, match="No month of the scope begins on 2025-02-02"):
        months.at(date(2025, 2, 2))


def test_dates_beside_the_log_hold_nobody(sample_store: Store) -> None:
    paths, scope = open_paths(sample_store), Scope(start=date(2031, 1, 1), end=date(2031, 2, 1))
    assert cohorts(paths, scope, Retention()).shoppers.size == 0
    assert lifecycle(paths, scope).shoppers.shape == (4, 0)
    assert activity(paths, scope).shoppers[1:].sum() == 0


def test_what_cannot_be_asked_is_a_sentence(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, scope = open_paths(sample_store), some_scopes(sample_store)[0]
    for wrong, words in (
        ({"mode": "never"}, "mode='never' is not known; it takes on, after"),
        ({"entry": "last"}, "entry='last'"),
        ({"by": "planet"}, "region, category, device, channel, or nothing"),
        ({"followed": 0}, "write 1 or more"),
    ):
        with pytest.raises(WrongCall, match=words):
            Retention(**wrong)
    with pytest.raises(WrongCall, match="day, week, month"):
        cohorts(paths, scope, Retention(step="year"))
    monkeypatch.setattr(returns, "MOST_COUNTS", 100)
    with pytest.raises(WrongCall, match="too many counts"):
        cohorts(paths, scope, Retention())
    monkeypatch.undo()
    with pytest.raises(WrongCall, match="no cohort 99"):
        returned(paths, scope, Retention(), 99)
    with pytest.raises(WrongCall, match="before the cohort"):
        returned(paths, scope, Retention(), 0, -1)
    with pytest.raises(WrongCall, match="No region of the scope is called 'Atlantis'"):
        returned(paths, scope, Retention(by="region"), 0, 1, "Atlantis")
    with pytest.raises(WrongCall, match="state='asleep'"):
        in_state(paths, scope, "asleep", 0)
    with pytest.raises(WrongCall, match="no week 99"):
        in_state(paths, scope, "new", 99)
    with pytest.raises(WrongCall, match="nobody is active in 0"):
        active_for(paths, scope, 0)
    with pytest.raises(WrongCall, match="marks an event as optional"):
        parse_events("view,cart?,purchase", "start")


def test_random_logs_hold_hours_that_run_backwards(tmp_path: Path) -> None:
    """A shopper who flies west is seen on the day before she left: the passes must not mind."""
    log = truth.shopper_log(store_of(random_log(3, 400), tmp_path / "log"))
    assert (log.sort_values(["shopper", "ts"]).groupby("shopper").local_ts.diff() < pd.Timedelta(0)).any()
