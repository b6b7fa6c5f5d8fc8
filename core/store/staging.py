"""The first half of a load: source chunks become finished rows, set aside until all are there.

Each staged file is put in place in one step and says how many of the source's chunks it covers, so
the folder is its own journal: a load that was killed skips what is staged and goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError
from core.events import LATER, SOURCE_EVENTS
from core.sources.reader import REJECTS, Chunk
from core.store.columns import BUCKETS, SESSION_CUT, STORED, TEXTS, UTC_OFFSET, buckets_of
from core.store.files import put
from core.store.hashing import row_hashes
from core.store.place import Locator, known_zones
from core.store.pseudonyms import Secret
from core.store.sessions import session_id

Ints = npt.NDArray[np.int64]

#: Bound into the staging folder's name: what an older program staged is not picked up.
FORMAT = 2
_ROW_GROUP = 16_384
#: A column with no more distinct values than this is written as a dictionary, which is several times faster.
_FEW = 2_048

_QUARTER_HOUR = 900_000_000  # microseconds; since 1973 every zone has changed its clock on a quarter hour
_COMPLETE = "complete"


@dataclass(frozen=True)
class Staged:
    """One staged file: rows grouped by month, then bucket, then in the order in which they came."""

    path: Path
    facts: dict[str, Any]

    @cached_property
    def counts(self) -> dict[str, Ints]:
        """Rows by bucket, for each month, in file order."""
        return {m: np.array(c, np.int64) for m, c in self.facts["counts"].items()}

    @cached_property
    def metadata(self) -> pq.FileMetaData:
        """The file's footer, read once."""
        return pq.read_metadata(self.path)

    def rows(self, month: str, first: int, last: int, columns: Sequence[str]) -> pa.Table:
        """The rows of a month's buckets `first` to `last` (exclusive)."""
        before = 0
        for name, counts in self.counts.items():
            if name == month:
                start = before + int(counts[:first].sum())
                stop = start + int(counts[first:last].sum())
                return read_rows(self.path, start, stop, columns, self.metadata)
            before += int(counts.sum())
        return STORED.empty_table().select(list(columns))


def read_rows(
    path: Path, start: int, stop: int, columns: Sequence[str], metadata: pq.FileMetaData | None = None
) -> pa.Table:
    """Rows start to stop (exclusive) of a Parquet file, text columns as dictionaries; LATER columns that it
    was written without are null.
    """
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=list(TEXTS)) as file:
        groups, before, first = [], 0, None
        for group in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if before < stop and before + rows > start:
                groups.append(group)
                first = before if first is None else first
            before += rows
        names = file.schema_arrow.names
        there = [name for name in columns if name in names or name not in LATER]
        table = file.read_row_groups(groups, columns=there).slice(start - (first or 0), stop - start)
        for name in columns:
            if name not in there:
                table = table.append_column(name, pa.nulls(table.num_rows, STORED.field(name).type))
        return table.select(list(columns))


class Staging:
    """The folder of one load's staged files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(".*"):
            path.unlink()
        self.files: list[Staged] = []
        while (path := self._path("events", len(self.files))).exists():
            facts = json.loads(pq.read_schema(path).metadata[b"cartscape"])
            self.files.append(Staged(path, facts))

    def _path(self, what: str, number: int) -> Path:
        return self.folder / f"{what}-{number:06d}.parquet"

    @property
    def chunks(self) -> int:
        """Source chunks that are staged."""
        return sum(f.facts["chunks"] for f in self.files)

    @property
    def done(self) -> float:
        """Share of the source that is staged."""
        return float(self.files[-1].facts["done"]) if self.files else 0.0

    @property
    def complete(self) -> bool:
        """Whether the whole source is staged."""
        return (self.folder / _COMPLETE).exists()

    def finish(self) -> None:
        """Note that the whole source is staged."""
        (self.folder / _COMPLETE).touch()

    def total(self, fact: str) -> int:
        """Sum of a number over the staged files."""
        return sum(f.facts[fact] for f in self.files)

    def counted(self, fact: str) -> Counter[str]:
        """Sum of a name → number mapping over the staged files."""
        return sum((Counter(f.facts[fact]) for f in self.files), Counter())

    def months(self) -> dict[str, int]:
        """Rows by UTC month, in order."""
        rows: Counter[str] = Counter()
        for file in self.files:
            for month, counts in file.counts.items():
                rows[month] += int(counts.sum())
        return dict(sorted(rows.items()))

    def days(self) -> tuple[str | None, str | None]:
        """First and last local day."""
        first = [f.facts["first_day"] for f in self.files if f.facts["first_day"]]
        last = [f.facts["last_day"] for f in self.files if f.facts["last_day"]]
        return min(first, default=None), max(last, default=None)

    def rejects(self) -> Iterator[pa.Table]:
        """The staged rejects, in the order of the source."""
        for number in range(len(self.files)):
            path = self._path("rejects", number)
            if path.exists():
                yield pq.read_table(path)

    def add(self, rows: pa.Table, rejects: pa.Table, facts: dict[str, Any]) -> None:
        """Put prepared rows and their rejects in place; the rows' file comes last and counts."""
        number = len(self.files)
        if rejects.num_rows:
            self._write(rejects, self._path("rejects", number), _ROW_GROUP)
        path = self._path("events", number)
        note = {b"cartscape": json.dumps(facts).encode()}
        self._write(rows.replace_schema_metadata(note), path, _ROW_GROUP)
        self.files.append(Staged(path, facts))

    def _write(self, table: pa.Table, path: Path, group: int) -> None:
        temporary = path.with_name(f".{path.name}")
        pq.write_table(table, temporary, compression="lz4", row_group_size=group, write_statistics=False)
        put(temporary, path)


class Preparer:
    """Makes a source's chunk into stored rows: pseudonym, place, local time, hash; sessions come later."""

    def __init__(self, secret: Secret, locator: Locator, cursor: duckdb.DuckDBPyConnection) -> None:
        self._secret = secret
        self._locator = locator
        self._cursor = cursor

    def prepare(self, chunks: list[Chunk]) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
        """Rows in staging order, rejects with pseudonyms, and the facts that the file carries."""
        events = pa.concat_tables(c.events.select(SOURCE_EVENTS.names).cast(SOURCE_EVENTS) for c in chunks)
        rejects = pa.concat_tables(c.rejects.select(REJECTS.names).cast(REJECTS) for c in chunks)
        columns = {name: one_array(events[name]) for name in SOURCE_EVENTS.names}
        for name in ("ts", "user_id", "event"):
            if columns[name].null_count:
                raise CartscapeError(
                    f"The reader of this format gave an event without {name}; report this as a fault."
                )
        for name, column in columns.items():
            if pa.types.is_string(column.type):
                columns[name] = column.dictionary_encode()
        users = columns["user_id"]
        names = pa.array(self._secret.pseudonyms(users.dictionary.to_pylist()), pa.string())
        columns["user_id"] = pa.DictionaryArray.from_arrays(users.indices, names)
        columns["event_id"] = pa.array(
            row_hashes([columns[n] for n in SOURCE_EVENTS.names if n not in LATER])
        )
        columns["session_id"] = owned_sessions(columns["user_id"], columns["session_id"])
        unknown = self._drop_unknown_zones(columns)
        places = self._locator.locate(
            columns["lat"], columns["lon"], _plain(columns["tz"]), _plain(columns["region"])
        )
        columns |= {"cell": places.cell, "tz": places.tz.dictionary_encode()}
        columns["region"] = places.region.dictionary_encode()
        moments = columns["ts"].view(pa.int64()).to_numpy()
        offsets = self._offsets(columns["tz"], moments)
        columns[UTC_OFFSET] = pa.array(offsets, pa.int32())
        columns[SESSION_CUT] = columns["session_id"].is_null()
        buckets = buckets_of(names)[users.indices.to_numpy()]
        order, counts = staging_order(columns["ts"], buckets)
        table = pa.table({f.name: _compact(columns[f.name]).take(order) for f in STORED})
        first_day, last_day = days_of(moments, offsets)
        facts = {
            "chunks": len(chunks),
            "done": chunks[-1].done,
            "rows_read": sum(c.rows_read for c in chunks),
            "rejected": dict(Counter(rejects["reason"].to_pylist())),
            "unknown_zones": unknown,
            "counts": counts,
            "first_day": first_day,
            "last_day": last_day,
        }
        return table, self.hide(rejects), facts

    def hide(self, table: pa.Table) -> pa.Table:
        """The table with the shopper's id replaced by the pseudonym."""
        users = one_array(table["user_id"]).dictionary_encode()
        names = pa.array(self._secret.pseudonyms(users.dictionary.to_pylist()), pa.string())
        hidden = pa.DictionaryArray.from_arrays(users.indices, names).cast(pa.string())
        return table.set_column(table.schema.get_field_index("user_id"), table.field("user_id"), hidden)

    def _drop_unknown_zones(self, columns: dict[str, pa.Array]) -> dict[str, int]:
        """Null the zones that no clock knows, so that the place fills them in; say how many rows."""
        zones = columns["tz"]
        values = zones.dictionary.to_pylist()
        wrong = [i for i, name in enumerate(values) if name not in known_zones()]
        if not wrong:
            return {}
        indices = zones.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        known = pa.array([n if n in known_zones() else None for n in values], pa.string())
        columns["tz"] = known.take(zones.indices).dictionary_encode()
        return {values[i]: int((indices == i).sum()) for i in wrong}

    def _offsets(self, zones: pa.DictionaryArray, moments: Ints) -> Ints:
        """Seconds that local time is ahead of UTC; asked once a zone and quarter of an hour."""
        quarters = moments // _QUARTER_HOUR
        first = int(quarters.min()) if len(quarters) else 0
        span = int(quarters.max()) - first + 1 if len(quarters) else 1
        codes = zones.indices.to_numpy().astype(np.int64) * span + (quarters - first)
        distinct, inverse = np.unique(codes, return_inverse=True)
        asked = pa.table(
            {
                "n": pa.array(np.arange(len(distinct))),
                "tz": zones.dictionary.take(pa.array(distinct // span)),
                "us": pa.array((distinct % span + first) * _QUARTER_HOUR),
            }
        )
        self._cursor.register("asked", asked)
        offsets = self._cursor.execute(
            "SELECT (epoch_us(timezone(tz, make_timestamp(us) AT TIME ZONE 'UTC')) - us) // 1000000 AS o"
            " FROM asked ORDER BY n"
        ).fetchnumpy()["o"]
        self._cursor.unregister("asked")
        return np.asarray(offsets, np.int64)[inverse]


def owned_sessions(users: pa.DictionaryArray, sessions: pa.DictionaryArray) -> pa.DictionaryArray:
    """The source's session ids led by their shopper's: many a log numbers sessions anew for each."""
    held = sessions.is_valid()
    names = max(len(sessions.dictionary), 1)
    owner, given = users.indices.filter(held).to_numpy(), sessions.indices.filter(held).to_numpy()
    codes, pairs = pd.factorize(owner.astype(np.int64) * names + given)
    ids = session_id(
        users.dictionary.take(pa.array(pairs // names)), sessions.dictionary.take(pa.array(pairs % names))
    )
    every = np.zeros(len(users), np.int64)
    mask = held.to_numpy(zero_copy_only=False)
    every[mask] = codes
    return pa.DictionaryArray.from_arrays(pa.array(every, mask=~mask), ids)


def days_of(ts: Ints, offsets: Ints) -> tuple[str | None, str | None]:
    """First and last local day of moments in µs with their offsets in seconds; None for no moment."""
    if not len(ts):
        return None, None
    local = ts + offsets * 1_000_000
    return str(np.datetime64(int(local.min()), "us"))[:10], str(np.datetime64(int(local.max()), "us"))[:10]


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def _compact(column: pa.Array) -> pa.Array:
    """Text with many distinct values as plain text: each row group would repeat its whole dictionary."""
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > _FEW:
        return _plain(column)
    return column


def staging_order(ts: pa.Array, buckets: Ints) -> tuple[pa.Array, dict[str, list[int]]]:
    """Order by month, bucket and arrival, and the number of rows of each month's buckets."""
    months, codes = np.unique(ts.to_numpy().astype("M8[M]"), return_inverse=True)
    key = codes * BUCKETS + buckets
    if len(months) <= 2**16 // BUCKETS:
        key = key.astype(np.uint16)  # sorted by radix, in linear time
    order = np.argsort(key, kind="stable")
    counts = np.bincount(key, minlength=len(months) * BUCKETS).reshape(-1, BUCKETS)
    return pa.array(order), {str(m): c.tolist() for m, c in zip(months, counts, strict=True)}
