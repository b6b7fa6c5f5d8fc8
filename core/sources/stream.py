"""The reader of formats that turn one file into events, row by row: bounded chunks, file after file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from core.errors import CartscapeError
from core.sources.delimited import Delimited, JsonLines
from core.sources.files import SourceFile
from core.sources.json_columns import JsonColumns
from core.sources.parquet import Parquet
from core.sources.raw import RawFile
from core.sources.reader import Chunk, Described
from core.sources.validate import Recipe, Validator

#: Raised when a reader starts to read the same file differently, so that a load cut short before
#: that does not resume halfway.
VERSION = 2

SideTables = Callable[[Sequence[RawFile], duckdb.DuckDBPyConnection], dict[str, pa.Table]]


def open_raw(
    file: SourceFile,
    connection: duckdb.DuckDBPyConnection,
    shapes: Mapping[str, object] | None = None,
    small: bool = False,
) -> RawFile:
    """A file by its kind. `shapes` are the JSON structures of nested columns; `small` keeps chunks
    small, for a preview. Raises CartscapeError where the file cannot be read.
    """
    if file.kind == "parquet":
        return Parquet(file, 2_000) if small else Parquet(file)
    if file.kind == "jsonl":
        lines = JsonLines(file, 1 << 18) if small else JsonLines(file)
        return JsonColumns(lines, connection, shapes or {})
    return Delimited(file, 1 << 18) if small else Delimited(file)


def with_rows(raws: Sequence[RawFile]) -> list[RawFile]:
    """The files that hold rows. Raises CartscapeError where none does."""
    found = [raw for raw in raws if not raw.head().empty]
    if raws and not found:
        raise CartscapeError(f"{raws[0].file.path} has column names but no rows; there is nothing to load.")
    return found


def own_connection(connection: duckdb.DuckDBPyConnection, zone: str) -> duckdb.DuckDBPyConnection:
    """A cursor whose texts without a zone are local to `zone`; the given connection stays as it is."""
    cursor = connection.cursor()
    cursor.execute("SET TimeZone = $zone", {"zone": zone})
    return cursor


class StreamReader:
    """A Reader over files that each have a recipe of their own."""

    def __init__(
        self,
        described: Described,
        raws: Sequence[RawFile],
        recipes: Sequence[Recipe],
        connection: duckdb.DuckDBPyConnection,
        zone: str,
        side_tables: SideTables | None = None,
        prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
        beside: Sequence[RawFile] = (),
    ) -> None:
        """`prepare` makes what the recipes join with; `beside` are files that it reads."""
        self.described = described
        self._raws = raws
        self._recipes = recipes
        self._connection = connection
        self._zone = zone
        self._side_tables = side_tables
        self._prepare = prepare
        self._beside = beside

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """The chunks after the first `skip`, whose bounds depend on the files alone."""
        sizes = [raw.file.bytes for raw in self._raws]
        connection = own_connection(self._connection, self._zone)
        if self._prepare is not None:
            self._prepare(connection)
        index, before = 0, 0
        for raw, recipe, size in zip(self._raws, self._recipes, sizes, strict=True):
            validator = Validator(raw, recipe, connection)
            for part in raw.parts():
                index += 1
                if index > skip:
                    events, rejects = validator.check(part.read())
                    yield Chunk(events, rejects, min((before + part.done * size) / max(sum(sizes), 1), 1.0))
            before += size

    def side_tables(self) -> dict[str, pa.Table]:
        """Tables beside the log; none where the format has none."""
        if self._side_tables is None:
            return {}
        return self._side_tables(self._raws, own_connection(self._connection, self._zone))

    def fingerprint(self) -> str:
        """Over the files' names, sizes and times, and over the way they are read."""
        files = dict.fromkeys(raw.file for raw in (*self._raws, *self._beside))
        return fingerprint(list(files), self.described.format, self._zone, self.described.mapping)


def fingerprint(files: Sequence[SourceFile], *read_as: object) -> str:
    """Changes when a file or the way it is read changes; reads no content."""
    stats = [(file.name, file.bytes, file.path.stat().st_mtime_ns) for file in files]
    text = json.dumps([VERSION, stats, *read_as], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
