"""Sequences, flows and whole paths: against plain lists on random logs, against `match` everywhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths import PathLog, open_cube, open_paths
from core.paths.match import Funnel, match
from core.paths.sequences import (
    ANCHORS,
    Sequences,
    fingerprints,
    leading,
    levels,
    most_common,
    sequences,
    whole_paths,
)
from core.paths.steps import Step
from core.paths.tokens import Naming
from core.paths.walk import Walk
from core.scope import Scope
from core.store import Store
from tests.paths.logs import NAMINGS, SCOPES, Path, filled, in_order, path_log, random_rows, stored_rows, told

LOGS = st.builds(random_rows, st.integers(0, 2**32), st.integers(1, 150))
QUESTIONS = st.tuples(
    st.sampled_from(SCOPES), st.sampled_from(NAMINGS), st.sampled_from(["shopper", "session"])
)


def level_nodes(path: Path, anchor: str, at: set[str], depth: int) -> list[str | None] | None:
    """The plain truth of one row: a name a level, None where the path has ended."""
    nodes: list[str | None] = list(path.nodes)
    blank: list[str | None] = [None] * (depth + 1)
    if anchor in ("end", "before"):
        nodes = nodes[::-1]
    if anchor in ("after", "before", "around"):
        hits = [i for i, n in enumerate(nodes) if n in at]
        if not hits:
            return None
        if anchor == "around":
            padded = blank + nodes + blank
            first = hits[0] + depth + 1
            return padded[first - depth : first + depth + 1]
        nodes = nodes[hits[0] :]
    return (nodes + blank)[:depth]


def named(found: Sequences, walk: Walk) -> list[list[str | None]]:
    labels = [*walk.names.labels.tolist(), None]
    return [[labels[t] for t in row] for row in found.tokens.tolist()]


def walk_of(log: PathLog, scope: Scope, naming: Naming, unit: str) -> Walk:
    return Walk.of(log, filled(scope), naming, unit)


@settings(max_examples=150)
@given(LOGS, QUESTIONS, st.sampled_from(ANCHORS), st.integers(1, 5), st.integers(0, 10))
def test_every_row_is_that_of_plain_lists(
    rows: list[dict[str, Any]], question: tuple[Scope, Naming, str], anchor: str, depth: int, node: int
) -> None:
    scope, naming, unit = question
    log = path_log(rows)
    walk = walk_of(log, scope, naming, unit)
    labels = walk.names.labels
    at = np.arange(labels.size) % 3 == node % 3
    found = sequences(walk, anchor, at, depth)
    asked = {str(n) for n in labels[at]}
    paths = told(in_order(rows), filled(scope), naming, unit)
    want = [(p, level_nodes(p, anchor, asked, depth)) for p in paths]
    want = [(p, nodes) for p, nodes in want if nodes is not None]
    assert named(found, walk) == [nodes for _, nodes in want]
    assert found.first.tolist() == [p.first for p, _ in want]
    assert found.last.tolist() == [p.last for p, _ in want]
    assert found.length.tolist() == [len(p.nodes) for p, _ in want]
    names = sorted({r["shopper"] for r in rows})
    assert [names[u] for u in found.shopper] == [p.shopper for p, _ in want]
    bought = walk.bought()
    assert bought[found.key].tolist() == [p.bought for p, _ in want]


@settings(max_examples=80)
@given(LOGS, QUESTIONS, st.sampled_from(ANCHORS), st.integers(1, 3))
def test_flows_and_whole_paths_are_those_of_counting(
    rows: list[dict[str, Any]], question: tuple[Scope, Naming, str], anchor: str, top: int
) -> None:
    scope, naming, unit = question
    walk = walk_of(path_log(rows), scope, naming, unit)
    at = np.arange(walk.names.labels.size) % 2 == 0
    found = sequences(walk, anchor, at, depth=4)
    chosen, slot = most_common(found.node_counts(), top)
    counted = found.flows(slot, top + 2)
    quick = levels(walk, anchor, at, depth=4)
    assert np.array_equal(quick.node_counts(), found.node_counts())
    assert np.array_equal(quick.flows(slot, top + 2), counted)
    assert (quick.paths, quick.shoppers) == (found.paths, found.shoppers)
    stood = found.tokens
    for level, its in enumerate(found.node_counts()):
        assert its.tolist() == np.bincount(stood[:, level] % its.size, minlength=its.size).tolist()
    edges: Counter[tuple[int, int, int]] = Counter()
    who = defaultdict(set)
    for path, tokens in zip(found.shopper.tolist(), found.tokens.tolist(), strict=True):
        slots = [int(slot[level, t]) for level, t in enumerate(tokens)]
        for level in range(len(slots)):
            for place in [(level, slots[level], top + 2), (level, slots[level], [*slots, -9][level + 1])]:
                if place[2] != -9:
                    edges[place] += 1
                    who[place].add(path)
    want = np.zeros_like(counted)
    for place, times in edges.items():
        want[0][place], want[1][place] = times, len(who[place])
    assert np.array_equal(counted, want)
    for level in range(len(slot) - 1):
        assert counted[0, level, :, -1].sum() == len(found.key)
        assert np.array_equal(counted[0, level, :, :-1].sum(axis=1), counted[0, level, :, -1])
        assert np.array_equal(counted[0, level, :, :-1].sum(axis=0), counted[0, level + 1, :, -1])
        assert len(chosen[level]) <= top

    every = fingerprints(walk)
    whole = whole_paths(walk, every, leading(every, top), walk.bought())
    paths = told(in_order(rows), filled(scope), naming, unit)
    by_names: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for p in paths:
        by_names[tuple(p.nodes)].append(p)
    assert whole.paths[:-2].tolist() == sorted(map(len, by_names.values()), reverse=True)[:top]
    for n, tokens in enumerate(whole.names):
        its = by_names[tuple(walk.names.labels[tokens])]
        assert whole.paths[n] == len(its)
        assert whole.shoppers[n] == len({p.shopper for p in its})
        assert whole.marked[n] == sum(p.bought for p in its)
        assert whole.median[n] == median(p.seconds for p in its)
    shown = {tuple(walk.names.labels[tokens]) for tokens in whole.names}
    rest = [p for p in paths if tuple(p.nodes) not in shown]
    for column, part in ((-2, rest), (-1, paths)):
        assert whole.paths[column] == len(part)
        assert whole.shoppers[column] == len({p.shopper for p in part})
        assert whole.marked[column] == sum(p.bought for p in part)


def agrees(walk: Walk, anchor: str, at: str, depth: int) -> None:
    """The first nodes of each level are counted by `match` as by the sequences."""
    labels = walk.names.labels
    is_at = walk.names.find(at)
    found = sequences(walk, anchor, is_at, depth)
    lead = Step(at if anchor in ("after", "before") else "*")
    back = anchor in ("end", "before")
    entry = {"start": "start", "end": "last", "after": "first", "before": "last"}[anchor]
    for level in range(1, depth):
        # Which event the last one is cannot be fixed: a funnel's last step looks for one that fits.
        free = level == 1 and (anchor == "end" or is_at.sum() > 1)
        sources = np.zeros(len(found.key), int) if free else found.tokens[:, level - 1]
        targets = found.tokens[:, level]
        ended = (targets < 0).sum()
        for (source, target), paths in Counter(
            zip(sources.tolist(), targets.tolist(), strict=True)
        ).most_common(6):
            if target < 0:
                continue
            steps = [lead, *[Step("*")] * (level - 1), Step(str(labels[target]))]
            if not free and (level > 1 or anchor == "start"):
                steps[level - 1] = Step(str(labels[source]))
            funnel = Funnel(
                tuple(steps[::-1] if back else steps),
                order="strict", entry=entry, unit=walk.unit, naming=walk.naming,
            )  # fmt: skip
            got = match(walk.paths, walk.scope, funnel, walk.names)
            full = got.reached.all(axis=1)
            assert full.sum() == paths, (level, source, target)
            assert np.array_equal(got.shopper[full], found.shopper[(sources == source) & (targets == target)])
        steps = [lead, *[Step("*")] * level]
        funnel = Funnel(
            tuple(steps[::-1] if back else steps),
            order="strict", entry=entry, unit=walk.unit, naming=walk.naming,
        )  # fmt: skip
        got = match(walk.paths, walk.scope, funnel, walk.names)
        assert len(found.key) - ended == got.reached.all(axis=1).sum()


@settings(max_examples=60)
@given(LOGS, QUESTIONS, st.sampled_from(ANCHORS[:4]), st.integers(0, 20))
def test_funnels_in_strict_order_count_the_same_on_random_logs(
    rows: list[dict[str, Any]], question: tuple[Scope, Naming, str], anchor: str, node: int
) -> None:
    scope, naming, unit = question
    walk = walk_of(path_log(rows), scope, naming, unit)
    labels = walk.names.labels
    if labels.size:
        agrees(walk, anchor, str(labels[node % labels.size]), 4)


STORES = ("sample", "trivago", "olist")


@pytest.mark.parametrize("anchor", ANCHORS[:4])
@pytest.mark.parametrize("name", STORES)
def test_funnels_in_strict_order_count_the_same(
    name: str, anchor: str, request: pytest.FixtureRequest
) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    paths, scope = open_paths(store), open_cube(store).fill(Scope(compare="off"))
    for naming in (Naming(), Naming("category", collapse=True)):
        for unit in ("shopper", "session"):
            walk = Walk.of(paths, scope, naming, unit)
            common = sequences(walk, depth=1).tokens[:, 0]
            at = str(walk.names.labels[np.bincount(common).argmax()])
            agrees(walk, anchor, at, 4)


@pytest.mark.parametrize("name", STORES)
def test_paths_of_a_store_are_those_of_its_log(name: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    paths, scope = open_paths(store), open_cube(store).fill(Scope(compare="off"))
    rows = stored_rows(store, paths)
    for naming, unit in ((Naming(), "session"), (Naming("category", collapse=True), "shopper")):
        walk = Walk.of(paths, scope, naming, unit)
        want = told(rows, scope, naming, unit)
        for anchor in ("start", "end"):
            found = sequences(walk, anchor, depth=4)
            assert named(found, walk) == [level_nodes(p, anchor, set(), 4) for p in want]
        assert found.length.tolist() == [len(p.nodes) for p in want]
        assert walk.bought()[found.key].tolist() == [p.bought for p in want]


def test_only_some_paths_can_be_read(sample_store: Store) -> None:
    paths, scope = open_paths(sample_store), open_cube(sample_store).fill(Scope(compare="off"))
    for unit in ("shopper", "session"):
        walk = Walk.of(paths, scope, unit=unit)
        bought = walk.bought()
        every = sequences(walk, depth=3)
        some, others = sequences(walk.only(bought), depth=3), sequences(walk.only(~bought), depth=3)
        assert np.array_equal(some.tokens, every.tokens[bought[every.key]])
        assert some.key.size + others.key.size == every.key.size
        tally = walk.tally(bought)
        assert (tally.paths, tally.marked) == (every.key.size, some.key.size)
        assert tally.marked_shoppers == np.unique(some.shopper).size
        assert tally.shoppers == np.unique(every.shopper).size


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_cohorts_are_kept_to(unit: str) -> None:
    rows = random_rows(5, 120)
    log = path_log(rows)
    members = np.array([True, False, True, False, True])
    every = sequences(walk_of(log, Scope(), Naming(), unit))
    log.members = lambda _: members
    walk = walk_of(log, Scope(), Naming(), unit)
    kept = sequences(walk)
    assert kept.key.tolist() == every.key[members[every.shopper]].tolist()
    bought = walk.bought()
    of_key = dict(zip(every.key.tolist(), members[every.shopper].tolist(), strict=True))
    assert all(of_key[key] for key in np.flatnonzero(bought).tolist())
    assert walk.tally(bought).paths == kept.paths


@given(st.integers(0, 10**6), st.sampled_from(["shopper", "session"]), st.booleans())
@settings(max_examples=15)
def test_whole_paths_are_those_read_one_by_one(seed: int, unit: str, some: bool) -> None:
    """Whole paths are counted and printed in ways of their own; sessions of these logs interleave."""
    log = path_log(random_rows(seed, 80))
    if some:
        members = np.arange(log.shoppers) % 2 == 0
        log.members = lambda _: members
    walk = walk_of(log, Scope(), Naming(), unit)
    one_by_one = walk.only(np.ones(walk.keys, bool))
    assert walk.whole and not one_by_one.whole
    ours, theirs = fingerprints(walk), fingerprints(one_by_one)
    for column in ("shopper", "key", "first", "last", "length", "prints"):
        assert np.array_equal(getattr(ours, column), getattr(theirs, column)), column
    bought = walk.bought()
    assert walk.tally(bought) == one_by_one.tally(bought)


def test_wrong_calls_are_sentences(sample_store: Store) -> None:
    paths, scope = open_paths(sample_store), open_cube(sample_store).fill(Scope())
    with pytest.raises(WrongCall, match="anchor='middle' is not known; it takes start, end"):
        sequences(Walk.of(paths, scope), "middle")
    with pytest.raises(WrongCall, match="anchor=around needs a node"):
        sequences(Walk.of(paths, scope), "around")
    with pytest.raises(WrongCall, match="unit='basket' is not known; it takes shopper, session"):
        Walk.of(paths, scope, unit="basket")
