"""How fluid the map of journeys is in Chromium, beside Plotly's WebGL scatter of the same points.

`python -m tests.bench.fluidity HOME POINTS CHROMIUM` opens Path clusters of the store `sample` in HOME with
POINTS sessions drawn, and a bare page with Plotly's `scattergl`. In both the same hand pans, zooms by the
wheel and hovers. A frame is what the browser's animation loop gave between two draws.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs

from tests.bench.workplace import percentile
from tests.browser.harness import chromium, served, visit

#: Milliseconds within which a map of so many points is made and drawn for the first time.
PATIENCE = 600_000
SECONDS = 4.0
#: Moves of the hand a second, as of a usual mouse.
MOVES = 60

WATCH = """() => {
    window.frameTimes = [];
    const each = (now) => { window.frameTimes.push(now); window.frameAsked = requestAnimationFrame(each); };
    window.frameAsked = requestAnimationFrame(each);
}"""
TAKE = "() => { cancelAnimationFrame(window.frameAsked); return window.frameTimes; }"
POINTS = """(canvas) => {
    const { places: { xy }, colours: { group }, words } = canvas.cartscape;
    return { xy: Array.from(xy), group: Array.from(group), colours: words.groups.map((g) => g[1]) };
}"""
PLOT = """async ({ xy, group, colours, width, height }) => {
    document.body.innerHTML = `<div id="plot" style="width:${width}px;height:${height}px"></div>`;
    const traces = [...new Set(group)].map((g) => {
        const rows = [...group.keys()].filter((i) => group[i] === g);
        const [x, y] = [0, 1].map((axis) => rows.map((i) => xy[2 * i + axis]));
        const marker = { size: 4, opacity: 0.7, color: colours[g] ?? '#999999' };
        return { type: 'scattergl', mode: 'markers', x, y, marker, text: rows.map((i) => `path ${i}`) };
    });
    const margin = { l: 0, r: 0, t: 0, b: 0 };
    const layout = { dragmode: 'pan', margin, showlegend: false, hovermode: 'closest' };
    await Plotly.newPlot('plot', traces, layout, { scrollZoom: true, displayModeBar: false });
}"""

Act = Callable[[Page, float, float, int], None]


def _pan(page: Page, x: float, y: float, move: int) -> None:
    if not move:
        page.mouse.move(x, y)
        page.mouse.down()
    turn = move / MOVES * math.tau / 2
    page.mouse.move(x + 120 * math.sin(turn), y + 60 * math.sin(2 * turn))


def _zoom(page: Page, x: float, y: float, move: int) -> None:
    if not move:
        page.mouse.move(x, y)
    page.mouse.wheel(0, -40 if move // MOVES % 2 == 0 else 40)


def _hover(page: Page, x: float, y: float, move: int) -> None:
    turn = move / MOVES * math.tau / 2
    page.mouse.move(x + 150 * math.sin(turn), y + 100 * math.cos(turn))


ACTS: dict[str, Act] = {"pan": _pan, "zoom": _zoom, "hover": _hover}


def frames(page: Page, act: Act, box: Mapping[str, float]) -> dict[str, float]:
    """Frames a second while a hand does something, and the median and 95th percentile between two, in ms."""
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.wait_for_timeout(1_000)
    page.evaluate(WATCH)
    began, move = time.monotonic(), 0
    while (now := time.monotonic() - began) < SECONDS:
        act(page, x, y, move)
        move += 1
        time.sleep(max(0.0, move / MOVES - now))
    times = page.evaluate(TAKE)
    page.mouse.up()
    page.wait_for_timeout(1_000)
    gaps = [b - a for a, b in pairwise(times)]
    return {
        "frames_a_second": 1_000 * len(gaps) / (times[-1] - times[0]),
        "median_ms": percentile(gaps, 0.5),
        "p95_ms": percentile(gaps, 0.95),
        "moves": move,
    }


def measure(home: Path, points: int, executable: str) -> dict[str, Any]:
    """Frames of ours and of the peer by act; the points that ours drew, and how."""
    words = {"store": "sample", "from": "2025-01-01", "to": "2025-06-30", "compare": "off"}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(home, Path(folder) / "app.log") as app,
        sync_playwright() as playwright,
    ):
        browser = chromium(playwright, executable)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        visit(page, app.link("clusters", unit="session", drawn=str(points), weights="0,1,1,1", **words))
        canvas = page.locator("canvas.points[data-ready='1']")
        canvas.wait_for()
        page.wait_for_timeout(5_000)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box
        at = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
        drawn = int(canvas.get_attribute("data-points") or 0)
        told = canvas.evaluate(POINTS)
        ours = {name: frames(page, act, at) for name, act in ACTS.items()}
        page.close()
        other = browser.new_page(viewport={"width": 1280, "height": 800})
        other.set_default_timeout(PATIENCE)
        other.add_script_tag(content=get_plotlyjs())
        other.evaluate(PLOT, {**told, "width": box["width"], "height": box["height"]})
        other.wait_for_timeout(5_000)
        at |= {"x": 8.0, "y": 8.0}  # the margin of a bare page
        plotly = {name: frames(other, act, at) for name, act in ACTS.items()}
        browser.close()
    return {"points": drawn, "Cartscape": ours, "Plotly scattergl": plotly}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
