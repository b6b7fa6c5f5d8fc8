"""k-anonymity: nothing small is shown, and nothing small can be had by subtraction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.marts.privacy import coarse, hide_small

COUNTS = arrays(np.int64, array_shapes(max_dims=3, max_side=6), elements=st.integers(0, 40))


@given(COUNTS, st.integers(2, 15))
def test_no_small_group_is_shown(shoppers: np.ndarray, k: int) -> None:
    hidden = hide_small(shoppers, k)
    assert hidden.shape == shoppers.shape
    assert not ((shoppers > 0) & (shoppers < k) & ~hidden).any()
    assert not (hidden & (shoppers == 0)).any()


@given(COUNTS, st.integers(2, 15))
def test_no_line_total_gives_a_group_away(shoppers: np.ndarray, k: int) -> None:
    hidden = hide_small(shoppers, k)
    for axis in range(shoppers.ndim):
        lines = np.moveaxis(shoppers, axis, -1).reshape(-1, shoppers.shape[axis])
        marks = np.moveaxis(hidden, axis, -1).reshape(lines.shape)
        for counts, marked in zip(lines, marks, strict=True):
            if not marked.any() or not (counts > 0)[~marked].any():
                continue  # nothing hidden, or nothing shown to subtract
            assert marked.sum() >= 2
            assert counts[marked].sum() >= k


#: Events of who, at which of 4 × 5 groups.
EVENTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(0, 4)), max_size=60)


@pytest.mark.parametrize("told", [True, False])
@given(events=EVENTS, k=st.integers(2, 8))
def test_no_total_gives_few_away_where_a_shopper_is_in_several_groups(
    events: list[tuple[int, int, int]], k: int, told: bool
) -> None:
    """All events of a line less those of shown groups are of no shopper, or of k distinct ones."""
    of = [[{who for who, *its in events if its == [i, j]} for j in range(5)] for i in range(4)]
    lines = [of, [list(line) for line in zip(*of, strict=True)]]  # along the second axis, and the first
    distinct = [np.array([len(set().union(*line)) for line in its]) for its in reversed(lines)]
    shoppers = np.array([[len(who) for who in line] for line in of])
    hidden = hide_small(shoppers, k, overlapping=True, whole=distinct.__getitem__ if told else None)
    assert not ((shoppers > 0) & (shoppers < k) & ~hidden).any()
    for its, marks in zip(lines, (hidden, hidden.T), strict=True):
        for line, marked in zip(its, marks, strict=True):
            left = set().union(*(who for who, hide in zip(line, marked, strict=True) if hide))
            shown = [who for who, hide in zip(line, marked, strict=True) if who and not hide]
            assert not left or len(left) >= k or not shown


def test_more_is_shown_where_the_distinct_shoppers_of_a_line_are_known() -> None:
    shoppers = np.array([3, 4, 5, 30])
    assert hide_small(shoppers, 10, overlapping=True).all()
    apart = hide_small(shoppers, 10, overlapping=True, whole=[np.array(42)].__getitem__)
    assert apart.tolist() == [True, True, True, False]
    assert hide_small(shoppers, 10, overlapping=True, whole=[np.array(39)].__getitem__).all()


@given(COUNTS)
def test_everything_is_shown_when_one_shopper_is_enough(shoppers: np.ndarray) -> None:
    assert not hide_small(shoppers, 1).any()


def test_the_smallest_neighbour_is_hidden_with_a_lone_small_group() -> None:
    assert hide_small(np.array([3, 50, 12, 20]), 10).tolist() == [True, False, True, False]


def test_a_total_of_too_few_is_hidden() -> None:
    assert hide_small(np.array(4), 10)
    assert not hide_small(np.array(0), 10)


@given(COUNTS, st.integers(2, 15))
def test_what_is_said_of_large_hidden_groups_leaves_room_for_a_group(shoppers: np.ndarray, k: int) -> None:
    hidden = hide_small(shoppers, k)
    about = coarse(shoppers, shoppers, hidden, k)
    told = np.isfinite(about)
    assert not (told & ~hidden).any() and not (told & (shoppers < k)).any()
    assert (np.abs(about[told] - shoppers[told]) <= k).all()
    assert (about[told] % (2 * k) == 0).all(), "a number stands for all within k of it"
