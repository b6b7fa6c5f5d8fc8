"""From the body of a call to its answer, in whichever process that is worked out."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from core.api.calls import Call
from core.api.failures import Answer, Failure, answered, later, unfit
from core.api.opened import Shelf
from core.errors import CartscapeError, WrongCall
from core.recommender.moment import NothingLeft

log = logging.getLogger("cartscape")


def answer_to(call: Call, shelf: Shelf, body: bytes) -> Answer:
    """The answer to a call. Never raises: what goes wrong is a status and a sentence."""
    try:
        try:
            words = call.takes.model_validate_json(body)
        except ValidationError as error:
            raise unfit(error) from None
        return Answer(200, call.work(shelf, words).model_dump_json().encode())
    except Exception as error:
        return answer_of(error, call.path)


def answer_of(error: Exception, path: str) -> Answer:
    """The answer that tells of what went wrong."""
    if isinstance(error, Failure):
        return answered(error)
    if isinstance(error, WrongCall | NothingLeft):
        return answered(Failure(422, str(error)))
    if isinstance(error, CartscapeError):
        return answered(later(503, str(error), 10))
    log.warning("%s failed", path, exc_info=error)
    return answered(
        Failure(500, f"This call failed here ({type(error).__name__}); the server's log says why.")
    )
