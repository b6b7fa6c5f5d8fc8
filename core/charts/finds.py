"""Tables of what was found, and of what was not, as the pages show them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from core.analyses.unmet import NOT_CLICKED

#: Why a search is unmet, as a narrow column says it.
SHORT = {NOT_CLICKED: "not clicked"}


def found_rows(table: pa.Table) -> pa.Table:
    """The `similar` table for a screen: what it is, how near, and who looks for it.

    The kind is left out where all are of one, purchases where no row has any, as of searches alone.
    """
    kinds = ["search" if kind == "query" else kind for kind in table["kind"].to_pylist()]
    rows = table.select(["title", "similarity", "counted", "shoppers", "purchases"])
    if len(set(kinds)) > 1:
        rows = rows.add_column(1, "kind", pa.array(kinds, pa.string()))
    return rows.drop_columns(["purchases"]) if _empty(table["purchases"]) else rows


def _empty(column: pa.ChunkedArray) -> bool:
    return column.null_count == len(column)


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
    """The `unmet` table for a screen; `only` the unmet ones, where there are any. Shares are in per cent.

    What the log cannot tell of any search is left out.
    """
    if only and any_unmet(table):
        table = table.filter(table["unmet"])
    rows = table.select(["query", "unmet_searches", "shoppers", "followed", "bought", "why", "best_title"])
    for name in ("followed", "bought"):
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, pc.multiply(rows[name], 100.0))
    why = [SHORT.get(word, word) for word in rows["why"].to_pylist()]
    rows = rows.set_column(rows.column_names.index("why"), "why", pa.array(why, pa.string()))
    return rows.drop_columns([name for name in ("bought", "why", "best_title") if _empty(rows[name])])


def nearest(table: pa.Table, query: str) -> str:
    """What the `unmet` table knows of the item nearest to a search, in a sentence; "" where it is nothing."""
    for row in table.to_pylist():
        if row["query"] == query and row["similarity"] is not None:
            usual = "" if row["usual"] is None else f", where {row['usual']:.2f} is usual"
            why = f": {row['why']}" if row["why"] else ""
            return f"Nearest item: {row['best_title']}, similarity {row['similarity']:.2f}{usual}{why}."
    return ""
