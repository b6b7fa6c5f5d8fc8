"""The routes: a call is known by its key, counted, read, and answered: lists by a process of their own, what
is posted by a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.api.answering import answer_of, answer_to
from core.api.beside import Beside, command
from core.api.calls import CALLS, Call
from core.api.description import described
from core.api.failures import DESCRIPTION, Answer, Failure, answered, later
from core.api.keys import Keys
from core.api.limits import Rates, body_of
from core.api.opened import Shelf
from core.garbage import settle_imports
from core.settings import settings

log = logging.getLogger("cartscape")

#: Threads that take what is posted, and calls that may wait for their answer.
THREADS, MOST_WAITING = 2, 32
#: Seconds for which a page's thread may keep the interpreter from a call. Python's own 5 ms add up, as a call
#: takes it three times or more.
SWITCH = 0.0005


class Api:
    """The API over one home folder; without a process beside it, lists are made in a thread."""

    def __init__(self, home: Path, a_second: float, most_body: int, beside: Beside | None = None) -> None:
        self.shelf, self.keys, self.rates = Shelf(home), Keys(home), Rates(a_second)
        self.beside = beside
        self._most_body = most_body  # bytes
        self._pool = ThreadPoolExecutor(THREADS, "api")
        self._waiting = 0

    async def answer(self, call: Call, request: Request) -> Answer:
        """One call, from its key to its answer. Never raises: what goes wrong is a status and a sentence."""
        try:
            self._admit(request)
            return await self._worked_out(call, await body_of(request, self._most_body))
        except Exception as error:
            return answer_of(error, call.path)

    def _admit(self, request: Request) -> None:
        """Let a client with a key in; raises 401, 403 or 429."""
        if not self.keys.holding():
            raise Failure(
                403, "The API is closed, as no client has a key; make one with python -m core keys add NAME."
            )
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        client = self.keys.client(key.strip()) if scheme.lower() == "bearer" else None
        if client is None:
            what = "This key is not known or was revoked" if key else "A key is missing"
            raise Failure(
                401, f"{what}; send the one that you were given as Authorization: Bearer KEY.",
                {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        self.rates.take(client.name)

    async def _worked_out(self, call: Call, body: bytes) -> Answer:
        if self._waiting >= MOST_WAITING:
            raise later(503, "The server is busy; ask again in a moment.", 1)
        self._waiting += 1
        try:
            if call.ranks and self.beside is not None:
                return await self.beside.ask(call.path, body)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, answer_to, call, self.shelf, body)
        finally:
            self._waiting -= 1


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, "application/json")


@cache
def _api() -> Api:
    """Made at the first call, when the settings are known."""
    now = settings()
    beside = Beside(command(now.home, now.api_warm))
    return Api(now.home, now.api_rate, now.api_body_kb * 1024, beside)


def routes(api: Api | None = None) -> list[BaseRoute]:
    """The routes of the server, over the home folder of the settings where no API is given."""

    def route(call: Call) -> Route:
        async def endpoint(request: Request) -> Response:
            return _response(await (api or _api()).answer(call, request))

        return Route(call.path, endpoint, methods=["POST"])

    async def description(_: Request) -> Response:
        return JSONResponse(_description())

    return [
        *(route(call) for call in CALLS),
        Route(DESCRIPTION, description, methods=["GET"]),
        Route("/api/{rest:path}", _nowhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]


@cache
def _description() -> dict[str, Any]:
    return described()


async def _nowhere(request: Request) -> Response:
    """Whatever the other routes do not take."""
    path = request.url.path
    allowed = {call.path: "POST" for call in CALLS} | {DESCRIPTION: "GET"}
    if path in allowed:
        method = allowed[path]
        wrong = Failure(405, f"{path} takes {method}, not {request.method}.", {"Allow": method})
        return _response(answered(wrong))
    return _response(
        answered(Failure(404, f"There is nothing at this address; {DESCRIPTION} says what there is."))
    )


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Around a server's life: what the settings name is opened before anybody asks for it."""
    sys.setswitchinterval(SWITCH)
    settle_imports()
    _unheld()
    beside = _api().beside if settings().api_warm else None
    if beside is not None:
        await beside.begun()
    yield
    if (beside := _api().beside) is not None:
        beside.end()


def _unheld() -> None:
    """Let answers leave at once: the socket that Streamlit binds is none that asyncio knows for TCP, so that
    the body of an answer waited until its head was acknowledged, which clients put off for 40 ms.
    """
    files = Path("/dev/fd")
    for file in list(files.iterdir()) if files.is_dir() else ():
        with suppress(OSError), socket.socket(fileno=os.dup(int(file.name))) as one:
            inet = one.family in (socket.AF_INET, socket.AF_INET6)
            if inet and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
