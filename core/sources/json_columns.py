"""JSON lines as columns: one for each name in the first rows, text unless a shape is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import CartscapeError
from core.sources.delimited import JsonLines
from core.sources.raw import Broken, Part, RawChunk, unique_names
from core.sources.values import literal, quoted


class JsonColumns:
    """A RawFile over JSON lines. Names that first appear after the first rows are not read."""

    delimiter: str | None = None

    def __init__(
        self, lines: JsonLines, connection: duckdb.DuckDBPyConnection, shapes: Mapping[str, object]
    ) -> None:
        self.file = lines.file
        self._lines = lines
        self._connection = connection.cursor()
        keys = lines.keys()
        if not keys:
            raise CartscapeError(
                f"{self.file.path} holds no JSON object in its first lines; write one object a line."
            )
        # Names that differ in case alone would be one column in SQL; the first is read.
        self._keys = [key for key, name in zip(keys, unique_names(keys), strict=True) if key == name]
        shape = {key: shapes.get(key, "VARCHAR") for key in self._keys}
        fields = ", ".join(f"row.{quoted(key)}" for key in self._keys)
        self._sql = f"""
            SELECT {fields}, fine FROM (
                SELECT fine, CASE WHEN fine THEN from_json(json, {literal(json.dumps(shape))}) END AS row
                FROM (SELECT json, json_valid(json) AND ltrim(json)[1] = '{{' AS fine FROM raw_json)
            )"""

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns and their types."""
        return self._columns(self._lines.schema.empty_table())[0].schema

    def parts(self) -> Iterator[Part]:
        """The file's rows, in order."""
        for part in self._lines.parts():
            yield Part(lambda part=part: self._chunk(part.read()), part.done)  # type: ignore[misc]

    def head(self) -> RawChunk:
        """The first rows."""
        return self._chunk(self._lines.head())

    def _columns(self, lines: pa.Table) -> tuple[pa.Table, pa.ChunkedArray]:
        self._connection.register("raw_json", lines)
        try:
            table = self._connection.sql(self._sql).to_arrow_table()
        finally:
            self._connection.unregister("raw_json")
        return table.select(self._keys), table.column("fine")

    def _chunk(self, lines: RawChunk) -> RawChunk:
        table, fine = self._columns(lines.table)
        if pc.all(fine).as_py() is not False:
            return RawChunk(table, lines.lines, lines.broken)
        at = np.flatnonzero(~fine.to_numpy())
        numbers = lines.lines.to_numpy()
        texts = lines.table.column(0).take(pa.array(at)).to_pylist()
        broken = [
            Broken(int(numbers[index]), "not a JSON object", text)
            for index, text in zip(at, texts, strict=True)
        ]
        return RawChunk(
            table.filter(fine), lines.lines.filter(fine.combine_chunks()), (*lines.broken, *broken)
        )
