"""The cubes that this process has open."""

from __future__ import annotations

import threading

from core.marts.builder import build
from core.marts.cube import Cube
from core.store import Store

_open: dict[str, Cube] = {}
_opening = threading.Lock()


def open_cube(store: Store) -> Cube:
    """The store's cube, building the marts first where the log has moved on since they were built.

    One cube a store folder is kept open in this process.
    """
    key = str(store.path.resolve())
    with _opening:
        found = _open.get(key)
        if found is None or found.fingerprint != store.fingerprint or found.k != store.k:
            found = _open[key] = Cube(store, build(store))
        return found
