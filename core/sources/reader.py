"""What every input format gives the store: chunks of events, rejects with reasons, side tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

#: A row that does not fit the contract: never dropped, always explained.
REJECTS = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),  # 1-based; the record's number in a binary file
        pa.field("reason", pa.string(), nullable=False),  # short and stable: "missing user", …
        pa.field("user_id", pa.string()),  # the source's own id; the store writes its pseudonym
        pa.field("row", pa.string(), nullable=False),  # the row as a JSON object, without the shopper's id
    ]
)


@dataclass(frozen=True)
class Chunk:
    """A part of a source that fits in memory.

    `rows_read` counts candidate events: an order row that holds four dated steps counts as four.
    It always equals events.num_rows + rejects.num_rows.
    """

    events: pa.Table  # SOURCE_EVENTS
    rejects: pa.Table  # REJECTS
    done: float  # share of the source read so far, 0–1, for progress and the estimate

    @property
    def rows_read(self) -> int:
        return self.events.num_rows + self.rejects.num_rows


@dataclass(frozen=True)
class Described:
    """What was recognised before anything is loaded, for the preview and the report."""

    format: str
    files: tuple[str, ...]
    mapping: dict[str, str] = field(default_factory=dict)  # contract field → source column
    unmapped: tuple[str, ...] = ()  # source columns that nothing uses
    notes: tuple[str, ...] = ()  # what the reader assumed: zone, currency, …


class Reader(Protocol):
    """An opened source. Chunks come in the same order and with the same bounds on every run,
    so that a load that was cut short can skip the chunks that it has stored.
    """

    described: Described

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """The source's chunks, without the first `skip`."""
        ...

    def side_tables(self) -> dict[str, pa.Table]:
        """Tables beside the log, by name in `core.events.SIDE_TABLES`; user ids still the source's."""
        ...

    def fingerprint(self) -> str:
        """Changes when the source or the way it is read changes; cheap (names, sizes, times, mapping)."""
        ...
