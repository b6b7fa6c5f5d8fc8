"""Keys of clients: made and revoked on the command line, known by their hash alone.

A key is 256 random bits, so that its plain SHA-256 cannot be turned back or guessed. Revoked ones stay
listed, as their names are in nobody's way and say who had one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from core.errors import CartscapeError, WrongCall
from core.store.files import alone, room_on_disk, write_durably

FILE = "keys.json"
#: Every key begins so, which lets scanners for leaked keys find it.
PREFIX = "cartscape_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")


@dataclass(frozen=True)
class Key:
    """One client's key, without the key."""

    name: str
    made: str  # ISO 8601, UTC
    digest: str  # SHA-256 of the key, in hex
    revoked: str = ""  # ISO 8601, UTC; "" while it holds


class Keys:
    """The keys of one home folder, as they are on disk now: whoever revokes one need not restart a server."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._stamp: tuple[int, ...] | None = None
        self._known: tuple[Key, ...] = ()

    def all(self) -> tuple[Key, ...]:
        """Every key, the oldest first. Raises `CartscapeError` where the file is damaged."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            try:
                known = tuple(Key(**words) for words in json.loads(self._path.read_bytes())["keys"])
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise CartscapeError(
                    f"{self._path} cannot be read, so that no key holds; restore it from a backup, "
                    "or remove it and make new keys."
                ) from error
            self._known, self._stamp = known, stamp
        return self._known

    def holding(self) -> tuple[Key, ...]:
        """Those that are not revoked."""
        return tuple(key for key in self.all() if not key.revoked)

    def client(self, key: str) -> Key | None:
        """Whose key this is, None for nobody's; as long for a wrong one as for a right one."""
        digest = _digest(key)
        found = None
        for known in self.holding():
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found

    def add(self, name: str) -> str:
        """Make a key for a client and return it; it is kept nowhere, so it is shown this once.

        Raises `WrongCall` for a name that has one or cannot be, `CartscapeError` where it cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise WrongCall(
                f"{name!r} is no name of a client; take up to 64 letters, digits, spaces, and . _ @ -."
            )
        key = PREFIX + secrets.token_urlsafe(32)
        with self._changing():
            if any(known.name == name for known in self.holding()):
                raise WrongCall(
                    f"There is a key named {name!r} already; revoke it first, or take another name."
                )
            self._save((*self.all(), Key(name, _now(), _digest(key))))
        return key

    def revoke(self, name: str) -> None:
        """End a key; raises `WrongCall` where no such key holds."""
        with self._changing():
            if all(known.name != name for known in self.holding()):
                raise WrongCall(f"There is no key named {name!r} that holds; keys list says which do.")
            ended = (
                replace(known, revoked=_now()) if known.name == name and not known.revoked else known
                for known in self.all()
            )
            self._save(tuple(ended))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with room_on_disk(self._path.parent), alone(self._path.with_name(f".{FILE}.lock"), 0o600):
            yield

    def _save(self, keys: tuple[Key, ...]) -> None:
        content = json.dumps({"keys": [asdict(key) for key in keys]}, indent=1).encode()
        write_durably(self._path, content, 0o600)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
