"""Medians against numpy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.paths.medians import grouped_median, median

VALUES = st.lists(st.integers(0, 2**32 - 1), max_size=40)


@given(VALUES)
def test_median_is_numpys(values: list[int]) -> None:
    found = median(np.array(values, np.uint32))
    assert np.isnan(found) if not values else found == np.median(values)


@given(VALUES, st.integers(1, 4), st.randoms())
def test_each_group_has_its_own(values: list[int], size: int, random: object) -> None:
    groups = np.array([random.randrange(size) for _ in values], np.int64)  # type: ignore[attr-defined]
    found = grouped_median(np.array(values, np.int64), groups, size)
    for group in range(size):
        own = [value for value, its in zip(values, groups, strict=True) if its == group]
        assert np.isnan(found[group]) if not own else found[group] == np.median(own)
