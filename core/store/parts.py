"""A month's rows, old and new, sorted part by part, so that memory does not grow with the log.

A part is some buckets of users. Where one bucket alone is too large (a log in which nearly every
event has the same user), a part is a span of that bucket's users and times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.store.columns import BUCKETS, SESSION_CUT, STORED
from core.store.sessions import Tail, cut
from core.store.staging import Staged, one_array, read_rows

#: Rows that are sorted at a time; about 250 bytes each, and two such parts are in memory.
PART_ROWS = 786_432
#: Rows of a row group of a month's file.
ROW_GROUP = 122_880
#: Key in a month's file of the row at which each bucket begins.
BUCKET_NOTE = b"cartscape"

Ints = npt.NDArray[np.int64]
#: A user and a time in µs; the end of a span, exclusive.
Key = tuple[str, int]
_FIRST: Key = ("", 0)
_LAST: Key = ("g", 0)  # after every hex digit


@dataclass(frozen=True)
class Sources:
    """Where a month's rows are."""

    month: str
    start: int  # first microsecond of the month
    existing: Path | None
    staged: Sequence[Staged]

    def counts(self) -> Ints:
        """Rows of each bucket."""
        counts = np.zeros(BUCKETS, np.int64)
        for file in self.staged:
            if self.month in file.counts:
                counts += file.counts[self.month]
        if self.existing is not None:
            counts += np.diff(_offsets(self.existing))
        return counts

    def tables(self, first: int, last: int, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of buckets first to last (exclusive) in the order in which they came, in pieces."""
        if self.existing is not None:
            offsets = _offsets(self.existing)
            for start in range(int(offsets[first]), int(offsets[last]), PART_ROWS):
                stop = min(start + PART_ROWS, int(offsets[last]))
                yield read_rows(self.existing, start, stop, columns)
        for file in self.staged:
            if self.month in file.counts:
                yield file.rows(self.month, first, last, columns)


def sorted_parts(sources: Sources, before: Tail) -> Iterator[tuple[pa.Table, int]]:
    """The month's rows in order, without duplicates, with sessions; and the duplicates of each part."""
    counts = sources.counts()
    for first, last in _ranges(counts.tolist()):
        carried = before
        for low, high in _spans(sources, first, last, int(counts[first:last].sum())):
            columns = _joined(_within(t, low, high) for t in sources.tables(first, last, STORED.names))
            if columns is not None:
                rows, duplicates = _sorted(columns, sources.start, carried)
                yield rows, duplicates
                carried = carried.with_last(rows) if high != _LAST else carried


def _offsets(path: Path) -> Ints:
    """Where each bucket begins in a month's file; the last entry is the number of rows."""
    note = pq.read_metadata(path).metadata[BUCKET_NOTE]
    return np.array(json.loads(note), np.int64)


def _ranges(counts: list[int]) -> Iterator[tuple[int, int]]:
    """Ranges of buckets that hold about PART_ROWS rows each."""
    first, rows = 0, 0
    for bucket, count in enumerate(counts):
        if rows and rows + count > PART_ROWS:
            yield first, bucket
            first, rows = bucket, 0
        rows += count
    yield first, BUCKETS


def _spans(sources: Sources, first: int, last: int, rows: int) -> Iterator[tuple[Key, Key]]:
    """Cuts buckets that hold too many rows; events of one user and moment stay together."""
    bounds = [_FIRST, _LAST]
    if rows > 2 * PART_ROWS:
        columns = _joined(sources.tables(first, last, ("user_id", "ts")))
        if columns is not None:
            ts = columns["ts"].view(pa.int64()).to_numpy()
            order = _order(_ranks(columns["user_id"]), ts - sources.start)
            at = order[PART_ROWS::PART_ROWS]
            users = columns["user_id"].take(pa.array(at)).to_pylist()
            keys = dict.fromkeys(zip(users, ts[at].tolist(), strict=True))
            bounds = [_FIRST, *keys, _LAST]
    yield from pairwise(bounds)


def _within(table: pa.Table, low: Key, high: Key) -> pa.Table:
    """The rows from low to high (exclusive)."""
    if (low, high) == (_FIRST, _LAST):
        return table

    def reaches(key: Key) -> pa.ChunkedArray:
        user, ts = table["user_id"].cast(pa.string()), table["ts"].cast(pa.int64())
        later = pc.and_(pc.equal(user, key[0]), pc.greater_equal(ts, key[1]))
        return pc.or_(pc.greater(user, key[0]), later)

    return table.filter(pc.and_not(reaches(low), reaches(high)))


def _joined(tables: Iterator[pa.Table]) -> dict[str, pa.Array] | None:
    """The tables one after the other, each column in one piece, texts as one dictionary."""
    plain = [pa.table({name: t[name] for name in t.column_names}) for t in tables if t.num_rows]
    if not plain:
        return None
    table = pa.concat_tables(plain).unify_dictionaries()
    return {name: one_array(table[name]) for name in table.column_names}


def _sorted(columns: dict[str, pa.Array], start: int, before: Tail) -> tuple[pa.Table, int]:
    """Rows in order, the first of equal ones only, with sessions; and how many were left out."""
    ts = columns["ts"].view(pa.int64()).to_numpy()
    ranks = _ranks(columns["user_id"])
    order = _order(ranks, ts - start)
    kept = _first_of_each(columns["event_id"].to_numpy(), ranks, ts, order)
    taken = pa.array(kept)
    mine = columns[SESSION_CUT].take(taken).to_numpy(zero_copy_only=False)
    given = columns["session_id"].take(taken)
    rows = {name: column.take(taken) for name, column in columns.items() if name != "session_id"}
    rows["session_id"] = _with_cut_sessions(given, mine, rows["user_id"], ts[kept], before)
    return pa.table({name: rows[name] for name in STORED.names}), len(order) - len(kept)


def _ranks(users: pa.DictionaryArray) -> Ints:
    """Place of each row's user in the order of users."""
    ranks = pc.rank(users.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
    return np.asarray(ranks[users.indices.to_numpy()])


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
