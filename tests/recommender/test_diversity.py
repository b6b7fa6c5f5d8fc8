"""Diversity of lists against a plain loop over pairs."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.recommender.diversity import CATEGORIES, WORDS, Unlike
from core.store import Store
from tests.analyses import search_oracle

ITEMS = 6
KNOWN = np.array([True, True, True, True, False, True])
CATEGORY = np.array([0, 0, 1, 2, 3, 1])
VECTORS = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0], [0, 0], [1, 0]], np.float32)


def plain(listed: list[int], k: int, words: bool) -> float:
    """The mean over pairs of known items."""
    its = [item for item in listed[:k] if item >= 0 and KNOWN[item]]
    apart = [
        1 - float(VECTORS[a] @ VECTORS[b]) if words else float(CATEGORY[a] != CATEGORY[b])
        for a, b in combinations(its, 2)
    ]
    return sum(apart) / len(apart) if apart else math.nan


@given(
    listed=st.permutations(range(ITEMS)), cut=st.integers(0, ITEMS), k=st.integers(1, 8), words=st.booleans()
)
def test_diversity_is_the_mean_over_pairs(listed: list[int], cut: int, k: int, words: bool) -> None:
    its = [*listed[:cut], *[-1] * (8 - cut)]
    unlike = Unlike(KNOWN, CATEGORY, VECTORS if words else None)
    found = unlike.within(np.array([its, [-1] * 8]), k)
    assert found[0] == pytest.approx(plain(its, k, words), nan_ok=True)
    assert np.isnan(found[1])


def test_it_says_which_of_the_two_it_is(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    by_category = Unlike.of(sample_store)
    assert by_category.words == CATEGORIES and by_category.vectors is None
    with search_oracle.encoded():
        assert Unlike.of(sample_store).words == WORDS
    same: Any = np.flatnonzero(by_category.category == by_category.category[by_category.known][0])[:10]
    assert by_category.within(same[None]).tolist() == [0]
