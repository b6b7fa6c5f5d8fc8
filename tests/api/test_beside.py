"""Lists from a process of their own: the same, as new, and from one that ends and begins with its server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import beside
from core.api.beside import Beside, command
from core.api.keys import Keys
from core.api.server import Api, routes
from core.recommender.versions import open_version, promote, save
from core.store import Store
from tests.api.conftest import ROOT, Client
from tests.api.test_recommend import sentence, shopper_of

#: The process as it is, with the stand-in of the encoder that the model was trained with.
STANDING_IN = """
import sys
from core.api.ranking import main
from tests.quick_models import quick_models
with quick_models():
    main(*sys.argv[1:])
"""


def words_of(home: Path, names: str = "") -> list[str]:
    python, _, _, *rest = command(home, names)
    return [python, "-c", STANDING_IN, *rest]


@contextmanager
def served(home: Path, words: Sequence[str], again: float = beside.AGAIN) -> Iterator[Client]:
    """A client of an API whose lists come from a process; one event loop for all calls, as in a server."""
    made = Beside(words, again)
    api = Api(home, 10_000, 1 << 20, made)
    keys = Keys(home)
    key = keys.add(f"client {len(keys.all())}")
    with TestClient(Starlette(routes=routes(api))) as http:
        try:
            yield Client(home, http, key, api)
        finally:
            made.end()


@pytest.fixture(scope="module")
def one(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client over a copy that may be written to, with a process that may be ended."""
    home = tmp_path_factory.mktemp("beside")
    shutil.copytree(trained_home / "sample", home / "sample")
    with served(home, words_of(home), again=0) as client:
        yield client


@pytest.fixture
def fresh(one: Client) -> Client:
    """The same with its model open, in the process alone."""
    until(lambda: one.recommend().status_code == 200)
    return one


def until(true: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def process_of(client: Client) -> int:
    assert client.api.beside and client.api.beside._line
    return client.api.beside._line.process.pid


def runs(pid: int) -> bool:
    """Whether a process is there; one that nobody waited for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_its_lists_are_the_servers_own(fresh: Client) -> None:
    shopper = shopper_of(Store.open(fresh.home / "sample"))
    own = Client(fresh.home, TestClient(Starlette(routes=routes(here := Api(fresh.home, 1e4, 1 << 20)))),
                 fresh.key, here)  # fmt: skip
    until(lambda: own.recommend().status_code == 200)
    asked: list[Any] = [
        {}, {"shopper": shopper, "n": 5}, {"region": "Florida", "device": "mobile"}, {"n": 0}, {"n": "ü"}, [],
        {"shopper": "nobody at all"}, {"store": "nowhere"}, {"lat": 30, "lon": -45},
    ]  # fmt: skip
    for body in asked:
        mine, its = own.post("recommend", body), fresh.post("recommend", body)
        assert (mine.status_code, mine.content) == (its.status_code, its.content)
        assert mine.headers == its.headers
    assert not fresh.api.shelf._places  # the server itself opened no model


def test_what_is_posted_and_promoted_counts_in_its_next_list(fresh: Client) -> None:
    first = [item["item_id"] for item in fresh.recommend(n=3).json()["items"]]
    events = [
        {"ts": "2025-07-01T10:00:00Z", "user_id": "newcomer", "event": "click", "item_id": item}
        for item in first
    ]
    assert fresh.post("events", {"events": events}).json()["stored"] == 3
    found = fresh.recommend(shopper="newcomer", n=100).json()
    assert not set(first) & {item["item_id"] for item in found["items"]}
    store = Store.open(fresh.home / "sample")
    before = open_version(store)
    kept = save(store, {name: (before.folder / name).read_bytes() for name in before.files}, before.about)
    assert fresh.recommend().json()["model"] == before.number
    promote(store, kept.number)
    until(lambda: fresh.recommend().json()["model"] == kept.number)


def test_it_is_started_again(fresh: Client) -> None:
    killed = process_of(fresh)
    os.kill(killed, signal.SIGINT)  # Ctrl-C in the server's terminal, which the server sees to
    assert fresh.recommend().status_code == 200
    os.kill(killed, signal.SIGSTOP)
    with subprocess.Popen(["sh", "-c", f"sleep 1; kill -9 {killed}"]):
        answer = fresh.recommend()
    assert "ended" in sentence(answer, 503)  # who waited for it is told
    while answer.status_code != 200:
        sentence(answer, 503)
        time.sleep(0.05)
        answer = fresh.recommend()
    assert process_of(fresh) != killed and not runs(killed)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["/nowhere/python"], "cannot be started (No such file or directory)"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended with 3; the server's log says why"),
    ],
)
def test_one_that_cannot_start_is_a_sentence(trained_home: Path, words: list[str], says: str) -> None:
    with served(trained_home, words) as client:
        until(lambda: says in sentence(client.recommend(), 503), 20)
        answer = client.recommend()
        assert says in sentence(answer, 503) and int(answer.headers["retry-after"]) > 20
        assert client.post("events", {"events": []}).status_code == 422  # what is posted needs no process


SERVER = """
import asyncio, sys
from core.api.beside import Beside
async def main():
    line = await Beside(sys.argv[1:]).begun()
    while not line.ready:
        await asyncio.sleep(0.05)
    print(line.process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_it_ends_with_its_server(trained_home: Path) -> None:
    call = [sys.executable, "-c", SERVER, *words_of(trained_home, "sample")]  # while it opens a model
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        pid = int(server.stdout.readline())
        assert runs(pid)
        server.kill()
    until(lambda: not runs(pid), 20)


def test_it_ends_when_the_server_says_so(fresh: Client) -> None:
    pid, began = process_of(fresh), time.monotonic()
    assert fresh.api.beside
    fresh.api.beside.end()
    assert not runs(pid) and time.monotonic() - began < beside.ENDING
