"""A process that changes a rule or a model and kills itself, without a chance to tidy up, at a given moment.

Called as `python -m tests.recommender.killed STORE DEED MOMENT`. DEED is save, change, delete (of the rule
"r") or model-save, model-delete. MOMENT is "before" (nothing is told), "half" (half a line is), "told" (the
change is told, not made) or "made".
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from core.recommender import audit, versions
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import AtMost, Rule
from core.store import Documents, Store, documents


def die(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_line(handle: int, line: bytes) -> int:
    os.pwrite(handle, line[: len(line) // 2], os.fstat(handle).st_size)
    return int(die())


def main(path: Path, deed: str, moment: str) -> None:
    store = Store.open(path)
    book = RuleBook(store)
    if moment == "before":
        setattr(audit, "_file", die)  # noqa: B010 - the type checker would not have it otherwise
    elif moment == "half":
        setattr(os, "write", half_a_line)  # noqa: B010
    elif moment == "told":
        setattr(documents, "write_durably", die)  # noqa: B010
        setattr(Path, "unlink", die)  # noqa: B010
        setattr(Path, "replace", die)  # noqa: B010
        setattr(shutil, "rmtree", die)  # noqa: B010
    if deed == "save":
        book.save(Rule("r", AtMost(1)))
    elif deed == "change":
        book.save(Rule("r", AtMost(2)), 1)
    elif deed == "delete":
        book.delete("r", 1)
    elif deed == "model-save":
        versions.save(store, {"a": b"1" * 100}, versions.About(event="click"))
    else:
        versions.delete(store, 1)
    assert moment == "made", f"{Documents} outlived {moment}"
    die()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
