"""ClickHouse's windowFunnel beside the funnel: `python -m tests.bench.windowfunnel STORE RUNS PEER_PYTHON`.

chdb is given its own best table: only what the question needs, shoppers as numbers, in the order of
shopper and time. Neither its loading nor the building of our path log is in the times of the question.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from core.analyses import ANALYSES
from core.scope import Scope
from core.store import Store
from tests.bench.peers import ask_chdb
from tests.bench.questions import FUNNEL

SECONDS = 7 * 86_400
#: Ways to ask: as one would, and reading the table in its order.
WAYS = ("", "SETTINGS optimize_aggregation_in_order = 1")


def measure(store: Store, runs: int, python: str) -> dict[str, Any]:
    """Median seconds of both, how long chdb's table took to load, and how many got to each step."""
    scope = Scope(compare="off")
    counts: list[int] = []
    seconds = []
    for _ in range(3 * runs + 1):
        began = time.perf_counter()
        counts = ANALYSES["funnel"].run(store, scope, **FUNNEL).table["shoppers"].to_pylist()
        seconds.append(time.perf_counter() - began)
    files = [Path(file) for file in store.months.values()]
    log = f"file('{files[0].parent}/{{{','.join(file.name for file in files)}}}', Parquet)"
    setup = [
        """CREATE TABLE log (user_id UInt64, ts DateTime('UTC'), event LowCardinality(String))
           ENGINE = MergeTree ORDER BY (user_id, ts)""",
        f"""INSERT INTO log
            SELECT reinterpretAsUInt64(reverse(unhex(substring(assumeNotNull(user_id), 1, 16)))),
                toDateTime(assumeNotNull(ts), 'UTC'), assumeNotNull(event) FROM {log}
            SETTINGS session_timezone = 'UTC'""",
        "OPTIMIZE TABLE log FINAL",
    ]
    steps = ", ".join(f"event = '{event}'" for event in FUNNEL["steps"].split(","))
    queries = [
        f"""SELECT level, count() AS shoppers FROM (
                SELECT user_id, windowFunnel({SECONDS})(ts, {steps}) AS level FROM log GROUP BY user_id
            ) GROUP BY level {way}"""
        for way in WAYS
    ]
    other = ask_chdb(python, queries, runs, setup)
    theirs = []
    for answer in other["found"]:
        at = {int(row["level"]): int(row["shoppers"]) for row in answer["rows"]}
        theirs.append([sum(at[level] for level in at if level >= n) for n in range(1, len(counts) + 1)])
    medians = [sorted(answer["seconds"])[runs // 2] for answer in other["found"]]
    return {
        "cartscape": sorted(seconds[1:])[len(seconds[1:]) // 2],
        "chdb": min(medians),
        "chdb_ways": medians,
        "chdb_loading": sum(other["setup"]),
        "counts": counts,
        "equal": all(its == counts for its in theirs),
        "version": other["version"],
    }


if __name__ == "__main__":
    print(json.dumps(measure(Store.open(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3])))
