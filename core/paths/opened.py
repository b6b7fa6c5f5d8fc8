"""The marts that this process has open: one cube and one path log a store folder."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.marts import Cube, build
from core.paths.cohorts import Cohorts
from core.paths.log import PathLog
from core.store import Store


@dataclass(frozen=True)
class _Opened:
    cube: Cube
    paths: PathLog
    cohorts: Cohorts


_open: dict[str, _Opened] = {}
_opening = threading.Lock()


def open_cube(store: Store) -> Cube:
    """The store's cube, building the marts first where the log has moved on since they were built."""
    return _opened(store).cube


def open_paths(store: Store) -> PathLog:
    """The store's path log, as `open_cube` the cube."""
    return _opened(store).paths


def open_cohorts(store: Store) -> Cohorts:
    """The store's cohorts, over its cube and path log."""
    return _opened(store).cohorts


@cache
def _resolved(path: Path) -> str:
    """Asking the disk for links takes as long as a short question; a store's path has none that move."""
    return str(path.resolve())


def _opened(store: Store) -> _Opened:
    key = _resolved(store.path)
    with _opening:
        found = _open.get(key)
        if found is None or found.cube.fingerprint != store.fingerprint or found.cube.k != store.k:
            manifest = build(store)
            cube = Cube(store, manifest)
            paths = PathLog(store, manifest, cube.dimensions)
            cohorts = Cohorts(store, cube, paths)
            cube.members = paths.members = cohorts.of_scope
            found = _open[key] = _Opened(cube, paths, cohorts)
        return found
