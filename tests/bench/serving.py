"""The HTTP API at a fixed rate of calls, over a log of 100,000 items, while visitors use the pages.

    python -m tests.bench.serving HOME [--items N] [--events N] [--rate CALLS] [--seconds S] [--pages N …]

One server answers for all numbers N of visitors, one after the other; each page was opened once before, which
imports and compiles. The log is generated; its 2,000 titles are shared by the items, and the scorer is fitted
to noise: neither changes what a call costs. Prints one JSON object for each number of visitors.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import marts
from core.api.keys import Keys
from core.journeys.encoding import encode_scope
from core.recommender.features import FEATURES
from core.recommender.lift import PRIORS, Priors
from core.recommender.matching import standing
from core.recommender.models import TrainOptions, files_of, keep
from core.recommender.scorer import Examples, ScorerOptions, fit
from core.recommender.versions import About, open_version
from core.scope import Scope
from core.settings import settings
from core.sources import open_source
from core.store import Store
from tests.bench.visitors import PAGES
from tests.bench.workplace import ROOT

NAME, TITLES = "serving", 2_000
CITIES = [(40.0, -83.0), (34.0, -118.2), (41.9, -87.6), (29.8, -95.4), (47.6, -122.3), (25.8, -80.2)]


def log_of(events: int, items: int) -> pa.Table:
    """Sessions of shoppers with tastes, in 40 categories; what is popular follows Zipf's law."""
    rng = np.random.default_rng(3)
    shoppers = events // 20
    session = np.sort(rng.integers(0, events // 5, events))
    user = (session * 2_654_435_761 % shoppers).astype(np.int64)
    taste = np.stack([user % 40, user * 7 % 40, rng.integers(0, 40, events)])
    category = taste[rng.choice(3, events, p=[0.5, 0.3, 0.2]), np.arange(events)]
    rank = np.minimum(rng.zipf(1.25, events) - 1 + rng.integers(0, 40, events), items // 40 - 1)
    item = rank * 40 + category
    item[:items] = np.arange(items)  # each is met once
    category = item % 40
    start = np.datetime64("2025-01-01", "s") + (session * 31 % (180 * 86_400)).astype("m8[s]")
    words = [f"{a} {b}" for a in range(TITLES // 40) for b in range(40)]
    place = np.array(CITIES)[user % len(CITIES)]
    kinds = np.array(["view", "click", "cart", "purchase"])
    return pa.table(
        {
            "ts": pa.array(start + (np.arange(events) % 600).astype("m8[s]")),
            "user_id": pa.array(user).cast(pa.string()),
            "event": pa.array(kinds[rng.choice(4, events, p=[0.5, 0.35, 0.1, 0.05])]),
            "item_id": pa.array(item).cast(pa.string()),
            "category": pa.array([f"Category {number}" for number in range(40)]).take(pa.array(category)),
            "title": pa.array([f"Product {word}" for word in words]).take(pa.array(item % TITLES)),
            "price": pa.array(np.round(5 + item % 97 * 1.5, 2)),
            "lat": pa.array(place[:, 0] + user % 50 * 0.1),
            "lon": pa.array(place[:, 1]),
            "device": pa.array(["mobile", "desktop"]).take(pa.array(user % 2)),
        }
    )


def made(home: Path, events: int, items: int) -> Store:
    """The store with its marts, vectors and model, made where it is missing."""
    os.environ["CARTSCAPE_HOME"] = str(home)
    os.environ["CARTSCAPE_K_ANONYMITY"] = "1"
    settings.cache_clear()
    path = home / NAME
    if (path / "models").exists() and not standing(store := Store.open(path), open_version(store))[0]:
        return store
    shutil.rmtree(path, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    file = home / "log.parquet"
    pq.write_table(log_of(events, items), file)
    store = Store.create(path)
    store.append(open_source([file], format="events", connection=store.cursor()))
    file.unlink()
    marts.build(store)
    print("encoding", flush=True)
    encode_scope(store, Scope())
    rng = np.random.default_rng(0)
    learnt = Examples(
        rng.normal(size=(4_000, len(FEATURES))).astype(np.float32),
        (rng.random(4_000) < 0.1).astype(np.float32), np.ones(4_000, np.float32),
    )  # fmt: skip
    options = TrainOptions(event="click")
    files = files_of(fit(learnt, ScorerOptions(epochs=1)), Priors(*repeat(PRIORS[-1], len(Priors._fields))))
    keep(store, options, files, About(settings=asdict(options)))
    return store


@contextmanager
def served(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The app, with its model open."""
    call = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    more = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    env = os.environ | {"CARTSCAPE_API_WARM": NAME, "CARTSCAPE_WARM": "false", "CARTSCAPE_API_RATE": "1000"}
    with (
        (home / "server.log").open("wb") as told,
        subprocess.Popen([*call, *more], cwd=ROOT, env=env, stdout=told, stderr=told) as server,
    ):
        try:
            yield server
        finally:
            server.send_signal(signal.SIGTERM)


@dataclass(frozen=True)
class Spent:
    """What processes have taken since they began, in seconds: on processors, and waiting for one, as far as
    their threads still run.
    """

    at_work: float
    waited: float

    @classmethod
    def by(cls, pids: Iterable[int]) -> Spent:
        """Some processes."""
        at_work = waited = 0.0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
            at_work += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(FileNotFoundError):  # it ended
                    waited += int((thread / "schedstat").read_text().split()[1]) / 1e9
        return cls(at_work, waited)


def peak_mb(pid: int) -> int:
    """The largest resident set of a process, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def bodies(store: Store, seed: int) -> Iterator[dict[str, Any]]:
    """Calls of an endless shop: for shoppers, paths, places and hours."""
    rng = random.Random(seed)
    users = store.cursor().execute("SELECT DISTINCT user_id FROM log ORDER BY 1 LIMIT 5000").fetchall()
    items = store.cursor().execute("SELECT DISTINCT item_id FROM log ORDER BY 1 LIMIT 20000").fetchall()
    while True:
        lat, lon = rng.choice(CITIES)
        body: dict[str, Any] = {
            "store": NAME,
            "at": f"2025-07-0{rng.randint(1, 7)}T{rng.randint(0, 23):02d}:00",
        }
        if rng.random() < 0.7:
            body["shopper"] = rng.choice(users)[0]
        else:
            body["path"] = [{"event": "view", "item": rng.choice(items)[0]} for _ in range(rng.randint(1, 8))]
        if rng.random() < 0.5:
            body |= {"lat": lat + rng.randint(0, 49) * 0.1, "lon": lon}
        yield body


def driven(asked: Iterable[dict[str, Any]], port: int, key: str, rate: float) -> dict[str, Any]:
    """What `calls` says of these bodies."""
    call = [sys.executable, "-m", "tests.bench.calls", str(port), key, str(rate)]
    lines = "\n".join(json.dumps(body) for body in asked)
    done = subprocess.run(call, cwd=ROOT, input=lines, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def until_open(port: int, key: str, body: dict[str, Any]) -> None:
    """Wait for the model."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    address = f"http://127.0.0.1:{port}/api/v1/recommend"
    while True:
        try:
            with urlopen(Request(address, json.dumps(body).encode(), headers), timeout=60):
                return
        except HTTPError as error:
            if error.code != 503:
                raise SystemExit(error.read().decode()) from None
        except URLError:
            pass
        time.sleep(1)


@contextmanager
def visitors(port: int, pages: int, told: Path) -> Iterator[None]:
    """People who go from page to page; they tell of each in a file."""
    call = [sys.executable, "-m", "tests.bench.visitors", str(port), NAME]
    with told.open("a") as file:
        running = [subprocess.Popen(call, cwd=ROOT, stdout=file) for _ in range(pages)]
        try:
            while told.read_text().count("\n") < pages:  # they have to start
                time.sleep(1)
            yield
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()


def opened_once(port: int) -> None:
    """Let somebody open every page."""
    with tempfile.TemporaryDirectory() as folder, visitors(port, 1, told := Path(folder) / "told"):
        while told.read_text().count("\n") < len(PAGES):
            time.sleep(1)


def measured(
    server: int, store: Store, port: int, key: str, rate: float, seconds: float, pages: int
) -> dict[str, Any]:
    """One row of the table."""
    asked = list(islice(bodies(store, 1 + pages), int(rate * seconds)))
    with tempfile.TemporaryDirectory() as folder, visitors(port, pages, told := Path(folder) / "told"):
        drawn, load = told.read_text().count("\n"), os.getloadavg()[0]
        parts = {"pages": [server], "lists": children(server)}
        before = {part: Spent.by(pids) for part, pids in parts.items()}
        found = driven(asked, port, key, rate)
        after = {part: Spent.by(pids) for part, pids in parts.items()}
        drawn = told.read_text().count("\n") - drawn
    fine = np.array([took for took, status in found["calls"] if status == 200]) * 1e3
    p50, p95, p99 = (
        (round(float(v), 1) for v in np.percentile(fine, [50, 95, 99])) if fine.size else (0, 0, 0)
    )

    def each(total: float) -> float:
        return round(total / len(asked) * 1e3, 2)

    return {
        "rate": rate, "visitors": pages, "pages_opened": drawn, "calls": len(asked),
        "failed": len(asked) - int(fine.size), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        **{f"cpu_ms_a_call_{part}": each(after[part].at_work - before[part].at_work) for part in parts},
        **{f"waited_ms_a_call_{part}": each(after[part].waited - before[part].waited) for part in parts},
        "cpu_ms_a_call_client": each(found["cpu"]),
        "peak_mb": {part: sum(map(peak_mb, pids)) for part, pids in parts.items()},
        "load_before": round(load, 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    for name, usual in (("items", 100_000), ("events", 500_000), ("port", 8599)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--pages", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    home = asked.home / f"{NAME}-{asked.items}-{asked.events}"
    store = made(home, asked.events, asked.items)
    keys = Keys(home)
    if any(key.name == "bench" for key in keys.holding()):
        keys.revoke("bench")
    key = keys.add("bench")
    with served(home, asked.port) as server:
        until_open(asked.port, key, next(bodies(store, 0)))
        driven(islice(bodies(store, 0), 100), asked.port, key, 20)  # lists of places are worked out
        if any(asked.pages):
            opened_once(asked.port)
        for pages in asked.pages:
            row = measured(server.pid, store, asked.port, key, asked.rate, asked.seconds, pages)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
