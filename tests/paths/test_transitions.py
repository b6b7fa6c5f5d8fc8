"""Transitions and what follows a prefix, against counting neighbours in plain lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths import open_cube, open_paths
from core.paths.sequences import sequences
from core.paths.tokens import Naming
from core.paths.transitions import busiest, following, transitions
from core.paths.walk import Walk
from core.scope import Scope
from core.store import Store
from tests.paths.logs import NAMINGS, SCOPES, filled, in_order, path_log, random_rows, told

LOGS = st.builds(random_rows, st.integers(0, 2**32), st.integers(1, 150))
QUESTIONS = st.tuples(
    st.sampled_from(SCOPES), st.sampled_from(NAMINGS), st.sampled_from(["shopper", "session"])
)


@settings(max_examples=80)
@given(LOGS, QUESTIONS, st.integers(1, 6))
def test_transitions_are_those_of_counting_neighbours(
    rows: list[dict[str, Any]], question: tuple[Scope, Naming, str], most: int
) -> None:
    scope, naming, unit = question
    walk = Walk.of(path_log(rows), filled(scope), naming, unit)
    slots = busiest(walk, most)
    got = transitions(walk, slots)
    place = {str(n): int(s) for n, s in zip(walk.names.labels, slots.of_token, strict=True)}
    times: Counter[tuple[int, int]] = Counter()
    who, which = defaultdict(set), defaultdict(set)
    nodes: Counter[str] = Counter()
    for p in told(in_order(rows), filled(scope), naming, unit):
        nodes.update(p.nodes)
        told_slots = [slots.size, *(place[n] for n in p.nodes), slots.size]
        for pair in pairwise(told_slots):
            times[pair] += 1
            who[pair].add(p.shopper)
            which[pair].add((p.shopper, p.session))
    want = np.zeros((3, slots.size + 1, slots.size + 1), int)
    for pair, n in times.items():
        want[:, *pair] = n, len(who[pair]), len(which[pair])
    assert np.array_equal([got.times, got.shoppers, got.paths], want)
    chosen = {str(n) for n in walk.names.labels[slots.chosen]}
    assert all(nodes[n] >= nodes[other] for n in chosen for other in set(nodes) - chosen)
    assert len(chosen) == min(most, walk.names.labels.size)


@settings(max_examples=80)
@given(LOGS, QUESTIONS, st.lists(st.integers(1, 7), max_size=4))
def test_what_follows_a_prefix_is_what_stands_after_it(
    rows: list[dict[str, Any]], question: tuple[Scope, Naming, str], parts: list[int]
) -> None:
    scope, naming, unit = question
    walk = Walk.of(path_log(rows), filled(scope), naming, unit)
    labels = walk.names.labels
    prefix = [np.arange(labels.size) % 3 == part % 3 for part in parts]
    got = following(walk, prefix)
    asked = [set(labels[part]) for part in prefix]
    want = np.zeros_like(got)
    who = defaultdict(set)
    place = {n: i for i, n in enumerate(labels.tolist())}
    for p in told(in_order(rows), filled(scope), naming, unit):
        for i in range(len(p.nodes)):
            target = place[p.nodes[i + 1]] if i + 1 < len(p.nodes) else labels.size
            for length in range(len(asked) + 1):
                last = p.nodes[max(i + 1 - length, 0) : i + 1]
                tail = asked[len(asked) - length :]
                if len(last) == length and all(n in t for n, t in zip(last, tail, strict=True)):
                    want[0, length, target] += 1
                    who[length, target].add(p.shopper)
    for key, shoppers in who.items():
        want[1, *key] = len(shoppers)
    assert np.array_equal(got, want)


@pytest.mark.parametrize("name", ["sample", "trivago", "olist"])
def test_totals_reconcile(name: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    cube, paths = open_cube(store), open_paths(store)
    scope = cube.fill(Scope(compare="off"))
    whole = cube.ask(scope)
    for unit in ("shopper", "session"):
        walk = Walk.of(paths, scope, unit=unit)
        got = transitions(walk, busiest(walk, 5))
        wholes = {"shopper": whole.shoppers[0], "session": whole.sessions[0]}
        assert got.times[:-1, :-1].sum() == whole.events[0] - wholes[unit]
        assert got.times[-1].sum() == got.times[:, -1].sum() == wholes[unit]
        assert sequences(walk, depth=1).key.size == walk.tally().paths == wholes[unit]
        assert walk.tally().shoppers == whole.shoppers[0]


def test_a_long_prefix_is_a_sentence(sample_store: Store) -> None:
    walk = Walk.of(open_paths(sample_store), open_cube(sample_store).fill(Scope()))
    with pytest.raises(WrongCall, match="20 parts at most, not 21"):
        following(walk, [np.ones(walk.names.labels.size, bool)] * 21)
