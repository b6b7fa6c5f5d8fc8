"""First paint of each page, warm, in Chromium: `python -m tests.bench.paint HOME RUNS CHROMIUM`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserType, sync_playwright

from tests.browser.harness import CHROMIUM_ARGS, App, served, visit

#: Page → its path in the address.
PAGES = {"Overview": "", "Demand map": "map", "When": "when", "Data": "data"}

#: Notes when the first number, table or chart of the page stands in the document.
WATCH = """
    const first = '[data-testid="stMetric"], [data-testid="stPlotlyChart"] .main-svg,'
        + ' [data-testid="stDeckGlJsonChart"] canvas, [data-testid="stDataFrame"] canvas';
    const look = () => {
        if (window.firstChart === undefined && document.querySelector(first)) {
            requestAnimationFrame(() => { window.firstChart ??= performance.now(); });
        }
    };
    new MutationObserver(look).observe(document, {childList: true, subtree: true});
"""


def measure(home: Path, runs: int, executable: str) -> dict[str, Any]:
    """Milliseconds by page to the browser's first contentful paint, to the first chart, and to rest."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(home, Path(folder) / "app.log") as app,
        sync_playwright() as playwright,
    ):
        return {
            name: _page(playwright.chromium, executable, Path(folder) / name, app, path, runs)
            for name, path in PAGES.items()
        }


def _page(
    chromium: BrowserType, executable: str, profile: Path, app: App, path: str, runs: int
) -> list[dict[str, float]]:
    # A profile on disk, as a visitor's browser has it: a private window keeps no compiled scripts.
    context = chromium.launch_persistent_context(
        profile, executable_path=executable, args=list(CHROMIUM_ARGS), viewport={"width": 1280, "height": 800}
    )
    context.add_init_script(WATCH)
    found = []
    for _ in range(runs + 1):
        page = context.new_page()
        visit(page, app.link(path, store="sample"))
        page.wait_for_function("window.firstChart !== undefined")
        found.append(
            page.evaluate("""() => ({
                contentful: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
                chart: window.firstChart,
                settled: performance.now(),
            })""")
        )
        page.close()
    context.close()
    return found[1:]


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
