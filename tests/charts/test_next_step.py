"""What comes next as bars, gains as points with their intervals, and the best of them in a sentence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from core.charts.look import LIGHT
from core.charts.next_step import gains, next_bars, place_in_a_sentence


def place(show: str, gain: float, low: float) -> dict[str, Any]:
    return {
        "after": "search", "show": show, "followed": 40, "shoppers": 30, "without": 0.02, "without_of": 1000,
        "with": 0.02 + gain, "with_of": 80, "of": "anywhere", "gain": gain, "low": low, "high": gain + 0.02,
        "chain_without": 0.02, "chain_with": 0.05, "steps_without": 3.0, "steps_with": 2.5,
    }  # fmt: skip


def test_bars_have_their_shares_and_how_near_a_purchase_is() -> None:
    row = {
        "next": "cart", "probability": 0.4, "low": 0.3, "high": 0.5, "count": 40, "shoppers": 30,
        "buys": 0.2, "bought": 10, "of": 50, "steps": 2.5,
    }  # fmt: skip
    few = next_bars(pa.Table.from_pylist([row | {"buys": 4 / 109_715, "bought": 4, "of": 109_715}]), LIGHT)
    assert "from there < 0.01 % buy (4 of 109,715 times)" in few.data[0].hovertext[0]
    hidden = row | {"next": "few", "probability": None}
    figure = next_bars(pa.Table.from_pylist([row, hidden]), LIGHT)
    assert list(figure.data[0].x) == [0.4] and list(figure.layout.yaxis.ticktext) == ["cart"]
    assert "10 of 50 times" in figure.data[0].hovertext[0]
    assert "2.5 more steps" in figure.data[0].hovertext[0]


def test_gains_beyond_chance_have_a_colour_of_their_own() -> None:
    table = pa.Table.from_pylist([place("Mug", 0.06, 0.03), place("Cup", 0.03, -0.01)])
    figure = gains(table, LIGHT)
    assert list(figure.data[0].marker.color) == [LIGHT.up, LIGHT.muted]
    assert place_in_a_sentence(table, "10") == (
        "Show “Mug” after “search”: of those who go there 8.0 % buy within 10 steps, of all 2.0 %"
    )
    assert "Nothing that could be shown" in place_in_a_sentence(table.slice(1), "10")
