"""Fingerprints tell all short paths apart, also those that differ in length alone."""

from __future__ import annotations

from itertools import product

import numpy as np

from core.paths.sequences import fingerprints
from core.paths.walk import Walk
from core.scope import Scope
from tests.paths.logs import filled, path_log


def test_every_short_path_has_a_fingerprint_of_its_own() -> None:
    every = [way for length in range(1, 6) for way in product("abcdef", repeat=length)]
    rows = [
        {"shopper": f"{n:05}", "session": "s", "second": second, "event": event}
        for n, way in enumerate(every)
        for second, event in enumerate(way)
    ]
    found = fingerprints(Walk.of(path_log(rows), filled(Scope())))
    assert found.prints.size == np.unique(found.prints).size == len(every)
