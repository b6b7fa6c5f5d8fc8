"""What rows of single paths may tell: no count by it is of fewer than k shoppers, nor what it leaves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.marts.privacy import told_alike


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 3), st.booleans())
def test_whatever_is_counted_is_of_k_shoppers(seed: int, k: int, traits: int, sessions: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(k, 120))
    shoppers = rng.integers(0, n, n) if sessions else rng.permutation(n)
    if np.unique(shoppers).size < k:
        return
    group = np.zeros(n, np.int64)
    rows: list[list[int]] = [[] for _ in range(n)]
    for _ in range(traits):
        values = np.minimum(rng.geometric(rng.uniform(0.2, 0.9), n), 12)
        also = rng.random(n) < 0.2 if rng.random() < 0.3 else None
        if also is not None:
            also = np.isin(values, values[also][:1])
        told, group = told_alike(group, values, shoppers, k, also)
        assert also is None or not told[also].any()
        for row in range(n):
            rows[row].append(int(values[row]) if told[row] else -1)
    # A plain look at the table: every set of rows that tell the same, in any of the traits taken together.
    for kept in range(1, 2**traits):
        chosen = [i for i in range(traits) if kept >> i & 1]
        found: dict[tuple[int, ...], set[int]] = {}
        for its, shopper in zip(rows, shoppers.tolist(), strict=True):
            found.setdefault(tuple(its[i] for i in chosen), set()).add(shopper)
        assert min(map(len, found.values())) >= k
    assert np.unique(group).size == len(set(map(tuple, rows)))


def test_one_outlier_leaves_the_others_told() -> None:
    values = np.array([0] * 100 + [1])
    told, _ = told_alike(np.zeros(101, np.int64), values, np.arange(101), 10)
    assert not told[100] and told.sum() == 90


def test_an_own_log_tells_all() -> None:
    told, group = told_alike(np.zeros(5, np.int64), np.array([0, 1, 2, 2, 0]), np.arange(5), 1)
    assert told.all() and group.tolist() == [0, 1, 2, 2, 0]
