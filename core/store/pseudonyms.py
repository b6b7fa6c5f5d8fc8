"""Shoppers' ids become pseudonyms on their way into the store: HMAC-SHA256 under a secret."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from core.errors import CartscapeError
from core.settings import settings

#: Hex characters of a pseudonym: 128 bits, so that two of a billion shoppers never share one.
LENGTH = 32

#: The sample's shoppers are imaginary; a public key gives the same bytes on every machine.
_SAMPLE_KEY = b"cartscape sample marketplace"

_REMEMBERED = 300_000  # ids kept between calls; about 75 MB


class Secret:
    """The key of the pseudonyms."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    @classmethod
    def load(cls, home: Path | None = None) -> Secret:
        """The secret from the settings, else from HOME/secret, which is made where it is missing.

        Raises `CartscapeError` when it cannot be read or made.
        """
        given = settings().secret
        if given is not None:
            key = given.get_secret_value().encode()
            if not key:
                raise CartscapeError(
                    "The setting CARTSCAPE_SECRET is empty; give it a long random text or unset it."
                )
            return cls(key)
        path = (home or settings().home) / "secret"
        try:
            if not path.exists():
                _make(path)
            path.chmod(0o600)
            key = path.read_bytes().strip()
        except OSError as error:
            raise CartscapeError(
                f"The secret of the pseudonyms in {path} cannot be read or made ({error.strerror}); "
                "give this user the right to do so, or set CARTSCAPE_SECRET."
            ) from error
        if len(key) < 32:
            raise CartscapeError(
                f"The secret in {path} is too short to be the one made at first start; "
                "restore it from a backup, or remove the file and load the logs anew."
            )
        return cls(key)

    @classmethod
    def of_sample(cls, seed: int) -> Secret:
        """The public key of a sample marketplace."""
        return cls(hmac.digest(_SAMPLE_KEY, str(seed).encode(), "sha256"))

    @property
    def check(self) -> str:
        """Tells two secrets apart without giving either away."""
        return hmac.digest(self._key, b"\0cartscape check", "sha256").hex()[:16]

    def pseudonym(self, user: str) -> str:
        """The pseudonym of one source id: the first 32 hex characters of its HMAC-SHA256."""
        return hmac.digest(self._key, user.encode(), "sha256").hex()[:LENGTH]

    def pseudonyms(self, users: Iterable[str]) -> list[str]:
        """Pseudonyms in the order given; pass distinct ids."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        known, key, digest = self._known, self._key, hmac.digest
        out = []
        for user in users:
            name = known.get(user)
            if name is None:
                name = known[user] = digest(key, user.encode(), "sha256").hex()[:LENGTH]
            out.append(name)
        return out


def _make(path: Path) -> None:
    """Write a new secret, mode 600. Of two processes that do so at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".secret.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
