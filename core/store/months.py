"""The second half of a load: staged rows and a month's file become the month's new file.

What is written depends on the rows alone: the same rows give the same bytes, however they arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.store.columns import BUCKETS, SESSION_CUT, STORED, UTC_OFFSET, buckets_of
from core.store.files import digest, put
from core.store.manifest import Part
from core.store.parts import BUCKET_NOTE, ROW_GROUP, Sources, sorted_parts
from core.store.sessions import GAP, Tail
from core.store.staging import Staged, one_array


@dataclass(frozen=True)
class Merged:
    """A month's new file, which may still be on its way to the disk."""

    part: Future[Part]
    duplicates: int
    tail: Tail


def month_start(month: str) -> int:
    """The first microsecond of a month, since 1970."""
    return int(np.datetime64(month, "us").astype(np.int64))


def next_month(month: str) -> str:
    """The month after: "2025-12" → "2026-01"."""
    return str(np.datetime64(month, "M") + 1)


def previous_month(month: str) -> str:
    """The month before: "2026-01" → "2025-12"."""
    return str(np.datetime64(month, "M") - 1)


def tail_of(path: Path, month: str) -> Tail:
    """The tail of a month's file."""
    tail = Tail()
    border = month_start(next_month(month))
    with pq.ParquetFile(path, read_dictionary=["user_id", "session_id"], pre_buffer=False) as file:
        for group in range(file.metadata.num_row_groups):
            ts = one_array(file.read_row_group(group, columns=["ts"])["ts"]).view(pa.int64()).to_numpy()
            if (ts < border - GAP).all():
                continue
            rows = file.read_row_group(group, columns=["user_id", "session_id", SESSION_CUT])
            mine = one_array(rows[SESSION_CUT])
            tail.add(
                one_array(rows["user_id"]).filter(mine),
                one_array(rows["session_id"]).filter(mine),
                ts[mine.to_numpy(zero_copy_only=False)],
                border,
            )
    return tail


def merge(
    month: str,
    existing: Path | None,
    staged: Sequence[Staged],
    before: Tail,
    folder: Path,
    pool: ThreadPoolExecutor,
    progress: Callable[[int], None],
) -> Merged:
    """Write a month anew into `folder` as MONTH.DIGEST.parquet; `progress` is told of rows done.

    `pool` has one thread: it writes a part while the next one, or the next month, is sorted.
    """
    writer = _Writer(folder / f".{month}.parquet", month)
    duplicates = 0
    writing: Future[None] | None = None
    for rows, repeated in sorted_parts(Sources(month, month_start(month), existing, staged), before):
        duplicates += repeated
        writer.note(rows)
        if writing is not None:
            writing.result()
        writing = pool.submit(writer.add, rows)
        progress(rows.num_rows + repeated)
    return Merged(pool.submit(writer.finish, folder), duplicates, writer.tail)


class _Writer:
    """Writes sorted rows in row groups of equal size; knows buckets, days and the tail at the end."""

    def __init__(self, temporary: Path, month: str) -> None:
        self._temporary = temporary
        self._month = month
        self._border = month_start(next_month(month))
        self._file = pq.ParquetWriter(
            temporary,
            STORED,
            compression="zstd",
            compression_level=1,
            use_dictionary=[f.name for f in STORED if f.name not in ("event_id", "ts", SESSION_CUT)],
            column_encoding={"ts": "DELTA_BINARY_PACKED"},
            store_schema=False,
        )
        self._waiting: list[pa.Table] = []
        self._buckets = np.zeros(BUCKETS, np.int64)
        self._rows = 0
        self._days: list[int] = []
        self.tail = Tail()

    def note(self, rows: pa.Table) -> None:
        """Take note of the next rows' buckets, days and tail."""
        if not rows.num_rows:
            return
        ts = one_array(rows["ts"]).view(pa.int64()).to_numpy()
        users = one_array(rows["user_id"])
        buckets = buckets_of(users.dictionary)[users.indices.to_numpy()]
        self._buckets += np.bincount(buckets, minlength=BUCKETS)
        local = ts + one_array(rows[UTC_OFFSET]).to_numpy().astype(np.int64) * 1_000_000
        self._days += [int(local.min()), int(local.max())]
        mine = one_array(rows[SESSION_CUT])
        mask = mine.to_numpy(zero_copy_only=False)
        self.tail.add(users.filter(mine), one_array(rows["session_id"]).filter(mine), ts[mask], self._border)
        self._rows += rows.num_rows

    def add(self, rows: pa.Table) -> None:
        """Take the next rows of the month and write what fills a row group."""
        self._waiting.append(rows)
        while sum(t.num_rows for t in self._waiting) >= ROW_GROUP:
            self._write(ROW_GROUP)

    def _write(self, rows: int) -> None:
        waiting = pa.concat_tables(self._waiting)
        group = waiting.slice(0, rows)
        self._waiting = [waiting.slice(rows)]
        # In one piece, as pages are cut where pieces end and the bytes must depend on the rows alone.
        whole = pa.Table.from_arrays([one_array(c) for c in group.cast(STORED).columns], schema=STORED)
        self._file.write_table(whole, row_group_size=ROW_GROUP)

    def finish(self, folder: Path) -> Part:
        """Close the file and put it in place."""
        left = sum(t.num_rows for t in self._waiting)
        if left:
            self._write(left)
        offsets = np.concatenate([[0], np.cumsum(self._buckets)])
        self._file.add_key_value_metadata({BUCKET_NOTE: json.dumps(offsets.tolist()).encode()})
        self._file.close()
        content = digest(self._temporary)
        final = folder / f"{self._month}.{content[:16]}.parquet"
        size = self._temporary.stat().st_size
        put(self._temporary, final)
        days = [str(np.datetime64(d, "us"))[:10] for d in (min(self._days), max(self._days))]
        return Part(f"{folder.name}/{final.name}", self._rows, size, content, *days)
