"""One scope for all pages, in the address in the words of `Scope.words()`."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from core.scope import Scope, span_words
from pages.parts import dates
from tests.pages.conftest import PAGES, Open
from tests.pages.test_pages import said, whole

CELL = "832a86fffffffff"


def address(test: AppTest) -> dict[str, list[str]]:
    return {
        key: [value] if isinstance(value, str) else list(value) for key, value in test.query_params.items()
    }


def test_a_first_visit_gets_dates_that_can_be_compared(app: Open) -> None:
    test = whole(app(store="sample"))
    assert address(test) == {"store": ["sample"], "from": ["2025-06-03"], "to": ["2025-06-30"]}


def test_a_link_is_restored_word_for_word(app: Open) -> None:
    words = {
        "from": ["2025-05-01"],
        "to": ["2025-06-15"],
        "compare": ["2025-01-01..2025-02-15"],
        "region": ["Ohio", "Texas"],
        "cell": [CELL],
        "category": ["Audio"],
        "event": ["view", "purchase"],
        "device": ["mobile"],
        "hour": ["5.18", "6.9"],
    }
    test = whole(app(store="sample", measure="sessions", **{f"{k}_": v for k, v in words.items()}))
    found = address(test)
    assert {k: v for k, v in found.items() if k in words} == words
    assert found["measure"] == ["sessions"]
    assert Scope.parse({k: v for k, v in found.items() if k in words}).words() == words


@pytest.mark.parametrize("page", [page for page in PAGES if page != "overview"])
def test_switching_pages_keeps_the_scope(app: Open, page: str) -> None:
    test = whole(app(page, store="sample", region="Ohio", device="mobile"))
    assert address(test)["region"] == ["Ohio"]
    assert address(test)["device"] == ["mobile"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"from_": "soon"}, "not a date"),
        ({"from_": "2025-06-10", "to": "2025-06-01"}, "ends before that"),
        ({"from_": "0001-01-01", "to": "9999-12-31"}, "a year from 1900"),
        ({"cell": "abc"}, "not an H3 cell"),
        ({"hour": "9.99"}, "not an hour of the week"),
        ({"compare": "maybe"}, "not known"),
        ({"paint": "red"}, "'paint'"),
        ({"measure": "joy"}, "measure='joy'"),
        ({"store": "nowhere"}, "'nowhere'"),
    ],
)
def test_a_bad_word_in_a_link_is_a_sentence_and_the_rest_holds(
    app: Open, words: dict[str, str], sentence: str
) -> None:
    test = app(**{"store": "sample", "region": "Ohio", **words})
    assert not test.exception
    assert sentence in " ".join(warning.value for warning in test.warning)
    assert len(test.metric) == 5
    if "store" not in words:
        assert address(test)["region"] == ["Ohio"]


def test_a_chip_drops_its_filter(app: Open) -> None:
    test = whole(app(store="sample", region=["Ohio", "Texas"], hour="5.18"))
    test.button(key="chip_regions_Ohio").click().run()
    assert address(whole(test))["region"] == ["Texas"]
    test.button(key="chip_hours_5.18").click().run()
    assert "hour" not in address(whole(test))


def test_reset_goes_back_to_the_whole_log(app: Open) -> None:
    test = whole(app(store="sample", region="Ohio", device="mobile"))
    test.button(key="scope_reset").click().run()
    assert address(whole(test)) == {"store": ["sample"], "from": ["2025-06-03"], "to": ["2025-06-30"]}


def test_choosing_a_region_narrows_the_numbers(app: Open) -> None:
    test = whole(app(store="sample"))
    before = test.metric[0].value
    test.multiselect(key="scope_regions").set_value(["Ohio"]).run()
    assert address(whole(test))["region"] == ["Ohio"]
    assert test.metric[0].value != before


def test_switching_the_log_starts_its_scope_anew(app: Open) -> None:
    test = whole(app(store="sample", region="Ohio"))
    test.radio(key="scope_store").set_value("bare").run()
    found = address(whole(test))
    assert found["store"] == ["bare"]
    assert "region" not in found
    assert "no purchase events" in said(test)


def test_default_dates_of_a_short_log_leave_something_to_compare_with() -> None:
    scope = dates.default_scope(date(2025, 3, 1), date(2025, 3, 10))
    assert (scope.start, scope.end) == (date(2025, 3, 6), date(2025, 3, 10))
    compared = scope.compared()
    assert compared
    assert compared.start == date(2025, 3, 1)


def test_a_compared_period_that_begins_before_the_log_is_said(app: Open) -> None:
    words = {"from_": "2025-02-01", "to": "2025-03-31"}
    assert "28 of the 59 days compared with lie before it" in said(app(store="sample", **words))
    assert "lie before it" not in said(app(store="sample", **words, compare="off"))
    assert "lie before it" not in said(app(store="sample"))


def test_the_current_hour_is_marked_only_in_a_log_that_reaches_to_about_now(
    app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = date(2025, 6, 30)
    assert dates.is_recent(last, date(2025, 7, 7)) and not dates.is_recent(last, date(2025, 7, 8))
    assert "red frame" not in said(app("when", store="sample"))
    monkeypatch.setattr(dates, "RECENT_DAYS", (date.today() - last).days + 1)
    assert "the red frame is now." in said(app("when", store="sample"))


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2025, 5, 4), date(2025, 5, 4), "4 May 2025"),
        (date(2025, 5, 4), date(2025, 5, 31), "4–31 May 2025"),
        (date(2025, 3, 4), date(2025, 5, 31), "4 Mar – 31 May 2025"),
        (date(2024, 12, 20), date(2025, 1, 16), "20 Dec 2024 – 16 Jan 2025"),
    ],
)
def test_dates_in_few_words(start: date, end: date, words: str) -> None:
    assert span_words(start, end) == words
