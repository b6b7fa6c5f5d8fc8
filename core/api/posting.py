"""POST /api/v1/events: what shoppers did, one call at a time."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from core.api.failures import Failure
from core.api.opened import Shelf
from core.api.words import MOST_EVENTS, EventsAnswer, EventsCall, Rejected
from core.marts import MartsManifest
from core.store.posted import Posted, Refused

#: Kinds of events that a sentence lists.
MOST_KINDS = 12


def posted(shelf: Shelf, call: EventsCall) -> EventsAnswer:
    """Keep events; they are on the disk when this returns. Raises `Failure`, and as `Poster.post` does."""
    if len(call.events) > MOST_EVENTS:
        raise Failure(413, f"A call takes {MOST_EVENTS:,} events at most; send the others in another.")
    poster = shelf.poster(shelf.path(call.store))
    found = poster.post([event if isinstance(event, Refused) else event.fields() for event in call.events])
    return EventsAnswer(
        stored=found.stored,
        duplicate=found.duplicate,
        rejected=[Rejected(number=number, reason=reason) for number, reason in found.rejected],
        notes=_unknown(poster.marts_dir, found),
    )


def _unknown(folder: Path, found: Posted) -> list[str]:
    """Sentences on items and kinds of events that the log did not have when it was last built, which is what
    its models know.
    """
    manifest = MartsManifest.read(folder)
    if manifest is None:  # nothing was built yet, so that nothing is known of what is known
        return []
    items, kinds = (
        _names(folder / manifest.dictionaries[file], column)
        for file, column in (("items", "item_id"), ("kinds", "event"))
    )
    notes = []
    if new := len(found.items - items):
        these = "1 item that is named is" if new == 1 else f"{new:,} items that are named are"
        them = "it counts" if new == 1 else "they count"
        notes.append(f"{these} not known to a model of this log; {them} after the next training.")
    if new := len(found.kinds - kinds):
        these = "1 kind of event is" if new == 1 else f"{new:,} kinds of events are"
        some = [*sorted(kinds)[:MOST_KINDS], *(["…"] if len(kinds) > MOST_KINDS else [])]
        notes.append(f"{these} new to this log, which has {', '.join(some)}; check the spelling.")
    return notes


@lru_cache(maxsize=8)
def _names(file: Path, column: str) -> frozenset[str]:
    """A column of a dictionary, whose file never changes."""
    return frozenset(pq.read_table(file, columns=[column])[column].to_pylist())
