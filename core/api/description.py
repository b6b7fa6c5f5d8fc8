"""The API's description in OpenAPI 3.1, made from the types that validate its calls."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.api.calls import CALLS, Call
from core.api.failures import STATUSES
from core.api.words import Problem

_SCHEMAS = "#/components/schemas/{model}"


def described() -> dict[str, Any]:
    """The description."""
    models: list[tuple[type[BaseModel], str]] = [(Problem, "serialization")]
    for call in CALLS:
        models += [(call.takes, "validation"), (call.gives, "serialization")]
    _, schemas = models_json_schema(models, ref_template=_SCHEMAS)  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cartscape",
            "version": "1",
            "description": "Recommendations from a shop's own log. A key is made with "
            "`python -m core keys add NAME`.",
        },
        "security": [{"key": []}],
        "paths": {call.path: {"post": _operation(call)} for call in CALLS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    return {
        "operationId": call.path.rsplit("/", 1)[-1],
        "summary": call.summary,
        "requestBody": {"required": True, "content": _json(call.takes.__name__)},
        "responses": {
            "200": {"description": "Done.", "content": _json(call.gives.__name__)},
            **{
                str(status): {"description": words, "content": _json(Problem.__name__)} | _headers(status)
                for status, words in STATUSES.items()
            },
        },
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMAS.format(model=name)}}}


def _headers(status: int) -> dict[str, Any]:
    if status not in (429, 503):
        return {}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    return {"headers": {"Retry-After": seconds}}
