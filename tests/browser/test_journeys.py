"""A funnel in Chromium as a product manager uses it: built, broken down, its drop-offs kept and mapped."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core import marts
from core.analyses import ANALYSES
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from tests.browser.harness import App, arrive, click_until, overflow, settle, visit, words
from tests.store.fakes import TableReader, source_table

SPAN = {"from": "2025-05-01", "to": "2025-06-30"}
NAME = "看" * 200


def test_drop_offs_become_a_cohort_that_the_map_shows(app: App, page: Page, own_store: Store) -> None:
    visit(page, app.link("funnel", store="own", steps="view,cart,purchase", **SPAN))
    page.get_by_role("button", name="3 steps").click()
    page.locator(".st-key-step_drop_2 button").first.click()
    arrive(page, "steps=view%2Ccart(&|$)")
    page.keyboard.press("Escape")
    page.locator(".st-key-view_split").get_by_text("Device", exact=True).first.click()
    arrive(page, "split=device")

    rows = ANALYSES["funnel"].run(own_store, Scope.parse(SPAN), steps="view,cart").table.to_pylist()
    dropped = rows[1]["dropped"]
    box = page.locator(".st-key-frame_funnel .bars .point path").nth(3).bounding_box()
    assert box, "the pale part of the second step"
    save = page.get_by_role("button", name="Save and look at them alone")
    click_until(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, save)
    assert f"{dropped:,} shoppers" in page.locator(".st-key-frame_funnel").inner_text()
    save.click()
    arrive(page, "cohort=")
    assert words(page)["cohort"] == ["Dropped before cart"]

    visit(page, app.link("map", store="own", cohort="Dropped before cart", measure="shoppers", **SPAN))
    store = own_store.refresh()
    scope = Scope.parse(SPAN | {"cohort": "Dropped before cart"})
    totals = {r["measure"]: r["value"] for r in ANALYSES["overview"].run(store, scope).table.to_pylist()}
    assert totals["shoppers"] == dropped
    regions = ANALYSES["regions"].run(store, scope).table
    assert regions.num_rows > 3
    assert "cohort Dropped before cart" in re.sub(r"\s+", " ", page.locator(".st-key-frame_map").inner_text())
    visit(page, app.link("", store="own", cohort="Dropped before cart", **SPAN))
    shown = page.get_by_test_id("stMetric").filter(has_text="Shoppers").inner_text()
    assert f"{dropped:,}" in shown or f"{dropped / 1000:.2f}k" in shown or f"{dropped / 1000:.1f}k" in shown


@pytest.fixture
def long_log(app: App) -> Iterator[str]:
    """The name of a log whose second event has 200 Chinese letters for a name."""
    moment = np.datetime64("2025-03-01T10:00:00", "us")
    rows = [(f"u{i}", d, s, e) for i in range(60) for d in range(3) for s, e in ((0, "view"), (40, NAME))]
    events = source_table(
        user_id=[who for who, *_ in rows],
        ts=[(moment + np.timedelta64(d * 86_400 + s, "s")).item() for _, d, s, _ in rows],
        event=[event for *_, event in rows],
    )
    store = Store.create(app.home / "long", kind="sample")
    store.append(TableReader(events, name="log.csv", format="sample"))
    marts.build(store.refresh())
    yield store.name
    shutil.rmtree(store.path)


def test_a_long_name_and_twenty_steps_draw(app: App, page: Page, long_log: str) -> None:
    visit(page, app.link("funnel", store=long_log, steps=f"view,{NAME}"))
    assert overflow(page) <= 0
    assert page.locator(".st-key-frame_funnel .bars .point").count() >= 2
    visit(page, app.link("paths", store=long_log))
    assert overflow(page) <= 0
    assert page.locator(".st-key-frame_flow canvas").count() == 1
    visit(page, app.link("funnel", store="sample", steps=",".join(["view", "*"] * 10), **SPAN))
    assert overflow(page) <= 0
    assert page.locator(".st-key-frame_funnel .bars .point").count() >= 20


def test_a_deleted_cohort_leaves_the_list(app: App, page: Page, own_store: Store) -> None:
    """Deleting is a click inside the list's frame; the page around it must answer too."""
    cohorts = open_cohorts(own_store)
    for name in ("Alpha", "Beta"):
        cohorts.save(name, {"of": "did", "event": "cart"})
    visit(page, app.link("cohorts", store="own", cohort="Beta", **SPAN))
    assert "2 cohorts" in page.locator(".st-key-frame_cohort_list").inner_text()
    delete = page.locator(".st-key-cohort_actions").get_by_role("button", name="Delete")
    box = page.locator('.st-key-frame_cohort_list [data-testid="stDataFrame"]').bounding_box()
    assert box
    for _ in range(4):
        page.mouse.click(box["x"] + 18, box["y"] + 35 + 35 + 17)  # the box beside the second row
        try:
            expect(delete).to_be_enabled()
            break
        except AssertionError:
            continue
    delete.click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".st-key-frame_cohort_list")).to_contain_text("1 cohort,")
    settle(page)
    assert "Deleted Beta." in page.get_by_test_id("stMain").inner_text()
    assert "cohort" not in words(page)
    assert [d.name for d in own_store.refresh().cohorts.all()] == ["Alpha"]


def test_a_saved_view_opens_from_the_start_page(app: App, page: Page, own_store: Store) -> None:
    visit(page, app.link("funnel", store="own", steps="view,cart", region="Ohio", **SPAN))
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name of this view").fill("Ohio carts")
    page.get_by_label("Name of this view").press("Enter")
    settle(page)
    page.locator(".st-key-view_save button").click()
    settle(page)
    visit(page, app.link("", store="own"))
    page.get_by_role("button", name="Ohio carts", exact=True).click()
    arrive(page, "/funnel")
    assert words(page)["steps"] == ["view,cart"] and words(page)["region"] == ["Ohio"]
