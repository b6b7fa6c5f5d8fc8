"""Fixtures of every test: a home of its own, the real logs, and stores built once for the whole run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from filelock import FileLock

from core.settings import settings

if TYPE_CHECKING:
    from core.store import Store

ROOT = Path(__file__).parents[1]

#: Events of the sample that tests share: quick to make. The planted stories are tuned for a million events;
#: tests/sample looks for them in that many.
SAMPLE_EVENTS = 60_000
SAMPLE_SEED = 7

# A slow machine must not fail a property, and a failure must come again.
hypothesis.settings.register_profile("cartscape", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("cartscape")

#: What runs the tests. Streamlit's AppTest puts the page in its place, which new processes would then run.
_MAIN = sys.modules["__main__"]


def pytest_runtest_setup() -> None:
    """Each test begins with PyTorch on one core: another worker has the other, and threads that wait for a
    core take many times as long. Numba's loops leave it with as many threads as there are cores.
    """
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def pytest_runtest_teardown() -> None:
    """Each test leaves behind the main module that all began with."""
    sys.modules["__main__"] = _MAIN


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def shared_home(shared: Path) -> Iterator[Path]:
    """The home of the stores that are built once; no test ever touches the user's own."""
    home = shared / "home"
    home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("CARTSCAPE_") and n not in _HARNESS]:
            patch.delenv(name)
        patch.setenv("CARTSCAPE_HOME", str(home))
        settings.cache_clear()
        yield home
    settings.cache_clear()


#: Variables that steer the tests themselves.
_HARNESS = ("CARTSCAPE_TEST_DATA", "CARTSCAPE_CHROMIUM")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for one test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CARTSCAPE_HOME", str(home))
    settings.cache_clear()
    yield home
    settings.cache_clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real logs; the test is skipped where it is absent."""
    path = Path(os.environ.get("CARTSCAPE_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"the real logs are not at {path}; CARTSCAPE_TEST_DATA names another place")
    return path


def _once(home: Path, name: str, make: Callable[[Path], Store]) -> Store:
    """The store `name`, made by the first worker that asks and opened by the others."""
    from core import marts
    from core.store import Store

    with FileLock(home.parent / f"{name}.lock"):
        whole = home.parent / f"{name}.whole"
        if not whole.exists():
            shutil.rmtree(home / name, ignore_errors=True)
            marts.build(make(home / name))
            whole.touch()
    return Store.open(home / name)


def _loaded(path: Path, source: Path, name: str) -> Store:
    from core.sources import open_source
    from core.store import Store

    store = Store.create(path)
    store.append(open_source([source], format=name, connection=store.cursor()))
    return store


@pytest.fixture(scope="session")
def sample_store(shared_home: Path) -> Store:
    """The sample marketplace with 60,000 events and its marts. Read only: copy it to write."""

    def make(path: Path) -> Store:
        from core.store import Store
        from data.sample import sample_reader

        store = Store.create(path, kind="sample", seed=SAMPLE_SEED)
        store.append(sample_reader(events=SAMPLE_EVENTS, seed=SAMPLE_SEED))
        return store

    return _once(shared_home, "sample", make)


@pytest.fixture(scope="session")
def trained_store(shared_home: Path, sample_store: Store) -> Store:
    """The sample with a model in use, to be asked within `quick_models`. Read only."""

    def make(path: Path) -> Store:
        from core.recommender.models import train_model
        from core.recommender.training import MOMENTS
        from core.store import Store
        from tests.quick_models import CLICKS, quick_models

        store = Store.open(shutil.copytree(sample_store.path, path))
        with quick_models(MOMENTS):
            train_model(store, CLICKS)
        return store

    return _once(shared_home, "trained", make)


@pytest.fixture(scope="session")
def trivago_store(shared_home: Path, shared_data: Path) -> Store:
    """Travel searches: places and sessions, neither prices of purchases nor categories. Read only."""
    return _once(shared_home, "trivago", lambda path: _loaded(path, shared_data / "trivago", "trivago"))


@pytest.fixture(scope="session")
def olist_store(shared_home: Path, shared_data: Path) -> Store:
    """A Brazilian marketplace: orders with places and prices, no device. Read only."""
    return _once(shared_home, "olist", lambda path: _loaded(path, shared_data / "olist", "olist"))


@pytest.fixture(scope="session")
def online_retail_store(shared_home: Path, shared_data: Path) -> Store:
    """A British wholesaler: purchases and returns, countries alone for a place. Read only."""
    return _once(
        shared_home,
        "online_retail",
        lambda path: _loaded(path, shared_data / "online_retail_ii", "online-retail"),
    )


@pytest.fixture(params=["trivago", "olist", "online_retail"])
def real_store(request: pytest.FixtureRequest) -> Store:
    """Each of the real logs in turn. Read only."""
    store: Store = request.getfixturevalue(f"{request.param}_store")
    return store


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Store], Store]:
    """A function that copies a shared store into this test's own folder, to be written to."""
    from core.store import Store

    return lambda store: Store.open(shutil.copytree(store.path, tmp_path / store.name))
