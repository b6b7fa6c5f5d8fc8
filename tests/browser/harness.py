"""The app as a process, Chromium before it, and what a test asks of both."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, Request, WebSocket
from playwright.sync_api import TimeoutError as TooLate

ROOT = Path(__file__).parents[2]

#: Software WebGL, so that maps draw without a graphics card; all else is drawn without WebGL, which costs a
#: tenth of the time. Nothing that Chromium itself would fetch.
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
)
#: Page → its path.
PATHS = {
    "Overview": "",
    "Demand map": "map",
    "When": "when",
    "Funnel": "funnel",
    "Paths": "paths",
    "Retention": "retention",
    "Cohorts": "cohorts",
    "Path clusters": "clusters",
    "Search by meaning": "search",
    "Data": "data",
}
#: Milliseconds for a page to draw; generous, as software WebGL shares two cores with the server.
PATIENCE = 60_000


@dataclass(frozen=True)
class App:
    """A served app."""

    url: str
    home: Path
    log: Path
    process: int = 0

    def link(self, page: str = "", **words: str | list[str]) -> str:
        """The address of a page with a scope, as a person would paste it."""
        query = urlencode(words, doseq=True)
        return f"{self.url}/{page}" + (f"?{query}" if query else "")


@contextmanager
def served(home: Path, log: Path, script: Path = ROOT / "app.py", seconds: float = 60) -> Iterator[App]:
    """The app on a free port of this machine, with `home` as its home folder, until the block ends."""
    port = free_port()
    # Loops are compiled by then; asking them anew beside the page would only slow it.
    environment = {**os.environ, "CARTSCAPE_HOME": str(home), "CARTSCAPE_WARM": "0"}
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    app = App(f"http://127.0.0.1:{port}", home, log, process.pid)
    try:
        _await_health(app, process, seconds)
        yield app
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_health(app: App, process: subprocess.Popen[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{app.log.read_text(errors='replace')[-4000:]}")


def chromium(playwright: Playwright, executable: str) -> Browser:
    """Chromium as installed on this machine."""
    return playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_ARGS))


@dataclass
class Record:
    """What a page asked for and complained about."""

    foreign: list[str] = field(default_factory=list)  # addresses off this machine
    complaints: list[str] = field(default_factory=list)  # errors of console and scripts

    def watch(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("websocket", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Request | WebSocket) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in ("127.0.0.1", "localhost"):
            self.foreign.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # On a page with a path of its own, Streamlit first looks for its server below that path.
        expected = "/_stcore/" in str(message.location.get("url", "")) and "404" in message.text
        if message.type == "error" and not expected:
            self.complaints.append(message.text)


def settle(page: Page) -> None:
    """Wait until the script has run to its end and nothing on the page is stale or still to come."""
    page.wait_for_selector('[data-testid="stApp"]', timeout=PATIENCE)
    page.wait_for_function(_SETTLED, timeout=PATIENCE)
    # A rerun may begin within a moment of a click: settled means settled twice.
    page.wait_for_timeout(250)
    page.wait_for_function(_SETTLED, timeout=PATIENCE)


_SETTLED = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app?.dataset.testScriptState === 'notRunning'
        && app?.dataset.testConnectionState !== 'CONNECTING'
        && !document.querySelector(
            '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"]');
}"""


def visit(page: Page, link: str) -> None:
    """Open a link and wait until it is drawn."""
    page.goto(link)
    settle(page)


def arrive(page: Page, pattern: str) -> None:
    """Wait until the page's address says so, and all is drawn."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(location.href)", arg=pattern, timeout=PATIENCE
    )
    settle(page)


def go_to(page: Page, name: str) -> None:
    """Follow the navigation, as a person does."""
    page.get_by_role("link", name=name, exact=True).click()
    arrive(page, rf":\d+/{PATHS[name]}(\?|$)")


def click_until(page: Page, x: float, y: float, there: Locator) -> None:
    """Click a place in the window until what answers the click is there: a busy machine may drop one."""
    for _ in range(8):
        page.mouse.click(x, y)
        try:
            there.wait_for(timeout=5_000)
            return settle(page)
        except TooLate:
            continue
    raise AssertionError("eight clicks were not answered")


def place_of(page: Page, frame: str, x: float, y: float) -> tuple[float, float]:
    """Where in the window the Plotly picture of a frame draws a point of its axes."""
    picture = page.locator(f".st-key-frame_{frame} .js-plotly-plot").first
    picture.scroll_into_view_if_needed()
    left, top = picture.evaluate(
        """(picture, [x, y]) => {
            const {xaxis, yaxis} = picture._fullLayout, box = picture.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
        }""",
        [x, y],
    )
    return float(left), float(top)


def words(page: Page) -> dict[str, list[str]]:
    """The scope in the page's address."""
    return parse_qs(urlsplit(page.url).query)


def colours(target: Locator) -> int:
    """How many colours a picture of the element shows; one or two means that nothing is drawn."""
    picture = picture_of(target).convert("RGB").quantize(64)
    return len(picture.getcolors(64) or [])


def picture_of(target: Locator) -> Image.Image:
    """The element as the screen shows it, WebGL included."""
    return Image.open(io.BytesIO(target.screenshot(timeout=PATIENCE)))


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    width: Any = page.evaluate(
        "() => Math.max(document.documentElement.scrollWidth,"
        " document.querySelector('[data-testid=\"stMain\"]')?.scrollWidth ?? 0) - window.innerWidth"
    )
    return int(width)


def sentences(target: Locator) -> list[str]:
    """The texts of elements, whitespace evened out."""
    return [re.sub(r"\s+", " ", text).strip() for text in target.all_inner_texts()]
