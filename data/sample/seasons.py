"""When shoppers shop: the span, the seasons of every category, and the holidays that move gifts and deals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_DAY = date(2025, 1, 1)
LAST_DAY = date(2025, 6, 30)
DAYS = (LAST_DAY - FIRST_DAY).days + 1

Floats = NDArray[np.float64]

#: Weekday of every day of the span, 0 for Monday.
WEEKDAY = (np.arange(DAYS) + FIRST_DAY.weekday()) % 7

#: Demand of a category at the middle of January … June; 1 where nothing is said.
SEASONS: dict[str, tuple[float, float, float, float, float, float]] = {
    "Fitness": (1.7, 1.3, 1.0, 0.9, 0.8, 0.8),
    "Vitamins & Health": (1.4, 1.2, 1.0, 0.9, 0.9, 0.9),
    "Snow Sports": (2.0, 1.7, 0.9, 0.4, 0.2, 0.15),
    "Swim & Beach": (0.3, 0.4, 0.8, 1.1, 1.6, 2.0),
    "Garden & Patio": (0.5, 0.6, 1.1, 1.3, 1.3, 1.2),
    "Camping & Hiking": (0.6, 0.7, 0.9, 1.1, 1.4, 1.5),
    "Bedding & Bath": (1.3, 1.1, 1.0, 0.9, 0.9, 0.9),
    "Books": (1.2, 1.1, 1.0, 0.9, 1.0, 1.1),
    "Bags & Luggage": (0.8, 0.9, 1.0, 1.0, 1.2, 1.3),
    "Coffee & Tea": (1.1, 1.0, 1.0, 1.0, 1.0, 0.9),
    "Grocery & Snacks": (1.1, 1.1, 1.0, 1.0, 0.9, 0.9),
}

#: Days that fill the shop beforehand: (day, length of the run-up in days, factor at its height, for whom).
#: "gifts" moves shoppers in search of a gift, "deals" those in search of a bargain.
HOLIDAYS: tuple[tuple[date, int, float, str], ...] = (
    (date(2025, 1, 20), 3, 1.5, "deals"),  # Martin Luther King Jr. Day
    (date(2025, 2, 14), 12, 3.2, "gifts"),  # Valentine's Day
    (date(2025, 2, 17), 4, 1.7, "deals"),  # Presidents' Day
    (date(2025, 4, 20), 9, 1.6, "gifts"),  # Easter
    (date(2025, 5, 11), 14, 3.0, "gifts"),  # Mother's Day
    (date(2025, 5, 26), 5, 2.0, "deals"),  # Memorial Day
    (date(2025, 6, 15), 12, 2.4, "gifts"),  # Father's Day
)

#: The shop grows by this share between the first day and the last.
GROWTH = 0.10


def day_number(day: date) -> int:
    """Return the days since the span's first day."""
    return (day - FIRST_DAY).days


def story_days(truth: dict[str, Any]) -> tuple[int, int]:
    """Return the first and the last day of a story."""
    return day_number(truth["first_day"]), day_number(truth["last_day"])


def day_of(number: int) -> date:
    """Return the date of a day of the span."""
    return FIRST_DAY + timedelta(days=number)


def season(category: str) -> Floats:
    """Return the demand of a category on every day, relative to its usual."""
    anchors = SEASONS.get(category)
    if anchors is None:
        return np.ones(DAYS)
    middles = [day_number(date(2025, month, 15)) for month in range(1, 7)]
    return np.interp(np.arange(DAYS), middles, anchors)


def activity(moved_by: str) -> Floats:
    """Return how busy every day is for shoppers moved by "gifts", by "deals", or by neither ("")."""
    days = np.arange(DAYS)
    busy = 1 + GROWTH * days / (DAYS - 1)
    busy[0] *= 0.6  # New Year's Day
    for day, run_up, height, whom in HOLIDAYS:
        peak = day_number(day)
        # A gift must arrive in time: the rush ends two days before. A sale ends with its day.
        end = peak - 2 if whom == "gifts" else peak
        strength = np.clip((days - (end - run_up)) / run_up, 0, 1) ** 2 * (days <= end)
        factor = (height - 1) if whom == moved_by else 0.12 * (height - 1)
        busy *= 1 + factor * strength
    return busy
