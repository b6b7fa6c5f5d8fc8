"""How steps, exclusions and windows are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths.steps import (
    FIELDS,
    Exclusion,
    Step,
    matching,
    parse_exclusions,
    parse_steps,
    parse_window,
    write_steps,
)

NAMES = st.text(min_size=1, max_size=200).filter(lambda t: t.strip() and t != "*")
ANY_STEPS = st.lists(
    st.builds(Step, NAMES, st.lists(st.tuples(st.sampled_from(FIELDS), NAMES), max_size=2).map(tuple)),
    min_size=1,
    max_size=20,
)


@given(ANY_STEPS)
def test_what_is_written_is_read_back(steps: list[Step]) -> None:
    assert parse_steps(write_steps(tuple(steps))) == tuple(steps)


def test_the_words_of_the_help_are_read() -> None:
    text = 'view[category=Footwear&device=mobile], coupon?, "a, b"[query=*boots*],purchase'
    assert parse_steps(text) == (
        Step("view", (("category", "Footwear"), ("device", "mobile"))),
        Step("coupon", optional=True),
        Step("a, b", (("query", "*boots*"),)),
        Step("purchase"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("view,,cart", "cannot be read"),
        ("view cart[", "a comma between"),
        ("view[planet=Mars]", "not by 'planet'"),
        ("view[category]", "cannot be narrowed by 'category'"),
        ("view?,cart", "cannot be optional"),
        (",".join(["view"] * 21), "20 steps at most, not 21"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(text: str, words: str) -> None:
    with pytest.raises(WrongCall, match=words):
        parse_steps(text)


def test_windows_are_lengths_of_time() -> None:
    assert [parse_window(w) for w in ("90s", "30m", "24h", "7d", "2w", "any", "")] == [
        90, 1800, 86_400, 604_800, 1_209_600, 0, 0,
    ]  # fmt: skip
    with pytest.raises(WrongCall, match="leaves no time"):
        parse_window("0d")
    with pytest.raises(WrongCall, match="no length of time"):
        parse_window("a while")


def test_exclusions_lie_between_steps() -> None:
    assert parse_exclusions("support, x@1-2", 3) == (
        Exclusion(Step("support"), 0, 2),
        Exclusion(Step("x"), 0, 1),
    )
    with pytest.raises(WrongCall, match="names steps that the funnel does not have"):
        parse_exclusions("x@2-9", 3)


def test_a_star_stands_for_letters_and_nothing_else_is_special() -> None:
    labels = np.array(["view", "View item", "a[b]", "what?"], object)
    assert matching(labels, "view*").tolist() == [True, True, False, False]
    assert matching(labels, "a[b]").tolist() == [False, False, True, False]
    assert matching(labels, "what?").tolist() == [False, False, False, True]
    assert matching(labels, "*").all()
