"""An answer as JSON, CSV or Parquet, on standard output or in a file."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.errors import WrongCall

#: Rows turned into JSON at a time.
BATCH = 5_000


def write(table: pa.Table, output: str, to: Path | None, about: dict[str, str] | None = None) -> None:
    """Write the table's rows; `about` (title, denominator, notes) goes into Parquet's metadata.

    JSON is an array of objects, a line each; days are ISO 8601, what is missing is null.
    Raises `WrongCall` where Parquet would go to a terminal.
    """
    if output == "parquet" and to is None and sys.stdout.isatty():
        raise WrongCall("Parquet is not for a terminal; name a file with --to FILE or send it into a pipe.")
    with _opened(to) as sink:
        if output == "json":
            _json(table, sink)
        elif output == "csv":
            pyarrow.csv.write_csv(_flat(table), sink)
        else:
            whole = table.replace_schema_metadata({**(table.schema.metadata or {}), **(about or {})})
            # Parquet asks its sink for a position, which a pipe does not have.
            buffer = pa.BufferOutputStream()
            pq.write_table(whole, buffer, compression="zstd")
            sink.write(buffer.getvalue())


@contextmanager
def _opened(to: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that takes its name only once it is whole."""
    if to is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with _named(to) as sink:
            yield sink
    except OSError as failure:
        failure.filename = failure.filename or str(to)  # a full disk does not say which file it is
        raise


@contextmanager
def _named(to: Path) -> Iterator[BinaryIO]:
    if to.exists() and not to.is_file():  # a device or a pipe is written through
        with to.open("wb") as sink:
            yield sink
        return
    if not to.parent.is_dir():
        raise WrongCall(f"There is no folder {to.parent}; make it, or name another with --to.")
    part = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        with part.open("wb") as sink:
            yield sink
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _json(table: pa.Table, sink: BinaryIO) -> None:
    before = "[\n"
    for batch in table.to_batches(max_chunksize=BATCH):
        for row in batch.to_pylist():
            line = json.dumps({k: plain(v) for k, v in row.items()}, ensure_ascii=False)
            sink.write(f"{before}{line}".encode())
            before = ",\n"
    sink.write(b"[]\n" if before == "[\n" else b"\n]\n")


def say(told: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps({k: plain(v) for k, v in told.items()}, ensure_ascii=False))


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def _flat(table: pa.Table) -> pa.Table:
    """Lists and structs as JSON text, since CSV has neither."""
    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [
                None if v is None else json.dumps(plain(v), ensure_ascii=False)
                for v in table.column(index).to_pylist()
            ]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    return table
