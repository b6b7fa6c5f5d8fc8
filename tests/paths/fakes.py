"""Small path logs made from plain rows, without a store."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa

from core.events import NONE
from core.marts.cube import everybody
from core.marts.dimensions import Dimensions
from core.paths.log import NOWHERE, PathLog

Row = dict[str, Any]  # shopper, session, second, event, category, device, item, query, region, money


def row(shopper: int, second: int, event: str, **more: Any) -> Row:
    """One event; what is not named is missing."""
    return {
        "shopper": shopper, "session": 0, "second": second, "event": event, "category": None,
        "device": None, "item": None, "query": None, "region": None, "money": 0, **more,
    }  # fmt: skip


def random_rows(seed: int, most: int = 60, seconds: int = 12, events: str = "abcx") -> list[Row]:
    """Few shoppers, sessions and seconds, so that ties, repeats and interleaved sessions abound."""
    rng = random.Random(seed)
    return [
        row(
            rng.randrange(3), rng.randrange(seconds), rng.choice(events), session=rng.randrange(2),
            category=rng.choice([None, "Shoes", "Hats"]), device=rng.choice([None, "mobile"]),
            item=rng.choice([None, "i1", "i2"]), query=rng.choice([None, "red boots"]),
            region=rng.choice(["Ohio", "Utah"]), money=rng.choice([0, 0, 50_000]),
        )
        for _ in range(rng.randrange(1, most))
    ]  # fmt: skip


def in_order(rows: list[Row]) -> list[Row]:
    """The rows in the order of the path log: by shopper and time; ties stay as they stand."""
    return sorted(rows, key=lambda r: (r["shopper"], r["second"]))


def path_log(rows: list[Row], k: int = 1) -> PathLog:
    """A path log of `in_order(rows)`; hours are hours since the first second, in UTC."""
    rows = in_order(rows)
    places, place = _dictionary(rows, ("region",))
    means, mean = _dictionary(rows, ("device",))
    kinds, kind = _dictionary(rows, ("event", "category"))
    items, item = _dictionary(rows, ("item",))
    queries, query = _dictionary(rows, ("query",))
    shoppers = sorted({r["shopper"] for r in rows})
    number = {shopper: i for i, shopper in enumerate(shoppers)}
    who = np.array([number[r["shopper"]] for r in rows])
    sessions: dict[tuple[int, int], int] = {}
    paid = [i for i, r in enumerate(rows) if r["money"]]
    log = PathLog.__new__(PathLog)
    tables = {
        "places": places.append_column("cell", pa.nulls(places.num_rows, pa.uint64()))
        .append_column("city", pa.nulls(places.num_rows, pa.string())),
        "means": means.append_column("channel", pa.nulls(means.num_rows, pa.string())),
        "kinds": kinds,
    }  # fmt: skip
    hours = max(r["second"] for r in rows) // 3600 + 1
    log.k, log.first_second = k, 0
    log.dimensions = Dimensions(tables, np.arange(hours, dtype=np.int64))
    log.kinds = (_texts(kinds["event"]), _texts(kinds["category"]))
    log.means = (_texts(means["device"]), np.full(means.num_rows, NONE, object))
    log._texts = {"items": items["item"], "queries": queries["query"]}
    log.members = everybody
    log._arrays = {
        "shopper": np.array(shoppers, np.int64),
        "start": np.searchsorted(who, np.arange(len(shoppers) + 1)).astype(np.uint32),
        "kind": kind.astype(np.uint16),
        "second": np.array([r["second"] for r in rows], np.uint32),
        "hour": np.array([r["second"] // 3600 for r in rows], np.uint16),
        "place": place.astype(np.uint32),
        "mean": mean.astype(np.uint16),
        "item": item.astype(np.uint32),
        "query": query.astype(np.uint32),
        "session": np.array(
            [sessions.setdefault((r["shopper"], r["session"]), len(sessions)) for r in rows], np.uint32
        ),
        "money_event": np.array(paid, np.uint32),
        "money": np.array([rows[i]["money"] for i in paid], np.int64),
    }
    assert log.no_item == NOWHERE or items["item"][log.no_item].as_py() is None
    return log


def _dictionary(rows: list[Row], columns: tuple[str, ...]) -> tuple[pa.Table, np.ndarray]:
    codes: dict[tuple[Any, ...], int] = {}
    of_rows = [codes.setdefault(tuple(r[c] for c in columns), len(codes)) for r in rows]
    table = pa.table({c: pa.array([key[i] for key in codes], pa.string()) for i, c in enumerate(columns)})
    return table, np.array(of_rows)


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = column.fill_null(NONE).combine_chunks().to_numpy(zero_copy_only=False)
    return found
