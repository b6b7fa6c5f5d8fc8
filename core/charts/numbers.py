"""How numbers and names are written: 12.3k, $1.2M, 3.4 %, +4.1 %, 1.5 h."""

from __future__ import annotations

import math
from typing import Any

#: How a number counts: count, share (0–1) or money.
Unit = str

#: Symbols of the currencies that have one everybody reads; others are written as their ISO code.
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "BRL": "R$", "INR": "₹"}

MISSING = "—"

LONGEST_LABEL = 26

#: Distances of the ticks of an axis of shares.
_SHARE_STEPS = (*(n * 10.0**-power for power in (5, 4, 3, 2) for n in (1, 2, 5)), 0.1, 0.2, 0.25, 0.5, 1.0)


def compact(value: float) -> str:
    """A count in at most four characters and a suffix: 987, 12.3k, 4.56M, 1.2B."""
    size = abs(value)
    for limit, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        # Rounding decides the suffix, so that 999,950 reads 1M and not 1000k.
        if size >= limit * 0.9995:
            return f"{_digits(value / limit)}{suffix}"
    return _digits(value)


def _digits(value: float) -> str:
    size = abs(value)
    places = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(value: float | None, unit: Unit, currency: str | None = None) -> str:
    """A value in its unit; a dash where there is none. Shares are 0–1 and written in per cent."""
    if value is None or math.isnan(value):
        return MISSING
    if unit == "share":
        return f"{_percent(value)} %"
    if unit == "money":
        sign = "−" if value < 0 else ""
        return f"{sign}{_currency(currency)}{compact(abs(value))}"
    return compact(value)


def exact(value: float | None, unit: Unit, currency: str | None = None) -> str:
    """A value in full, for tooltips: 12,345, $1,234.56, 3.42 %."""
    if value is None or math.isnan(value):
        return MISSING
    if unit == "share":
        return f"{value * 100:.2f} %"
    if unit == "money":
        sign = "−" if value < 0 else ""
        return f"{sign}{_currency(currency)}{abs(value):,.2f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def change(relative: float | None) -> str:
    """A relative change with its sign: +4.1 %, −12 %; a dash where nothing is compared."""
    if relative is None or not math.isfinite(relative):
        return MISSING
    if abs(relative) >= 9.995:
        return f"×{relative + 1:.0f}" if relative > 0 else f"−{abs(relative) * 100:.0f} %"
    if is_level(relative):
        return f"{_percent(0)} %"
    return f"{'+' if relative >= 0 else '−'}{_percent(abs(relative))} %"


def is_level(relative: float) -> bool:
    """Whether a relative change is written as none."""
    return abs(relative) < 0.0005


def signed(value: float | None, unit: Unit, currency: str | None = None) -> str:
    """An absolute change with its sign: +1.2k, −$340; shares in percentage points."""
    if value is None or math.isnan(value):
        return MISSING
    sign = "+" if value >= 0 else "−"
    if unit == "share":
        points = abs(value) * 100
        return f"{sign}{points:.{1 if points >= 0.995 else 2}f} points"
    return f"{sign}{written(abs(value), unit, currency)}"


def _percent(share: float) -> str:
    per_cent = share * 100
    return f"{per_cent:.0f}" if abs(per_cent) >= 99.95 else f"{per_cent:.1f}"


def _currency(code: str | None) -> str:
    return "" if code is None else SYMBOLS.get(code, f"{code} ")


def ticks_in(unit: Unit, currency: str | None = None) -> dict[str, str]:
    """The settings of a Plotly axis in this unit."""
    if unit == "money":
        return {"tickformat": "~s", "tickprefix": _currency(currency)}
    return {"tickformat": "~%" if unit == "share" else "~s"}


def share_axis(low: float, high: float, *, sign: bool = False) -> dict[str, Any]:
    """The ticks of a Plotly axis of shares (0–1) from `low` to `high`, written as everywhere: 20 %, +5 %."""
    width = max(high - low, 1e-9)
    step = next(step for step in _SHARE_STEPS if width / step <= 6 or step == _SHARE_STEPS[-1])
    steps = range(math.floor(low / step), math.ceil(high / step) + 1)
    text = [f"{abs(at * step) * 100:.6f}".rstrip("0").rstrip(".") for at in steps]
    signs = ["−" if at < 0 else "+" if sign and at else "" for at in steps]
    return {
        "tickvals": [at * step for at in steps],
        "ticktext": [f"{before}{number} %" for before, number in zip(signs, text, strict=True)],
    }


def time_words(seconds: float | None) -> str:
    """A length of time as a person says it: 45 s, 3 min, 1.5 h, 4 days."""
    if seconds is None or math.isnan(seconds):
        return MISSING
    for size, word in ((86_400 * 2, "days"), (5400, "h"), (90, "min")):
        if seconds >= size:
            value = seconds / {"days": 86_400, "h": 3600, "min": 60}[word]
            return f"{value:.0f} {word}" if value >= 10 else f"{value:.1f}".removesuffix(".0") + f" {word}"
    return f"{seconds:.0f} s"


def short(text: str, most: int = LONGEST_LABEL) -> str:
    """A label that fits beside a picture; the tooltip has it whole."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
