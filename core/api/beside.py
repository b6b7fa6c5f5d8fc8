"""The process of a server's lists, as the server sees it: begun where it is needed and does not run."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from core.api.failures import Answer, Failure, later
from core.api.frames import Frames, packed
from core.api.opened import OPENING

log = logging.getLogger("cartscape")

ROOT = Path(__file__).parents[2]
#: Seconds from the start of one that did not last so long to that of the next.
AGAIN = 30.0
#: Seconds that one has to end by itself.
ENDING = 5.0


def command(home: Path, names: str) -> list[str]:
    """What begins one over a home folder, with the models of some stores (with commas); it is to be told its
    socket.
    """
    return [sys.executable, "-m", "core.api.ranking", "{socket}", str(home), names]


class Beside:
    """A process that answers calls. To be used in one event loop."""

    def __init__(self, words: Sequence[str], again: float = AGAIN) -> None:
        self._words, self._again = words, again
        self._line: _Line | None = None
        self._began = -again
        self._failed = ""

    async def ask(self, path: str, body: bytes) -> Answer:
        """Its answer to a call. Raises 503 while it starts, where it cannot, and where it ends meanwhile."""
        line = await self.begun()
        if not line.ready:
            raise later(503, "The lists of this server are being opened; ask again.", OPENING)
        return await line.ask(path, body)

    async def begun(self) -> _Line:
        """See to it that it runs, or raise 503."""
        if self._line is not None and not self._line.ended:
            return self._line
        if self._line is not None:
            self._failed, self._line = self._line.end(), None
        wait = self._began + self._again - time.monotonic()
        if wait > 0:
            raise later(503, self._failed, wait)
        self._began = time.monotonic()
        try:
            process, mine = self._process()
        except OSError as error:
            self._failed = (
                f"The process that makes lists cannot be started ({error.strerror}); "
                "give this machine more memory, or ask again later."
            )
            raise later(503, self._failed, self._again) from None
        line = self._line = _Line(process)
        await asyncio.get_running_loop().create_connection(lambda: line, sock=mine)
        return line

    def _process(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        mine, theirs = socket.socketpair()
        with theirs:
            try:
                process = self._popen(theirs.fileno())
            except OSError:
                mine.close()
                raise
        mine.setblocking(False)
        return process, mine

    def _popen(self, number: int) -> subprocess.Popen[bytes]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return subprocess.Popen(
            [word.replace("{socket}", str(number)) for word in self._words],
            pass_fds=[number], stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip

    def end(self) -> None:
        """End it."""
        if self._line is not None:
            self._line.end()
            self._line = None


class _Line(asyncio.Protocol):
    """The socket to a process, and who waits for an answer."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.ready = self.ended = False
        self._frames, self._numbers = Frames(), count()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, path: str, body: bytes) -> Answer:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        assert self._transport is not None
        self._transport.write(packed(number, path, body))
        try:
            return await answer
        finally:
            del self._waiting[number]

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.take(data):
            if frame == ("ready",):
                self.ready = True
            elif (found := self._waiting.get(frame[0])) is not None and not found.done():
                found.set_result(frame[1])

    def connection_lost(self, _: Exception | None) -> None:
        self.ended = True
        for waits in self._waiting.values():
            if not waits.done():
                waits.set_exception(_ended())

    def end(self) -> str:
        """End the process; a sentence on how it did."""
        if self._transport is not None:
            with suppress(OSError):  # now, where closing alone waits for the loop
                self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            self._transport.close()
        try:
            status = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return f"The process that makes lists ended with {status}; the server's log says why."


def _ended() -> Failure:
    return later(503, "The process that makes lists ended, and is being started again; ask again.", OPENING)
