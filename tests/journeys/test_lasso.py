"""A lasso as a word of a link, and what it passes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WrongCall
from core.journeys.lasso import MOST_CORNERS, Lasso

# A link has nine digits of a number, the browser rounds to fewer.
numbers = st.integers(-10_000_000, 10_000_000).map(lambda n: n / 10_000)
polygons = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=60).map(tuple)
views = st.one_of(st.just(()), st.lists(numbers, min_size=16, max_size=16).map(tuple))


@given(polygons, views, st.lists(st.integers(-1, 40)).map(tuple))
def test_a_word_is_read_as_it_was_written(
    polygon: tuple[tuple[float, float], ...], view: tuple[float, ...], without: tuple[int, ...]
) -> None:
    lasso = Lasso(polygon, view, without)
    assert Lasso.parse(lasso.word()) == lasso
    assert set(lasso.word()) <= set("0123456789.-_~e+"), "no letter of it is escaped in a link"


@pytest.mark.parametrize(
    "word",
    ["abc", "1_2_3_4", "1_2_3_4_5", "1_2_3_4_5_nan", "1_2_3_4_5_6~1_2", "1_2_3_4_5_6~~x", "1_2_3_4_5_6~~~",
     "~", "_".join(["1"] * 2 * (MOST_CORNERS + 1))],
)  # fmt: skip
def test_what_is_no_lasso_is_a_sentence(word: str) -> None:
    with pytest.raises(WrongCall, match="A lasso is written as its corners"):
        Lasso.parse(word)
