"""Parquet files, read a batch of rows at a time; lines are record numbers from 1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError
from core.sources.files import SourceFile, unpack_whole
from core.sources.raw import Part, RawChunk, unique_names
from core.sources.values import is_text

#: Rows of one chunk, fewer where rows are long: nested exports hold kilobytes a row.
BATCH_ROWS = 262_144
_BATCH_BYTES = 128 << 20
SAMPLE_ROWS = 2_000


class Parquet:
    """One Parquet file, gzipped as a whole or not."""

    delimiter: str | None = None

    def __init__(self, file: SourceFile, batch_rows: int = BATCH_ROWS) -> None:
        self.file = file
        self._batch_rows = batch_rows
        found = self._open().schema_arrow
        self.schema = pa.schema(
            [
                pa.field(name, _plain(field.type))
                for name, field in zip(unique_names(found.names), found, strict=True)
            ]
        )

    def _open(self) -> pq.ParquetFile:
        try:
            # A buffer ahead would keep all that was read: the whole file by its end.
            return pq.ParquetFile(unpack_whole(self.file), pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise CartscapeError(
                f"{self.file.path} is not a whole Parquet file, it may be cut short; "
                "copy or download it again."
            ) from error

    def parts(self) -> Iterator[Part]:
        """The file's rows, in order."""
        rows = self._open()
        total, seen = max(rows.metadata.num_rows, 1), 0
        batches = rows.iter_batches(batch_size=_batch_rows(rows.metadata, self._batch_rows))
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise CartscapeError(
                    f"{self.file.path} cannot be read after row {seen}, it may be damaged; "
                    "copy or download it again."
                ) from error
            if batch is None:
                return
            first = seen + 1
            seen += batch.num_rows
            yield Part(lambda batch=batch, first=first: self._chunk(batch, first), seen / total)  # type: ignore[misc]

    def _chunk(self, batch: pa.RecordBatch, first: int) -> RawChunk:
        columns = [
            column if column.type.equals(field.type) else column.cast(field.type)
            for column, field in zip(batch.columns, self.schema, strict=True)
        ]
        table = pa.table(columns, schema=self.schema)
        lines = pa.array(np.arange(first, first + table.num_rows), pa.int64())
        return RawChunk(table, lines, ())

    @cached_property
    def _head(self) -> RawChunk:
        for batch in self._open().iter_batches(batch_size=SAMPLE_ROWS):
            return self._chunk(batch, 1)
        return RawChunk(self.schema.empty_table(), pa.array([], pa.int64()), ())

    def head(self) -> RawChunk:
        """The first rows."""
        return self._head


def _batch_rows(metadata: pq.FileMetaData, most: int) -> int:
    """Rows that unpack to a bounded size, by what the file says of itself: the same on every run."""
    size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    return max(min(most, _BATCH_BYTES * metadata.num_rows // max(size, 1)), 1_000)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Text that was written as bytes or as a dictionary is text."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or is_text(kind):
        return pa.string()
    return kind
