"""The routes: a call is known by its key, counted, read, validated, and answered in a thread, in JSON."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from threadpoolctl import threadpool_limits

from core.api.calls import CALLS, Call
from core.api.description import described
from core.api.failures import DESCRIPTION, Failure, answered, later, unfit
from core.api.keys import Keys
from core.api.limits import Rates, body_of
from core.api.opened import Shelf
from core.errors import CartscapeError, WrongCall
from core.settings import settings

log = logging.getLogger("cartscape")

#: Threads that answer calls, and calls that may wait for one.
THREADS, MOST_WAITING = 2, 32
#: Seconds for which a page's thread may keep the interpreter from a call. A call gives it back at every step
#: of numpy's, and Python's own 5 ms at each of them add up.
SWITCH = 0.0005


class Api:
    """The API over one home folder."""

    def __init__(self, home: Path, a_second: float, most_body: int) -> None:
        self.shelf, self.keys, self.rates = Shelf(home), Keys(home), Rates(a_second)
        self._most_body = most_body  # bytes
        self._pool = ThreadPoolExecutor(THREADS, "api", _one_thread)
        self._waiting = 0

    async def answer(self, call: Call, request: Request) -> Response:
        """One call, from its key to its answer. Never raises: what goes wrong is a status and a sentence."""
        try:
            self._admit(request)
            body = await body_of(request, self._most_body)
            try:
                words = call.takes.model_validate_json(body)
            except ValidationError as error:
                raise unfit(error) from None
            return await self._worked_out(call, words)
        except Failure as failure:
            return answered(failure)
        except WrongCall as wrong:
            return answered(Failure(422, str(wrong)))
        except CartscapeError as error:
            return answered(later(503, str(error), 10))
        except Exception as error:
            log.warning("%s failed", call.path, exc_info=True)
            return answered(
                Failure(500, f"This call failed here ({type(error).__name__}); the server's log says why.")
            )

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

    async def _worked_out(self, call: Call, words: BaseModel) -> Response:
        if self._waiting >= MOST_WAITING:
            raise later(503, "The server is busy; ask again in a moment.", 1)
        self._waiting += 1
        try:
            work = partial(_work, call, self.shelf, words)
            body = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
        return Response(body, media_type="application/json")


def _one_thread() -> None:
    """Keep what a call multiplies in its own thread: others would spin for longer than the call takes. BLAS
    knows one number for the whole server, OpenMP one for each thread.
    """
    threadpool_limits(1)


def _work(call: Call, shelf: Shelf, words: BaseModel) -> bytes:
    return call.work(shelf, words).model_dump_json().encode()


@cache
def _api() -> Api:
    """Made at the first call, when the settings are known."""
    now = settings()
    return Api(now.home, now.api_rate, now.api_body_kb * 1024)


def routes(api: Api | None = None) -> list[BaseRoute]:
    """The routes of the server, over the home folder of the settings where no API is given."""

    def route(call: Call) -> Route:
        async def endpoint(request: Request) -> Response:
            return await (api or _api()).answer(call, request)

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
        return answered(Failure(405, f"{path} takes {method}, not {request.method}.", {"Allow": method}))
    return answered(Failure(404, f"There is nothing at this address; {DESCRIPTION} says what there is."))


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Around a server's life: what the settings name is opened before anybody asks for it."""
    sys.setswitchinterval(SWITCH)
    names = [name for name in settings().api_warm.split(",") if name.strip()]
    for name in names:
        _api().shelf.warm(name.strip())
    yield
