"""Fixtures of tests in Chromium: one served app and one browser a worker, one page a test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.store import Store
from tests.browser.harness import PATIENCE, ROOT, App, Record, chromium, served

ARTIFACTS = ROOT / "artifacts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CARTSCAPE_CHROMIUM") or shutil.which("chromium")
    if not executable:
        pytest.skip("Chromium is not installed; `make test` installs it, or CARTSCAPE_CHROMIUM names one")
    with sync_playwright() as playwright:
        browser = chromium(playwright, executable)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app(
    tmp_path_factory: pytest.TempPathFactory, sample_store: Store, request: pytest.FixtureRequest
) -> Iterator[App]:
    """The app with the sample and, where they are at hand, the real logs; tests leave its stores alone."""
    base = tmp_path_factory.mktemp("app")
    stores = [sample_store]
    for name in ("trivago_store", "olist_store", "online_retail_store"):
        try:
            stores.append(request.getfixturevalue(name))
        except pytest.skip.Exception:
            break
    for store in stores:
        _put(store, base / "home", store.name)
    with served(base / "home", base / "app.log") as app:
        yield app


@pytest.fixture
def own_store(app: App, sample_store: Store) -> Iterator[Store]:
    """A copy of the sample that the app serves, for this test alone to change."""
    _put(sample_store, app.home, "own")
    yield Store.open(app.home / "own")
    shutil.rmtree(app.home / "own", ignore_errors=True)


def _put(store: Store, home: Path, name: str) -> None:
    # Immutable files: a hard link is as good as a copy, and the manifest is replaced, never rewritten.
    shutil.copytree(store.path, home / name, copy_function=os.link)


@pytest.fixture
def width(request: pytest.FixtureRequest) -> int:
    """Pixels of the window's width; parametrize it indirectly or directly."""
    return int(getattr(request, "param", 1280))


@pytest.fixture
def page(browser: Browser, width: int, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window that must ask for nothing off this machine and say no error; shot where the test fails."""
    context = browser.new_context(
        viewport={"width": width, "height": 1080 if width > 1500 else 800}, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    record = Record()
    record.watch(page)
    yield page
    if getattr(request.node, "failed", False):
        ARTIFACTS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", request.node.name)
        page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
    context.close()
    assert not record.foreign, f"asked off this machine: {record.foreign}"
    assert not record.complaints, f"errors in the console: {record.complaints}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell the page's fixture whether its test failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
