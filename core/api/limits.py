"""How much a client may ask: bytes of a body, and calls a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from starlette.requests import Request

from core.api.failures import Failure, later

#: Seconds of calls that may come at once.
BURST = 2.0


class Rates:
    """A bucket of calls for each client of this process: it holds BURST seconds' worth, and fills as time
    passes.
    """

    def __init__(self, a_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._a_second, self._now = a_second, now
        self._most = max(1.0, a_second * BURST)
        self._left: dict[str, tuple[float, float]] = {}  # client → calls left, at
        self._guard = threading.Lock()

    def take(self, client: str) -> None:
        """Count one call; raises 429 where the client has none left."""
        with self._guard:
            now = self._now()
            left, at = self._left.get(client, (self._most, now))
            left = min(self._most, left + (now - at) * self._a_second)
            self._left[client] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise later(
                429,
                f"This key may ask {self._a_second:g} times a second; wait a moment and ask again.",
                (1 - left) / self._a_second,
            )


async def body_of(request: Request, most: int) -> bytes:
    """The body of a call, of `most` bytes at most; raises 413 as soon as it is more, 415 for no JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Failure(415, "The body must be JSON; send it with Content-Type: application/json.")
    too_large = Failure(
        413, f"The body is larger than {most // 1024:,} KiB; send less in one call.", {"Connection": "close"}
    )
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise too_large
    return bytes(body)
