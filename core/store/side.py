"""The tables beside the log: upserted by their keys."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import CartscapeError
from core.events import SIDE_KEYS, SIDE_TABLES
from core.store.files import digest, put
from core.store.manifest import Part


def conform(name: str, table: pa.Table) -> pa.Table:
    """The table with the contract's columns and types; a column that is not there is null."""
    if name not in SIDE_TABLES:
        raise CartscapeError(
            f"The store keeps no table {name!r} beside the log; it keeps {', '.join(SIDE_TABLES)}."
        )
    schema = SIDE_TABLES[name]
    columns = [
        table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    loose = pa.schema([f.with_nullable(True) for f in schema])
    return pa.Table.from_arrays(columns, schema=loose)


def upsert(
    name: str, incoming: pa.Table, existing: Path | None, folder: Path, cursor: duckdb.DuckDBPyConnection
) -> Part:
    """Write `existing` with `incoming` put over it, ordered by key; of equal keys the last stays."""
    columns = ", ".join(f'"{c}"' for c in SIDE_TABLES[name].names)
    keys = ", ".join(f'"{k}"' for k in SIDE_KEYS[name])
    before = pq.read_table(existing) if existing else SIDE_TABLES[name].empty_table()
    cursor.register("before_rows", before)
    cursor.register(
        "new_rows", incoming.append_column("n", pa.array(range(1, incoming.num_rows + 1), pa.int64()))
    )
    merged = cursor.sql(
        f"SELECT {columns} FROM ("
        f" SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY n DESC) AS newest"
        f" FROM (SELECT {columns}, 0 AS n FROM before_rows UNION ALL SELECT {columns}, n FROM new_rows)"
        f") WHERE newest = 1 ORDER BY {keys}"
    ).to_arrow_table()
    cursor.unregister("before_rows")
    cursor.unregister("new_rows")
    return write_part(merged.cast(SIDE_TABLES[name]), name, folder)


def write_part(table: pa.Table, name: str, folder: Path) -> Part:
    """Write a small table as NAME.DIGEST.parquet."""
    temporary = folder / f".{name}.parquet"
    pq.write_table(table.combine_chunks(), temporary, compression="zstd", store_schema=False)
    content = digest(temporary)
    final = folder / f"{name}.{content[:16]}.parquet"
    size = temporary.stat().st_size
    put(temporary, final)
    return Part(f"{folder.name}/{final.name}", table.num_rows, size, content)
