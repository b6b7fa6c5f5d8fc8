"""The region table beside a map: value, change and course of one measure."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def region_rows(table: pa.Table, measure: str) -> pa.Table:
    """Columns region, value, change (per cent of the compared period) and spark; largest value first."""
    value = table[measure].cast(pa.float64())
    previous = table[f"previous_{measure}"].cast(pa.float64())
    known = pc.if_else(pc.greater(previous, 0), previous, pa.scalar(None, pa.float64()))
    rows = pa.table(
        {
            "region": table["region"],
            "value": value,
            "change": pc.multiply(pc.subtract(pc.divide(value, known), 1.0), 100.0),
            "spark": _drawable(table["spark"]),
        }
    )
    return rows.sort_by([("value", "descending"), ("region", "ascending")])


def _drawable(sparks: pa.ChunkedArray) -> pa.Array:
    """Lines without a hidden point; others are left out, as Streamlit draws no gap."""
    return pa.array(
        [None if line is None or None in line else line for line in sparks.to_pylist()],
        pa.list_(pa.float64()),
    )
