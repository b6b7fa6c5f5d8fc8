"""One writer at a time, whatever the number of processes."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from core.errors import StoreBusy


class WriterLock:
    """An exclusive lock on a file; the kernel gives it back when its process dies.

    The thread that holds it may take it again; any other thread or process gets `StoreBusy`.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._owner: int | None = None
        self._guard = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; raises `StoreBusy` with the writer's process id and since when it writes."""
        me = threading.get_ident()
        with self._guard:
            nested = self._owner == me
            if not nested:
                handle = self._take()
                self._owner = me
        if nested:
            yield
            return
        try:
            yield
        finally:
            with self._guard:
                self._owner = None
                os.close(handle)

    def _take(self) -> int:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
            os.close(handle)
            raise StoreBusy(
                f"The store {self._name} is being written by {who or 'another process'}; "
                "wait until that is done, or stop it, and try again. Reading goes on meanwhile."
            ) from None
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} since {now}".encode(), 0)
        return handle
