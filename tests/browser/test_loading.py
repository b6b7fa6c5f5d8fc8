"""Loading through the browser: what cannot be read is a sentence, and nothing that was there is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.store import Store, list_stores
from tests.browser.harness import App, go_to, settle, visit

MAIN = '[data-testid="stMain"]'


def choose(page: Page, name: str, content: bytes) -> None:
    """Put a file into the upload form."""
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.wait_for_timeout(500)
    settle(page)


#: Files that hold no log: name, content, a word of the sentence that says why.
BROKEN = (
    ("broken.parquet", b"PAR1" + b"\x00\xff" * 500, "broken.parquet"),
    ("broken.csv", b"\x00\xff\xfe" * 2_000, "broken.csv"),
    ("empty.csv", b"", "empty"),
    ("people.csv", b"name,age\nAda,36\n", "time"),
)


def test_each_broken_upload_is_a_sentence_and_loses_nothing(page: Page, app: App) -> None:
    before = list_stores(app.home)
    visit(page, app.link("data"))
    for name, content, word in BROKEN:
        choose(page, name, content)
        expect(page.locator(MAIN)).to_contain_text(name)
        text = page.locator(MAIN).inner_text()
        assert word in text, name
        assert "Traceback" not in text
    assert list_stores(app.home) == before
    Store.open(app.home / "sample")
    go_to(page, "Overview")
    assert page.locator('[data-testid="stMetricValue"]').count() >= 5


def test_a_log_is_mapped_previewed_and_loaded(page: Page, app: App) -> None:
    before = {info.name for info in list_stores(app.home)}
    rows = "".join(
        f"2025-03-{1 + i % 28:02} {i % 24:02}:00:00,p{i % 50},{('view', 'purchase')[i % 2]}\n"
        for i in range(600)
    )
    visit(page, app.link("data"))
    choose(page, "visits.csv", f"timestamp,visitorid,event\n{rows}soon,p1,view\n".encode())
    text = page.locator(MAIN).inner_text()
    assert "timestamp" in text
    page.get_by_role("button", name=re.compile("^Load")).click()
    expect(page.get_by_text(re.compile("600"))).not_to_have_count(0)
    settle(page)
    found = {info.name: info for info in list_stores(app.home)}
    (name,) = set(found) - before
    assert found[name].events == 600
    visit(page, app.link("", **{"store": name, "from": "2025-03-01", "to": "2025-03-28"}))
    assert page.locator('[data-testid="stMetricValue"]').first.inner_text().startswith("600")


def test_a_log_is_removed_only_after_a_confirmation(page: Page, app: App, own_store: Store) -> None:
    visit(page, app.link("data"))
    page.locator(".st-key-remove_own button").click()
    page.get_by_role("button", name="Keep it").click()
    settle(page)
    assert "own" in [info.name for info in list_stores(app.home)]
    page.locator(".st-key-remove_own button").click()
    page.get_by_role("button", name="Remove it").click()
    settle(page)
    assert "own" not in [info.name for info in list_stores(app.home)]


@pytest.fixture
def torn(app: App) -> Iterator[str]:
    """The name of a store whose list of contents was cut."""
    folder = app.home / "torn"
    folder.mkdir()
    (folder / "manifest.json").write_text("{")
    yield folder.name
    shutil.rmtree(folder)


def test_a_damaged_store_is_named_and_the_others_work(page: Page, app: App, torn: str) -> None:
    visit(page, app.link("data"))
    text = page.locator(MAIN).inner_text()
    assert torn in text
    go_to(page, "Overview")
    assert page.locator('[data-testid="stMetricValue"]').count() >= 5
