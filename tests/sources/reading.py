"""Reading a source whole, for tests: its events and rejects as pandas frames."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from core.events import SOURCE_EVENTS
from core.sources import Described, open_source
from core.sources.reader import REJECTS

#: A pandas frame; its stubs know too little of what a cell holds.
Frame = Any


@dataclass(frozen=True)
class Read:
    described: Described
    events: Frame
    rejects: Frame
    tables: dict[str, Frame]
    chunks: int

    @property
    def rows_read(self) -> int:
        return len(self.events) + len(self.rejects)

    @property
    def reasons(self) -> dict[str, int]:
        return self.rejects["reason"].value_counts().to_dict()

    def rejected_row(self, number: int = 0) -> dict[str, Any]:
        return json.loads(self.rejects["row"].iloc[number])


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One for all tests of this process: a reader leaves it as it was."""
    return duckdb.connect()


def read(*paths: Path, **options: Any) -> Read:
    """Everything that a source gives, held to the reader's contract on the way."""
    reader = open_source(list(paths), connection=connection(), **options)
    chunks = list(reader.chunks())
    tables = {name: table.to_pandas() for name, table in reader.side_tables().items()}
    for chunk in chunks:
        assert chunk.events.schema.equals(SOURCE_EVENTS)
        assert chunk.rejects.schema.equals(REJECTS)
    assert [chunk.done for chunk in chunks] == sorted(chunk.done for chunk in chunks)
    assert not chunks or chunks[-1].done == 1.0
    events = pa.concat_tables([SOURCE_EVENTS.empty_table(), *(chunk.events for chunk in chunks)]).to_pandas()
    rejects = pa.concat_tables([REJECTS.empty_table(), *(chunk.rejects for chunk in chunks)]).to_pandas()
    return Read(reader.described, events, rejects, tables, len(chunks))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
