"""Tables of what was found, and of what was not, as the pages show them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def found_rows(table: pa.Table) -> pa.Table:
    """The `similar` table for a screen: what it is, how near, and who looks for it."""
    kinds = ["search" if kind == "query" else kind for kind in table["kind"].to_pylist()]
    rows = table.select(["title", "similarity", "shoppers", "events", "purchases", "price", "category"])
    rows = rows.add_column(2, "kind", pa.array(kinds, pa.string()))
    return rows.append_column("counted", table["counted"])


def told_by(table: pa.Table, count: str) -> bool:
    """Whether a table by group has a group with a count above nothing."""
    return bool(pc.any(pc.greater(table[count], 0)).as_py())


def any_unmet(table: pa.Table) -> bool:
    """Whether the `unmet` table has an unmet search."""
    return bool(pc.any(table["unmet"]).as_py())


def unmet_names(table: pa.Table) -> list[str]:
    """The unmet searches of the `unmet` table."""
    found: list[str] = table.filter(table["unmet"])["query"].to_pylist()
    return found


def lost_rows(table: pa.Table, *, only: bool) -> pa.Table:
    """The `unmet` table for a screen; `only` the unmet ones, where there are any."""
    if only and any_unmet(table):
        table = table.filter(table["unmet"])
    names = (
        "query", "unmet_searches", "shoppers", "followed", "similarity", "why", "best_title", "bought",
        "searches",
    )  # fmt: skip
    return table.select(names)
