"""Rows of small path logs for funnels; `tests.paths.logs` makes path logs of them."""

from __future__ import annotations

import random
from typing import Any

from tests.paths.logs import Row


def row(shopper: int, second: int, event: str, **more: Any) -> Row:
    """One event; what is not named is missing."""
    return {
        "shopper": shopper, "session": 0, "second": second, "event": event, "category": None,
        "device": None, "item": None, "query": None, "region": None, "money": 0, **more,
    }  # fmt: skip


def random_rows(seed: int, most: int = 60, seconds: int = 12, events: str = "abcx") -> list[Row]:
    """Few shoppers, sessions and seconds, so that ties, repeats and interleaved sessions abound."""
    rng = random.Random(seed)
    return [
        row(
            rng.randrange(3), rng.randrange(seconds), rng.choice(events), session=rng.randrange(2),
            category=rng.choice([None, "Shoes", "Hats"]), device=rng.choice([None, "mobile"]),
            item=rng.choice([None, "i1", "i2"]), query=rng.choice([None, "red boots"]),
            region=rng.choice(["Ohio", "Utah"]), money=rng.choice([0, 0, 5]),
        )
        for _ in range(rng.randrange(1, most))
    ]  # fmt: skip
