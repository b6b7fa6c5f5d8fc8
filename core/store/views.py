"""The DuckDB database of a process: in memory, with views over the store's files."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError
from core.events import EVENTS, LATER, SIDE_TABLES
from core.settings import settings
from core.sources.reader import REJECTS
from core.store.columns import STORED, UTC_OFFSET
from core.store.manifest import Manifest, Part

#: Queries spill what does not fit into memory into a folder of their process; DuckDB makes and removes it.
SPILL = "spill-"
_LEFT_BEHIND = 86_400  # seconds after which a spill folder belongs to a process that died


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory: the store's files are only read, so no process locks another one out."""
    chosen = settings()
    database = duckdb.connect(
        config={
            "memory_limit": chosen.memory_limit,
            "temp_directory": str(folder / f"{SPILL}{os.getpid()}-{secrets.token_hex(4)}"),
            **({"threads": chosen.threads} if chosen.threads else {}),
        }
    )
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    database.execute("SET GLOBAL parquet_metadata_cache = true")  # a file never changes under its name
    return database


def make_views(database: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Define the views of one generation; raises a sentence when a file cannot be read."""
    columns = ", ".join(f'"{name}"' for name in EVENTS.names)
    local = f"make_timestamp(epoch_us(ts) + {UTC_OFFSET} * 1000000::BIGINT) AS local_ts"
    load = r"CAST(regexp_extract(filename, 'load-(\d+)', 1) AS BIGINT) AS load"
    rejects = _source(folder, manifest.rejects, REJECTS, named=True)
    views = {
        "stored": _stored(folder, list(manifest.months.values())),
        "events": f"SELECT {columns} FROM stored",
        "log": f"SELECT {columns}, {local} FROM stored",
        "rejects": f"SELECT * EXCLUDE (filename), {load} FROM ({rejects})",
    }
    for name, schema in SIDE_TABLES.items():
        views[name] = _source(folder, [manifest.side[name]] if name in manifest.side else [], schema)
    for name, query in views.items():
        try:
            database.execute(f'CREATE VIEW "{name}" AS {query}')
        except duckdb.Error as error:
            raise CartscapeError(
                f"The {name} of the store {folder} cannot be read ({str(error).splitlines()[0]}); "
                "restore the store from a backup, or remove it and load its logs anew."
            ) from error


def sweep_spill(folder: Path) -> None:
    """Remove what processes that died have spilled."""
    for path in folder.glob(f"{SPILL}*"):
        with contextlib.suppress(FileNotFoundError):  # its process may remove it at this moment
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(path, ignore_errors=True)


def _stored(folder: Path, parts: list[Part]) -> str:
    """SQL that reads the months' files; LATER columns that a file was written without are null."""
    plain = _source(folder, parts, STORED)
    have = [_names(folder / part.file) for part in parts]
    missing = [name for name in LATER if any(names and name not in names for names in have)]
    if not missing:
        return plain
    plain = plain.removesuffix(")") + ", union_by_name = true)"
    nowhere = [name for name in missing if not any(name in names for names in have)]
    types = {name: f"CAST(NULL AS {_SQL[name]})" for name in nowhere}
    return plain.replace("*", ", ".join(["*", *(f"{null} AS {name}" for name, null in types.items())]), 1)


#: Types of LATER columns.
_SQL = {"shown_prices": "DOUBLE[]"}


def _names(path: Path) -> list[str]:
    """The columns of a file; none where it cannot be read, which whoever reads its rows will say."""
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        return []


def _source(folder: Path, parts: Iterable[Part], schema: pa.Schema, named: bool = False) -> str:
    """SQL that reads the files, or gives no row of the same columns where there is none."""
    files = ", ".join("'" + str(folder / part.file).replace("'", "''") + "'" for part in parts)
    if files:
        return f"SELECT * FROM read_parquet([{files}]{', filename = true' if named else ''})"
    return _nothing(schema.append(pa.field("filename", pa.string())) if named else schema)


@cache
def _nothing(schema: pa.Schema) -> str:
    """SQL that gives no row of these columns."""
    empty = duckdb.connect().from_arrow(schema.empty_table())  # the module's own is not for threads
    types = zip(empty.columns, empty.types, strict=True)
    nulls = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in types)
    return f"SELECT {nulls} WHERE FALSE"
