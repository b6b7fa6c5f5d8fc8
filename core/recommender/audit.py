"""The audit list of a store: every change of rules and of what is promoted, in an append-only file.

A change is told here before it is made. Whoever dies between the two leaves a change that is told and not
made; the next to look makes it (see `rule_book` and `versions`). A line that was cut short is no change.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import WrongCall
from core.store import Store
from core.store.files import room_on_disk, sync

#: What a change is of.
RULE = "rule"
MODEL = "model"
LONGEST_BY, LONGEST_WHY = 100, 1_000


@dataclass(frozen=True)
class Author:
    """Who changes something, and why; "" is what nobody said."""

    by: str = ""
    why: str = ""

    def checked(self) -> Author:
        """The same without spaces around it; raises `WrongCall` for what no line of a list can hold."""
        for word, said, most in (("by", self.by, LONGEST_BY), ("why", self.why, LONGEST_WHY)):
            if len(said) > most or any(c < " " for c in said):
                raise WrongCall(f"{word} takes {most:,} letters at most, without line breaks; shorten it.")
        return Author(self.by.strip(), self.why.strip())


#: Where nobody says who changes something.
NOBODY = Author()


def os_user() -> str:
    """Whom the operating system takes this process to be of; "" where it does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""


@dataclass(frozen=True)
class Change:
    """One change. `before` and `after` are what was changed, None where it was not there."""

    at: str  # ISO 8601, UTC
    of: str  # RULE or MODEL
    name: str  # the rule's, or the number of the model's version
    what: str  # "rule made", "model promoted", …
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    seen: int = 0  # the revision of a rule that was changed, 0 where it was not there
    by: str = ""  # who changed it, "" where nobody said
    why: str = ""


@dataclass(frozen=True)
class Audited:
    """The changes, the oldest first, and sentences on what cannot be read of them."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def audit(store: Store) -> Audited:
    """Every change of the store's rules and models."""
    with locked(store, shared=True):
        return read(store)


def read(store: Store) -> Audited:
    """As `audit`, for who holds the lock."""
    path = _file(store)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Audited(())
    changes, odd = [], []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            changes.append(Change(**json.loads(line)))
        except (ValueError, TypeError):
            odd.append(number)
    notes = tuple(
        f"Line {number} of {path} was cut short while it was written, so its change was not made; "
        "make it again where it is still wanted."
        for number in odd
    )
    return Audited(tuple(changes), notes)


def tell(
    store: Store, of: str, name: str, what: str, before: dict[str, Any] | None,
    after: dict[str, Any] | None, seen: int = 0, author: Author = NOBODY,
) -> None:  # fmt: skip
    """Append a change, on the disk when this returns; for who holds the lock.

    Raises `CartscapeError` where the disk is full or may not be written, and what `Author.checked` does; then
    nothing is told.
    """
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    author = author.checked()
    change = Change(at, of, name, what, before, after, seen, author.by, author.why)
    line = json.dumps(asdict(change), ensure_ascii=False).encode() + b"\n"
    path = _file(store)
    with room_on_disk(store.path):
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # what was cut short keeps a line of its own
            try:
                rest = line
                while rest:
                    rest = rest[os.write(handle, rest) :]
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if not size:
            sync(path.parent)


def state(store: Store) -> tuple[int, int]:
    """Changes whenever something is told."""
    try:
        found = _file(store).stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def take_back(store: Store) -> None:
    """Drop the last line: of a change that was told and could not be made; for who holds the lock."""
    path = _file(store)
    content = path.read_bytes()
    os.truncate(path, content.rfind(b"\n", 0, len(content) - 1) + 1)
    sync(path)


@contextmanager
def locked(store: Store, shared: bool = False) -> Iterator[None]:
    """Hold the audit list: alone to change, or with others to read. Waits for the moment that it takes.

    Not to be taken again by who holds it. To read where nothing was ever told needs no lock.
    """
    path = store.path / "audit" / ".lock"
    if shared:
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            yield
            return
    else:
        with room_on_disk(store.path):
            path.parent.mkdir(exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _file(store: Store) -> Path:
    return store.path / "audit" / "changes.jsonl"
