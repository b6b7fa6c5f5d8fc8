"""The flow of paths in Chromium: a click on a node leads to a funnel with the same number."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from core.analyses import ANALYSES
from core.charts.paths import nodes_of
from core.scope import Scope
from core.store import Store
from tests.browser.harness import App, arrive, click_until, place_of, visit

SPAN = {"from": "2025-05-01", "to": "2025-06-30"}


@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_a_click_on_a_node_lands_on_a_funnel_with_its_number(
    app: App, page: Page, sample_store: Store, unit: str
) -> None:
    visit(page, app.link("paths", store="sample", unit=unit, **SPAN))
    flow = page.locator(".st-key-frame_flow canvas").first
    box = flow.bounding_box()
    assert box
    table = ANALYSES["paths"].run(sample_store, Scope.parse(SPAN), unit=unit).table
    count = "paths" if unit == "session" else "users"
    total = next(n for (level, _), n in nodes_of(table, count, False).items() if level == 0)
    funnel = page.get_by_role("button", name="Open as a funnel")
    # The largest node of the first column stands in its upper left corner.
    click_until(page, box["x"] + 10, box["y"] + 30, funnel)
    funnel.click()
    arrive(page, "/funnel")
    picture = page.locator(".st-key-frame_funnel")
    assert f"{total:,}" in re.sub(r"\s+", " ", picture.inner_text())
    assert "order=strict" in page.url and "entry=start" in page.url


def test_a_cell_and_what_comes_next_keep_their_shoppers(app: App, page: Page, sample_store: Store) -> None:
    """A cell of the step matrix, then a bar of what comes next: the number beside each is the picture's."""
    visit(page, app.link("paths", store="sample", prefix="view->cart", **SPAN))
    rows = ANALYSES["steps"].run(sample_store, Scope.parse(SPAN)).table.to_pylist()
    third = next(row for row in rows if (row["step"], row["node"]) == (3, "view"))
    matrix = page.locator(".st-key-frame_steps")
    kept = matrix.get_by_text(f"{third['users']:,} shoppers", exact=True)
    click_until(page, *place_of(page, "steps", 3, 0), kept)
    expect(matrix).to_contain_text("are at view at step 3")
    following = ANALYSES["next"].run(sample_store, Scope.parse(SPAN), prefix="view->cart").table.to_pylist()
    bars = page.locator(".st-key-frame_next")
    middle = following[1]["probability"] / 2
    kept = bars.get_by_text(f"{following[1]['shoppers']:,} shoppers", exact=True)
    click_until(page, *place_of(page, "next", middle, 1), kept)
    expect(bars).to_contain_text(f"went view → cart, then {following[1]['next']}")
