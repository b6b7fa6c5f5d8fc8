"""A reader over a table in memory, and tables to read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.events import SOURCE_EVENTS
from core.sources.reader import REJECTS, Chunk, Described


def source_table(**columns: list[object] | pa.Array) -> pa.Table:
    """SOURCE_EVENTS from the given columns, the others null (`event` is "view")."""
    rows = len(next(iter(columns.values())))
    arrays = []
    for f in SOURCE_EVENTS:
        given = columns.get(f.name, ["view"] * rows if f.name == "event" else None)
        if given is None:
            arrays.append(pa.nulls(rows, f.type))
        else:
            arrays.append(given.cast(f.type) if isinstance(given, pa.Array) else pa.array(given, f.type))
    return pa.Table.from_arrays(arrays, schema=SOURCE_EVENTS)


@dataclass
class TableReader:
    """Reads `events` in chunks of `step` rows; all `rejects` come with the first chunk."""

    events: pa.Table
    step: int = 1000
    rejects: pa.Table = field(default_factory=REJECTS.empty_table)
    sides: dict[str, pa.Table] = field(default_factory=dict)
    format: str = "events"
    name: str = "table.csv"

    described: Described = field(init=False)

    def __post_init__(self) -> None:
        self.described = Described(self.format, (self.name,))

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        count = max(-(-self.events.num_rows // self.step), 1 if self.rejects.num_rows else 0)
        for number in range(skip, count):
            rejects = self.rejects if number == 0 else REJECTS.empty_table()
            yield Chunk(self.events.slice(number * self.step, self.step), rejects, (number + 1) / count)

    def side_tables(self) -> dict[str, pa.Table]:
        return self.sides

    def fingerprint(self) -> str:
        hashed = hashlib.sha256(f"{self.name} {self.step} {self.format}".encode())
        for column in self.events.columns:
            for piece in column.chunks:
                for buffer in piece.buffers():
                    hashed.update(buffer or b"")
        return hashed.hexdigest()


def busy_log(
    rows: int, users: int = 200, seed: int = 0, start: str = "2025-01-25", days: int = 20
) -> pa.Table:
    """A log with ties, repeated rows, places, given and missing sessions, in the order of time."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, users, rows)
    second = np.sort(rng.integers(0, days * 86_400 // 10, rows) * 10)
    ts = np.datetime64(start, "us") + second.astype("m8[s]")
    given = rng.random(users) < 0.3
    item = rng.integers(0, 50, rows)
    return source_table(
        ts=pa.array(ts),
        user_id=[f"user-{u}" for u in user],
        session_id=[f"s{u}-{s // 3600}" if given[u] else None for u, s in zip(user, second, strict=True)],
        event=[("view", "cart", "purchase")[i] for i in rng.integers(0, 3, rows)],
        item_id=[f"item-{i}" if i else None for i in item],
        category=[f"category-{i % 7}" for i in item],
        price=pa.array((item * 100 + 99).astype(np.int32)),
        quantity=pa.array(rng.integers(1, 3, rows)),
        lat=pa.array(30 + user % 17 * 0.9),
        lon=pa.array(-120 + user % 45 * 1.0),
        shown=[[f"item-{i}", "item-9"] if i % 5 == 0 else None for i in item],
    )
