"""The page Paths: what it asks, what it says when it cannot, and the way to the funnel."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Open

SPAN = {"store": "sample", "from_": "2025-05-01", "to": "2025-06-15"}


def sentences(test: AppTest) -> str:
    return "\n".join(str(e.value) for e in [*test.markdown, *test.caption, *test.error, *test.warning])


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"anchor": "end", "unit": "session"},
        {"anchor": "after", "at": "cart", "depth": "10"},
        {"anchor": "around", "at": "checkout", "ways": "graph", "per": "share"},
        {"nodes": "category", "collapse": "yes", "hide": "support", "group": "/click|browse/=>look"},
        {"nodes": "page", "top": "5"},
        {"against": "compared"},
        {"against": "converted", "ways": "graph"},
        {"against": "region:Ohio", "pattern": "cart->.*->purchase"},
        {"prefix": "view->cart"},
    ],
)
def test_the_page_draws(app: Open, words: dict[str, str]) -> None:
    test = app("paths", **SPAN, **words)
    assert not test.exception and not test.error
    said = sentences(test)
    for title in ("Paths", "What comes next", "Whole paths"):
        assert title in said
    assert ("What follows what" in said) == (words.get("ways") == "graph")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"pattern": "cart->["}, "pattern"),
        ({"anchor": "after", "at": "teleport"}, "is on no path"),
        ({"against": "planet:Mars"}, "cannot be read"),
        ({"group": "/[/=>x"}, "no regular expression"),
        ({"prefix": "->"}, "prefix"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(app: Open, words: dict[str, str], sentence: str) -> None:
    test = app("paths", **SPAN, **words)
    assert not test.exception
    assert sentence in sentences(test)


def test_the_other_group_is_picked_from_a_list(app: Open) -> None:
    test = app("paths", **SPAN)
    test.selectbox(key="paths_other_group").select("region:Ohio").run()
    assert test.query_params["against"] == ["region:Ohio"] or test.query_params["against"] == "region:Ohio"
    assert not test.exception and "against region:Ohio" in sentences(test)


@pytest.mark.parametrize("store", ["bare"])
def test_a_log_of_little_draws(app: Open, store: str) -> None:
    test = app("paths", store=store)
    assert not test.exception and not test.error
