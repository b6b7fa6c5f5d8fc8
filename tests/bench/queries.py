"""How long each analysis takes, in a process of its own.

`python -m tests.bench.queries STORE RUNS [journeys]`: the analyses of the cube, or those of the path log.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from core.analyses import ANALYSES
from core.errors import CartscapeError
from core.scope import Scope
from core.store import Store
from tests.bench.questions import (
    ANALYSES_ASKED,
    JOURNEY_SCOPES,
    JOURNEYS_ASKED,
    OF_THE_WHOLE,
    label,
    scopes,
)


def measure(store: Store, runs: int, journeys: bool = False) -> dict[str, Any]:
    """Seconds of each run by analysis and scope; the first run of each pair is a warm-up and not counted."""
    began = time.perf_counter()
    ANALYSES["overview"].run(store, Scope())
    first = time.perf_counter() - began
    times: dict[str, dict[str, list[float]]] = {}
    asked = scopes(store)
    if journeys:
        asked = {name: Scope.parse(asked[name].words() | {"compare": "off"}) for name in JOURNEY_SCOPES}
    for name, options in JOURNEYS_ASKED if journeys else ANALYSES_ASKED:
        times[label(name, options)] = found = {}
        for title, scope in list(asked.items())[: 1 if name in OF_THE_WHOLE else None]:
            try:
                found[title] = [_once(store, name, scope, options) for _ in range(runs + 1)][1:]
            except CartscapeError:
                continue  # a question that has no answer in this scope
    return {"first": first, "times": times}


def _once(store: Store, name: str, scope: Scope, options: dict[str, str]) -> float:
    began = time.perf_counter()
    ANALYSES[name].run(store, scope, **options)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(measure(Store.open(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3:] == ["journeys"])))
