"""The search page: what it finds, whom it keeps, and what it says where nothing is encoded or told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.charts.numbers import exact
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from data.sample import STORIES
from tests.analyses import search_oracle
from tests.pages.conftest import Open, commands
from tests.pages.test_pages import SPAN, said, whole
from tests.pages.test_scope import address

PLANTED = STORIES["unmet demand"].truth["queries"]
WHOLE = {"store": "sample", "from_": "2025-01-01", "to": "2025-06-30"}
NEED = "waterproof hiking boots"


@pytest.fixture
def encoded() -> Iterator[None]:
    with search_oracle.encoded():
        yield


def names(test: AppTest) -> list[str]:
    """What the commands of the page ask, with what they are parted by."""
    told = [command.split() for command in commands(test)]
    return [
        " ".join([words[4], *(word.removeprefix("by=") for word in words if word.startswith("by="))])
        for words in told
    ]


@pytest.mark.usefixtures("encoded")
def test_what_is_found_is_told_by_whom_where_and_when(app: Open, sample_store: Store) -> None:
    test = whole(app("search", need=NEED, **WHOLE))
    assert names(test) == [
        "similar", "similar cell", "similar hour", "similar region", "unmet", "unmet region", "unmet cell",
    ]  # fmt: skip
    scope = Scope.parse({"from": WHOLE["from_"], "to": WHOLE["to"]})
    found = ANALYSES["similar"].run(sample_store, scope, text=NEED, of="both").table
    shown = test.dataframe[0].value
    assert shown["title"].tolist() == found["title"].to_pylist()
    assert shown["shoppers"].tolist() == found["shoppers"].to_pylist()
    assert f"shoppers** look for “{NEED}”" in said(test)


@pytest.mark.usefixtures("encoded")
def test_the_words_are_written_and_stay_in_the_address(app: Open) -> None:
    test = whole(app("search", **WHOLE))
    assert "Write what somebody may look for" in said(test)
    assert names(test)[0] == "unmet"
    test.text_input(key="text_need").set_value(f"  {NEED} ").run()
    assert address(whole(test))["need"] == [NEED]
    assert names(test)[0] == "similar"
    again = whole(
        app("search", need=NEED, found="queries", whom="week", shade="lift", searches="all", **WHOLE)
    )
    assert again.text_input(key="text_need").value == NEED
    assert "similar week" in names(again)
    assert "kind" not in again.dataframe[0].value  # they are all searches


@pytest.mark.usefixtures("encoded")
@pytest.mark.parametrize("whom", ["region", "category", "device", "week"])
def test_each_split_draws(app: Open, whom: str) -> None:
    test = whole(app("search", need=NEED, whom=whom, store="sample", **SPAN))
    assert f"similar {whom}" in names(test)


@pytest.mark.usefixtures("encoded")
def test_those_who_look_for_it_can_be_kept(app: Open, pages_home: Path) -> None:
    test = whole(app("search", need=NEED, **WHOLE))
    save = next(b for b in test.button if b.label == "Save as cohort")
    shown = next(m.value for m in test.markdown if "look for" in m.value and m.value.startswith("**"))
    save.click().run()
    assert f"Saved the cohort “Look for {NEED}”." in " ".join(s.value for s in whole(test).success)
    cohorts = open_cohorts(Store.open(pages_home / "sample"))
    assert shown.startswith(f"**{exact(int(cohorts.members(f'Look for {NEED}').sum()), 'count')} shoppers**")


@pytest.mark.usefixtures("encoded")
def test_unmet_searches_are_listed_and_one_can_be_picked(app: Open) -> None:
    test = whole(app("search", **WHOLE))
    assert set(test.dataframe[0].value["query"]) == set(PLANTED)
    picked = whole(app("search", lost="tire snow chains", **WHOLE))
    assert "shoppers** searched for “tire snow chains”" in said(picked)
    assert all("query=tire snow chains" in c for c in commands(picked) if "by=" in c)
    every = whole(app("search", searches="all", **WHOLE))
    assert len(every.dataframe[0].value) > 100


def test_a_log_that_is_not_encoded_still_tells_what_is_not_found(app: Open) -> None:
    with search_oracle.encoded(known=False):
        test = whole(app("search", need=NEED, **WHOLE))
        assert "are not encoded yet" in said(test)
        assert "python -m core encode --store" in said(test)
        assert names(test) == ["unmet", "unmet region", "unmet cell"]
        assert set(test.dataframe[0].value["query"]) == set(PLANTED)
    with search_oracle.encoded():  # what was encoded meanwhile is seen at once
        assert "similar" in names(whole(test.run()))


@pytest.mark.usefixtures("encoded")
def test_a_log_without_texts_says_so(app: Open) -> None:
    test = whole(app("search", store="bare", need=NEED))
    assert "neither items with a text nor searches" in said(test)
    assert not commands(test)


@pytest.mark.usefixtures("encoded")
def test_odd_words_are_answered(app: Open) -> None:
    for need in ("防水登山鞋", "word " * 3_000, "$x$ *_`", "[a](b)"):
        test = whole(app("search", need=need.strip(), **WHOLE))
        assert names(test)[0] == "similar"


@pytest.mark.usefixtures("encoded")
def test_a_search_that_nobody_made_is_a_sentence(app: Open) -> None:
    test = whole(app("search", lost="nobody typed this", **WHOLE))
    assert "too few to show, searched for query='nobody typed this'" in said(test)


@pytest.mark.usefixtures("encoded")
def test_a_scope_without_searches_says_so(app: Open) -> None:
    test = whole(app("search", category="Shoes", **WHOLE))
    assert "No search can be shown here. Nobody searched within this scope." in said(test)
