"""What says which files of the marts are in use."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

#: Raise it when the meaning of a mart changes: older marts are then rebuilt.
VERSION = 5


@dataclass(frozen=True)
class MartsManifest:
    """What `marts.json` says: which files are in use and what they were built from."""

    version: int
    duckdb: str  # keys are DuckDB hashes, which may differ between its versions
    store: str  # fingerprint of the store
    cube: str  # folder of the cube's arrays
    paths: str  # folder of the path log's arrays
    first_second: int  # of the path log, since 1970 in UTC
    first_hour: int  # local hours since 1970
    hours: int  # how many the log spans
    months: dict[str, dict[str, str]] = field(default_factory=dict)  # fingerprint and file of each mart
    dictionaries: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> MartsManifest | None:
        """The manifest in `folder`, or None where there is none that this version can use."""
        try:
            found = cls(**json.loads((folder / "marts.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        usable = found.version == VERSION and found.duckdb == duckdb.__version__
        return found if usable and all((folder / f).is_dir() for f in (found.cube, found.paths)) else None

    def write(self, folder: Path) -> None:
        """Takes this manifest into use."""
        _write(folder / "marts.json", asdict(self))


@dataclass(frozen=True)
class Begun:
    """What a build has made so far; the next one goes on from there where this one is cut short."""

    version: int = VERSION
    duckdb: str = duckdb.__version__
    months: dict[str, dict[str, str]] = field(default_factory=dict)
    dictionaries: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Begun | None:
        """What a build in `folder` left when it was cut short, or None where there is nothing of use."""
        try:
            found = cls(**json.loads((folder / "begun.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        files = [*found.dictionaries.values(), *(f for m in found.months.values() for f in m.values())]
        there = all((folder / file).exists() for file in files if file.endswith(".parquet"))
        return found if (found.version, found.duckdb) == (VERSION, duckdb.__version__) and there else None

    def write(self, folder: Path) -> None:
        """Remember it."""
        _write(folder / "begun.json", asdict(self))


def _write(path: Path, values: dict[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with fresh.open("w") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
