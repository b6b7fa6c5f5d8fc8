"""Every page draws, on every kind of log, at both widths, and asks for nothing off the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import (
    PATHS,
    PATIENCE,
    App,
    colours,
    go_to,
    overflow,
    picture_of,
    sentences,
    settle,
    visit,
)

#: Coarse cells: software WebGL is slow beyond a thousand.
SCOPE = {"store": "sample", "from": "2025-05-01", "to": "2025-06-15", "resolution": "3"}

PLOT = '[data-testid="stPlotlyChart"] .main-svg'
MAP = '[data-testid="stDeckGlJsonChart"]'
FAILURE = '[data-testid="stException"], [data-testid="stAlertContentError"]'


def drawn(page: Page) -> None:
    """Pictures have colours, nothing failed, and nothing reaches beyond the window."""
    assert sentences(page.locator(FAILURE)) == []
    for plot in page.locator('[data-testid="stPlotlyChart"]').all():
        expect(plot.locator(".main-svg").first).to_be_visible()
    for chart in page.locator(MAP).all():
        assert colours(chart) > 8, "the map shows cells and land"
    assert overflow(page) <= 0


def walk(page: Page, link: str) -> Iterator[str]:
    """Each page in turn, drawn: the first by its link, the others as a person goes from one to the next."""
    visit(page, link)
    for name in PATHS:
        if PATHS[name]:
            go_to(page, name)
        drawn(page)
        yield name


def test_each_page_of_the_sample(page: Page, app: App) -> None:
    for name in walk(page, app.link("", **SCOPE)):
        if name == "Demand map":
            assert page.locator(MAP).count() == 1
        elif name not in ("Cohorts", "Path clusters", "Search by meaning", "Data"):
            # There is no cohort to draw yet, nothing is encoded, nobody said what to look for, no picture.
            assert page.locator(PLOT).count() >= 2, name


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_overview_fills_the_window(page: Page, app: App, width: int) -> None:
    visit(page, app.link("", **SCOPE))
    assert page.viewport_size
    window = page.viewport_size["height"]
    for name in ("changes", "trend"):
        box = page.locator(f".st-key-frame_{name}").bounding_box()
        assert box
        assert 0.88 * window < box["y"] + box["height"] <= window
        picture = page.locator(f".st-key-frame_{name} .main-svg").first.bounding_box()
        assert picture
        assert picture["height"] > 0.75 * box["height"]


@pytest.mark.parametrize(
    "view", [{"mode": "change"}, {"mode": "hotspots"}, {"maps": "two"}, {"columns": "on"}]
)
def test_each_view_of_the_map(page: Page, app: App, view: dict[str, str]) -> None:
    visit(page, app.link("map", **SCOPE, **view))
    drawn(page)
    assert page.locator(MAP).count() == (2 if "maps" in view else 1)


def test_the_map_plays_over_days(page: Page, app: App) -> None:
    scope = {**SCOPE, "from": "2025-06-01", "to": "2025-06-04", "maps": "playback"}
    visit(page, app.link("map", **scope))
    drawn(page)


@pytest.mark.parametrize(("store", "width"), [("trivago", 1280), ("olist", 1920), ("online_retail", 1920)])
def test_each_page_of_the_real_logs(page: Page, app: App, store: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(f"{store}_store")
    for name in walk(page, app.link("", store=store, resolution="3")):
        if name == "Demand map" and store == "online_retail":
            assert "no coordinates" in page.locator('[data-testid="stMain"]').inner_text()
            assert page.locator(MAP).count() == 0


def test_dark_and_light_are_both_drawn(page: Page, app: App) -> None:
    page.emulate_media(color_scheme="dark")
    visit(page, app.link("when", **SCOPE))
    drawn(page)
    dark = picture_of(page.locator('[data-testid="stApp"]')).convert("L").resize((1, 1)).getpixel((0, 0))
    page.emulate_media(color_scheme="light")
    visit(page, app.link("when", **SCOPE))
    drawn(page)
    light = picture_of(page.locator('[data-testid="stApp"]')).convert("L").resize((1, 1)).getpixel((0, 0))
    assert isinstance(dark, int | float)
    assert isinstance(light, int | float)
    assert dark < 100 < 180 < light


def test_a_theme_that_changes_under_a_page_draws_its_pictures_anew(page: Page, app: App) -> None:
    page.emulate_media(color_scheme="light")
    visit(page, app.link("when", **SCOPE))
    told = page.locator(f"{PLOT} text").first
    light = told.evaluate("text => getComputedStyle(text).fill")
    page.emulate_media(color_scheme="dark")
    expect(told).not_to_have_css("fill", light, timeout=PATIENCE)
    settle(page)
    drawn(page)
