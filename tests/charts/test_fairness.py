"""The curve of parity and the rows of groups: every point where it belongs, the chosen one marked."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from core.charts.fairness import group_rows, parity_curve, summary
from core.charts.look import LIGHT


def step(number: int, exposure: float, lost: float, chosen: bool = False) -> dict[str, Any]:
    return {
        "step": number, "weight": number / 100, "chosen": chosen, "exposure": exposure,
        "exposure_low": exposure - 0.01, "exposure_high": exposure + 0.01, "target": 0.3,
        "ndcg@10": 0.1 * (1 - lost), "ndcg@10_low": 0.05, "ndcg@10_high": 0.15, "lost": lost,
        "lost_low": lost - 0.02, "lost_high": lost + 0.03, "past_exposure": exposure + 0.02,
        "past_ndcg@10": 0.2, "past_lost": lost / 2,
    }  # fmt: skip


CURVE = pa.Table.from_pylist([step(0, 0.1, 0.0), step(1, 0.2, 0.04, chosen=True), step(2, 0.28, 0.15)])


def test_the_curve_is_the_table() -> None:
    figure = parity_curve(CURVE, LIGHT)
    band, past, line = figure.data
    assert list(line.x) == [0.1, 0.2, 0.28] and list(line.y) == pytest.approx([0, -0.04, -0.15])
    assert list(past.x) == pytest.approx([0.12, 0.22, 0.3]) and list(past.y) == pytest.approx(
        [0, -0.02, -0.075]
    )
    assert list(band.y) == pytest.approx([0.02, -0.02, -0.13, -0.18, -0.07, -0.03])
    assert list(line.marker.color) == [LIGHT.accent, LIGHT.flag, LIGHT.accent]
    assert "<b>Step 1, chosen</b>" in line.hovertext[1] and "4.0 %" in line.hovertext[1]
    assert figure.layout.shapes[0].x0 == 0.3


def test_the_sentence_is_of_the_chosen_step() -> None:
    assert summary(CURVE) == (
        "On the last days the chosen step takes the small from 10.0 % to 20.0 % of exposure "
        "(parity is 30.0 %) and gives up 4.0 % of ndcg@10 (2.0 % to 7.0 %); on the days that chose it, 2.0 %."
    )


def test_rows_for_a_screen() -> None:
    row: dict[str, Any] = {
        "by": "region", "group": "Ohio", "shoppers": 40, "takes": 0.2, "catalogue": 0.5, "exposure": 0.1,
        "ratio": 0.5, "ndcg@10": 0.12, "gap": -0.03, "gap_low": -0.06, "gap_high": 0.01,
    }  # fmt: skip
    hidden = dict.fromkeys(row) | {"by": "region", "group": "Iowa"}
    shown, other = group_rows(pa.Table.from_pylist([row, hidden])).to_pylist()
    assert shown == {
        "by": "Region", "group": "Ohio", "shoppers": 40, "takes": 20.0, "exposure": 10.0, "ratio": 0.5,
        "ndcg": 0.12, "gap": "−0.030 (−0.060 … +0.010)",
    }  # fmt: skip
    assert {name for name, value in other.items() if value is not None} == {"by", "group"}
