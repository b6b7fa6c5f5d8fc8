"""Funnels against ClickHouse's windowFunnel, shopper by shopper, where both mean the same.

They differ, and the tests keep clear of it: windowFunnel lets one event be two steps that it fits both;
its `strict_order` gives up at the first foreign event and takes a repeated step as progress.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.paths import NOWHERE, PathLog, open_cube, open_paths
from core.paths.match import Funnel, match
from core.paths.steps import Step
from core.scope import Scope
from core.store import Store
from tests import clickhouse
from tests.paths.fakes import random_rows
from tests.paths.logs import in_order, path_log

WINDOWS = (3600, 86_400, 30 * 86_400, 10**9)
FUNNELS = {
    "sample": ("view", "cart", "checkout", "purchase", "review"),
    "trivago": ("search", "view", "click"),
    "olist": ("purchase", "approved", "shipped", "delivered", "review"),
}


def levels(paths: PathLog, scope: Scope, funnel: Funnel) -> dict[int, int]:
    """How far each shopper who entered got, by key."""
    found = match(paths, scope, funnel)
    depth = (found.events != NOWHERE).sum(axis=1)
    return dict(zip(paths["shopper"][found.shopper].tolist(), depth.tolist(), strict=True))


def sql(source: str, events: tuple[str, ...], window: int, mode: str = "", having: str = "1") -> str:
    steps = ", ".join(f"event = '{event}'" for event in events)
    return f"""
        SELECT who, windowFunnel({window}{f", '{mode}'" if mode else ""})(second, {steps}) AS level
        FROM {source} GROUP BY who HAVING level > 0 AND {having}
        SETTINGS output_format_json_quote_64bit_integers = 0
    """


def common_events(store: Store, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted events that the log has, else its most common ones."""
    known = [
        row[0]
        for row in store.cursor()
        .sql("SELECT event FROM log GROUP BY event ORDER BY count(*) DESC, event LIMIT 5")
        .fetchall()
    ]
    there = tuple(e for e in wanted if e in known)
    return there if len(there) > 1 else tuple(known[:3])


@pytest.mark.parametrize("name", FUNNELS)
def test_real_logs_agree_shopper_by_shopper(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    log = store.cursor().sql("SELECT hash(user_id) AS who, epoch(ts)::UBIGINT AS second, event FROM log")
    table = log.to_arrow_table()
    keys = pa.array(table["who"].to_numpy().view(np.int64))  # the sign that a shopper's key has
    pq.write_table(table.set_column(0, "who", keys), tmp_path / "log.parquet")
    paths, scope = open_paths(store), open_cube(store).fill(Scope(compare="off"))
    events = common_events(store, FUNNELS[name])
    steps = tuple(Step(event) for event in events)
    for window in WINDOWS:
        ours = levels(paths, scope, Funnel(steps, window=window))
        theirs = clickhouse.ask(sql(f"file('{tmp_path / 'log.parquet'}', Parquet)", events, window))
        assert ours == {row["who"]: row["level"] for row in theirs}
        assert max(ours.values()) > 1, "a funnel that nobody passes compares nothing"


@pytest.fixture(scope="module")
def random_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[PathLog, str]:
    """Thousands of shoppers with ties, repeats and foreign events, here and as a Parquet file."""
    rng = random.Random(7)
    rows = []
    for i in range(2000):
        rows += [{**r, "shopper": i * 3 + r["shopper"]} for r in random_rows(rng.randrange(2**32), 40)]
    rows = in_order(rows)
    file = tmp_path_factory.mktemp("random") / "log.parquet"
    columns = {"who": [r["shopper"] for r in rows], "event": [r["event"] for r in rows]}
    second = pa.array([r["second"] for r in rows], pa.uint64())
    pq.write_table(pa.table({**columns, "second": second}), file)
    return path_log(rows), f"file('{file}', Parquet)"


@pytest.mark.parametrize("window", [0, 1, 3, 20])
@pytest.mark.parametrize("events", [("a", "b"), ("a", "b", "c"), ("c", "x", "a", "b")])
def test_random_logs_agree(random_log: tuple[PathLog, str], events: tuple[str, ...], window: int) -> None:
    paths, source = random_log
    ours = levels(paths, Scope(), Funnel(tuple(map(Step, events)), window=window))
    if not window:  # ours takes 0 for any time
        window = 10**9
    theirs = {row["who"]: row["level"] for row in clickhouse.ask(sql(source, events, window))}
    assert ours == theirs
    assert len(set(theirs.values())) == len(events)


def test_strict_order_agrees_where_no_step_repeats(random_log: tuple[PathLog, str]) -> None:
    paths, source = random_log
    events = ("a", "b", "c")
    once = " AND ".join([*(f"countIf(event = '{e}') <= 1" for e in events), "uniqExact(second) = count()"])
    theirs = {
        row["who"]: row["level"] for row in clickhouse.ask(sql(source, events, 10**9, "strict_order", once))
    }
    ours = levels(paths, Scope(), Funnel(tuple(map(Step, events)), "strict", entry="first"))
    assert {who: ours[who] for who in theirs} == theirs
    assert len(theirs) > 100 and set(theirs.values()) == {1, 2, 3}
    assert np.isin(list(theirs), paths["shopper"]).all()
