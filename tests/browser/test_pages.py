"""Every page draws, on every kind of log, at both widths, and asks for nothing off the machine."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import marts
from core.sources import open_source
from core.store import Store
from tests.browser.harness import App, colours, overflow, picture_of, sentences, served, visit

#: Page → its path.
PATHS = {
    "Overview": "",
    "Demand map": "map",
    "When": "when",
    "Funnel": "funnel",
    "Paths": "paths",
    "Retention": "retention",
    "Cohorts": "cohorts",
    "Data": "data",
}
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


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("name", PATHS)
def test_each_page_of_the_sample(page: Page, app: App, name: str, width: int) -> None:
    visit(page, app.link(PATHS[name], **SCOPE))
    drawn(page)
    if name == "Demand map":
        assert page.locator(MAP).count() == 1
    elif name not in ("Cohorts", "Data"):  # the one has no cohort to draw yet, the other draws none
        assert page.locator(PLOT).count() >= 2
    expect(page.get_by_role("link", name=name)).to_be_visible()


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


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("store", ["trivago", "olist", "online_retail"])
def test_each_page_of_the_real_logs(
    page: Page, app: App, name: str, store: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"{store}_store")
    visit(page, app.link(PATHS[name], store=store, resolution="3"))
    if name == "Demand map" and store == "online_retail":
        assert "no coordinates" in page.locator('[data-testid="stMain"]').inner_text()
        assert page.locator(MAP).count() == 0
    drawn(page)


@pytest.fixture(scope="module")
def bare_app(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Iterator[App]:
    """A log that has shoppers, moments and events, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    with (folder / "log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ts", "user_id", "event"])
        for i in range(2_000):
            rows.writerow(
                [f"2025-03-{1 + i % 28:02} {i % 24:02}:00:00", f"u{i % 90}", ("view", "cart")[i % 2]]
            )
    store = Store.create(folder / "home" / "bare")
    store.append(open_source([folder / "log.csv"], connection=store.cursor()))
    marts.build(store)
    with served(folder / "home", folder / "app.log") as app:
        yield app


@pytest.mark.parametrize("name", PATHS)
def test_each_page_of_a_log_without_place_price_or_session(page: Page, bare_app: App, name: str) -> None:
    visit(page, bare_app.link(PATHS[name]))
    text = page.locator('[data-testid="stMain"]').inner_text()
    drawn(page)
    if name == "Demand map":
        assert "no coordinates" in text
    elif name in ("Overview", "When"):
        assert "no purchase events" in text


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
