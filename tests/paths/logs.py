"""Path logs made from lists, without the cost of a store, and paths told in the plainest way."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pyarrow as pa

from core.events import NONE, USUAL_ORDER
from core.marts.activity import MONEY_UNIT
from core.marts.dimensions import EPOCH, Dimensions
from core.marts.path_arrays import ARRAYS, last_of
from core.paths import PathLog
from core.paths.tokens import Naming
from core.scope import Scope
from core.store import Store

FIRST_DAY = date(2025, 3, 3)  # a Monday

Row = dict[str, Any]


def in_order(rows: list[Row]) -> list[Row]:
    """Rows as a path log has them: by shopper, in time, ties in the usual order."""
    usual = {event: rank for rank, event in enumerate(USUAL_ORDER)}
    return sorted(
        rows,
        key=lambda r: (
            r["shopper"], r["second"], r["session"], usual.get(r["event"], len(usual)),
            r["event"], r.get("category") or "", r.get("item") or "",
        ),
    )  # fmt: skip


def path_log(rows: list[Row], k: int = 1) -> PathLog:
    """A path log of rows: shopper, session, second (of FIRST_DAY on, UTC and local), event, and where they
    are given category, item, query, device, channel, region, money.

    Sessions of one name are one session only within a shopper.
    """
    rows = in_order(rows)
    known: dict[str, dict[tuple[Any, ...], int]] = {}

    def codes(name: str, *fields: str) -> np.ndarray:
        table = known.setdefault(name, {})
        keys = [tuple(r.get(f) for f in fields) for r in rows]
        for key in sorted(set(keys), key=lambda key: [(v is not None, v or "") for v in key]):
            table.setdefault(key, len(table))
        return np.array([table[key] for key in keys], np.int64)

    shoppers = [r["shopper"] for r in rows]
    session = pd.factorize(np.array([f"{r['shopper']}|{r['session']}" for r in rows], object))[0]
    starts = [i for i, s in enumerate(shoppers) if i == 0 or s != shoppers[i - 1]]
    second = np.array([r["second"] for r in rows], np.int64)
    money = np.array([round((r.get("money") or 0) * MONEY_UNIT) for r in rows], np.int64)
    kind = codes("kinds", "event", "category")
    arrays = {
        "shopper": np.array([s if isinstance(s, int) else n for n, s in enumerate(dict.fromkeys(shoppers))]),
        "start": np.array([*starts, len(rows)]), "kind": kind,
        "second": second, "hour": second // 3600, "place": codes("places", "region"),
        "mean": codes("means", "device", "channel"), "item": codes("items", "item"),
        "query": codes("queries", "query"), "session": session,
        "step": pd.Series(session).groupby(session).cumcount().to_numpy(),
        "next": pd.Series(kind).groupby(session).shift(-1).fillna(last_of(ARRAYS["next"])).to_numpy(),
        "money_event": np.flatnonzero(money), "money": money[money != 0],
    }  # fmt: skip

    def column(name: str, field: int) -> pa.Array:
        return pa.array([key[field] for key in known[name]], pa.string())

    nowhere = pa.nulls(len(known["places"]))
    places = pa.table({"region": column("places", 0), "city": nowhere.cast(pa.string())})
    tables = {
        "places": places.append_column("cell", nowhere.cast(pa.uint64())),
        "means": pa.table({"device": column("means", 0), "channel": column("means", 1)}),
        "kinds": pa.table({"event": column("kinds", 0), "category": column("kinds", 1)}),
    }
    hours = (FIRST_DAY - EPOCH).days * 24 + np.arange(int(second.max()) // 3600 + 1)
    log = PathLog.__new__(PathLog)
    log.k, log.dimensions = k, Dimensions(tables, hours)
    log.first_second = (FIRST_DAY - EPOCH).days * 86_400
    log._arrays = {name: arrays[name].astype(dtype) for name, dtype in ARRAYS.items()}
    for array in log._arrays.values():
        array.flags.writeable = False  # as mapped files are: the very loops of the app are tested
    log.kinds = (_texts(tables["kinds"]["event"]), _texts(tables["kinds"]["category"]))
    log.means = (_texts(tables["means"]["device"]), _texts(tables["means"]["channel"]))
    log._texts = {
        "items": pa.chunked_array([column("items", 0)]), "queries": pa.chunked_array([column("queries", 0)])
    }  # fmt: skip
    log.members = lambda _: None
    return log


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = column.fill_null(NONE).combine_chunks().to_numpy(zero_copy_only=False)
    return found


def random_rows(seed: int, rows: int, seconds: int = 40) -> list[Row]:
    """Rows with ties in time, sessions that interleave, repeats, and fields that are missing."""
    rng = random.Random(seed)
    return [
        {
            "shopper": rng.choice("abcde"),
            "session": rng.choice("xyz"),
            "second": rng.randrange(seconds) * rng.choice([1, 3600]),
            "event": rng.choice(["view", "view", "cart", "purchase", "search"]),
            "category": rng.choice([None, "Shoes", "Hats"]),
            "item": rng.choice([None, "i1", "i2", "i3"]),
            "device": rng.choice([None, "mobile", "desktop"]),
            "region": rng.choice(["Ohio", "Texas"]),
        }
        for _ in range(rows)
    ]


SCOPES = (
    Scope(),
    Scope(devices=("mobile", NONE)),
    Scope(events=("view", "purchase")),
    Scope(categories=("Shoes",), regions=("Ohio",)),
    Scope(hours=tuple(f"1.{h}" for h in range(12))),
)
NAMINGS = (
    Naming(),
    Naming(collapse=True),
    Naming("category", hide=("search",), collapse=True),
    Naming("page", group=(("view*", "look"), ("/i[12]/", "early")), collapse=True),
    Naming(hide=("cart",), group=(("p*", "paid"), ("search", "find"))),
)


def filled(scope: Scope) -> Scope:
    """The scope with dates that hold every row of `path_log`."""
    return scope.within(FIRST_DAY, FIRST_DAY + timedelta(days=60))


class Path:
    """A path told plainly: its key, its names, and the rows they stand for."""

    def __init__(self, key: tuple[Any, Any], rows: list[tuple[int, Row]], collapse: bool) -> None:
        self.shopper, self.session = key
        self.nodes = [r["name"] for _, r in rows]
        if collapse:
            self.nodes = [n for i, n in enumerate(self.nodes) if i == 0 or n != self.nodes[i - 1]]
        self.first, self.last = rows[0][0], rows[-1][0]
        self.seconds = rows[-1][1]["second"] - rows[0][1]["second"]
        self.bought = False


def told(rows: list[Row], scope: Scope, naming: Naming, unit: str) -> list[Path]:
    """The paths of rows that are in order, in the order of their shoppers and of their beginning."""
    by_key: dict[tuple[Any, Any], list[tuple[int, Row]]] = {}
    bought = set()
    for i, row in enumerate(rows):
        if not kept(row, scope):
            continue
        key = (row["shopper"], row["session"] if unit == "session" else None)
        if row["event"] == "purchase":
            bought.add(key)
        name = name_of(row, naming)
        if name is not None:
            by_key.setdefault(key, []).append((i, row | {"name": name}))
    found = [Path(key, its, naming.collapse) for key, its in by_key.items()]
    for path in found:
        path.bought = (path.shopper, path.session) in bought
    began: dict[tuple[Any, Any], int] = {}
    for i, row in enumerate(rows):  # a session's place is that of its first event, in the scope or not
        began.setdefault((row["shopper"], row["session"] if unit == "session" else None), i)
    return sorted(found, key=lambda p: began[p.shopper, p.session])


def kept(row: Row, scope: Scope) -> bool:
    """Whether a scope keeps a row; `local` is its local time, else counted from FIRST_DAY."""
    local = row.get("local") or datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(
        seconds=row["second"]
    )
    if (scope.start and local.date() < scope.start) or (scope.end and local.date() > scope.end):
        return False
    for field, chosen in (
        ("region", scope.regions), ("category", scope.categories),
        ("event", scope.events), ("device", scope.devices),
    ):  # fmt: skip
        if chosen and (row.get(field) or NONE) not in chosen:
            return False
    if scope.cells:
        cell = row.get("cell")
        if not cell or not any(
            h3.cell_to_parent(int(cell), h3.get_resolution(h3.str_to_int(c))) == h3.str_to_int(c)
            for c in scope.cells
        ):
            return False
    return not scope.hours or f"{local.isoweekday()}.{local.hour}" in scope.hours


def name_of(row: Row, naming: Naming) -> str | None:
    """What a naming calls a row; None where it hides it."""
    name: str = row["event"]
    if naming.nodes == "category" and row.get("category"):
        name = f"{name} · {row['category']}"
    if naming.nodes == "page" and row.get("item"):
        name = row["item"]
    renamed = name
    for pattern, new in naming.group:
        if re.search(pattern[1:-1], name) if pattern.startswith("/") else fnmatchcase(name, pattern):
            renamed = new
            break
    hidden = any(fnmatchcase(n, pattern) for pattern in naming.hide for n in (name, renamed))
    return None if hidden else renamed


def stored_rows(store: Store, paths: PathLog) -> list[Row]:
    """The rows of a store's log in the order of its path log, which `core.marts.activity.steps` says."""
    usual = " ".join(f"WHEN '{event}' THEN {rank}" for rank, event in enumerate(USUAL_ORDER))
    log = store.cursor().sql(
        "SELECT CAST(CAST(hash(user_id) AS BIT) AS BIGINT) shopper, session_id AS session, local_ts AS local,"
        " CAST(CAST(hash(session_id) AS BIT) AS BIGINT) AS of_session, ts,"
        " floor(epoch(ts))::BIGINT AS second,"
        f" CASE event {usual} ELSE {len(USUAL_ORDER)} END AS usual, event, category, item_id AS item,"
        " device, region, cell FROM log"
    )  # fmt: skip
    frame = log.df()
    kinds = {pair: code for code, pair in enumerate(zip(*paths.kinds, strict=True))}
    items = {item: code for code, item in enumerate(paths.items)}
    frame["kind"] = [
        kinds[e, NONE if pd.isna(c) else c] for e, c in zip(frame.event, frame.category, strict=True)
    ]
    frame["of_item"] = [items[NONE if pd.isna(i) else i] for i in frame.item]
    frame = frame.sort_values(
        ["shopper", "ts", "of_session", "usual", "kind", "of_item"], kind="stable", ignore_index=True
    )
    frame = frame.astype(dict.fromkeys(("category", "item", "device", "region", "cell"), object))
    rows: list[Row] = frame.where(frame.notna(), None).to_dict("records")
    return rows
