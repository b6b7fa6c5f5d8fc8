"""Sessions against a slow, obvious oracle: one loop over each shopper's events."""

import tempfile
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.store import Store
from tests.store.fakes import TableReader, source_table

#: The turn of a month, so that most examples cross it.
BORDER = datetime(2025, 3, 1)

Event = tuple[str, int, str | None]  # user, minutes from the border, session of the source's own

minutes = st.one_of(st.integers(-95, 95), st.sampled_from([-61, -31, -30, -1, 0, 29, 30, 31, 60]))
events = st.lists(
    st.tuples(st.sampled_from("ab"), minutes, st.sampled_from([None, None, None, "given"])),
    min_size=1,
    max_size=25,
    unique=True,
)


def oracle(log: list[Event]) -> set[frozenset[Event]]:
    """The sessions as sets of events."""
    frame = pd.DataFrame(log, columns=["user", "minute", "session"])
    sessions: list[frozenset[Event]] = []
    for user, own in frame.groupby("user"):
        for name, rows in own[own.session.notna()].groupby("session"):
            sessions.append(frozenset((str(user), int(m), str(name)) for m in rows.minute))
        current: list[Event] = []
        for minute in sorted(own[own.session.isna()].minute.tolist()):
            if current and minute - current[-1][1] > 30:
                sessions.append(frozenset(current))
                current = []
            current.append((str(user), minute, None))
        if current:
            sessions.append(frozenset(current))
    return set(sessions)


def load(store: Store, log: list[Event]) -> None:
    table = source_table(
        ts=[BORDER + timedelta(minutes=m) for _, m, _ in log],
        user_id=[u for u, _, _ in log],
        session_id=[s for _, _, s in log],
        event=[f"{u} {m} {s}" for u, m, s in log],
    )
    store.append(TableReader(table))


def sessions(store: Store) -> set[frozenset[Event]]:
    found = store.cursor().sql("SELECT list(event) FROM events GROUP BY session_id").fetchall()
    return {
        frozenset((u, int(m), None if s == "None" else s) for u, m, s in (e.split() for e in members))
        for (members,) in found
    }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=events, cuts=st.lists(st.integers(0, 25), max_size=2), order=st.randoms(use_true_random=False))
def test_sessions_are_the_oracles_whatever_the_loads(
    log: list[Event], cuts: list[int], order: Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = Store.create(Path(folder, "whole"))
        load(whole, log)
        assert sessions(whole) == oracle(log)
        pieces = Store.create(Path(folder, "pieces"))
        shuffled = order.sample(log, len(log))
        bounds = [0, *sorted(min(c, len(log)) for c in cuts), len(log)]
        for start, stop in pairwise(bounds):
            if start < stop:
                load(pieces, shuffled[start:stop])
        query = "SELECT event, session_id FROM events ORDER BY ALL"
        assert pieces.cursor().sql(query).fetchall() == whole.cursor().sql(query).fetchall()


def test_a_session_runs_on_through_a_month_that_a_later_load_fills(tmp_path: Path) -> None:
    """Loading the end of February must join what is stored of March to it."""
    store = Store.create(tmp_path / "s")
    load(store, [("a", 10, None)])
    alone = store.cursor().sql("SELECT session_id FROM events").fetchall()
    load(store, [("a", -10, None)])
    joined = store.cursor().sql("SELECT DISTINCT session_id FROM events").fetchall()
    assert len(joined) == 1
    assert joined != alone


def test_an_absence_of_exactly_the_gap_does_not_cut(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    load(store, [("a", 0, None), ("a", 30, None), ("a", 61, None)])
    found = store.cursor().sql("SELECT count(*) FROM events GROUP BY session_id ORDER BY 1").fetchall()
    assert found == [(1,), (2,)]
