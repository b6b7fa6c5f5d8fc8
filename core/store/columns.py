"""The columns of the store's files: the event contract and two helpers that save work later."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.events import EVENTS
from core.store.pseudonyms import LENGTH

#: Seconds that local time is ahead of UTC at this place and moment; `log.local_ts` is ts + utc_offset.
UTC_OFFSET = "utc_offset"
#: The session was cut by the store, not given by the source, so a later load may move its borders.
SESSION_CUT = "session_cut"

#: A month's file, sorted by user_id, then ts, then the order in which rows came.
STORED = EVENTS.append(pa.field(UTC_OFFSET, pa.int32(), nullable=False)).append(
    pa.field(SESSION_CUT, pa.bool_(), nullable=False)
)
#: The same before the store has cut sessions: those may still be null.
PREPARED = pa.schema([f.with_nullable(True) for f in STORED])
TEXTS = tuple(f.name for f in STORED if pa.types.is_string(f.type))

#: Users fall into 256 buckets by the first byte of their pseudonym, which is also the first key of
#: the sort: buckets can be loaded one after the other, in little memory, and written in order.
BUCKETS = 256


_HEX = np.zeros(256, np.int64)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def buckets_of(pseudonyms: pa.Array) -> npt.NDArray[np.int64]:
    """The bucket of each user, 0–255, from text of LENGTH hex characters."""
    text = np.frombuffer(pseudonyms.buffers()[2] or b"", np.uint8)
    start = int(np.frombuffer(pseudonyms.buffers()[1], np.int32)[pseudonyms.offset]) if len(pseudonyms) else 0
    digits = _HEX[text[start : start + len(pseudonyms) * LENGTH].reshape(-1, LENGTH)[:, :2]]
    return np.asarray(digits[:, 0] * 16 + digits[:, 1])
