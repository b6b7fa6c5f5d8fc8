"""The description is OpenAPI 3.1, and what the calls really take."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from core.api.calls import CALLS
from core.api.description import described
from core.api.failures import STATUSES
from tests.api.conftest import client_of


def test_it_is_openapi(tmp_path: Path) -> None:
    found = client_of(tmp_path).http.get("/api/v1/openapi.json").json()
    OpenAPIV31SpecValidator(found).validate()
    assert found["openapi"].startswith("3.1")
    assert list(found["paths"]) == [call.path for call in CALLS]
    for path in found["paths"].values():
        assert set(path["post"]["responses"]) == {"200", *map(str, STATUSES)}


@pytest.mark.parametrize(
    ("name", "body", "fits"),
    [
        ("RecommendCall", {}, True),
        ("RecommendCall", {"n": 3, "region": "Ohio", "prices": {"P1": 3.5}}, True),
        ("RecommendCall", {"path": [{"event": "view", "item": "P1"}], "lat": 1, "lon": 2.5}, True),
        ("RecommendCall", {"n": 0}, False),
        ("RecommendCall", {"shoper": "x"}, False),
        ("RecommendCall", {"lat": 91}, False),
        ("EventsCall", {"events": [{"ts": "2025-01-01", "user_id": "a", "event": "view"}]}, True),
        ("EventsCall", {"events": []}, False),
        ("EventsCall", {"events": [{"user_id": "a", "event": "view"}]}, False),
        ("EventsCall", {"events": [{"ts": "x", "user_id": "a", "event": "view", "email": "a"}]}, False),
    ],
)
def test_what_fits_it_is_what_is_taken(name: str, body: dict[str, object], fits: bool) -> None:
    """Of events, one that does not fit is rejected alone, and the call goes on."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": described()["components"]}
    assert jsonschema.Draft202012Validator(schema).is_valid(body) == fits
    takes = next(call.takes for call in CALLS if call.takes.__name__ == name)
    try:
        words = takes.model_validate(body)
    except ValueError:
        assert not fits
    else:
        refused = [e for e in getattr(words, "events", []) if not hasattr(e, "fields")]
        assert bool(refused) != fits
