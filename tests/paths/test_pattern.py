"""Patterns of paths against Python's own regular expressions, one character a name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.paths import open_cube, open_paths
from core.paths.pattern import Automaton, Element, Pattern, matching_paths
from core.paths.sequences import sequences
from core.paths.tokens import Naming
from core.paths.walk import Walk
from core.scope import Scope
from core.store import Store
from tests.paths.logs import NAMINGS, SCOPES, filled, in_order, path_log, random_rows, told

NAMES = ("view", "cart", "purchase", "search", "i1", "*s*")


def element(names: tuple[str, ...], negated: bool, least: int, more: int | None) -> Element:
    most = None if more is None else max(least + more, 1)
    return Element(names, negated and bool(names), least, most)


ELEMENTS = st.builds(
    element,
    st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple),
    st.booleans(),
    st.integers(0, 2),
    st.sampled_from([None, 0, 1, 3]),
)
PATTERNS = st.builds(
    Pattern, st.lists(ELEMENTS, min_size=1, max_size=5).map(tuple), st.booleans(), st.booleans()
)


def as_text(pattern: Pattern) -> str:
    parts = []
    for e in pattern.elements:
        inner = "|".join(f'"{n}"' for n in e.names)
        part = f"[{'^' if e.negated else ''}{inner}]" if e.names else "."
        parts.append(part + f"{{{e.least},{'' if e.most is None else e.most}}}")
    return ("^" if pattern.from_start else "") + " -> ".join(parts) + ("$" if pattern.to_end else "")


def named(name: str, labels: list[str]) -> list[str]:
    """The labels that a name means; an event that none is called means it with any category."""

    def fit(written: str) -> list[str]:
        return [n for n in labels if n == written or re.fullmatch(written.replace("*", ".*"), n)]

    return fit(name) or fit(f"{name} · *")


def as_regex(pattern: Pattern, labels: list[str]) -> re.Pattern[str]:
    out = "^" if pattern.from_start else ""
    for e in pattern.elements:
        hits = [n for a in e.names for n in named(a, labels)]
        if not e.names:
            hits = labels
        elif e.negated:
            hits = [n for n in labels if n not in hits]
        signs = "".join(re.escape(chr(65 + labels.index(n))) for n in dict.fromkeys(hits))
        out += f"[{signs}]" if signs else "(?:(?!)x)"
        out += f"{{{e.least},{'' if e.most is None else e.most}}}"
    return re.compile(out + ("$" if pattern.to_end else ""))


@settings(max_examples=200)
@given(
    st.builds(random_rows, st.integers(0, 2**32), st.integers(1, 120)),
    st.sampled_from(SCOPES), st.sampled_from(NAMINGS), st.sampled_from(["shopper", "session"]), PATTERNS,
)  # fmt: skip
def test_patterns_find_what_regular_expressions_find(
    rows: list[dict[str, Any]], scope: Scope, naming: Naming, unit: str, pattern: Pattern
) -> None:
    walk = Walk.of(path_log(rows), filled(scope), naming, unit)
    labels = walk.names.labels.tolist()
    found = matching_paths(walk, pattern)
    paths = told(in_order(rows), filled(scope), naming, unit)
    regex = as_regex(pattern, labels)
    want = [bool(regex.search("".join(chr(65 + labels.index(n)) for n in p.nodes))) for p in paths]
    every = sequences(walk, depth=1)
    assert found[every.key].tolist() == want
    assert found.sum() == sum(want)


@given(PATTERNS)
def test_a_pattern_is_read_as_it_is_written(pattern: Pattern) -> None:
    assert Pattern.parse(as_text(pattern)) == pattern


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("cart->[^support]*->purchase",
         [Element(("cart",)), Element(("support",), True, 0, None), Element(("purchase",))]),
        (" view · Shoes & Hats+ -> . ", [Element(("view · Shoes & Hats",), False, 1, None), Element(())]),
        ("pay*ed?", [Element(("pay*ed",), False, 0, 1)]),
        ("[pay* | \"a|b\" ]{2}", [Element(("pay*", "a|b"), False, 2, 2)]),
        ("\"a -> \\\"b\\\"\" {2,}", [Element(('a -> "b"',), False, 2, None)]),
        ("a$b->(none){0,3}", [Element(("a$b",)), Element(("(none)",), False, 0, 3)]),
    ],
)  # fmt: skip
def test_elements_are_read(text: str, elements: list[Element]) -> None:
    assert Pattern.parse(text) == Pattern(tuple(elements))


def test_anchors_are_read() -> None:
    assert Pattern.parse("^a->b$") == Pattern((Element(("a",)), Element(("b",))), True, True)
    assert Pattern.parse("^[^a]*$") == Pattern((Element(("a",), True, 0, None),), True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The pattern is empty"),
        ("->a", r"from '->a' on \(sign 1\): an element is a name"),
        ("a->", "after its last sign: an element is a name"),
        ("a->->b", r"from '->b' on \(sign 4\)"),
        ("a b]", r"from '\]' on \(sign 4\): put -> between"),
        ("[a", r"\(sign 2\): brackets hold names"),
        ("a|b", "put -> between two elements"),
        ("*", "an element is a name"),
        ("a{3,1}", "from the smaller to the larger"),
        ("a{0}", "from the smaller to the larger"),
        ("a{x}", "is written"),
        (".{64}", "longer than 63 events"),
        (".{40}->.{24}", "longer than 63 events"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(text: str, said: str) -> None:
    with pytest.raises(WrongCall, match=said):
        Pattern.parse(text)


def test_the_longest_pattern_is_found(sample_store: Store) -> None:
    walk = Walk.of(open_paths(sample_store), open_cube(sample_store).fill(Scope()))
    lengths = sequences(walk, depth=1)
    for least in (1, 8, 9, 16, 63):
        found = matching_paths(walk, Pattern.parse(f".{{{least}}}"))
        assert np.array_equal(found[lengths.key], lengths.length >= least)


def test_names_that_never_happen_are_said(sample_store: Store) -> None:
    walk = Walk.of(open_paths(sample_store), open_cube(sample_store).fill(Scope()))
    said = Pattern.parse("view->[^paid|gone*]*->cart").unmet(walk.names)
    assert [s[:40] for s in said] == [
        "The pattern's “paid” never happens: the ", "The pattern's “gone*” never happens: the",
    ]  # fmt: skip
    assert Automaton.of(Pattern.parse("a{3}->b*"), walk.names).follow.size == 4
