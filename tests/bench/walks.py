"""Our side of the section `retentioneering`: `python -m tests.bench.walks STORE RUNS STEP…`.

Gives the same JSON as `retentioneering_runner.py`: times and answers of the same questions, each shopper
one path. Flows say more than the peer's matrix of shares, which is summed from them.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from core.analyses import ANALYSES
from core.scope import Scope
from core.store import Store

Shares = dict[str, dict[str, float]]


def measure(store: Store, runs: int, steps: list[str]) -> dict[str, Any]:
    """Seconds of each run of each question, without a first one that opens the marts, and the answers."""
    questions: dict[str, tuple[str, dict[str, str]]] = {
        "funnel": ("funnel", {"steps": ",".join(steps)}),
        "transitions": ("transitions", {}),
        "step matrix": ("steps", {"depth": "10", "top": "50"}),
        "anchored Sankey": ("paths", {"anchor": "around", "at": steps[0], "depth": "5", "top": "50"}),
    }
    times: dict[str, list[float]] = {}
    rows = {}
    for question, (name, options) in questions.items():
        for run in range(runs + 1):
            began = time.perf_counter()
            answer = ANALYSES[name].run(store, Scope(compare="off"), **options)
            if run:
                times.setdefault(question, []).append(time.perf_counter() - began)
        rows[question] = answer.table.to_pylist()
    matrix: Shares = defaultdict(dict)
    for row in rows["step matrix"]:
        matrix[row["node"]][str(row["step"])] = row["share"]
    sankey: Shares = defaultdict(lambda: defaultdict(float))
    last = max(row["level"] for row in rows["anchored Sankey"])
    for row in rows["anchored Sankey"]:
        sankey[row["source"]][str(row["level"])] += row["share"]
        if row["level"] == last:
            sankey[row["target"]][str(last + 1)] += row["share"]
    return {
        "times": times,
        "answers": {
            "funnel": [row["shoppers"] for row in rows["funnel"]],
            "transitions": {f"{r['source']}\t{r['target']}": r["count"] for r in rows["transitions"]},
            "step matrix": matrix,
            "anchored Sankey": sankey,
        },
    }


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, bool]:
    """Which questions have equal answers; counts exactly, shares to nine digits. The ends of paths, which
    both name their own way, are left out.
    """
    of_events = {
        pair: count
        for pair, count in ours["transitions"].items()
        if "(start)" not in pair and "(end)" not in pair
    }
    return {
        "funnel": ours["funnel"] == theirs["funnel"],
        "transitions": of_events == theirs["transitions"],
        **{name: _shares(ours[name]) == _shares(theirs[name]) for name in ("step matrix", "anchored Sankey")},
    }


def _shares(matrix: Shares) -> dict[tuple[str, str], float]:
    return {
        (event, step): round(share, 9)
        for event, row in matrix.items()
        for step, share in row.items()
        if share and not event.startswith(("(", "path_"))
    }


if __name__ == "__main__":
    print(json.dumps(measure(Store.open(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3:])))
