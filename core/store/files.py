"""Durable files: written aside, flushed to the disk, then put in place in one step."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from core.errors import CartscapeError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put(temporary: Path, final: Path) -> None:
    """Flush `temporary` and give it its final name; a reader sees the old file or the new one."""
    sync(temporary)
    temporary.replace(final)
    sync(final.parent)


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace the content of `path` in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    put(temporary, path)


@contextmanager
def alone(lock: Path, mode: int = 0o644) -> Iterator[None]:
    """One process at a time within, by a file that it locks; the others wait for the moment that it takes.
    The folder is made where it is missing, those above it are not: what was removed stays so.
    """
    lock.parent.mkdir(exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, mode)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """32 hex characters that change with the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def is_disk_full(error: BaseException) -> bool:
    """Whether the system refused to write because there is no room."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    words = str(error).lower()
    return isinstance(error, (OSError, duckdb.Error)) and (
        "no space left" in words or "file too large" in words or "quota exceeded" in words
    )


@contextmanager
def room_on_disk(folder: Path) -> Iterator[None]:
    """Turn the system's complaints about the disk into one sentence."""
    try:
        yield
    except CartscapeError:
        raise
    except (OSError, duckdb.Error) as error:
        if is_disk_full(error):
            raise CartscapeError(
                f"The disk that holds {folder} is full, so nothing was stored and the store is as it was; "
                "free some space and load again."
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            place = Path(os.fsdecode(error.filename or folder))
            if place == folder or folder in place.parents or place in folder.parents:
                raise CartscapeError(
                    f"{place} may not be written ({error.strerror}); "
                    "give this user the right to write there, or choose another folder."
                ) from error
        raise
