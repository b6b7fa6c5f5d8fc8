"""What sets a cohort apart, as a picture, or as a sentence where there is none."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.charts.cohort import no_traits, traits
from core.charts.look import LIGHT


def table(*rows: dict[str, Any]) -> pa.Table:
    usual = {
        "trait": "event", "value": "cart", "shoppers": 5, "share": 0.5, "other_share": 0.25,
        "difference": 0.25, "low": 0.1, "high": 0.4, "q": 0.01, "beyond_chance": True,
    }  # fmt: skip
    size = usual | {"trait": "size", "other_share": None, "difference": None, "beyond_chance": None}
    return pa.Table.from_pylist([size, *({**usual, **row} for row in rows)])


def test_what_differs_is_drawn_and_the_axis_is_written_in_per_cent() -> None:
    told = table({}, {"value": "view", "beyond_chance": False})
    assert no_traits(told, 10) == ""
    figure = traits(told, "mine", "others", LIGHT)
    assert [list(trace.x) for trace in figure.data] == [[0.25], [0.5]]
    assert figure.layout.xaxis.ticktext[-1] == "50 %"


def test_no_picture_is_a_sentence_that_says_why() -> None:
    assert "beyond chance" in no_traits(table({"beyond_chance": False}), 10)
    assert "fewer than 10 shoppers" in no_traits(table(), 10)
