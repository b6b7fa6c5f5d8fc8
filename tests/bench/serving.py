"""The HTTP API at a fixed rate of calls, over a log of 100,000 items, while visitors use the pages.

    python -m tests.bench.serving [--items N] [--events N] [--rate CALLS] [--seconds S] [--pages VISITORS]

Calls are sent when they are due, whether or not those before were answered, so that waiting counts. The log
is generated; its 2,000 titles are shared by the items, and the scorer is fitted to noise: neither changes
what a call costs. Prints latencies, and the processor time of the server for each call.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import marts
from core.api.keys import Keys
from core.encoder import open_vectors
from core.journeys.encoding import encode_scope
from core.paths import open_paths
from core.recommender import versions
from core.recommender.features import FEATURES
from core.recommender.models import SCORER_FILE
from core.recommender.scorer import Examples, ScorerOptions, fit
from core.recommender.versions import About, items_fingerprint
from core.scope import Scope
from core.settings import settings
from core.sources import open_source
from core.store import Store
from tests.bench.workplace import ROOT

HOME = Path.home() / ".cache" / "cartscape-bench"
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
    if (path / "models").exists():
        return Store.open(path)
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
    about = About(
        event="click", items=items_fingerprint(open_paths(store).items),
        encoder=open_vectors().encoder.card.fingerprint,
        settings={"event": "click", "days": 30.0, "items": "new", "seed": 0},
    )  # fmt: skip
    kept = versions.save(store, {SCORER_FILE: fit(learnt, ScorerOptions(epochs=1)).to_bytes()}, about)
    versions.promote(store, kept.number)
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


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


async def driven(store: Store, port: int, key: str, rate: float, seconds: float) -> list[tuple[float, int]]:
    """Seconds and status of each call, sent when it is due."""
    found: list[tuple[float, int]] = []
    asked = bodies(store, 1)
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as client:

        async def call(due: float, body: dict[str, Any]) -> None:
            try:
                answer = await client.post(f"http://127.0.0.1:{port}/api/v1/recommend", json=body)
                found.append((time.perf_counter() - due, answer.status_code))
            except httpx.TransportError:
                found.append((time.perf_counter() - due, 0))  # counted as not answered

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(call(due, next(asked)))
    return found


async def until_open(port: int, key: str, store: Store) -> None:
    """Wait for the model."""
    body = next(bodies(store, 0))
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        while True:
            try:
                answer = await client.post(f"http://127.0.0.1:{port}/api/v1/recommend", json=body)
                if answer.status_code == 200:
                    return
                if answer.status_code != 503:
                    raise SystemExit(answer.text)
            except httpx.TransportError:
                pass
            await asyncio.sleep(1)


@contextmanager
def visitors(port: int, pages: int) -> Iterator[None]:
    """People in Chromium who go from page to page."""
    call = [sys.executable, "-m", "tests.bench.visitors", str(port), NAME]
    running = [subprocess.Popen(call, cwd=ROOT) for _ in range(pages)]
    try:
        if running:
            time.sleep(15)  # they have to start
        yield
    finally:
        for one in running:
            one.terminate()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, usual in (("items", 100_000), ("events", 1_000_000), ("pages", 2), ("port", 8599)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    home = HOME / f"{NAME}-{asked.items}-{asked.events}"
    store = made(home, asked.events, asked.items)
    keys = Keys(home)
    if any(key.name == "bench" for key in keys.holding()):
        keys.revoke("bench")
    key = keys.add("bench")
    with served(home, asked.port) as server:
        asyncio.run(until_open(asked.port, key, store))
        asyncio.run(driven(store, asked.port, key, 10, 5))  # lists of places are worked out
        with visitors(asked.port, asked.pages):
            before, load = cpu_seconds(server.pid), os.getloadavg()[0]
            found = asyncio.run(driven(store, asked.port, key, asked.rate, asked.seconds))
            spent = cpu_seconds(server.pid) - before
    fine = np.array([seconds for seconds, status in found if status == 200]) * 1e3
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(fine, [50, 95, 99]))
    told = {
        "items": asked.items, "events": asked.events, "rate": asked.rate, "pages": asked.pages,
        "calls": len(found), "answered": int(fine.size), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        "server_cpu_ms_a_call": round(spent / len(found) * 1e3, 1), "load_before": round(load, 1),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main()
