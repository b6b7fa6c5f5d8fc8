"""Delimited text (CSV, TSV, …) and JSON lines, read in blocks of whole records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from core.errors import CartscapeError
from core.sources.files import SourceFile, Unpacked
from core.sources.raw import Broken, Part, RawChunk, unique_names
from core.sources.records import Block, blocks

#: Bytes of (unpacked) text in one chunk: some 150–500 thousand rows of a usual log.
BLOCK_BYTES = 16 << 20
SAMPLE_BYTES = 1 << 18

_SEPARATORS = (",", "\t", ";", "|")
#: Rows a batch: DuckDB scans batches in parallel.
_BATCH_ROWS = 32_768
_NOT_IN_TEXT = "\x01"

Places = npt.NDArray[np.int64]


class Delimited:
    """A CSV, TSV, semicolon- or pipe-separated file with column names in its first record.

    Lines are physical lines, the header being line 1; a record that holds line breaks has the
    line on which it starts.
    """

    def __init__(self, file: SourceFile, block_bytes: int = BLOCK_BYTES) -> None:
        self.file = file
        self._block_bytes = block_bytes
        with Unpacked(file.path, file.gzipped) as source:
            head = source.read(SAMPLE_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
        try:
            # Without `newline`, every kind of line break reads as LF.
            line = io.StringIO(head.decode("utf-8", "replace"), newline=None).readline().rstrip("\n")
            self.delimiter: str | None = _separator(line)
            names = self._names()
        except csv.Error as error:
            raise _bad_names(file, str(error)) from error
        if len(names) < 2:
            raise CartscapeError(
                f"{file.path} has one column only ({names[0][:60] if names else ''}); "
                "separate its columns with commas, semicolons, tabs or pipes."
            )
        self.schema = pa.schema([(name, pa.string()) for name in unique_names(names)])

    def _names(self) -> list[str]:
        """The fields of the first record, which may run over several lines."""
        with Unpacked(self.file.path, self.file.gzipped) as source:
            for block in blocks(source, SAMPLE_BYTES, self._separator.encode(), quoted=True):
                starts, ends, lines = block.bounds()
                if block.broken and not (len(lines) and lines[0] < block.broken[0].line):
                    raise _bad_names(self.file, block.broken[0].reason)
                if len(lines):
                    record = block.data[starts[0] : ends[0]].decode("utf-8", "replace")
                    text = io.StringIO(record, newline=None)
                    return next(csv.reader(text, delimiter=self._separator), [])
        return []

    @property
    def _separator(self) -> str:
        return self.delimiter or ","

    def parts(self) -> Iterator[Part]:
        """The file's records after the header, in order."""
        header = True
        with Unpacked(self.file.path, self.file.gzipped) as source:
            for block in blocks(source, self._block_bytes, self._separator.encode(), quoted=True):
                yield _part(block, self.schema, self._separator, header, quoted=True)
                header = header and not len(block.bounds()[0])

    @cached_property
    def _head(self) -> RawChunk:
        return _head_of(self.file, self.schema, self._separator, header=True, quoted=True)

    def head(self) -> RawChunk:
        """The first rows."""
        return self._head


class JsonLines:
    """One JSON object a line, given as a single text column `json`; lines are physical lines."""

    delimiter: str | None = None
    schema = pa.schema([("json", pa.string())])

    def __init__(self, file: SourceFile, block_bytes: int = BLOCK_BYTES) -> None:
        self.file = file
        self._block_bytes = block_bytes

    def parts(self) -> Iterator[Part]:
        """The file's lines, in order."""
        with Unpacked(self.file.path, self.file.gzipped) as source:
            for block in blocks(source, self._block_bytes, b"\n", quoted=False):
                yield _part(block, self.schema, _NOT_IN_TEXT, header=False, quoted=False)

    def head(self) -> RawChunk:
        """The first rows."""
        return _head_of(self.file, self.schema, _NOT_IN_TEXT, header=False, quoted=False)

    def keys(self) -> list[str]:
        """The names used in the first rows, in order of appearance."""
        names: dict[str, None] = {}
        for text in self.head().table.column(0).to_pylist():
            try:
                row = json.loads(text)
            except ValueError:
                continue
            if isinstance(row, dict):
                names.update(dict.fromkeys(row))
        return list(names)


def _separator(header: str) -> str:
    def columns(separator: str) -> int:
        return len(next(csv.reader([header], delimiter=separator), []))

    return max(_SEPARATORS, key=columns)


def _bad_names(file: SourceFile, why: str) -> CartscapeError:
    return CartscapeError(
        f"The column names in the first line of {file.path} cannot be read ({why}); mend that line."
    )


def _head_of(file: SourceFile, schema: pa.Schema, separator: str, header: bool, quoted: bool) -> RawChunk:
    """The first chunk with rows; where no chunk has any, the broken ones of the first that has those."""
    found = RawChunk(schema.empty_table(), pa.array([], pa.int64()), ())
    with Unpacked(file.path, file.gzipped) as source:
        for block in blocks(source, SAMPLE_BYTES, separator.encode(), quoted):
            chunk = _part(block, schema, separator, header, quoted).read()
            header = header and not len(block.bounds()[0])
            if chunk.table.num_rows:
                return chunk
            found = chunk if found.empty else found
    return found


def _part(block: Block, schema: pa.Schema, separator: str, header: bool, quoted: bool) -> Part:
    return Part(lambda: _parse(block, schema, separator, header, quoted), block.done)


def _parse(block: Block, schema: pa.Schema, separator: str, header: bool, quoted: bool) -> RawChunk:
    """Split a block's records into columns; what does not split is `broken`."""
    if header:
        block = block.without_first()
    if block.starts is None:
        text, count = block.data, block.line_breaks
    else:
        text, count = _joined(block.data, *block.bounds()[:2])[0], len(block.starts)
    try:
        if b"\0" in text:
            return _parse_carefully(block, schema, separator, quoted)
        table, bad = _split(text, schema, separator, quoted, threads=True)
    except pa.ArrowInvalid:
        bad = [(0, "")]
    if not bad and table.num_rows == count:
        lines = np.arange(block.first_line, block.first_line + count) if block.lines is None else block.lines
        return RawChunk(table, pa.array(lines, pa.int64()), block.broken)
    return _parse_carefully(block, schema, separator, quoted)


def _parse_carefully(block: Block, schema: pa.Schema, separator: str, quoted: bool) -> RawChunk:
    """The same for a block with blank lines, or with records that cannot be read."""
    text, starts, ends, lines, unreadable = _readable(block.data, *block.bounds())
    # On one thread, as only then pyarrow knows the number of a record.
    table, bad = _split(text, schema, separator, quoted, threads=False)
    odd = np.array([number - 1 for number, _ in bad], dtype=np.int64)
    broken = [
        Broken(int(lines[index]), f"too {count} columns", _shown(text[starts[index] : ends[index]]))
        for index, (_, count) in zip(odd, bad, strict=True)
    ]
    kept = np.delete(lines, odd)
    return RawChunk(table, pa.array(kept, pa.int64()), (*block.broken, *unreadable, *broken))


def _split(
    data: bytes, schema: pa.Schema, separator: str, quoted: bool, threads: bool
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """(rows, [(number of the record, "many" or "few")] of those with another number of columns)."""
    bad: list[tuple[int, str]] = []

    def keep(row: pyarrow.csv.InvalidRow) -> str:
        bad.append((row.number or 0, "many" if row.actual_columns > row.expected_columns else "few"))
        return "skip"

    if not data:
        return schema.empty_table(), bad
    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        # One block: pyarrow fails on a record that is longer than a block.
        read_options=pyarrow.csv.ReadOptions(
            column_names=schema.names, block_size=len(data) + 1, use_threads=threads
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=separator,
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
            invalid_row_handler=keep,
        ),
        convert_options=pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=False),
    )
    return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH_ROWS), schema=schema), bad


def _readable(
    data: bytes, starts: Places, ends: Places, lines: Places
) -> tuple[bytes, Places, Places, Places, list[Broken]]:
    """The records that are text, joined, with their new bounds; and those that are not."""
    text, starts, ends = _joined(data, starts, ends)
    # Only records with a NUL or a byte beyond ASCII can fail, so only those are looked at.
    array = np.frombuffer(text, np.uint8)
    suspects = np.unique(np.searchsorted(ends, np.flatnonzero((array >= 0x80) | (array == 0)), side="right"))
    found = {index: _unreadable(text[starts[index] : ends[index]]) for index in suspects}
    bad = [index for index, why in found.items() if why]
    unreadable = [
        Broken(int(lines[index]), found[index], _shown(text[starts[index] : ends[index]])) for index in bad
    ]
    if bad:
        keep = np.ones(len(lines), dtype=bool)
        keep[bad] = False
        text, starts, ends = _joined(text, starts[keep], ends[keep])
        lines = lines[keep]
    return text, starts, ends, lines, unreadable


def _joined(data: bytes, starts: Places, ends: Places) -> tuple[bytes, Places, Places]:
    """The records one after the other, with their new bounds."""
    lengths = ends - starts
    joined = np.cumsum(lengths)
    gaps = np.flatnonzero(starts[1:] != ends[:-1]) + 1
    runs = zip(starts[np.r_[:1, gaps]], ends[np.r_[gaps - 1, -1]], strict=True) if len(starts) else ()
    return b"".join(data[start:end] for start, end in runs), joined - lengths, joined


def _unreadable(record: bytes) -> str:
    """Why a record is no text; nothing where it is."""
    try:
        record.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8 text"
    return "NUL byte" if b"\0" in record else ""


def _shown(record: bytes) -> str:
    return record.decode("utf-8", "replace").rstrip("\r\n")
