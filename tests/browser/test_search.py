"""The search page as a person uses it: what is not found, where, and who made a search."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.harness import PATIENCE, App, arrive, colours, overflow, settle, visit, words

WHOLE = {"store": "sample", "from": "2025-01-01", "to": "2025-06-30"}
MAP = '.st-key-frame_lost_map [data-testid="stDeckGlJsonChart"]'


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_search_that_leads_nowhere_is_picked_and_its_makers_are_kept(
    page: Page, app: App, width: int
) -> None:
    visit(page, app.link("search", **WHOLE))
    assert "are not encoded yet" in page.locator('[data-testid="stMain"]').inner_text()
    assert colours(page.locator(MAP)) > 8
    table = page.locator('.st-key-frame_lost [data-testid="stDataFrame"]').first
    table.click(position={"x": 18, "y": 46})  # the box of the first row
    arrive(page, r"lost=")
    (query,) = words(page)["lost"]
    kept = page.locator(".st-key-frame_lost", has_text=f"searched for “{query}”")
    kept.wait_for(timeout=PATIENCE)
    settle(page)
    assert colours(page.locator(MAP)) > 8
    assert query in page.locator(".st-key-frame_lost_regions").inner_text()
    assert overflow(page) <= 0
