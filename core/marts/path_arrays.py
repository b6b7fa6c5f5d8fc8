"""From the monthly parts of steps to the path log: arrays of all events, shopper by shopper, in time.

Shoppers are taken by ranges of their key, as for the cube, and in its order: the n-th shopper of the
one is the n-th of the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numba import njit

from core.marts.arrays import Appender, key_ranges

#: Rows ordered in memory at a time; about 150 bytes each while they are copied out.
ROWS_IN_MEMORY = 3_000_000

#: array → type on disk; codes and hours widen where a log has more than two bytes can number
ARRAYS: dict[str, np.dtype] = {
    "shopper": np.dtype(np.int64),  # [shoppers] key of each
    "start": np.dtype(np.uint32),  # [shoppers + 1] first event of each
    "kind": np.dtype(np.uint16),  # [events] code in kinds: event and category
    "second": np.dtype(np.uint32),  # [events] after the log's first
    "hour": np.dtype(np.uint16),  # [events] local hours after the first
    "place": np.dtype(np.uint32),  # [events] code in places
    "mean": np.dtype(np.uint16),  # [events] code in means
    "item": np.dtype(np.uint32),  # [events] code in items
    "query": np.dtype(np.uint32),  # [events] code in queries
    "session": np.dtype(np.uint32),  # [events] number of the session
    "step": np.dtype(np.uint16),  # [events] which of its session's events this is, from 0; 65535 and beyond
    "next": np.dtype(np.uint16),  # [events] kind of the session's next event, or LAST
    "money_event": np.dtype(np.uint32),  # [money events]
    "money": np.dtype(np.int64),  # [money events] in MONEY_UNIT
}


def assemble_paths(
    cursor: duckdb.DuckDBPyConnection,
    parts: list[Path],
    folder: Path,
    kinds: int,
    first_second: int,
    first_hour: int,
    hours: int,
    advance: Callable[[float], None],
) -> None:
    """Writes every array of the path log into `folder` as .npy files that can be memory-mapped.

    `parts` are in the order of their months, each ordered by shopper and time. `first_second` and
    `first_hour` become 0.
    """
    wide = {"kind", "next"} if kinds >= last_of(np.dtype(np.uint16)) else set()
    wide |= {"hour"} if hours > 2**16 else set()
    writers = {
        name: Appender(folder / f"{name}.npy", np.dtype(np.uint32) if name in wide else dtype)
        for name, dtype in ARRAYS.items()
    }
    sizes = {"events": 0, "sessions": 0}
    edges = key_ranges(cursor, parts, ROWS_IN_MEMORY)
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        batch = _rows_in_order(cursor, parts, low, high)
        if batch:
            batch["second"] -= first_second
            batch["hour"] -= first_hour
            _append(batch, writers, sizes)
        advance((i + 1) / (len(edges) - 1))
    writers["start"].append(np.array([sizes["events"]]))
    for writer in writers.values():
        writer.close()


def last_of(dtype: np.dtype) -> int:
    """What `next` holds at the last event of a session."""
    return int(np.iinfo(dtype).max)


def _rows_in_order(
    cursor: duckdb.DuckDBPyConnection, parts: list[Path], low: int, high: int
) -> dict[str, np.ndarray]:
    """A range of shoppers: months are in order and each is sorted, so a stable sort by shopper is enough."""
    tables = [
        cursor.sql(
            "SELECT * FROM read_parquet($part) WHERE shopper BETWEEN $low AND $high",
            params={"part": str(part), "low": low, "high": high - 1},
        ).to_arrow_table()
        for part in parts
    ]
    rows = pa.concat_tables(tables)
    if not rows.num_rows:
        return {}
    order = np.argsort(rows["shopper"].to_numpy(), kind="stable")
    return {name: rows[name].to_numpy()[order] for name in rows.column_names}


def _append(rows: dict[str, np.ndarray], writers: dict[str, Appender], sizes: dict[str, int]) -> None:
    shopper = rows["shopper"]
    starts = np.flatnonzero(np.append(True, shopper[1:] != shopper[:-1]))
    session, found = pd.factorize(rows["session"])
    last = last_of(writers["next"].dtype)
    step, following = _within_sessions(session, len(found), rows["kind"], last)
    paid = np.flatnonzero(rows["money"])
    writers["shopper"].append(shopper[starts])
    writers["start"].append(starts + sizes["events"])
    for name in ("kind", "second", "hour", "place", "mean", "item", "query"):
        writers[name].append(rows[name])
    writers["session"].append(session + sizes["sessions"])
    writers["step"].append(step)
    writers["next"].append(following)
    writers["money_event"].append(paid + sizes["events"])
    writers["money"].append(rows["money"][paid])
    sizes["events"] += shopper.size
    sizes["sessions"] += len(found)


@njit(nogil=True, cache=True)
def _within_sessions(session, sessions, kind, last):  # type: ignore[no-untyped-def]
    """Which event of its session each is, from 0, and the kind of the one that follows it there."""
    step = np.empty(session.size, np.uint16)
    following = np.full(session.size, last, np.uint32)
    met = np.zeros(sessions, np.uint16)
    before = np.full(sessions, -1, np.int64)
    for i in range(session.size):
        s = session[i]
        step[i] = met[s]
        met[s] += met[s] < 65_535
        if before[s] >= 0:
            following[before[s]] = kind[i]
        before[s] = i
    return step, following
