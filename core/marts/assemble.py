"""From the monthly activity parts to the cube's nested arrays on disk.

Shoppers are taken by ranges of their key, so that memory is bounded by a range and not by the log.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from core.marts.arrays import Appender, key_ranges
from core.marts.kernels import HOLDS_PURCHASE, OPENS_SHOPPER, mark_nesting

#: Rows sorted in memory at a time; about 230 bytes each while they are sorted and copied out.
ROWS_IN_MEMORY = 3_000_000

#: A row's count is one byte; a larger count is carried by several rows.
MOST_IN_A_ROW = 255

#: array → type on disk; kinds and hours widen where a log has more than two bytes can number
ARRAYS: dict[str, np.dtype] = {
    "shopper_start": np.dtype(np.uint32),  # [shoppers + 1] first segment of each shopper
    "shopper_row": np.dtype(np.uint32),  # [shoppers + 1] first row of each shopper
    "place": np.dtype(np.uint32),  # [segments] code in places
    "means": np.dtype(np.uint16),  # [segments] code in means
    "hour": np.dtype(np.uint16),  # [segments] local hours after the first
    "flags": np.dtype(np.uint8),  # [segments] what it opens, and whether it holds a purchase
    "events": np.dtype(np.uint16),  # [segments] events of all kinds
    "rows": np.dtype(np.uint16),  # [segments] rows, one a kind of event
    "kind": np.dtype(np.uint16),  # [rows] code in kinds
    "n": np.dtype(np.uint8),  # [rows] events
    "row_flags": np.dtype(np.uint8),  # [rows] as flags
    "money_segment": np.dtype(np.uint32),  # [money rows]
    "money_place": np.dtype(np.uint32),  # [money rows] as place of its segment, and so on: few are far apart
    "money_means": np.dtype(np.uint16),  # [money rows]
    "money_hour": np.dtype(np.uint16),  # [money rows]
    "money_kind": np.dtype(np.uint16),  # [money rows]
    "money": np.dtype(np.int64),  # [money rows] in MONEY_UNIT
}


def assemble(
    cursor: duckdb.DuckDBPyConnection,
    parts: list[Path],
    folder: Path,
    purchase_kinds: np.ndarray,
    first_hour: int,
    hours: int,
    advance: Callable[[float], None],
) -> None:
    """Writes every array of the cube into `folder` as .npy files that can be memory-mapped.

    `purchase_kinds` is bool[kinds]; `first_hour` the local hour that becomes 0, `hours`
    how many follow it.
    """
    wide = {"kind", "money_kind"} if purchase_kinds.size > 2**16 else set()
    wide |= {"hour", "money_hour"} if hours > 2**16 else set()
    writers = {
        name: Appender(folder / f"{name}.npy", np.dtype(np.uint32) if name in wide else dtype)
        for name, dtype in ARRAYS.items()
    }
    sizes = {"segments": 0, "rows": 0}
    edges = key_ranges(cursor, parts, ROWS_IN_MEMORY)
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        batch = _sorted_rows(cursor, parts, low, high)
        if batch.num_rows:
            _append_range(batch, writers, sizes, purchase_kinds, first_hour)
        advance((i + 1) / (len(edges) - 1))
    writers["shopper_start"].append(np.array([sizes["segments"]]))
    writers["shopper_row"].append(np.array([sizes["rows"]]))
    for writer in writers.values():
        writer.close()


def _sorted_rows(cursor: duckdb.DuckDBPyConnection, parts: list[Path], low: int, high: int) -> pa.Table:
    return cursor.sql(
        "SELECT shopper, session, hour, place, mean, kind, n, money FROM read_parquet($parts)"
        " WHERE shopper BETWEEN $low AND $high"
        " ORDER BY shopper, session, hour, place, mean, kind",
        params={"parts": [str(p) for p in parts], "low": low, "high": high - 1},
    ).to_arrow_table()


def _append_range(
    rows: pa.Table,
    writers: dict[str, Appender],
    sizes: dict[str, int],
    purchase_kinds: np.ndarray,
    first_hour: int,
) -> None:
    column = {name: rows[name].to_numpy() for name in rows.column_names}
    repeats = -(-column["n"] // MOST_IN_A_ROW)
    if repeats.max() > 1:
        n = np.full(int(repeats.sum()), MOST_IN_A_ROW, np.int64)
        n[np.cumsum(repeats) - 1] = column["n"] - (repeats - 1) * MOST_IN_A_ROW
        last = np.zeros(n.size, bool)
        last[np.cumsum(repeats) - 1] = True
        column = {name: np.repeat(values, repeats) for name, values in column.items()}
        column["n"] = n
        column["money"] = np.where(last, column["money"], 0)
    opens = mark_nesting(
        column["shopper"], column["session"], column["hour"], column["place"], column["mean"], column["n"]
    )
    starts = np.flatnonzero(opens)
    segments = starts.size
    segment_of_row = np.cumsum(opens > 0) - 1
    purchase = purchase_kinds[column["kind"]] * np.uint8(HOLDS_PURCHASE)
    writers["shopper_start"].append(np.flatnonzero(opens[starts] & OPENS_SHOPPER) + sizes["segments"])
    writers["shopper_row"].append(np.flatnonzero(opens & OPENS_SHOPPER) + sizes["rows"])
    writers["place"].append(column["place"][starts])
    writers["means"].append(column["mean"][starts])
    writers["hour"].append(column["hour"][starts] - first_hour)
    writers["flags"].append(opens[starts] | np.maximum.reduceat(purchase, starts))
    writers["events"].append(np.add.reduceat(column["n"], starts))
    writers["rows"].append(np.diff(starts, append=column["n"].size))
    writers["kind"].append(column["kind"])
    writers["n"].append(column["n"])
    writers["row_flags"].append(opens | purchase)
    paid = np.flatnonzero(column["money"])
    writers["money_segment"].append(segment_of_row[paid] + sizes["segments"])
    writers["money_place"].append(column["place"][paid])
    writers["money_means"].append(column["mean"][paid])
    writers["money_hour"].append(column["hour"][paid] - first_hour)
    writers["money_kind"].append(column["kind"][paid])
    writers["money"].append(column["money"][paid])
    sizes["segments"] += segments
    sizes["rows"] += column["n"].size
