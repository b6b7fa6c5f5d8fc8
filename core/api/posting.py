"""POST /api/v1/events: what shoppers did, one call at a time."""

from __future__ import annotations

from core.api.failures import Failure
from core.api.opened import Shelf
from core.api.words import MOST_EVENTS, EventsAnswer, EventsCall, Rejected
from core.store.posted import Refused


def posted(shelf: Shelf, call: EventsCall) -> EventsAnswer:
    """Keep events; they are on the disk when this returns. Raises `Failure`, and as `Poster.post` does."""
    if len(call.events) > MOST_EVENTS:
        raise Failure(413, f"A call takes {MOST_EVENTS:,} events at most; send the others in another.")
    found = shelf.poster(shelf.path(call.store)).post(
        [event if isinstance(event, Refused) else event.fields() for event in call.events]
    )
    return EventsAnswer(
        stored=found.stored,
        duplicate=found.duplicate,
        rejected=[Rejected(number=number, reason=reason) for number, reason in found.rejected],
    )
