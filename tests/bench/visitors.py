"""A person in Chromium who goes from page to page, and tells of each.

python -m tests.bench.visitors PORT STORE
"""

from __future__ import annotations

import os
import shutil
import sys
from itertools import cycle

from playwright.sync_api import Error, sync_playwright

PAGES = ("", "when", "map", "funnel", "paths")


def main(port: str, store: str) -> None:
    chromium = os.environ.get("CARTSCAPE_CHROMIUM") or shutil.which("chromium") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        page = browser.new_page()
        for name in cycle(PAGES):
            try:
                page.goto(f"http://127.0.0.1:{port}/{name}?store={store}", timeout=60_000)
                page.wait_for_timeout(3_000)
                print(name or "overview", flush=True)
            except Error:
                continue


if __name__ == "__main__":
    main(*sys.argv[1:])
