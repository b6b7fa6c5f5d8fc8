"""A process that loads a log and kills itself, without a chance to tidy up, at a given moment.

Called as `python -m tests.store.killed STORE MOMENT`; MOMENT is the stage and the number of the
progress report at which it dies, "saved" (after the commit, before the tidying), or "never".
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from core.store import Progress, Store, ingest
from tests.store.fakes import TableReader, busy_log

ROWS, STEP = 12_000, 1_000


def reader() -> TableReader:
    return TableReader(busy_log(ROWS, seed=4), step=STEP)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(path: Path, moment: str) -> None:
    ingest.STAGED_ROWS = STEP
    seen: dict[str, int] = {}

    def listen(progress: Progress) -> None:
        seen[progress.stage] = seen.get(progress.stage, 0) + 1
        if moment == f"{progress.stage} {seen[progress.stage]}":
            die()

    if moment == "saved":
        setattr(ingest, "sweep", die)  # noqa: B010 - the type checker would not have it otherwise
    Store.open(path).append(reader(), listen)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
