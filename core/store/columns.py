"""The columns of the store's files: the event contract and two helpers that save work later."""

from __future__ import annotations

import pyarrow as pa

from core.events import EVENTS

#: Seconds that local time is ahead of UTC at this place and moment; `log.local_ts` is ts + utc_offset.
UTC_OFFSET = "utc_offset"
#: The session was cut by the store, not given by the source, so a later load may move its borders.
SESSION_CUT = "session_cut"

#: A month's file, sorted by user_id, then ts, then the order in which rows came.
STORED = EVENTS.append(pa.field(UTC_OFFSET, pa.int32(), nullable=False)).append(
    pa.field(SESSION_CUT, pa.bool_(), nullable=False)
)
TEXTS = tuple(f.name for f in STORED if pa.types.is_string(f.type))

#: Users fall into 256 buckets by the first byte of their pseudonym, which is also the first key of
#: the sort: buckets can be loaded one after the other, in little memory, and written in order.
BUCKETS = 256


def bucket_of(pseudonym: str) -> int:
    """The bucket of a user, 0–255."""
    return int(pseudonym[:2], 16)
