"""What goes wrong with a call: an HTTP status and one plain sentence, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from core.errors import CartscapeError

#: Where the API describes itself.
DESCRIPTION = "/api/v1/openapi.json"

#: Each status that a call may end with, and when.
STATUSES = {
    400: "The body is no JSON.",
    401: "The key is missing or wrong.",
    403: "The API is closed, or what is asked would tell of one shopper of shared data.",
    404: "There is no such log or address.",
    405: "The address takes another method.",
    409: "The log has no model that recommends; asking again does not help, what the sentence says does.",
    413: "The body is too large, or has too many events.",
    415: "The body is not application/json.",
    422: "The words do not fit, name what the log does not have, or leave nothing to list.",
    429: "The client asks too often; Retry-After says when to ask again.",
    503: "The model is being opened, or the server is busy; Retry-After says when to ask again.",
}


@dataclass(frozen=True)
class Answer:
    """What a call is answered with."""

    status: int
    body: bytes  # JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Failure(CartscapeError):  # noqa: N818
    """A call that ends with a status; the message is one plain sentence."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


def later(status: int, sentence: str, seconds: float) -> Failure:
    """A failure that may pass: 429 or 503, with the seconds to wait."""
    return Failure(status, sentence, {"Retry-After": str(max(1, round(seconds + 0.499)))})


def unfit(error: ValidationError) -> Failure:
    """What does not fit the words of a call; never what was sent, which may be somebody's."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Failure(400, f"The body is no JSON ({_small(first['msg'])}); send one JSON object.")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return Failure(422, f"There is no field {where}; {DESCRIPTION} says what a call takes.")
    what = f"The field {where} does not fit" if where else "The body does not fit"
    return Failure(422, f"{what} ({_small(first['msg'])}); {DESCRIPTION} says what a call takes.")


def answered(failure: Failure) -> Answer:
    """The answer that tells of a failure."""
    body = json.dumps({"error": str(failure)}, ensure_ascii=False).encode("utf-8", "replace")
    return Answer(failure.status, body, failure.headers)


def _small(message: str) -> str:
    return message.removesuffix(".").replace("Value error, ", "")
