"""What is asked: the scopes of the bench and the analyses behind the pages."""

from __future__ import annotations

from datetime import timedelta

from core.analyses import ANALYSES
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: Every analysis that a page asks, with the options that its page starts with or that cost most.
ANALYSES_ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("overview", {}),
    ("changes", {"measure": "events"}),
    ("changes", {"measure": "conversion"}),
    ("demand", {}),
    ("demand", {"resolution": "7"}),
    ("regions", {}),
    ("hotspots", {"step": "week"}),
    ("hours", {}),
    ("hours", {"by": "region"}),
    ("calendar", {}),
    ("trend", {"measure": "revenue"}),
    ("trend", {"by": "category"}),
    ("facets", {}),
    ("quality", {}),
)

#: A way through the shop, in a week.
FUNNEL = {"steps": "view,click,cart,checkout,purchase", "window": "7d"}
_PATHS: tuple[tuple[str, dict[str, str]], ...] = (
    ("paths", {}),
    ("steps", {}),
    ("transitions", {}),
    ("top-paths", {}),
    ("next", {"prefix": "view->cart"}),
    ("pattern", {"pattern": "cart->[^checkout]*->purchase"}),
)
#: The analyses that follow shoppers through time.
JOURNEYS_ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("funnel", FUNNEL),
    ("funnel", {**FUNNEL, "unit": "session"}),
    ("funnel", {**FUNNEL, "by": "device"}),
    ("funnel", {**FUNNEL, "order": "strict"}),
    ("funnel", {**FUNNEL, "hold": "item"}),
    ("funnel", {**FUNNEL, "exclude": "support"}),
    ("funnel-time", FUNNEL),
    ("funnel-trend", FUNNEL),
    ("funnel-map", FUNNEL),
    ("drivers", FUNNEL),
    *_PATHS,
    *((name, {**options, "unit": "session"}) for name, options in _PATHS),
    ("retention", {}),
    ("lifecycle", {}),
    ("stickiness", {}),
)
#: Scopes of `scopes` that they are asked of, without a compared period.
JOURNEY_SCOPES = ("everything", "28 days of one region", "one category")

#: Asked of the whole log only, whatever the scope.
OF_THE_WHOLE = ("facets", "quality")


def scopes(store: Store) -> dict[str, Scope]:
    """Scopes as a merchandiser walks through them, by a name that says what they are."""
    cube = open_cube(store)
    last = cube.last_day
    month = {"from": (last - timedelta(days=27)).isoformat(), "to": last.isoformat()}
    region, category, device = (_largest(store, field) for field in ("region", "category", "device"))
    cells = ANALYSES["demand"].run(store, Scope(), resolution="5").table.sort_by([("events", "descending")])
    weekend = [f"{day}.{hour}" for day in (6, 7) for hour in range(24)]
    words: dict[str, dict[str, str | list[str]]] = {
        "everything": {},
        "28 days against the 28 before": dict(month),
        "28 days of one region": {**month, "region": region},
        "one category": {"category": category},
        "28 days, one device and category": {**month, "device": device, "category": category},
        "five cells": {"cell": cells["cell"].slice(0, 5).to_pylist()},
        "weekends of 28 days": {**month, "hour": weekend},
    }
    return {name: Scope.parse(value) for name, value in words.items()}


def _largest(store: Store, field: str) -> str:
    rows = ANALYSES["facets"].run(store, Scope()).table.to_pylist()
    return str(max((row for row in rows if row["field"] == field), key=lambda row: row["events"])["value"])


def label(name: str, options: dict[str, str]) -> str:
    """An analysis with its options, as on the command line."""
    return " ".join([f"`{name}`", *(f"{key}={value}" for key, value in options.items())])
