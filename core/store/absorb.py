"""The journal becomes part of the months: a load of its own, in one step, each event once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from core.sources.reader import REJECTS, Chunk, Described
from core.store.columns import PREPARED, UTC_OFFSET, buckets_of
from core.store.ingest import Load
from core.store.journal import Journal, Place, Record
from core.store.manifest import Manifest
from core.store.pseudonyms import Secret
from core.store.report import LoadReport, Progress
from core.store.staging import Staging, days_of, one_array, staging_order

FORMAT = "api"


@dataclass
class Journalled:
    """The records of closed segments, as a load reads a source."""

    journal: Journal
    first: int  # segment
    last: int
    described: Described = field(default_factory=lambda: Described(FORMAT, ("journal",)))

    def records(self) -> Iterator[Record]:
        """All of them, in the order in which they came."""
        for number in range(self.first, self.last + 1):
            place = Place(number)
            for record in self.journal.read(place):
                if place.segment != number:
                    break
                yield record

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """None: records are rows of the store already."""
        del skip
        return iter(())

    def side_tables(self) -> dict[str, pa.Table]:
        """None."""
        return {}

    def fingerprint(self) -> str:
        """Closed segments do not change."""
        return f"journal {self.first}-{self.last}"


class Absorb(Load):
    """The load of a journal: its rows are prepared and their shoppers hidden."""

    reader: Journalled

    def _check_kind(self) -> None:
        """What is in the journal was made under the store's own secret."""

    def _stage(self, staging: Staging) -> None:
        if staging.complete:
            return
        records = list(self.reader.records())[staging.chunks :]
        if records:
            staging.add(*_prepared(records))
        self._rows = staging.total("rows_read")
        staging.finish()

    def _more(self) -> dict[str, Any]:
        return {"journal": self.reader.last}

    def _check_usable(self, report: LoadReport) -> None:
        """That all of a call was rejected was told to who called."""


def absorb(
    folder: Path, manifest: Manifest, journal: Journal, secret: Secret, cursor: duckdb.DuckDBPyConnection,
    listener: Callable[[Progress], None] | None,
) -> LoadReport | None:  # fmt: skip
    """Take the journal into the months, for who holds the writer's lock; None where it holds nothing.

    Whoever dies before the manifest is written leaves the journal as it was; whoever dies after it leaves
    segments that the manifest says are taken in. Either way each event is there once.
    """
    journal.forget(min(manifest.journal_before, manifest.journal))
    if not journal.waits(manifest.journal):
        return None
    last = journal.close(manifest.journal)
    reader = Journalled(journal, manifest.journal + 1, last)
    if next(reader.records(), None) is None:
        return None  # a record that was cut short, and nothing else
    return Absorb(folder, manifest, reader, secret, cursor, listener).run()


def _prepared(records: list[Record]) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """The rows of records in staging order, their rejects, and the facts that the file carries."""
    rows = pa.concat_tables(record.rows for record in records).cast(PREPARED)
    rejects = pa.concat_tables(record.rejects for record in records).cast(REJECTS)
    ts = one_array(rows["ts"])
    order, counts = staging_order(ts, buckets_of(one_array(rows["user_id"])))
    first_day, last_day = days_of(ts.view(pa.int64()).to_numpy(), one_array(rows[UTC_OFFSET]).to_numpy())
    facts = {
        "chunks": len(records),
        "done": 1.0,
        "rows_read": rows.num_rows + rejects.num_rows,
        "rejected": dict(Counter(rejects["reason"].to_pylist())),
        "unknown_zones": {},
        "counts": counts,
        "first_day": first_day,
        "last_day": last_day,
    }
    return rows.take(order), rejects, facts
