"""Recommendations before Chromium: a click on the map sets a place, and lists follow what the API is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.analyses import ANALYSES
from core.api.keys import Keys
from core.charts.map_view import fit_view
from core.charts.numbers import short
from core.charts.what_if import LETTERS
from core.recommender import evaluation
from core.recommender.acts import HERE_RESOLUTION
from core.recommender.models import train_model
from core.scope import Scope
from core.settings import settings
from core.store import Store
from pages.parts.place_picker import HEIGHT, WIDTH
from tests.browser.harness import PATIENCE, ROOT, App, arrive, click_until, served, settle, visit, words
from tests.quick_models import CLICKS

MAP = '[role="dialog"] [data-testid="stDeckGlJsonChart"] canvas'
MOVES = ".st-key-frame_moves .js-plotly-plot"


@pytest.fixture(scope="module")
def shop(sample_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with a copy of the sample whose model is trained."""
    base = tmp_path_factory.mktemp("shop")
    shutil.copytree(sample_store.path, base / "home" / "sample")
    core(base / "home", "encode")
    with pytest.MonkeyPatch.context() as patch:  # what `train` does, what to go by chosen with few pairs
        patch.setattr(evaluation, "MOST_PAIRS", 10_000)
        patch.setenv("CARTSCAPE_HOME", str(base / "home"))
        settings.cache_clear()
        train_model(Store.open(base / "home" / "sample"), CLICKS)
    settings.cache_clear()
    with served(base / "home", base / "app.log") as app:
        yield app


def core(home: Any, *words: str) -> str:
    """What a command over the sample of a home prints."""
    command = [sys.executable, "-m", "core", *words, "--store", str(home / "sample")]
    environment = {**os.environ, "CARTSCAPE_HOME": str(home)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout


def listed(app: App, **asked: str) -> list[dict[str, Any]]:
    """What `what-if` prints for the same question."""
    options = [word for name, value in asked.items() for word in ("--option", f"{name}={value}")]
    found: list[dict[str, Any]] = json.loads(core(app.home, "show", "what-if", *options))
    return found


def share(chance: float) -> str:
    """A chance as the picture writes it."""
    return f"{100 * chance:.2f} %" if chance >= 0.001 else f"{100 * chance:.2g} %"


def drawn(page: Page) -> str:
    """The words of the two lists."""
    return str(page.locator(MOVES).first.evaluate("picture => picture.textContent")).replace("\u00a0", " ")


def test_a_click_on_the_map_sets_a_place_and_list_and_reason_follow(page: Page, shop: App) -> None:
    table = ANALYSES["demand"].run(
        Store.open(shop.home / "sample"), Scope(), resolution=str(HERE_RESOLUTION)
    ).table  # fmt: skip
    lat, lon, many = (table[name].to_numpy() for name in ("lat", "lon", "shoppers"))
    view = fit_view(lat, lon, WIDTH, HEIGHT)
    x, y = view.project(lat, lon)
    cell = int(np.argmax(np.where(np.hypot(x - WIDTH / 2, y - HEIGHT / 2) < HEIGHT / 3, many, 0)))
    point = f"{lat[cell]:.2f},{lon[cell]:.2f}"
    visit(page, shop.link("recommendations", store="sample"))
    expect(page.locator(MOVES).first).to_be_visible(timeout=3 * PATIENCE)
    settle(page)
    before = drawn(page)
    assert page.locator(".st-key-frame_change").count() == 0  # A and B are the same
    page.locator(".st-key-b_map button:visible").first.click()
    canvas = page.locator(MAP).first
    expect(canvas).to_be_visible(timeout=PATIENCE)
    settle(page)
    box = canvas.bounding_box()
    assert box
    across = box["x"] + box["width"] / 2 + float(x[cell]) - WIDTH / 2
    down = box["y"] + box["height"] / 2 + float(y[cell]) - HEIGHT / 2
    page.mouse.move(across, down)
    for _ in range(4):  # what lies under the pointer stays there, and its cell grows
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(500)
    click_until(page, across, down, page.locator(".st-key-b_no_point").first)
    arrive(page, "b_point=")
    assert words(page)["b_point"] == [point]
    expect(page.locator(".st-key-frame_change")).to_be_visible(timeout=PATIENCE)
    settle(page)
    after = drawn(page)
    latitude, _, longitude = point.partition(",")
    rows = listed(shop, b_lat=latitude, b_lon=longitude)
    b = sorted(
        (row for row in rows if row["place_b"] and row["place_b"] <= 10), key=lambda row: row["place_b"]
    )
    assert after != before and any(row["moved"] for row in rows)
    for row in b:
        assert f"{short(row['title'], LETTERS)}  {share(row['chance_b'])}" in after
    assert "wanted here" in page.locator(".st-key-frame_change").inner_text()
    page.get_by_role("button", name=f"At {latitude}, {longitude}").click()
    page.wait_for_function("() => !location.href.includes('b_point')", timeout=PATIENCE)
    settle(page)
    assert drawn(page) == before


def test_what_the_api_is_told_moves_the_list_on_the_page(page: Page, shop: App) -> None:
    shopper = "somebody new"
    everybody = [row["title"] for row in listed(shop)]
    tell(shop, shopper, "P10017")
    visit(page, shop.link("recommendations", store="sample", whose=shopper))
    expect(page.locator(MOVES).first).to_be_visible(timeout=3 * PATIENCE)
    settle(page)
    before = drawn(page)
    rows = listed(shop, shopper=shopper)
    first = short(rows[0]["title"], LETTERS)
    assert first in before and [row["title"] for row in rows] != everybody
    tell(shop, shopper, rows[0]["item_id"])
    page.wait_for_function(
        "([where, title]) => !document.querySelector(where)?.textContent.includes(title)",
        arg=[MOVES, first], timeout=PATIENCE,
    )  # fmt: skip
    settle(page)
    after = drawn(page)
    for row in listed(shop, shopper=shopper):
        assert short(row["title"], LETTERS) in after and row["item_id"] != rows[0]["item_id"]


def tell(app: App, shopper: str, item: str) -> None:
    """Post a click of a shopper on an item to the app's API."""
    key = Keys(app.home).add(f"browser {item}")
    event = {"ts": "2025-07-01T10:00:00Z", "user_id": shopper, "event": "click", "item_id": item}
    call = urllib.request.Request(
        f"{app.url}/api/v1/events", json.dumps({"store": "sample", "events": [event]}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(call, timeout=60) as answer:
        assert json.load(answer)["stored"] == 1
