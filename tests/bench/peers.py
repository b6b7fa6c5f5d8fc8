"""The same questions asked of the raw log: `python -m tests.bench.peers STORE RUNS PEER_PYTHON`.

Both peers read the store's own Parquet files with every core and all memory, and give the same rows:
events, distinct shoppers, distinct sessions, sessions with a purchase, and revenue of each group.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from core.analyses import ANALYSES
from core.events import MONEY_EVENTS, NONE
from core.scope import Scope, parent_sql
from core.store import Store
from tests.bench.questions import scopes

#: Question → its analysis, its options, and the columns that name a group.
QUESTIONS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "totals": ("overview", {}, ()),
    "by region": ("regions", {}, ("region",)),
    "by cell": ("demand", {"resolution": "5"}, ("cell",)),
    "by hour of the week": ("hours", {}, ("weekday", "hour")),
    "by day": ("calendar", {}, ("day",)),
}
ASKED_OF = ("everything", "28 days of one region", "28 days, one device and category")
_MONEY = ", ".join(f"'{event}'" for event in MONEY_EVENTS)

Rows = dict[tuple[str, ...], tuple[float, ...]]


def measure(store: Store, runs: int, python: str) -> dict[str, Any]:
    """Median seconds of Cartscape, DuckDB and chdb for each question and scope, and whether they agree."""
    chosen = {name: scope for name, scope in scopes(store).items() if name in ASKED_OF}
    asked = [
        (question, title, Scope.parse(scope.words() | {"compare": "off"}))
        for question in QUESTIONS
        for title, scope in chosen.items()
    ]
    files = [str(path) for path in store.months.values()]
    ours = [_timed(partial(_ours, store, q, s), runs * 3) for q, _, s in asked]
    connection = duckdb.connect()
    plain = [_timed(partial(_duckdb, connection, files, q, s), runs) for q, _, s in asked]
    zones = [row[0] for row in connection.read_parquet(files).select("tz").distinct().fetchall()]
    other = ask_chdb(python, [chdb_sql(files, zones, q, s) for q, _, s in asked], runs)
    rows = [
        {
            "question": question,
            "scope": title,
            "cartscape": ours[i][0],
            "duckdb": plain[i][0],
            "chdb": sorted(other["found"][i]["seconds"])[runs // 2],
            "groups": len(ours[i][1]),
            "agree": same(ours[i][1], plain[i][1]) and same(ours[i][1], _rows(other["found"][i]["rows"])),
        }
        for i, (question, title, _) in enumerate(asked)
    ]
    return {"rows": rows, "versions": f"DuckDB {duckdb.__version__}, chdb {other['version']}"}


def _timed(ask: Callable[[], Rows], runs: int) -> tuple[float, Rows]:
    rows: Rows = {}
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        rows = ask()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[runs // 2], rows


def _ours(store: Store, question: str, scope: Scope) -> Rows:
    name, options, by = QUESTIONS[question]
    answer = ANALYSES[name].run(store, scope, **options).table.to_pylist()
    if name == "overview":
        values = {row["measure"]: row["value"] for row in answer}
        answer = [values]
    return {tuple(str(row[column]) for column in by): _numbers(row) for row in answer if row["events"]}


def _numbers(row: dict[str, Any]) -> tuple[float, ...]:
    buys = (row["conversion"] or 0) * row["sessions"]
    return (row["events"], row["shoppers"], row["sessions"], round(buys, 3), row["revenue"] or 0)


def _rows(found: list[dict[str, Any]]) -> Rows:
    return {
        tuple(str(row[key]) for key in sorted(row) if key.startswith("g")): tuple(
            float(row[key] or 0) for key in ("events", "shoppers", "sessions", "buys", "revenue")
        )
        for row in found
    }


def same(one: Rows, other: Rows) -> bool:
    """Whether two answers hold the same groups with the same numbers, to the cent."""
    return one.keys() == other.keys() and all(
        all(math.isclose(a, b, rel_tol=1e-9, abs_tol=0.01) for a, b in zip(one[key], other[key], strict=True))
        for key in one
    )


def _duckdb(connection: duckdb.DuckDBPyConnection, files: list[str], question: str, scope: Scope) -> Rows:
    groups = {
        "region": f"coalesce(region, '{NONE}')",
        "cell": f"printf('%x', {parent_sql('cell', 5)})",
        "weekday": "isodow(local_ts)",
        "hour": "hour(local_ts)",
        "day": "CAST(local_ts AS DATE)",
    }
    by = QUESTIONS[question][2]
    predicate, values = scope.predicate()
    columns = "".join(f"{groups[column]} AS g{i}, " for i, column in enumerate(by))
    sql = f"""
        SELECT {columns}count(*) AS events, count(DISTINCT user_id) AS shoppers,
            count(DISTINCT session_id) AS sessions,
            count(DISTINCT session_id) FILTER (event = 'purchase') AS buys,
            sum(price * quantity) FILTER (event IN ({_MONEY})) AS revenue
        FROM (SELECT *, (ts AT TIME ZONE 'UTC') AT TIME ZONE tz AS local_ts FROM read_parquet(?))
        WHERE {predicate} {"AND cell IS NOT NULL" if "cell" in by else ""}
        GROUP BY {", ".join(f"g{i}" for i in range(len(by))) or "()"}
    """
    return _rows(connection.sql(sql, params=[files, *values]).to_arrow_table().to_pylist())


def chdb_sql(files: list[str], zones: list[str], question: str, scope: Scope) -> str:
    """The question in ClickHouse's words; every value is one that this module or the store made."""
    by = QUESTIONS[question][2]
    folder, names = Path(files[0]).parent, ",".join(Path(file).name for file in files)
    groups = {
        "region": f"coalesce(region, '{NONE}')",
        # hex() writes whole bytes; an H3 address has no leading zero.
        "cell": f"trimLeft(lower(hex({_parent(5)})), '0')",
        "weekday": "toDayOfWeek(local_ts)",
        "hour": "toHour(local_ts)",
        "day": "toDate(local_ts)",
    }
    columns = "".join(f"{groups[column]} AS g{i}, " for i, column in enumerate(by))
    cases = ", ".join(f"tz = '{zone}', timeZoneOffset(toTimeZone(ts, '{zone}'))" for zone in zones)
    return f"""
        SELECT {columns}count() AS events, uniqExact(user_id) AS shoppers,
            uniqExact(session_id) AS sessions, uniqExactIf(session_id, event = 'purchase') AS buys,
            toFloat64(sumIf(price * quantity, event IN ({_MONEY}))) AS revenue
        FROM (
            SELECT *, ts + toIntervalSecond(multiIf({cases}, 0)) AS local_ts
            FROM file('{folder}/{{{names}}}', Parquet)
        )
        WHERE {_chdb_predicate(scope)} {"AND cell IS NOT NULL" if "cell" in by else ""}
        {"GROUP BY " + ", ".join(f"g{i}" for i in range(len(by))) if by else ""}
        SETTINGS session_timezone = 'UTC', output_format_json_quote_64bit_integers = 0
    """


def _parent(resolution: int) -> str:
    keep = ~(15 << 52) & (2**64 - 1)
    low = resolution << 52 | 2 ** (3 * (15 - resolution)) - 1
    return f"bitOr(bitAnd(assumeNotNull(cell), toUInt64('{keep}')), toUInt64('{low}'))"


def _chdb_predicate(scope: Scope) -> str:
    """The dates, regions, categories, events and devices of a scope; the peers are asked of no more."""
    clauses = ["1"]
    if scope.start:
        clauses.append(f"local_ts >= toDateTime64('{scope.start} 00:00:00', 6)")
    if scope.end:
        clauses.append(f"local_ts < toDateTime64('{scope.end} 00:00:00', 6) + INTERVAL 1 DAY")
    for column, chosen in (
        ("region", scope.regions),
        ("category", scope.categories),
        ("event", scope.events),
        ("device", scope.devices),
    ):
        if chosen:
            values = ", ".join(
                "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in chosen
            )
            clauses.append(f"coalesce({column}, '{NONE}') IN ({values})")
    return " AND ".join(clauses)


def ask_chdb(python: str, queries: list[str], runs: int, setup: list[str] | None = None) -> dict[str, Any]:
    """Rows and seconds of each query in chdb, after `setup`, in the environment of the peers."""
    done = subprocess.run(
        [python, str(Path(__file__).with_name("chdb_runner.py"))],
        input=json.dumps({"queries": queries, "runs": runs, "setup": setup or []}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(Store.open(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3])))
