"""Path clusters as a person uses them: encode, watch, see the map, draw a lasso, look at those alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from core.store import Store
from tests.browser.harness import PATIENCE, App, arrive, overflow, settle, visit

#: A few weeks of one state: few enough texts for a test to encode.
SCOPE = {"from": "2025-03-01", "to": "2025-06-30", "region": "Ohio", "compare": "off"}
HEAD = ".st-key-frame_journey_head"


@pytest.mark.usefixtures("own_store")
def test_a_cohort_is_encoded_mapped_and_its_lasso_looked_at_alone(
    page: Page, app: App, own_store: Store
) -> None:
    visit(page, app.link("clusters", store=own_store.name, **SCOPE))
    main = page.locator('[data-testid="stMain"]')
    expect(main).to_contain_text("are not encoded yet")
    page.get_by_role("button", name="Encode").click()
    bar = page.locator('.st-key-frame_encode [data-testid="stProgress"]')
    expect(bar.or_(page.locator("canvas[data-ready='1']"))).to_be_visible(timeout=PATIENCE)
    canvas = page.locator("canvas[data-ready='1']")
    expect(canvas).to_be_visible(timeout=3 * PATIENCE)
    settle(page)
    assert int(canvas.get_attribute("data-points") or 0) >= 30
    box = canvas.bounding_box()
    assert box
    corners = [(0.04, 0.12), (0.96, 0.12), (0.96, 0.96), (0.04, 0.96)]
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + corners[0][0] * box["width"], box["y"] + corners[0][1] * box["height"])
    page.mouse.down()
    for across, down in corners[1:]:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(HEAD)).to_contain_text("have a path here")
    arrive(page, r"lasso=")
    selected = int(canvas.get_attribute("data-selected") or 0)
    kept = re.search(r"([\d,]+) shoppers? have", page.locator(HEAD).inner_text())
    assert kept and int(kept[1].replace(",", "")) == selected > 0
    settle(page)
    assert overflow(page) <= 0
    link = page.url
    canvas.press("Escape")  # what is cleared in the picture is cleared beside it
    expect(page.locator(HEAD)).to_have_count(0)
    settle(page)
    assert "lasso=" not in page.url
    visit(page, link)
    canvas = page.locator("canvas[data-ready='1']")
    expect(canvas).to_have_attribute("data-selected", str(selected))
    expect(page.locator(HEAD)).to_contain_text(kept[0])
    page.get_by_role("button", name="Save and look at them alone").first.click()
    arrive(page, r"cohort=")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator('[data-testid="stMetric"]', has_text="Shoppers")).to_contain_text(f"{selected:,}")
    page.get_by_role("link", name="Demand map").click()
    expect(page.locator('[data-testid="stDeckGlJsonChart"] canvas').first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Paths", exact=True).click()
    arrive(page, r"/paths\?")
    expect(main).to_contain_text(f"{selected:,} paths, one path a shopper")
    expect(page.locator(".st-key-frame_flow canvas").first).to_be_visible(timeout=PATIENCE)
