"""Runs in the environment of the peers: retentioneering over a Parquet log, times and answers as JSON.

`python retentioneering_runner.py LOG RUNS STEP…`; LOG holds user_id, event, timestamp.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["RETENTIONEERING_NO_TRACK"] = "1"

import pandas as pd
import retentioneering

_path, _runs, *steps = sys.argv[1:]
runs = int(_runs)
times: dict[str, list[float]] = {}


def timed(name: str, ask: Callable[[], Any]) -> Any:
    for _ in range(runs):
        began = time.perf_counter()
        answer = ask()
        times.setdefault(name, []).append(time.perf_counter() - began)
    return answer


log = pd.read_parquet(_path)
schema = {"path_cols": ["user_id"], "event_col": "event", "timestamp_col": "timestamp"}
began = time.perf_counter()
stream = retentioneering.Eventstream(log, schema)
times["prepare"] = [time.perf_counter() - began]
funnel = timed("funnel", lambda: stream.funnel_data(steps=steps))
counts = timed("transitions", lambda: stream.transition_graph_data(edge_weight="count"))
matrix = timed("step matrix", lambda: stream.step_matrix_data(max_steps=10))
(around,) = timed("anchored Sankey", lambda: stream.step_sankey_data(max_steps=5, path_pattern=steps[0]))
with open("/proc/self/status") as status:  # noqa: PTH123
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
transitions = {
    f"{a}\t{b}": int(n)
    for a, row in counts.to_dict("index").items()
    for b, n in row.items()
    if n == n and n and "path_" not in f"{a}{b}"
}
answers = {
    "funnel": [step["unique_paths"] for step in funnel["steps"]],
    "transitions": transitions,
    **{
        name: {
            str(event): {str(step): float(share) for step, share in row.items()}
            for event, row in shares.to_dict("index").items()
        }
        for name, shares in (("step matrix", matrix), ("anchored Sankey", around))
    },
}
json.dump({"times": times, "answers": answers, "peak_mb": peak, "version": "5.2.4"}, sys.stdout)
