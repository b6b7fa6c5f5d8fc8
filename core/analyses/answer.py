"""What an analysis gives back: a table, and the words that say what it is of."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """A table and its words; a page draws them, the command line prints the table."""

    table: pa.Table
    title: str  # what it shows: "Demand by hour of the week"
    of: str  # of what: period, filters, zone, denominator
    notes: tuple[str, ...] = ()  # what is hidden, missing or assumed, a sentence each
