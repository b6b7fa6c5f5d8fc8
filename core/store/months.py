"""The second half of a load: staged rows and a month's file become the month's new file.

A month is worked off bucket by bucket of its users, so memory does not grow with the log, and what
is written depends on the rows alone: the same rows give the same bytes, however they arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.store.columns import BUCKETS, SESSION_CUT, STORED, UTC_OFFSET, buckets_of
from core.store.files import digest, put
from core.store.manifest import Part
from core.store.sessions import GAP, Tail, cut
from core.store.staging import Staged, one_array, read_rows

#: Rows of a month that are sorted at a time; about 250 bytes each, and two such parts are in memory.
PART_ROWS = 786_432
ROW_GROUP = 122_880

_BUCKET_NOTE = b"cartscape"


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
    with pq.ParquetFile(path, read_dictionary=["user_id", "session_id"]) as file:
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
    for buckets in _parts(month, existing, staged):
        rows, repeated = _sorted_part(month, existing, staged, buckets, before)
        duplicates += repeated
        writer.note(rows)
        if writing is not None:
            writing.result()
        writing = pool.submit(writer.add, rows)
        progress(rows.num_rows + repeated)
    return Merged(pool.submit(writer.finish, folder), duplicates, writer.tail)


def _offsets(path: Path) -> npt.NDArray[np.int64]:
    """Where each bucket begins in a month's file; the last entry is the number of rows."""
    note = pq.read_metadata(path).metadata[_BUCKET_NOTE]
    return np.array(json.loads(note), np.int64)


def _parts(month: str, existing: Path | None, staged: Sequence[Staged]) -> Iterator[tuple[int, int]]:
    """Ranges of buckets that hold about PART_ROWS rows each."""
    counts = sum((s.counts[month] for s in staged if month in s.counts), np.zeros(BUCKETS, np.int64))
    if existing is not None:
        counts = counts + np.diff(_offsets(existing))
    first, rows = 0, 0
    for bucket, count in enumerate(counts.tolist()):
        if rows and rows + count > PART_ROWS:
            yield first, bucket
            first, rows = bucket, 0
        rows += count
    yield first, BUCKETS


def _sorted_part(
    month: str, existing: Path | None, staged: Sequence[Staged], buckets: tuple[int, int], before: Tail
) -> tuple[pa.Table, int]:
    """The rows of some buckets: merged, without duplicates, sorted, with sessions; and the duplicates."""
    tables = []
    if existing is not None:
        offsets = _offsets(existing)
        tables.append(read_rows(existing, int(offsets[buckets[0]]), int(offsets[buckets[1]])))
    tables += [s.rows(month, *buckets) for s in staged if month in s.counts]
    columns = _joined([t for t in tables if t.num_rows])
    if columns is None:
        return STORED.empty_table(), 0
    ts = columns["ts"].view(pa.int64()).to_numpy()
    users = columns["user_id"]
    ranks = (
        pc.rank(users.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)[users.indices.to_numpy()]
    )
    order = _order(ranks, ts - month_start(month))
    kept = _first_of_each(columns["event_id"].to_numpy(), ranks, ts, order)
    taken = pa.array(kept)
    mine = columns[SESSION_CUT].take(taken).to_numpy(zero_copy_only=False)
    given = columns["session_id"].take(taken)
    rows = {name: column.take(taken) for name, column in columns.items() if name != "session_id"}
    rows["session_id"] = _with_cut_sessions(given, mine, rows["user_id"], ts[kept], before)
    return pa.table({name: rows[name] for name in STORED.names}), len(order) - len(kept)


def _joined(tables: list[pa.Table]) -> dict[str, pa.Array] | None:
    """The tables one after the other, each column in one piece, texts as one dictionary."""
    if not tables:
        return None
    plain = [pa.table({name: t[name] for name in STORED.names}) for t in tables]
    table = pa.concat_tables(plain).unify_dictionaries()
    return {name: one_array(table[name]) for name in STORED.names}


def _order(ranks: npt.NDArray[np.int64], since: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Stable order by user, then time: rows of one moment stay in the order in which they came."""
    span = int(since.max()) + 1
    if (int(ranks.max()) + 1) * span < 2**63:
        return np.argsort(ranks * span + since, kind="stable")
    return np.lexsort((since, ranks))


def _first_of_each(
    ids: npt.NDArray[np.uint64],
    ranks: npt.NDArray[np.int64],
    ts: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """The order without rows whose event_id came before; they share user and time, so only ties count."""
    same = (ranks[order[1:]] == ranks[order[:-1]]) & (ts[order[1:]] == ts[order[:-1]])
    tied = np.zeros(len(order), bool)
    tied[1:] |= same
    tied[:-1] |= same
    at = np.flatnonzero(tied)
    _, first = np.unique(ids[order[at]], return_index=True)
    keep = ~tied
    keep[at[first]] = True
    return order[keep]


def _with_cut_sessions(
    given: pa.DictionaryArray,
    mine: npt.NDArray[np.bool_],
    users: pa.DictionaryArray,
    ts: npt.NDArray[np.int64],
    before: Tail,
) -> pa.DictionaryArray:
    """The given sessions, and where `mine` the store's own, cut anew."""
    if not mine.any():
        return given
    own, index = cut(users.filter(pa.array(mine)), ts[mine], before)
    names = pa.concat_arrays([given.dictionary, own])
    indices = given.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    indices[mine] = index + len(given.dictionary)
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), names, safe=False)


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
        self._file.add_key_value_metadata({_BUCKET_NOTE: json.dumps(offsets.tolist()).encode()})
        self._file.close()
        content = digest(self._temporary)
        final = folder / f"{self._month}.{content[:16]}.parquet"
        size = self._temporary.stat().st_size
        put(self._temporary, final)
        days = [str(np.datetime64(d, "us"))[:10] for d in (min(self._days), max(self._days))]
        return Part(f"{folder.name}/{final.name}", self._rows, size, content, *days)
