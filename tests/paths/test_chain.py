"""The chain of paths: against an inverted matrix, a simulated walk, and counts by plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.paths import open_cube, open_paths
from core.paths.chain import Chain, Stream
from core.paths.tokens import Naming
from core.paths.transitions import busiest, transitions
from core.paths.walk import Walk
from core.scope import Scope
from core.store import Store

BUY = 3

paths_of_tokens = st.lists(st.lists(st.integers(0, BUY), min_size=1, max_size=9), min_size=1, max_size=12)


def stream_of(paths: list[list[int]]) -> Stream:
    path = np.repeat(np.arange(len(paths)), [len(its) for its in paths])
    token = np.array([one for its in paths for one in its], np.int64)
    return Stream(path, token, path, token == BUY, BUY + 1)


def counted(paths: list[list[int]]) -> np.ndarray:
    """Shares from token to token, to a purchase and to the end, by plain loops: [BUY, BUY + 2]."""
    out = np.zeros((BUY, BUY + 2))
    for its in paths:
        for at, one in enumerate(its):
            if one != BUY:
                out[one, its[at + 1] if at + 1 < len(its) else BUY + 1] += 1
    return np.divide(out, out.sum(axis=1, keepdims=True), out=np.zeros(out.shape), where=out > 0)


@given(paths_of_tokens)
def test_the_chain_is_the_inverse_of_the_counted_matrix(paths: list[list[int]]) -> None:
    chain, share = Chain.of(stream_of(paths)), counted(paths)
    inner, buys = share[:, :BUY], share[:, BUY]
    np.testing.assert_allclose(chain.inner.toarray()[:BUY, :BUY], inner)
    np.testing.assert_allclose(chain.ends[:BUY], share[:, BUY + 1], atol=1e-12)
    fundamental = np.linalg.inv(np.eye(BUY) - inner)
    ever = fundamental @ buys
    np.testing.assert_allclose(chain.ever[:BUY], ever, atol=1e-7)
    met = ever > 1e-9
    np.testing.assert_allclose(chain.steps[:BUY][met], (fundamental @ ever)[met] / ever[met], rtol=1e-5)
    chance = sum((np.linalg.matrix_power(inner, n) @ buys for n in range(4)), np.zeros(BUY))
    np.testing.assert_allclose(chain.within(4)[:BUY], chance, atol=1e-12)


def test_the_chain_is_what_a_simulated_walk_does() -> None:
    paths = [[0, 1, BUY], [0, 1, 2], [0, 2, 1, BUY], [1, 0], [2, 0, 0, 1, BUY], [2, 2], [1, 1, BUY, 0]]
    chain, share = Chain.of(stream_of(paths)), counted(paths)
    rng = np.random.default_rng(5)
    lengths, within = [], 0
    runs = 20_000
    for _ in range(runs):
        at, steps = 0, 0
        while at < BUY:
            at, steps = int(rng.choice(BUY + 2, p=share[at])), steps + 1
        if at == BUY:
            lengths.append(steps)
            within += steps <= 3
    assert len(lengths) / runs == pytest.approx(chain.ever[0], abs=0.02)
    assert np.mean(lengths) == pytest.approx(chain.steps[0], rel=0.03)
    assert within / runs == pytest.approx(chain.within(3)[0], abs=0.02)


@given(paths_of_tokens, st.lists(st.integers(0, BUY - 1), min_size=1, max_size=3), st.integers(1, 6))
def test_counts_are_those_of_plain_loops(paths: list[list[int]], prefix: list[int], most: int) -> None:
    stream = stream_of(paths)
    ends, bought = [], []
    for number, its in enumerate(paths):
        offset = sum(len(one) for one in paths[:number])
        for at in range(len(its)):
            if its[max(at - len(prefix) + 1, 0) : at + 1] == prefix:
                ends.append(offset + at)
                bought.append(BUY in its[at + 1 : at + 1 + most])
    found = stream.ends_of([np.arange(BUY + 1) == part for part in prefix])
    assert found.tolist() == ends
    assert stream.bought_within(found, most).tolist() == bought


@pytest.mark.parametrize("unit", ["shopper", "session"])
@pytest.mark.parametrize("collapse", [False, True])
def test_a_stream_holds_the_transitions_of_its_walk(sample_store: Store, unit: str, collapse: bool) -> None:
    paths, cube = open_paths(sample_store), open_cube(sample_store)
    scope = cube.fill(Scope(devices=("mobile",), compare="off"))
    walk = Walk.of(paths, scope, Naming(collapse=collapse), unit)
    stream = Stream.of(walk)
    size = stream.tokens
    on = np.flatnonzero(stream.follows)
    counts: Any = np.zeros((size, size), np.int64)
    np.add.at(counts, (stream.token[on], stream.token[on + 1]), 1)
    np.testing.assert_array_equal(counts, transitions(walk, busiest(walk, 500)).times[:-1, :-1])
    assert (paths.kinds[0] == "purchase").any() and stream.buys.any()
