"""Funnels that a log suggests: up to its goal, or from it where hardly anything comes before."""

from __future__ import annotations

import pytest

from core.paths.suggest import suggest
from core.scope import Scope
from tests.paths.logs import filled, path_log


def log_of(ways: dict[tuple[str, ...], int]) -> list[dict[str, object]]:
    """Rows of so many shoppers for each way."""
    every = [way for way, times in ways.items() for _ in range(times)]
    return [
        {"shopper": f"s{n}", "session": "1", "second": 60 * i, "event": event}
        for n, way in enumerate(every)
        for i, event in enumerate(way)
    ]


@pytest.mark.parametrize(
    ("ways", "first"),
    [
        # a shop: the purchase is the goal
        ({("view", "cart", "purchase"): 9, ("view",): 30}, ["view", "cart", "purchase"]),
        # orders: a few came again, and nothing else leads to the purchase
        (
            {("purchase", "shipped", "delivered"): 40, ("delivered", "purchase"): 2},
            ["purchase", "shipped", "delivered"],
        ),
        (
            {("purchase",): 30, ("purchase", "cancelled"): 9, ("cancelled", "purchase"): 2},
            ["purchase", "cancelled"],
        ),
        # no purchase: to the event that comes last
        ({("search", "view", "click"): 9, ("search",): 9}, ["search", "view", "click"]),
        # nobody did two things
        ({("view",): 9, ("search",): 4}, ["search", "view"]),
    ],
)  # fmt: skip
def test_the_first_suggestion(ways: dict[tuple[str, ...], int], first: list[str]) -> None:
    found = suggest(path_log(log_of(ways)), filled(Scope(compare="off")))
    assert [step.event for step in found[0]] == first
