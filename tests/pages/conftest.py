"""The app driven without a browser, on stores that are built once."""

from __future__ import annotations

import csv
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core import marts
from core.settings import settings
from core.sources import open_source
from core.store import Store
from tests.quick_models import quick_models

SHELL = Path(__file__).parents[2] / "pages" / "shell.py"
PAGES = {
    "overview": "overview.py",
    "map": "demand_map.py",
    "when": "when.py",
    "funnel": "funnel.py",
    "paths": "paths.py",
    "retention": "retention.py",
    "cohorts": "cohorts.py",
    "clusters": "clusters.py",
    "search": "search.py",
    "recommendations": "recommendations.py",
    "models": "models.py",
    "data": "data.py",
}

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Each run of an AppTest reads what every installed package says of itself; once is enough for all."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield


@pytest.fixture(scope="session")
def bare_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A log of shoppers, moments and events alone: no place, price, session or purchase."""
    folder = tmp_path_factory.mktemp("bare")
    with (folder / "log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ts", "user_id", "event"])
        rows.writerows(
            [f"2025-03-{1 + i % 28:02} {i % 24:02}:00:00", f"u{i % 90}", ("view", "cart")[i % 2]]
            for i in range(2_000)
        )
    store = Store.create(folder / "bare")
    store.append(open_source([folder / "log.csv"], connection=store.cursor()))
    marts.build(store.refresh())
    return Store.open(folder / "bare")


@pytest.fixture
def pages_home(
    tmp_path: Path, sample_store: Store, bare_store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A home with the sample and the bare log."""
    home = tmp_path / "home"
    home.mkdir()
    for store in (sample_store, bare_store):
        shutil.copytree(store.path, home / store.name, copy_function=os.link)
    monkeypatch.setenv("CARTSCAPE_HOME", str(home))
    monkeypatch.setenv("CARTSCAPE_WARM", "0")  # a thread would outlive its test
    settings.cache_clear()
    yield home
    settings.cache_clear()


@pytest.fixture
def trained_page(pages_home: Path, trained_store: Store) -> Iterator[Store]:
    """The sample of that home with a model in use, for this test alone to change."""
    shutil.rmtree(pages_home / "sample")
    with quick_models():
        yield Store.open(shutil.copytree(trained_store.path, pages_home / "sample"))


@pytest.fixture
def app(pages_home: Path) -> Open:
    """A function that opens a page with words in its address: `app("when", region="Ohio")`."""

    def visit(page: str = "overview", **words: str | list[str]) -> AppTest:
        test = AppTest.from_file(str(SHELL), default_timeout=60)
        for key, value in words.items():
            test.query_params[key.rstrip("_")] = value
        test.run()
        if page != "overview":
            test.switch_page(str(SHELL.parent / PAGES[page])).run()
        return test

    return visit


def commands(test: AppTest) -> list[str]:
    """The commands that the pictures of a page name."""
    return [block.value for block in test.code if block.value.startswith("python -m core show")]
