"""The analyses of paths say what plain lists say, and reconcile with the other pages."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from math import erfc, sqrt
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.analyses import ANALYSES
from core.analyses.next_steps import parse_prefix
from core.analyses.proportions import false_discovery, two_shares, wilson
from core.analyses.top_paths import ARROW
from core.errors import WrongCall
from core.paths import open_cohorts, open_cube, open_paths
from core.paths.pattern import whole_pattern
from core.paths.tokens import Naming
from core.scope import Scope
from core.store import Store
from tests.paths import logs

STORES = ["sample", "trivago", "olist"]
WHOLE = Scope(compare="off")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def everything_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "k", 1)


@lru_cache(maxsize=3)
def rows_of(path: Path) -> list[logs.Row]:
    store = Store.open(path)
    return logs.stored_rows(store, open_paths(store))


def told(store: Store, scope: Scope, unit: str, naming: Naming | None = None) -> list[logs.Path]:
    return _told(store.path, open_cube(store).fill(scope), unit, naming or Naming())


@lru_cache(maxsize=2)
def _told(path: Path, scope: Scope, unit: str, naming: Naming) -> list[logs.Path]:
    return logs.told(rows_of(path), scope, naming, unit)


def table(store: Store, name: str, scope: Scope = WHOLE, **options: str | int) -> Any:
    return ANALYSES[name].run(store, scope, **options).table.to_pandas()


def half(store: Store) -> Scope:
    """The second half of the log, so that the first can be compared."""
    cube = open_cube(store)
    days = (cube.last_day - cube.first_day).days + 1
    return Scope(start=cube.last_day - timedelta(days=days // 2 - 1))


def common(store: Store) -> str:
    return Counter(r["event"] for r in rows_of(store.path)).most_common(1)[0][0]


def levels_of(path: logs.Path, anchor: str, at: str, depth: int) -> list[str] | None:
    """Names by level, in the order of the levels; the words for none at both ends."""
    nodes = path.nodes[::-1] if anchor in ("end", "before") else path.nodes
    end = "(start)" if anchor in ("end", "before") else "(end)"
    if anchor in ("start", "end"):
        return (nodes + [end] * depth)[:depth]
    if at not in nodes:
        return None
    first = nodes.index(at)
    after = (nodes[first:] + [end] * depth + [end])[: depth + (anchor == "around")]
    if anchor != "around":
        return after
    return (["(start)"] * depth + nodes[:first])[-depth:] + after


@pytest.mark.usefixtures("everything_shown")
@pytest.mark.parametrize("anchor", ["start", "end", "after", "before", "around"])
@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_flows_and_steps_are_those_of_plain_lists(store: Store, anchor: str, unit: str) -> None:
    at = common(store)
    options: dict[str, Any] = {"unit": unit, "anchor": anchor, "depth": 3, "top": 3}
    if anchor in ("after", "before", "around"):
        options["at"] = at
    got = table(store, "paths", **options)
    paths = [(p, levels_of(p, anchor, at, 3)) for p in told(store, WHOLE, unit)]
    paths = [(p, nodes) for p, nodes in paths if nodes]
    size = len(paths[0][1] or [])
    ends = {"(start)", "(end)"}
    best = []
    for level in range(size):
        counts = Counter(nodes[level] for _, nodes in paths if nodes and nodes[level] not in ends)
        best.append({n for n, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:3]} | ends)
    flow: Counter[tuple[int, str, str]] = Counter()
    who = defaultdict(set)
    for p, nodes in paths:
        assert nodes
        short = [n if n in best[level] else "(other)" for level, n in enumerate(nodes)]
        for level, (source, target) in enumerate(pairwise(short)):
            if not (source in ends and target in ends and source == target):
                flow[level, source, target] += 1
                who[level, source, target].add(p.shopper)
    first = -3 if anchor == "around" else 0
    rows = {(r.level - first, r.source, r.target): r for r in got.itertuples()}
    assert {key: r.paths for key, r in rows.items()} == flow
    assert {key: r.users for key, r in rows.items()} == {key: len(s) for key, s in who.items()}
    assert all(r.share == pytest.approx(r.paths / len(paths)) for r in rows.values())
    if anchor == "start":
        for level in (0, 1):
            its = got[got.level == level]
            stopped = sum(nodes[level] == "(end)" for _, nodes in paths if nodes)
            assert its.paths.sum() + stopped == len(paths)
            assert its.groupby("source").share_of_source.sum().to_numpy() == pytest.approx(1)

    matrix = table(store, "steps", **options)
    assert matrix.groupby("step").share.sum().to_numpy() == pytest.approx(1)
    assert matrix.groupby("step").paths.sum().tolist() == [len(paths)] * size
    assert matrix.step.min() == (-3 if anchor == "around" else 1)
    shown = set(matrix.node) | ends
    at_level: dict[tuple[int, str], list[int]] = defaultdict(list)
    for p, nodes in paths:
        for level, node in enumerate(nodes or []):
            at_level[level, node if node in shown else "(other)"].append(p.shopper)
    for step, node, number, users in matrix[["step", "node", "paths", "users"]].itertuples(index=False):
        level = step + 3 if anchor == "around" else step - 1
        its = at_level[level, node]
        assert (number, users) == (len(its), len(set(its)))


@pytest.mark.usefixtures("everything_shown")
def test_levels_and_transitions_reconcile_with_the_overview(store: Store) -> None:
    for scope in (WHOLE, half(store)):
        overview = table(store, "overview", scope).set_index("measure").value
        for unit, measure in (("shopper", "shoppers"), ("session", "sessions")):
            flow = table(store, "paths", scope, unit=unit)
            assert flow[flow.level == 0].paths.sum() == overview[measure]
            moves = table(store, "transitions", scope, unit=unit)
            inner = moves[(moves.source != "(start)") & (moves.target != "(end)")]
            assert inner["count"].sum() == overview["events"] - overview[measure]
            assert moves[moves.source == "(start)"]["count"].sum() == overview[measure]
            assert moves.groupby("source").share.sum().to_numpy() == pytest.approx(1)
            assert table(store, "top-paths", scope, unit=unit).paths.sum() == overview[measure]


@pytest.mark.usefixtures("everything_shown")
def test_whole_paths_are_those_of_plain_lists(store: Store) -> None:
    naming = Naming(collapse=True)
    paths = told(store, WHOLE, "session", naming)
    by_way = defaultdict(list)
    for p in paths:
        by_way[" → ".join(p.nodes)].append(p)
    got = table(store, "top-paths", unit="session", collapse="yes", top=15)
    assert got.paths.tolist()[:-1] == sorted(map(len, by_way.values()), reverse=True)[:15]
    sells = open_cube(store).has_purchases
    for row in got[got["rank"].notna()].itertuples():
        its = by_way[row.path]
        assert (row.paths, row.shoppers) == (len(its), len({p.shopper for p in its}))
        assert row.seconds == median(p.seconds for p in its)
        assert row.length == len(its[0].nodes)
        if sells:
            assert row.converted == pytest.approx(np.mean([p.bought for p in its]))
    assert got.path.iloc[-1] == "(other)"
    assert got.share.sum() == pytest.approx(1)


def test_what_comes_next_backs_off(sample_store: Store) -> None:
    paths = told(sample_store, WHOLE, "session")
    pairs = Counter(pair for p in paths for pair in pairwise([*p.nodes, "(end)"]))
    after = {t: n for (s, t), n in pairs.items() if s == "cart"}
    whole = sum(after.values())
    prefix = "return->return->return->cart"
    answer = ANALYSES["next"].run(sample_store, WHOLE, prefix=prefix, unit="session", support=30)
    got = answer.table.to_pandas()
    assert dict(zip(got.next, got["count"], strict=True)) == after
    assert (got.used == "cart").all() and (got.length == 1).all()
    assert got.probability.to_numpy() == pytest.approx(got["count"].to_numpy() / whole)
    assert "this is what follows “cart”, its last 1" in answer.notes[0]
    one = stats.binomtest(int(got["count"][0]), whole).proportion_ci(method="wilson")
    assert (got.low[0], got.high[0]) == pytest.approx((one.low, one.high))
    none = ANALYSES["next"].run(sample_store, WHOLE, prefix="unheard of")
    assert none.table["length"].to_pylist()[0] == 0
    assert none.notes[0] == "“unheard of” never happens on these paths."


def test_prefixes_are_read() -> None:
    assert parse_prefix('view -> cart->"a -> b"') == ["view", "cart", "a -> b"]
    assert parse_prefix("") == []
    for text in ("view->", "->view", 'view->"'):
        with pytest.raises(WrongCall, match="cannot be read"):
            parse_prefix(text)


@pytest.mark.usefixtures("everything_shown")
def test_patterns_restrict_every_analysis(sample_store: Store) -> None:
    held = [p for p in told(sample_store, WHOLE, "session") if {"cart", "view"} <= set(p.nodes)]
    held = [p for p in held if "view" in p.nodes[p.nodes.index("cart") :]]
    asked: dict[str, Any] = {"pattern": "cart->.*->view", "unit": "session"}
    assert table(sample_store, "paths", **asked).query("level == 0").paths.sum() == len(held)
    assert table(sample_store, "steps", **asked).query("step == 1").paths.sum() == len(held)
    moves = table(sample_store, "transitions", **asked)
    assert moves[moves.target == "(end)"]["count"].sum() == len(held)
    assert table(sample_store, "top-paths", **asked).paths.sum() == len(held)
    both = table(sample_store, "pattern", **asked)
    assert both.paths.tolist()[0] == len(held)
    assert both.shoppers.tolist()[0] == len({p.shopper for p in held})
    assert both.converted[0] == pytest.approx(np.mean([p.bought for p in held]))
    assert both.share.sum() == pytest.approx(1)


def test_two_groups_are_each_what_they_are_alone(sample_store: Store) -> None:
    scope = half(sample_store)
    before = open_cube(sample_store).fill(scope).compared()
    assert before
    region = next(r["region"] for r in rows_of(sample_store.path) if r["region"])
    there = Scope(start=scope.start, regions=(region,))
    for name, keys in (
        ("paths", ["level", "source", "target"]),
        ("steps", ["step", "node"]),
        ("transitions", ["source", "target"]),
    ):
        options: dict[str, Any] = {"top": 50, "unit": "session"}
        for against, other in (("compared", before), (f'region:"{region}"', there)):
            both = table(sample_store, name, scope, against=against, **options)
            for prefix, its in (("", scope), ("other_", other)):
                alone = table(sample_store, name, its, **options).set_index(keys).share
                got = both.set_index(keys)[f"{prefix}share"]
                assert got[got > 0].to_dict() == pytest.approx(alone.to_dict())
            assert both.difference.to_numpy() == pytest.approx(
                (both.share - both.other_share).to_numpy(), nan_ok=True
            )
            told_p = both.dropna(subset=["p"])
            assert told_p.q.to_numpy() == pytest.approx(stats.false_discovery_control(told_p.p))
            assert (told_p.beyond_chance == (told_p.q < 0.05)).all()


@pytest.mark.usefixtures("everything_shown")
def test_converted_paths_are_held_against_the_others(sample_store: Store) -> None:
    paths = told(sample_store, WHOLE, "session")
    both = table(sample_store, "top-paths", against="converted", unit="session", top=5)
    assert both.paths.sum() == sum(p.bought for p in paths)
    assert both.other_paths.sum() == sum(not p.bought for p in paths)
    assert both.converted[:-1].tolist() == [1] * 5
    first = both.iloc[0]
    a, b = both.paths.sum(), both.other_paths.sum()
    pooled = (first.paths + first.other_paths) / (a + b)
    z = (first.paths / a - first.other_paths / b) / sqrt(pooled * (1 - pooled) * (1 / a + 1 / b))
    assert first.p == pytest.approx(erfc(abs(z) / sqrt(2)))


def test_small_groups_are_hidden(trivago_store: Store) -> None:
    k = trivago_store.k
    assert k > 1
    few = Scope(hours=tuple(f"{day}.12" for day in range(1, 8)), compare="off")
    for name, keys in (("paths", ["level", "source"]), ("transitions", ["source"])):
        answer = ANALYSES[name].run(trivago_store, few, unit="session", top=12)
        got: Any = answer.table.to_pandas()
        users = got.users if name == "paths" else got.shoppers
        assert users.min() >= k
        assert users.isna().any() and got.share.isna().equals(users.isna())
        assert "not shown: they have fewer than" in answer.notes[-1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "k", 1)
            every = table(trivago_store, name, few, unit="session", top=12)
        columns = [*keys, "target"]
        merged = every.merge(got, on=columns, suffixes=("", "_shown"), how="left")
        counted = "users" if name == "paths" else "shoppers"
        for _, line in merged.groupby(keys):  # what is hidden cannot be had from a line's total
            hidden = line[line[f"{counted}_shown"].isna()]
            enough = len(hidden) >= 2 and hidden[counted].sum() >= k
            assert hidden.empty or enough or len(hidden) == len(line)
    whole = ANALYSES["top-paths"].run(trivago_store, WHOLE, unit="session", top=200)
    assert whole.table.to_pandas().shoppers.min() >= k
    one = next(r["region"] for r in rows_of(trivago_store.path))
    small = Scope(regions=(one,), hours=("1.3",))
    for name in ("paths", "steps", "transitions", "top-paths"):
        answer = ANALYSES[name].run(trivago_store, small)
        found: Any = answer.table.to_pandas()
        numbers = (found.users if "users" in found else found.shoppers).dropna()
        assert numbers.empty or numbers.min() >= k


def test_chance_is_that_of_the_books() -> None:
    low, high = wilson(np.array([0.0, 8.0, 5.0]), np.array([10.0, 10.0, 0.0]))
    for n, hits in enumerate((0, 8)):
        want = stats.binomtest(hits, 10).proportion_ci(method="wilson")
        assert (low[n], high[n]) == pytest.approx((want.low, want.high), abs=1e-9)
    assert np.isnan(low[2])
    p = two_shares(*(np.array(n, float) for n in ([30, 5, 0], [100, 5, 0], [20, 7, 0], [120, 7, 9])))
    table_of = [[30, 70], [20, 100]]
    assert p[0] == pytest.approx(stats.chi2_contingency(table_of, correction=False).pvalue)
    assert p[1] == 1 and np.isnan(p[2])
    assert np.isnan(false_discovery(np.array([np.nan, 0.01]))[0])


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("paths", {"nodes": "colour"}, "nodes='colour' is not known"),
        ("paths", {"depth": "11"}, "depth='11' is not known; it takes a number from 2 to 10"),
        ("paths", {"top": "many"}, "top='many' is not known"),
        ("paths", {"anchor": "after"}, "anchor=after needs a node"),
        ("paths", {"anchor": "after", "at": "gone"}, "at='gone' is on no path; the nodes are browse"),
        ("steps", {"unit": "week"}, "unit='week' is not known"),
        ("transitions", {"support": "0"}, "support='0' is not known"),
        ("paths", {"against": "colour:red"}, "against='colour:red' cannot be read from 'colour:red' on"),
        ("paths", {"against": "region"}, "cannot be read"),
        ("top-paths", {"pattern": "a->"}, "after its last sign"),
        ("pattern", {}, "The pattern is empty"),
        ("next", {"prefix": "a->"}, "prefix='a->' cannot be read"),
    ],
)
def test_wrong_calls_are_sentences(
    sample_store: Store, name: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongCall, match=said):
        ANALYSES[name].run(sample_store, WHOLE, **options)


def test_purchases_are_needed_to_set_converted_apart(sample_store: Store) -> None:
    with pytest.raises(WrongCall, match="against=converted needs purchases"):
        ANALYSES["paths"].run(sample_store, Scope(events=("view",)), against="converted")


def test_nothing_to_compare_is_said(sample_store: Store) -> None:
    answer = ANALYSES["paths"].run(sample_store, Scope(), against="compared")
    assert "Nothing is compared" in answer.notes[0]
    assert "other_share" not in answer.table.column_names


def test_everything_hidden_is_an_empty_table(sample_store: Store) -> None:
    for name in ("paths", "steps", "transitions", "top-paths", "next"):
        assert ANALYSES[name].run(sample_store, WHOLE, hide="*").table.num_rows == 0, name


def test_what_comes_next_in_two_groups_is_what_comes_next_in_each(sample_store: Store) -> None:
    scope = Scope.parse({"from": "2025-05-01", "to": "2025-06-15", "region": "Ohio", "compare": "off"})
    asked = {"prefix": "view->cart", "top": "500", "support": "1"}
    both = ANALYSES["next"].run(sample_store, scope, against="region:Texas", **asked).table.to_pylist()
    texas = Scope.parse({"from": "2025-05-01", "to": "2025-06-15", "region": "Texas", "compare": "off"})
    for side, its in (("", scope), ("other_", texas)):
        alone = ANALYSES["next"].run(sample_store, its, **asked).table.to_pylist()
        want = {row["next"]: (row["count"], row["probability"]) for row in alone}
        got = {row["next"]: (row[f"{side}count"], row[f"{side}probability"]) for row in both}
        assert {name: pair for name, pair in got.items() if pair[0]} == {
            name: pair for name, pair in want.items() if pair[0]
        }
    known = [row for row in both if row["difference"] is not None]
    assert known and all(
        row["difference"] == pytest.approx(row["probability"] - row["other_probability"]) for row in known
    )


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_a_whole_path_written_as_a_pattern_is_that_path(sample_store: Store, unit: str) -> None:
    scope = Scope.parse({"from": "2025-05-01", "to": "2025-06-15", "compare": "off"})
    cohorts = open_cohorts(sample_store)
    table = ANALYSES["top-paths"].run(sample_store, scope, unit=unit, top="5").table
    for row in table.to_pylist()[:5]:
        options = {"unit": unit, "pattern": whole_pattern(row["path"].split(ARROW))}
        rule = {"of": "pattern", "scope": scope.words(), "options": options}
        assert cohorts.find(rule).sum() == row["shoppers"]


def test_an_event_is_found_whatever_its_category(sample_store: Store) -> None:
    answer = ANALYSES["paths"].run(sample_store, WHOLE, nodes="category", anchor="after", at="cart", top="50")
    level = [row for row in answer.table.to_pylist() if row["level"] == 0]
    assert level and all(row["source"].startswith(("cart · ", "(other)")) for row in level)
    plain = ANALYSES["paths"].run(sample_store, WHOLE, anchor="after", at="cart")
    assert sum(row["paths"] for row in level) == sum(
        row["paths"] for row in plain.table.to_pylist() if row["level"] == 0
    )
