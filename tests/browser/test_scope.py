"""One scope for all pages: clicks set it, links restore it, and every page answers to it."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from core.analyses import ANALYSES
from core.charts.map_view import fit_view
from core.charts.numbers import written
from core.scope import Scope
from core.store import Store
from tests.browser.harness import App, arrive, go_to, place_of, visit, words

SCOPE = {"from": "2025-05-01", "to": "2025-06-15"}
MAP = '[data-testid="stDeckGlJsonChart"]'


def click(page: Page, x: float, y: float) -> None:
    """Point at a place in the window, then click it; pictures find what lies there while one points."""
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    page.wait_for_timeout(1_500)  # software WebGL takes its time to find out
    page.mouse.click(x, y)


def tell(page: Page, x: float, y: float) -> None:
    """Point at a hexagon until the map tells what it is: on a busy machine it is not drawn at once."""
    tooltip = page.locator(".deck-tooltip").first
    for turn in range(60):
        page.mouse.move(x + turn % 2, y)
        page.wait_for_timeout(500)
        if tooltip.is_visible():
            return
    raise AssertionError("the map tells nothing of the hexagon under the mouse")


def shown_events(page: Page) -> str:
    """The overview's number of events."""
    return page.locator('[data-testid="stMetricValue"]').first.inner_text()


def asked_events(store: Store, found: dict[str, list[str]]) -> str:
    """The same number, asked without a browser in the words of the page's address."""
    scope = Scope.parse({k: v for k, v in found.items() if k in ("from", "to", "cell", "hour", "region")})
    row = ANALYSES["overview"].run(store, scope).table.to_pylist()[0]
    assert row["measure"] == "events"
    return written(row["value"], "count", None)


def test_a_click_on_the_heat_map_sets_the_hour_everywhere(page: Page, app: App, sample_store: Store) -> None:
    visit(page, app.link("when", store="sample", **SCOPE))
    click(page, *place_of(page, "hours", 19, 3))
    arrive(page, "hour=3.19")
    go_to(page, "Overview")
    assert words(page)["hour"] == ["3.19"]
    assert shown_events(page) == asked_events(sample_store, words(page))


def test_each_click_on_the_heat_map_adds_an_hour_or_lets_it_go(page: Page, app: App) -> None:
    visit(page, app.link("when", store="sample", hour="3.19", **SCOPE))
    click(page, *place_of(page, "hours", 20, 4))
    arrive(page, "hour=4.20")
    assert words(page)["hour"] == ["3.19", "4.20"]
    click(page, *place_of(page, "hours", 19, 3))
    arrive(page, "^(?!.*3.19)")
    assert words(page)["hour"] == ["4.20"]


def test_a_click_on_the_map_sets_the_cell_everywhere(page: Page, app: App, sample_store: Store) -> None:
    visit(page, app.link("map", store="sample", resolution="3", **SCOPE))
    table = ANALYSES["demand"].run(sample_store, Scope.parse(SCOPE), resolution="3").table
    lat, lon = (table[name].to_numpy() for name in ("lat", "lon"))
    view = fit_view(lat, lon)
    x, y = view.project(lat, lon)
    middle = np.hypot(x - view.width / 2, y - view.height / 2)
    nearest = int(np.argmin(middle))
    box = page.locator(MAP).first.bounding_box()
    assert box
    across = box["x"] + box["width"] / 2 + float(x[nearest]) - view.width / 2
    down = box["y"] + box["height"] / 2 + float(y[nearest]) - view.height / 2
    tell(page, across, down)
    for _ in range(8):  # deck.gl drops a click that a busy machine stretches beyond 250 ms
        click(page, across, down)
        try:
            page.wait_for_url("**cell=*", timeout=5_000, wait_until="commit")
            break
        except TooLate:
            continue
    arrive(page, "cell=")
    assert words(page)["cell"] == [table["cell"][nearest].as_py()]
    go_to(page, "Overview")
    assert words(page)["cell"] == [table["cell"][nearest].as_py()]
    assert shown_events(page) == asked_events(sample_store, words(page))


def test_a_link_restores_the_view_for_another_person(page: Page, app: App, browser: Browser) -> None:
    scope: dict[str, str | list[str]] = {
        **SCOPE,
        "region": ["Ohio", "Texas"],
        "device": "mobile",
        "hour": "5.18",
    }
    visit(page, app.link("", store="sample", measure="sessions", **scope))
    mine = page.locator('[data-testid="stMetricValue"]').all_inner_texts()
    assert words(page)["region"] == ["Ohio", "Texas"]
    other = browser.new_context().new_page()
    visit(other, page.url)
    assert other.locator('[data-testid="stMetricValue"]').all_inner_texts() == mine
    assert words(other) == words(page)
    for chip in ("Ohio", "Texas", "mobile", "Fri 18 h"):
        expect(other.get_by_role("button", name=chip).first).to_be_visible()
    other.context.close()


def test_dropping_a_chip_widens_the_scope(page: Page, app: App, sample_store: Store) -> None:
    visit(page, app.link("", store="sample", region=["Ohio", "Texas"], **SCOPE))
    narrow = shown_events(page)
    page.locator(".st-key-scope_chips").get_by_role("button", name="Ohio").click()
    arrive(page, "^(?!.*Ohio)")
    assert words(page)["region"] == ["Texas"]
    assert shown_events(page) == asked_events(sample_store, words(page)) != narrow


def test_a_link_with_a_word_that_is_not_known_says_so(page: Page, app: App) -> None:
    visit(page, app.link("", store="sample", paint="red", **SCOPE))
    assert "'paint'" in page.locator('[data-testid="stMain"]').inner_text()
    assert page.locator('[data-testid="stMetricValue"]').count() >= 5


def test_a_click_on_what_changed_looks_at_that_part(page: Page, app: App) -> None:
    visit(page, app.link("", store="sample", **SCOPE))
    plot = page.locator('.st-key-frame_changes [data-testid="stPlotlyChart"]')
    plot.scroll_into_view_if_needed()
    bar = plot.locator(".bars .point").first.bounding_box()
    assert bar
    click(page, bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    arrive(page, "(region|category|device)=")
    assert shown_events(page)
