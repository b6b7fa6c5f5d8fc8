"""Calls of the API at a fixed rate, as a process: `python -m tests.bench.calls PORT KEY RATE < BODIES`.

BODIES are JSON objects, one a line. A call is sent when it is due, whether or not those before were answered,
so that waiting counts. Prints one JSON object: [seconds, status] of each call, and the processor time of all.
A usual client takes about as long for a call as the server's part of it, and on two cores that would be
measured with it; so this one writes bytes that it made before and reads an answer's status and length alone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Line(asyncio.Protocol):
    """A connection that stays open, for one call at a time."""

    def __init__(self) -> None:
        self._got, self._left = b"", 0
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def call(self, request: bytes) -> int:
        """The status of the answer; 0 where there was none."""
        self._got, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0 or self._answer is None or self._answer.done():
            return
        length = _LENGTH.search(self._got, 0, head + 2)
        assert length, self._got[:head]
        if len(self._got) >= head + 4 + int(length[1]):
            self._answer.set_result(int(self._got[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)

    @property
    def open(self) -> bool:
        """Whether it can take another call."""
        return not self._transport.is_closing()


async def driven(port: int, key: str, rate: float, bodies: list[bytes]) -> list[tuple[float, int]]:
    """Seconds and status of each call, in the order of their answers."""
    found: list[tuple[float, int]] = []
    idle: list[Line] = []
    loop = asyncio.get_running_loop()
    head = (
        f"POST /api/v1/recommend HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\nContent-Length: "
    ).encode()

    async def call(due: float, request: bytes) -> None:
        line = next((idle.pop() for _ in range(len(idle)) if idle[-1].open), None)
        status = 0
        try:
            if line is None:
                _, line = await loop.create_connection(Line, "127.0.0.1", port)
            status = await asyncio.wait_for(line.call(request), 60)
            idle.append(line)
        except OSError:
            pass  # counted as not answered
        found.append((time.perf_counter() - due, status))

    began = time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as group:
        for number, body in enumerate(bodies):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(call(due, head + b"%d\r\n\r\n" % len(body) + body))
    return found


def main(port: str, key: str, rate: str) -> None:
    bodies = sys.stdin.buffer.read().splitlines()
    gc.disable()
    began = time.process_time()
    found = asyncio.run(driven(int(port), key, float(rate), bodies))
    print(json.dumps({"calls": found, "cpu": time.process_time() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
