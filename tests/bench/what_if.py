"""What-if in a process that has its model open: two lists and why, after one change at a time.

python -m tests.bench.what_if STORE [RUNS]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from core.analyses import ANALYSES
from core.scope import Scope
from core.store import Store

#: What B asks otherwise, by what it is called.
CHANGES: dict[str, dict[str, str]] = {
    "another place": {"b_region": "Ohio"},
    "another hour": {"b_at": "2025-06-07T21:00"},
    "another place and hour": {"b_region": "Texas", "b_at": "2025-06-07T09:00"},
    "a phrase": {"b_phrase": "hiking shoes"},
    "another device": {"b_device": "mobile"},
    "the path of two items, one sold out": {"path": "view:P10017, view:P59732", "b_out": "P10017"},
}


def measured(store: Store, runs: int) -> list[dict[str, float | str]]:
    """A row a change: the first time, the median and the 95th percentile, milliseconds."""
    ask = ANALYSES["what-if"].run
    ask(store, Scope(), b_region="Florida")  # opens the model
    rows: list[dict[str, float | str]] = []
    for name, words in CHANGES.items():
        took = []
        for _ in range(runs):
            began = time.perf_counter()
            ask(store, Scope(), **words)
            took.append((time.perf_counter() - began) * 1e3)
        median, p95 = (float(np.percentile(took, share)) for share in (50, 95))
        rows.append({"change": name, "first_ms": took[0], "median_ms": median, "p95_ms": p95})
    return rows


if __name__ == "__main__":
    print(json.dumps(measured(Store.open(Path(sys.argv[1])), int((sys.argv[2:] or ["40"])[0]))))
