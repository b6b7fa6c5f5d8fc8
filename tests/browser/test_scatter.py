"""The scatter of paths draws, is moved about, and tells the server what is picked in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import PATIENCE, ROOT, App, colours, picture_of, served, settle

CANVAS = "canvas.points"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    base = tmp_path_factory.mktemp("scatter")
    with served(base / "home", base / "log", ROOT / "tests" / "browser" / "scatter_demo.py") as app:
        yield app


def opened(page: Page, demo: App, **words: str) -> Locator:
    """The canvas, drawn."""
    page.goto(demo.link("", **{"n": "4000", **words}))
    canvas = page.locator(CANVAS)
    expect(canvas).to_have_attribute("data-ready", "1", timeout=PATIENCE)
    settle(page)
    return canvas


def told(page: Page) -> tuple[str, int, int]:
    """What the server says was picked: its kind, the group, how many points."""
    found = re.search(r"Picked: (\w+), (-?\d+), (\d+)", page.locator('[data-testid="stMain"]').inner_text())
    assert found
    return found[1], int(found[2]), int(found[3])


def lasso(page: Page, canvas: Locator, *, shift: bool = True) -> None:
    """Draw a star around the middle, whose inner corners cross."""
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    corners = [(-170, -60), (170, -60), (-120, 140), (0, -170), (120, 140)]
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(x + corners[0][0], y + corners[0][1])
    page.mouse.down()
    for across, down in corners[1:]:
        page.mouse.move(x + across, y + down, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(canvas).to_have_attribute("data-picked", "lasso")
    expect(page.get_by_text("Picked: lasso")).to_be_visible()


def test_it_draws_and_says_what_it_is(page: Page, demo: App) -> None:
    canvas = opened(page, demo)
    assert canvas.get_attribute("data-points") == canvas.get_attribute("data-drawn") == "4000"
    assert canvas.get_attribute("role") == "img"
    assert canvas.get_attribute("aria-label") == "Made-up paths in five groups"
    assert colours(canvas) > 8
    expect(page.get_by_role("toolbar").get_by_role("button")).to_have_count(3)


def test_a_lasso_counts_the_same_here_and_there_and_outlives_a_rerun(page: Page, demo: App) -> None:
    canvas = opened(page, demo)
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 + 10, steps=3)
    page.mouse.up()
    lasso(page, canvas)
    kind, _, count = told(page)
    assert kind == "lasso"
    assert 20 < count < 3_900
    assert canvas.get_attribute("data-selected") == str(count)
    view = canvas.get_attribute("data-view")
    uploaded = canvas.evaluate("canvas => canvas.cartscape.cloud.uploaded")

    page.get_by_role("button", name="Draw again").click()
    settle(page)
    assert canvas.get_attribute("data-view") == view
    assert canvas.get_attribute("data-selected") == str(count)
    assert canvas.evaluate("canvas => canvas.cartscape.cloud.uploaded") == uploaded

    canvas.press("Escape")
    expect(page.get_by_text("Picked: nothing")).to_be_visible()
    assert canvas.get_attribute("data-selected") == "0"


def test_a_lasso_in_space_counts_the_same(page: Page, demo: App) -> None:
    canvas = opened(page, demo, deep="1")
    before = canvas.get_attribute("data-view")
    canvas.press("ArrowLeft")
    canvas.press("l")
    lasso(page, canvas, shift=False)
    assert canvas.get_attribute("data-view") != before
    count = told(page)[2]
    assert 20 < count < 3_900
    assert canvas.get_attribute("data-selected") == str(count)


def test_the_legend_picks_a_group_and_hides_one(page: Page, demo: App) -> None:
    canvas = opened(page, demo)
    entry = page.get_by_role("button", name=re.compile("^Return to one product"))
    entry.click()
    expect(page.get_by_text("Picked: group, 3")).to_be_visible()
    counted = int(re.sub(r"\D", "", entry.inner_text()))
    assert told(page) == ("group", 3, counted)
    assert canvas.get_attribute("data-selected") == str(counted)
    entry.click()
    expect(page.get_by_text("Picked: nothing")).to_be_visible()

    page.get_by_role("button", name="Hide Return to one product").click()
    expect(canvas).to_have_attribute("data-drawn", str(4_000 - counted))
    lasso(page, canvas)
    assert canvas.get_attribute("data-selected") == str(told(page)[2]), "a lasso passes over what is hidden"

    page.get_by_role("button", name="Clear from here").click()
    expect(canvas).to_have_attribute("data-picked", "")
    expect(page.get_by_text("Picked: nothing")).to_be_visible()


def test_a_point_tells_its_path_and_can_be_picked(page: Page, demo: App) -> None:
    canvas = opened(page, demo)
    box = canvas.bounding_box()
    assert box
    x, y = canvas.evaluate("canvas => canvas.cartscape.where(5)")
    page.mouse.move(box["x"] + x, box["y"] + y)
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_visible()
    assert re.search(r"\w+ \+0 min( → \w+ \+[\d.]+ (s|min|h|days))+", tip.inner_text()), tip.inner_text()
    page.mouse.click(box["x"] + x, box["y"] + y)
    expect(page.get_by_text("Picked: point")).to_be_visible()
    assert told(page)[2] == 1
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2)
    expect(tip).to_be_hidden()


def test_a_lost_context_comes_back(page: Page, demo: App) -> None:
    canvas = opened(page, demo)
    before = picture_of(canvas).convert("RGB")
    canvas.evaluate(
        """async canvas => {
            const loss = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
            const frames = canvas.cartscape.frames;
            loss.loseContext();
            await new Promise((go) => setTimeout(go, 50));
            loss.restoreContext();
            while (canvas.cartscape.frames === frames) await new Promise((go) => setTimeout(go, 20));
        }"""
    )
    after = picture_of(canvas).convert("RGB")
    assert before.histogram() == after.histogram()
