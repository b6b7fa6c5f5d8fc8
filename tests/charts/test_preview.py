"""Expected numbers by region with their intervals, chances against what was taken, sentences with both."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from core.charts.look import LIGHT
from core.charts.preview import expectations, in_a_sentence, reliability, replay_in_a_sentence


def row(region: str | None, a: float | None, b: float | None, kind: str = "click") -> dict[str, Any]:
    change = None if a is None or b is None else b - a
    return {
        "region": region, "kind": kind, "shoppers": 900, "drawn": 30, "factor": None if a is None else 0.25,
        "a": a, "a_low": a and a - 5, "a_high": a and a + 5, "b": b, "b_low": b and b - 5,
        "b_high": b and b + 5, "change": change, "change_low": change and change - 1,
        "change_high": change and change + 1, "then_raw": 400.0, "foretold": "click", "then_taken": 100.0,
    }  # fmt: skip


def test_regions_stand_in_the_order_of_a_with_their_intervals() -> None:
    table = pa.Table.from_pylist([row(None, 60.0, 50.0), row("Iowa", 20.0, 22.0), row("Ohio", 40.0, 28.0)])
    figure = expectations(table, "click", None, LIGHT)
    a, b = figure.data
    assert list(a.x) == [40, 20] and list(b.x) == [28, 22]
    assert list(figure.layout.yaxis.ticktext) == ["Ohio", "Iowa"]
    assert list(a.error_x.array) == [5, 5] and list(a.error_x.arrayminus) == [5, 5]
    assert "900 shoppers, 30 of them drawn" in a.text[0]


@pytest.mark.parametrize(
    ("b", "sentence"),
    [
        (50.0, "B: 50 (−10, 95 %: −11 – −9)"),
        (60.5, "not beyond chance"),
        (60.0, "B the same"),
    ],
)
def test_the_sentence_says_a_and_what_b_changes(b: float, sentence: str) -> None:
    said = in_a_sentence(pa.Table.from_pylist([row(None, 60.0, b)]), "click", None)
    assert said.startswith("A: 60, 95 %: 55 – 65 click events") and sentence in said


def test_what_is_not_estimated_is_not_said() -> None:
    table = pa.Table.from_pylist([row(None, 60.0, 60.0), row(None, None, None, "purchase")])
    assert in_a_sentence(table, "purchase", None) == ""
    assert replay_in_a_sentence(table, "click", None) == (
        "In the last days 100 came of the 400 expected if everybody came; expectations are corrected to "
        "that: 0.25 times on the whole"
    )
    assert replay_in_a_sentence(table, "purchase", None) == (
        "In the last days 100 purchase events came of 400 click events if everybody came: "
        "too few to estimate by"
    )


def test_tenths_are_drawn_as_said_and_corrected() -> None:
    tenths = [
        {"kind": "click", "pairs": 100, "chance": 0.04 * n, "expected": 0.01 * n, "taken": 0.01 * n,
         "low": 0.005 * n, "high": 0.02 * n} for n in (1, 2)
    ]  # fmt: skip
    line, said, corrected = reliability(pa.Table.from_pylist(tenths), "click", LIGHT).data
    assert list(said.x) == [0.04, 0.08] and list(corrected.x) == [0.01, 0.02]
    assert list(said.y) == list(corrected.y) == [0.01, 0.02]
    assert list(line.x) == list(line.y)
