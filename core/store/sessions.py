"""Sessions without an id of their own: cut where a shopper was away for longer than the gap.

Only rows without a session of the source's own take part: a shopper who is seen by two systems, one
of which names its sessions, keeps those and gets others for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.events import SESSION_GAP_MINUTES
from core.store.columns import SESSION_CUT

GAP = SESSION_GAP_MINUTES * 60_000_000  # microseconds; an absence of exactly this long does not cut

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tail:
    """Who was still in a session of the store's own cutting when a month ended."""

    last: dict[str, tuple[str, int]] = field(default_factory=dict)  # user → session, time of last event in µs

    def add(self, users: pa.DictionaryArray, sessions: pa.Array, ts: Ints, border: int) -> None:
        """Remember the last event of each user within the gap before `border`; rows sorted by user, ts."""
        codes = users.indices.to_numpy()
        newest = np.ones(len(ts), bool)
        newest[:-1] = codes[1:] != codes[:-1]
        rows = np.flatnonzero(newest & (ts >= border - GAP))
        if len(rows):
            picked = pa.array(rows)
            names, ids = users.take(picked).to_pylist(), sessions.take(picked).to_pylist()
            self.last.update(zip(names, zip(ids, ts[rows].tolist(), strict=True), strict=True))

    def with_last(self, rows: pa.Table) -> Tail:
        """The tail and the last user of sorted rows, whose session may go on in the next part."""
        ts = rows["ts"].combine_chunks().view(pa.int64()).to_numpy()
        users = rows["user_id"].combine_chunks()
        codes = users.indices.to_numpy()
        own = (codes == codes[-1]) & rows[SESSION_CUT].to_numpy()
        if not own.any():
            return self
        at = int(np.flatnonzero(own)[-1])
        last = (rows["session_id"][at].as_py(), int(ts[at]))
        return Tail({**self.last, users[at].as_py(): last})


def session_id(owners: pa.Array, names: pa.Array) -> pa.Array:
    """Ids that no two shoppers share: the owner's pseudonym, shortened, and the session's own name."""
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(owners, 0, 16), names, "-")


def cut(users: pa.DictionaryArray, ts: Ints, before: Tail) -> tuple[pa.Array, Ints]:
    """Sessions of rows sorted by user, then ts (µs).

    Gives the ids of the sessions and, for each row, the index of its own. An id is the shopper's
    pseudonym, shortened, and the second at which the session began; a session that was open when the
    month before ended keeps its id.
    """
    codes = users.indices.to_numpy()
    new_user = np.ones(len(ts), bool)
    new_user[1:] = codes[1:] != codes[:-1]
    begins = new_user.copy()
    begins[1:] |= np.diff(ts) > GAP
    starts = np.flatnonzero(begins)
    owners = users.take(pa.array(starts)).cast(pa.string())
    ids = session_id(owners, pa.array(ts[starts] // 1_000_000).cast(pa.string()))
    if before.last:
        carried = np.flatnonzero(new_user[starts])
        known = pc.is_in(owners.take(pa.array(carried)), pa.array(before.last, pa.string()))
        changed = ids.to_pylist() if pc.any(known).as_py() else []
        for at in carried[known.to_numpy(zero_copy_only=False)].tolist():
            session, last = before.last[owners[at].as_py()]
            if ts[starts[at]] - last <= GAP:
                changed[at] = session
        if changed:
            ids = pa.array(changed, pa.string())
    return ids, np.cumsum(begins) - 1
