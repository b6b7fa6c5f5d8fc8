"""What says which files of the marts are in use."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

#: Raise it when the meaning of a mart changes: older marts are then rebuilt.
VERSION = 2


@dataclass(frozen=True)
class MartsManifest:
    """What `marts.json` says: which files are in use and what they were built from."""

    version: int
    duckdb: str  # keys are DuckDB hashes, which may differ between its versions
    store: str  # fingerprint of the store
    cube: str  # folder of the arrays
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
        return found if usable and (folder / found.cube).is_dir() else None

    def write(self, folder: Path) -> None:
        """Takes this manifest into use."""
        fresh = folder / f"marts.json.{uuid.uuid4().hex}"
        with fresh.open("w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / "marts.json")
