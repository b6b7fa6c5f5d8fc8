"""Events handed over one call at a time, made into rows of the store and written to its journal."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from core.errors import CartscapeError
from core.sources.posted import NAME, judged
from core.sources.reader import REJECTS, Chunk
from core.store.columns import PREPARED
from core.store.journal import Place
from core.store.place import Locator
from core.store.staging import Preparer
from core.store.store import Store


@dataclass(frozen=True)
class Refused:
    """An event that fits nothing; `row` is what of it may be kept, as JSON, without the shopper."""

    reason: str
    user: str | None
    row: str
    told: str = ""  # to who posted it, and kept nowhere; "" is the reason


@dataclass(frozen=True)
class Posted:
    """What became of one call's events."""

    stored: int  # that the store did not hold before
    duplicate: int
    rejected: tuple[tuple[int, str], ...]  # (number in the call, from 1; reason)
    items: frozenset[str] = frozenset()  # that the others name
    kinds: frozenset[str] = frozenset()  # of events, of the others


class Poster:
    """Takes events into the journal of one store; one at a time in a process, any number of processes."""

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path)
        self._locator = Locator(self._store.default_tz)
        self._place = Place(0)  # of the journal, up to which `_held` knows it
        self._held: set[int] = set()
        self._guard = threading.Lock()

    @property
    def marts_dir(self) -> Path:
        """The store's folder of what is derived from its log."""
        return self._store.marts_dir

    def post(self, events: Sequence[Mapping[str, Any] | Refused]) -> Posted:
        """Judge events by the contract, hide their shoppers, and write what is new to the journal, with the
        rejects: all of it is on the disk when this returns.

        Raises `CartscapeError` where the disk is full, or where the store's secret is not the one that its
        pseudonyms were made under.
        """
        with self._guard:
            self._store = store = self._store.refresh()
            secret = store.secret
            if secret.check != store.secret_check:
                raise CartscapeError(
                    f"The pseudonyms of the store {store.name} were made under another secret; bring that "
                    "one back (HOME/secret or CARTSCAPE_SECRET)."
                )
            fine, rejects = _judged(store, events)
            with store.cursor() as cursor:
                rows, hidden, _ = Preparer(secret, self._locator, cursor).prepare([Chunk(fine, rejects, 1.0)])
            new = self._unheld(rows.cast(PREPARED))
            store = self._store  # which may be a newer generation by now
            if new.num_rows or hidden.num_rows:
                store.journal.append(new, hidden, store.taken_in)
            told = dict(zip(rejects["line"].to_pylist(), rejects["reason"].to_pylist(), strict=True))
            told |= {n: e.told for n, e in enumerate(events, 1) if isinstance(e, Refused) and e.told}
            items, kinds = (
                frozenset(rows[name].drop_null().unique().to_pylist()) for name in ("item_id", "event")
            )
            again = rows.num_rows - new.num_rows
            return Posted(new.num_rows, again, tuple(sorted(told.items())), items, kinds)

    def _unheld(self, rows: pa.Table) -> pa.Table:
        """The rows that neither the months nor the journal hold, each once.

        The files of a generation go when the second one after it is written: then it is looked for in that.
        """
        while True:
            try:
                return self._new_to(self._store, rows)
            except duckdb.IOException:
                if (newer := self._store.refresh()) is self._store:
                    raise
                self._store = newer

    def _new_to(self, store: Store, rows: pa.Table) -> pa.Table:
        """The rows that a generation does not hold.

        Two processes that are handed the same event at the same moment may both write it; whoever reads the
        journal counts it once, by its `event_id`.
        """
        if self._place.segment <= store.taken_in:
            self._place, self._held = Place(store.taken_in + 1), set()
        for record in store.journal.read(self._place):
            self._held.update(record.rows["event_id"].to_pylist())
        times = rows["ts"].to_pylist()
        held: set[int] = set()
        if {f"{time:%Y-%m}" for time in times} & set(store.months):
            found = store.cursor().execute(
                "SELECT event_id FROM events WHERE user_id IN (SELECT unnest(?)) AND ts BETWEEN ? AND ?",
                [rows["user_id"].unique().to_pylist(), min(times), max(times)],
            )
            held.update(row[0] for row in found.fetchall())
        keep = []
        for at, event_id in enumerate(rows["event_id"].to_pylist()):
            if event_id not in held and event_id not in self._held:
                held.add(event_id)
                keep.append(at)
        return rows.take(pa.array(keep, pa.int64())) if len(keep) < rows.num_rows else rows


def _judged(store: Store, events: Sequence[Mapping[str, Any] | Refused]) -> tuple[pa.Table, pa.Table]:
    """Events as SOURCE_EVENTS and REJECTS; the line of a reject is the number of its event."""
    number = [n for n, event in enumerate(events, 1) if not isinstance(event, Refused)]
    fine, rejects = judged([event for event in events if not isinstance(event, Refused)], store.cursor())
    lines = [number[line - 1] for line in rejects["line"].to_pylist()]
    rejects = rejects.set_column(1, REJECTS.field("line"), pa.array(lines, pa.int64()))
    refused = [
        {"file": NAME, "line": n, "reason": event.reason, "user_id": event.user, "row": event.row}
        for n, event in enumerate(events, 1)
        if isinstance(event, Refused)
    ]
    return fine, pa.concat_tables([rejects, pa.Table.from_pylist(refused, REJECTS)])
