"""Text cut into records: the same rows and lines, however small the blocks."""

from __future__ import annotations

import csv
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sources import records
from core.sources.delimited import Delimited, JsonLines
from core.sources.files import SourceFile, recognise
from core.sources.parquet import Parquet
from core.sources.records import MAX_RECORD_BYTES
from tests.sources.reading import written

Rows = tuple[list[tuple[Any, ...]], list[tuple[int, str, str]]]


def rows_of(path: Path, block_bytes: int) -> Rows:
    """(line and values of each row, broken rows)."""
    rows: list[tuple[Any, ...]] = []
    broken: list[tuple[int, str, str]] = []
    for part in Delimited(SourceFile(path, "csv", gzipped=False), block_bytes).parts():
        chunk = part.read()
        values = zip(*(column.to_pylist() for column in chunk.table.columns), strict=True)
        rows += [(line, *row) for line, row in zip(chunk.lines.to_pylist(), values, strict=True)]
        broken += [(row.line, row.reason, row.text) for row in chunk.broken]
    return rows, sorted(broken)


_lines = st.lists(st.text(alphabet='ab,"\n\r;é\0', max_size=12), max_size=12)


@settings(max_examples=150)
@given(_lines, st.integers(1, 64))
def test_blocks_do_not_change_what_is_read(lines: list[str], block_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        path.write_bytes(("a,b,c\n" + "\n".join(lines)).encode())
        whole = rows_of(path, 1 << 20)
        assert rows_of(path, block_bytes) == whole
    numbers = [row[0] for row in whole[0]]
    assert numbers == sorted(set(numbers))


@settings(max_examples=150)
@given(st.lists(st.text(alphabet='ab,"\n\r', max_size=60), max_size=8), st.integers(1, 64))
def test_blocks_do_not_change_which_lines_are_too_long(lines: list[str], block_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "MAX_RECORD_BYTES", 20)
        path = Path(folder) / "log.csv"
        path.write_bytes(("a,b,c\n" + "\n".join(lines)).encode())
        whole = rows_of(path, 1 << 20)
        assert rows_of(path, block_bytes) == whole
        physical = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    too_long = {line for line, why, _ in whole[1] if why == records.TOO_LONG}
    assert {n for n, text in enumerate(physical, 1) if len(text) > 20} <= too_long
    assert too_long <= {n for n, text in enumerate(physical, 1) if len(text) >= 19}


@given(st.lists(st.lists(st.text(alphabet='ab,"\né', max_size=5), min_size=2, max_size=2), max_size=10))
def test_what_a_csv_writer_writes_is_read_back(table: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([["a", "b"], *table])
        rows, broken = rows_of(path, 32)
    assert [list(row[1:]) for row in rows] == table and broken == []
    line, expected = 2, []
    for row in table:
        expected.append(line)
        line += 1 + "".join(row).count("\n")
    assert [row[0] for row in rows] == expected


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(ending.join(["a,b", "1,2", "", "3,4"]).encode())
    assert rows_of(path, 4)[0] == [(2, "1", "2"), (4, "3", "4")]


def test_a_quote_that_never_closes_breaks_one_line(tmp_path: Path) -> None:
    tail = "x,y\n" * (MAX_RECORD_BYTES // 4 + 10)
    rows, broken = rows_of(written(tmp_path, "log.csv", 'a,b\n1,"2\n' + tail), 1 << 16)
    assert [line for line, _, _ in broken] == [2] and len(rows) == tail.count("\n")


def test_a_quote_that_never_closes_does_not_end_at_the_next_one(tmp_path: Path) -> None:
    text = 'a,b\n1,"2\n' + "x,y\n" * 50 + '3,"4\n' + "x,y\n" * 50 + '5,"six\nseven"\n'
    rows, broken = rows_of(written(tmp_path, "log.csv", text), 1 << 16)
    assert broken == [(2, "unclosed quote", '1,"2'), (53, "unclosed quote", '3,"4')]
    assert len(rows) == 101 and rows[-1] == (104, "5", "six\nseven")


def test_a_line_that_is_too_long_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n1,")
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b"\n1,2\n")
    tracemalloc.start()
    rows, broken = rows_of(path, 1 << 18)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (rows, broken) == ([(3, "1", "2")], [(2, records.TOO_LONG, "")])
    assert most < 16 << 20


def test_names_that_sql_cannot_tell_apart(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "Price,price,, a \n1,2,3,4\n")
    assert Delimited(recognise(path)).schema.names == ["Price", "price_2", "column_3", "a"]


def test_json_lines_keep_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "log.jsonl", '{"a": 1}\n\n{"a": "two, \\"b\\""}\n')
    (part,) = JsonLines(recognise(path)).parts()
    assert part.read().lines.to_pylist() == [1, 3]


def test_a_parquet_file_is_not_kept_in_memory(tmp_path: Path) -> None:
    rows, noise = 3_000_000, np.random.default_rng(0)
    path = tmp_path / "log.parquet"
    pq.write_table(
        pa.table({name: noise.integers(0, 2**62, rows) for name in "abc"}), path, row_group_size=100_000
    )
    tracemalloc.start()  # the file is read through Python, so its bytes are Python's
    read = sum(part.read().table.num_rows for part in Parquet(recognise(path)).parts())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == rows
    assert most < path.stat().st_size / 2
