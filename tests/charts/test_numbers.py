"""Numbers read the same everywhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.numbers import Unit, change, compact, exact, share_axis, signed, written


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (9.5, "9.5"), (987, "987"), (12_345, "12.3k"), (999_950, "1M"), (4_560_000, "4.56M"),
     (1.2e9, "1.2B"), (-12_345, "-12.3k"), (100, "100"), (1500, "1.5k")],
)  # fmt: skip
def test_compact(value: float, text: str) -> None:
    assert compact(value) == text


@given(st.floats(0.01, 1e11))
def test_compact_is_within_a_hundredth(value: float) -> None:
    text = compact(value)
    suffix = {"k": 1e3, "M": 1e6, "B": 1e9}.get(text[-1], 1)
    shown = float(text.rstrip("kMB")) * suffix
    assert shown == pytest.approx(value, rel=0.006, abs=0.006)


@pytest.mark.parametrize(
    ("value", "unit", "currency", "text"),
    [
        (0.0342, "share", None, "3.4 %"),
        (1_200_000, "money", "USD", "$1.2M"),
        (1_200_000, "money", "PLN", "PLN 1.2M"),
        (1_200_000, "money", None, "1.2M"),
        (-340, "money", "GBP", "−£340"),
        (None, "count", None, "—"),
        (math.nan, "count", None, "—"),
    ],
)
def test_written(value: float | None, unit: Unit, currency: str | None, text: str) -> None:
    assert written(value, unit, currency) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(12345, "count", "12,345"), (12345.5, "money", "$12,345.50"), (0.03421, "share", "3.42 %")],
)
def test_exact(value: float, unit: Unit, text: str) -> None:
    assert exact(value, unit, "USD") == text


@pytest.mark.parametrize(
    ("relative", "text"),
    [
        (0.041, "+4.1 %"),
        (-0.12, "−12.0 %"),
        (-0.0004, "0.0 %"),
        (1.5, "+150 %"),
        (11, "×12"),
        (None, "—"),
        (math.inf, "—"),
    ],
)
def test_change(relative: float | None, text: str) -> None:
    assert change(relative) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1200, "count", "+1.2k"),
        (-340, "money", "−$340"),
        (0.012, "share", "+1.2 points"),
        (-0.0004, "share", "−0.04 points"),
        (None, "count", "—"),
    ],
)
def test_signed(value: float | None, unit: Unit, text: str) -> None:
    assert signed(value, unit, "USD") == text


@pytest.mark.parametrize(
    ("low", "high", "sign", "text"),
    [
        (0, 0.21, False, ["0 %", "5 %", "10 %", "15 %", "20 %", "25 %"]),
        (0, 1, False, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (-0.004, 0.011, True, ["−0.5 %", "0 %", "+0.5 %", "+1 %", "+1.5 %"]),
        (0.2, 0.2, False, ["20 %"]),
    ],
)
def test_an_axis_of_shares_is_written_as_shares_are(
    low: float, high: float, sign: bool, text: list[str]
) -> None:
    assert share_axis(low, high, sign=sign)["ticktext"] == text


@given(st.floats(-1, 1), st.floats(0, 1.5))
def test_an_axis_of_shares_reaches_its_ends_in_few_ticks(low: float, width: float) -> None:
    ticks = share_axis(low, low + width)["tickvals"]
    assert ticks[0] <= low + 1e-9 and ticks[-1] >= low + width - 1e-9
    assert 1 <= len(ticks) <= 8
