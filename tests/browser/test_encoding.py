"""Encoding from a page outlives its server: killed in the middle, it goes on where it was."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from core.encoder import open_encoder
from core.encoder.segment import SUFFIX, Segment
from core.store import Store
from tests.browser.harness import PATIENCE, served, visit


def _kept(home: Path) -> int:
    """Vectors on the disk."""
    dim = open_encoder().card.dim
    return sum(len(Segment(file, dim)) for file in (home / "vectors").rglob(f"*{SUFFIX}"))


def test_a_server_that_is_killed_goes_on_encoding(page: Page, sample_store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    note = home / "cut" / "journeys" / "encoding.json"
    shutil.copytree(sample_store.path, home / "cut", copy_function=os.link)
    with served(home, tmp_path / "first.log") as app:
        visit(page, app.link("clusters", store="cut", compare="off"))
        offered = re.search(r"([\d,]+) texts", page.locator(".st-key-frame_encode").inner_text())
        assert offered
        page.get_by_role("button", name="Encode").click()
        end = time.monotonic() + PATIENCE / 1000
        while not _kept(home) and time.monotonic() < end:
            time.sleep(0.05)
        page.goto("about:blank")  # a page whose server is gone rightly complains
        os.kill(app.process, signal.SIGKILL)
    before = _kept(home)
    assert 0 < before < int(offered[1].replace(",", "")) and note.exists()
    with served(home, tmp_path / "second.log") as app:
        # Nobody presses anything: the rest is encoded, and the map is drawn.
        page.goto(app.link("clusters", store="cut", compare="off"))
        expect(page.locator("canvas[data-ready='1']")).to_be_visible(timeout=3 * PATIENCE)
        page.goto("about:blank")
    assert _kept(home) >= int(offered[1].replace(",", "")) and not note.exists()
