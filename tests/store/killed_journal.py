"""A process that posts an event or takes the journal in, and kills itself at a given moment.

Called as `python -m tests.store.killed_journal STORE DEED MOMENT`. DEED is post, MOMENT "before" (nothing is
written), "half" (half a record is), "written" (it is, unanswered) or "made". Or DEED is absorb, MOMENT
"closed" (the segment is), "staged", "merged" (the months are, the manifest is not), "saved" or "made".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from core.store import Store, ingest
from core.store.absorb import Absorb
from core.store.manifest import Manifest
from core.store.posted import Poster
from tests.store.killed import die

EVENT = {"ts": "2025-03-01T10:00:00Z", "user_id": "u-killed", "event": "view", "item_id": "i1"}


def half(handle: int, content: bytes, at: int, _write: Any = os.pwrite) -> int:
    _write(handle, content[: len(content) // 2], at)
    die()
    return 0


def main(path: Path, deed: str, moment: str) -> None:
    if deed == "post":
        if moment in ("before", "half"):
            setattr(os, "pwrite", half if moment == "half" else die)  # noqa: B010
        elif moment == "written":
            setattr(os, "fsync", die)  # noqa: B010
        Poster(path).post([EVENT])
    else:
        if moment == "closed":
            setattr(Absorb, "run", die)  # noqa: B010
        elif moment == "staged":
            setattr(Absorb, "_merge", die)  # noqa: B010
        elif moment == "merged":
            setattr(Manifest, "save", die)  # noqa: B010
        elif moment == "saved":
            setattr(ingest, "sweep", die)  # noqa: B010
        Store.open(path).absorb()
    assert moment == "made", f"it outlived {moment}"
    die()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
