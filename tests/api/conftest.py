"""A home with a small trained store, and a client of the API over it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.keys import Keys
from core.api.server import Api, routes
from core.recommender.models import open_model
from core.store import Store
from tests.quick_models import quick_models

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained_home(trained_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the sample, `sample`, and its model."""
    home = tmp_path_factory.mktemp("api")
    shutil.copytree(trained_store.path, home / "sample")
    with quick_models():
        yield home


@dataclass
class Client:
    """Who calls the API with a key."""

    home: Path
    http: TestClient
    key: str
    api: Api

    def post(self, what: str, body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        return self.http.post(f"/api/v1/{what}", headers=headers, json=body, **more)

    def recommend(self, **words: Any) -> Any:
        return self.post("recommend", words)


def client_of(home: Path, a_second: float = 10_000, most_body: int = 1 << 20) -> Client:
    api = Api(home, a_second, most_body)
    keys = Keys(home)
    name = f"client {len(keys.all())}"
    return Client(home, TestClient(Starlette(routes=routes(api))), keys.add(name), api)


@pytest.fixture(scope="module")
def client(trained_home: Path) -> Client:
    """A client whose model is open."""
    found = client_of(trained_home)
    path = trained_home / "sample"
    open_model(Store.open(path))  # waits for it
    while found.recommend().status_code == 503:
        time.sleep(0.05)
    return found
