"""The measures that every page offers, defined once."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import WrongCall


@dataclass(frozen=True)
class Measure:
    """A number that can be asked of any part of the log."""

    name: str
    label: str
    unit: str  # count, share or money
    meaning: str  # the definition, denominator included
    additive: bool  # whether parts sum to the whole
    needs_purchases: bool = False


MEASURES = {
    m.name: m
    for m in (
        Measure("events", "Events", "count", "events of every kind in the scope", True),
        Measure("shoppers", "Shoppers", "count", "distinct shoppers with an event", False),
        Measure("sessions", "Sessions", "count", "distinct sessions with an event", False),
        Measure(
            "conversion", "Conversion", "share",
            "sessions with a purchase ÷ sessions", False, True,
        ),
        Measure(
            "revenue", "Revenue", "money",
            "price × quantity of purchases, less returns and cancellations", True, True,
        ),
        Measure(
            "basket", "Basket value", "money",
            "price × quantity of purchases ÷ sessions with a purchase", False, True,
        ),
        Measure("per_shopper", "Revenue per shopper", "money", "revenue ÷ shoppers", False, True),
    )
}  # fmt: skip


def measure(name: str) -> Measure:
    """The measure of that name; raises `WrongCall` naming those that exist."""
    if name not in MEASURES:
        raise WrongCall(f"There is no measure {name!r}; there are {', '.join(MEASURES)}.")
    return MEASURES[name]
