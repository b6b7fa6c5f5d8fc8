"""Every page draws on every kind of log, and what cannot be drawn is a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analyses.measures import MEASURES
from core.errors import CartscapeError
from core.settings import settings
from core.store import Store
from pages.parts import page
from tests.pages.conftest import PAGES, SHELL, Open, commands

SPAN = {"from_": "2025-05-01", "to": "2025-06-15"}


def said(test: AppTest) -> str:
    """All words of a page that are not a title."""
    elements = [*test.markdown, *test.caption, *test.error, *test.warning, *test.info]
    return "\n".join(str(element.value) for element in elements)


def whole(test: AppTest) -> AppTest:
    """The page, once it is sure that nothing failed on it."""
    assert not test.exception
    assert not [error.value for error in test.error]
    return test


@pytest.mark.parametrize("page", PAGES)
def test_each_page_draws_the_sample(app: Open, page: str) -> None:
    test = whole(app(page, store="sample", **SPAN))
    others = {
        "data": "1 Jan – 30 Jun 2025",
        "cohorts": "No cohort has been saved with this log yet",
        "clusters": "are not encoded yet",
        "recommendations": "are not encoded yet",
    }
    assert others.get(page, "1 May – 15 Jun 2025") in said(test)


@pytest.fixture
def unanswered() -> Iterator[None]:
    """Answers that pages keep do not know of another k: none is taken over, and none left behind."""
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.mark.usefixtures("unanswered")
def test_a_scope_whose_numbers_are_hidden_is_not_called_empty(
    app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTSCAPE_K_ANONYMITY", "100")  # the log has 90 shoppers
    settings.cache_clear()
    assert "Nothing in the log fits" in said(whole(app("clusters", store="bare", event="nothing")))
    for name in ("clusters", "search", "overview"):
        words = said(whole(app(name, store="bare")))
        assert "tells of fewer than 100 shoppers is hidden" in words
        assert "Nothing in the log fits" not in words


@pytest.mark.parametrize("page", PAGES)
def test_each_page_draws_a_log_without_place_price_and_purchase(app: Open, page: str) -> None:
    test = whole(app(page, store="bare"))
    words = said(test)
    if page == "overview":
        assert [metric.label for metric in test.metric] == ["Events", "Shoppers", "Sessions"]
    if page == "map":
        assert "no coordinates" in words
    elif page in ("overview", "when"):
        assert "no purchase events" in words


@pytest.mark.parametrize("page", PAGES)
def test_each_page_answers_to_a_comparison_switched_off(app: Open, page: str) -> None:
    test = whole(app(page, store="sample", compare="off", **SPAN))
    if page == "overview":
        assert not any(metric.delta for metric in test.metric)
        assert "Nothing is compared" in said(test)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_when_nothing_fits(app: Open, page: str) -> None:
    test = whole(app(page, store="sample", region="Atlantis", **SPAN))
    if page != "data":
        assert "Nothing in the log fits" in said(test)


@pytest.mark.parametrize("page", PAGES)
def test_dates_beside_the_log_are_a_sentence(app: Open, page: str) -> None:
    test = app(page, store="sample", from_="2031-01-01", to="2031-02-01")
    assert not test.exception
    if page != "data":
        assert "Nothing in the log fits" in said(test)


def test_the_size_of_hexagons_is_in_plain_words(app: Open) -> None:
    sizes = app("map", store="sample", **SPAN).selectbox(key="view_resolution").options
    assert sizes[:2] == ["Finer as you zoom in", "H3 resolution 3"]


@pytest.mark.parametrize("mode", ["change", "hotspots"])
@pytest.mark.parametrize("measure", ["events", "conversion"])
def test_each_mode_of_the_map(app: Open, mode: str, measure: str) -> None:
    whole(app("map", store="sample", mode=mode, measure=measure, resolution="3", **SPAN))


@pytest.mark.parametrize("maps", ["two", "playback"])
def test_each_set_of_maps(app: Open, maps: str) -> None:
    whole(app("map", store="sample", maps=maps, columns="on", resolution="3", **SPAN))


@pytest.mark.parametrize("by", ["region", "category", "device"])
def test_each_set_of_small_multiples(app: Open, by: str) -> None:
    whole(app("when", store="sample", by=by, step="week", measure="revenue", **SPAN))


def test_small_multiples_are_offered_by_what_the_log_has(app: Open) -> None:
    def choices(store: str) -> list[str]:
        test = whole(app("when", store=store))
        return [b for g in test.button_group for b in g.options if b.startswith("By ") and b != "By day"]

    assert choices("sample") == ["By week", "By region", "By category", "By device"]
    assert choices("bare") == ["By week"]


@pytest.mark.parametrize("page", ["overview", "when"])
def test_a_day_or_two_run_by_the_hour(app: Open, page: str) -> None:
    test = whole(app(page, store="sample", from_="2025-06-10", to="2025-06-11", step="week"))
    assert "**Events by hour**" in said(test)
    assert "**Events by day**" not in said(test)
    assert not any("By week" in group.options for group in test.button_group)
    assert any("show hours" in block.value for block in test.code)


def test_numbers_say_of_what(app: Open) -> None:
    test = whole(app("overview", store="sample", **SPAN))
    assert [metric.label for metric in test.metric] == [
        "Events", "Shoppers", "Sessions", "Conversion", "Revenue",
    ]  # fmt: skip
    assert test.metric[4].value.startswith("$")
    assert [metric.proto.help for metric in test.metric] == [page.meaning(m) for m in MEASURES][:5]


def test_every_picture_has_its_table_export_and_command(app: Open) -> None:
    test = whole(app("when", store="sample", **SPAN))
    named = commands(test)
    assert [command.split()[4] for command in named] == ["hours", "trend", "calendar", "trend"]
    assert all("--store" in command for command in named)
    tables = [toggle for toggle in test.toggle if toggle.label == "View as table"]
    assert len(tables) == len(named)
    tables[0].set_value(True).run()
    whole(test)
    assert len(test.dataframe) == 1


def test_a_damaged_store_is_named_and_the_others_work(app: Open, pages_home: Path) -> None:
    torn = pages_home / "torn"
    torn.mkdir()
    (torn / "manifest.json").write_text("{")
    test = app("overview", store="torn")
    assert not test.exception
    assert "torn" in said(test)
    assert len(test.metric) == 5
    assert "torn" in said(app("data", store="sample"))


def test_the_first_start_shows_its_bar_before_the_first_block_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise CartscapeError("Stopped before any progress.")

    monkeypatch.setattr(Store, "append", stopped)
    test = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert "Stopped before any progress." in said(test)
    assert [bar.proto.text for bar in test.get("progress")] == ["Starting"]
