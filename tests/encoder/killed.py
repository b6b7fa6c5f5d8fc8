"""A process that keeps vectors and kills itself, or only keeps them.

Called as `python -m tests.encoder.killed START COUNT MOMENT`; MOMENT is "named" (as a file is about to
get its name), "half" (as half of a file is written), "merged" (as merged files are about to go) or "never".
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from core.encoder import housekeeping, segment, vectors
from core.store import files
from tests.encoder.fakes import FakeEncoder, numbered, vectors_of


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half(temporary: Path, final: Path) -> None:
    os.truncate(temporary, temporary.stat().st_size // 2)
    die()


def main(start: int, count: int, moment: str) -> None:
    vectors._FLUSH = 0.0  # a file a batch
    housekeeping._MANY = 8
    puts = 0
    real = files.put

    def put(temporary: Path, final: Path) -> None:
        nonlocal puts
        puts += 1
        if puts == 5 and moment in ("named", "half"):
            half(temporary, final) if moment == "half" else die()
        real(temporary, final)
        if puts > 8 and moment == "merged":
            die()  # the ninth file is followed by a merged one

    setattr(segment, "put", put)  # noqa: B010 - the type checker would not have it otherwise
    vectors_of(FakeEncoder()).encode(numbered(count, start))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
