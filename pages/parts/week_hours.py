"""Hours that a person chooses for a recommendation."""

from __future__ import annotations

from core.recommender.acts import HOURS_A_SLOT
from core.recommender.moment import last_days
from pages.parts import ask


def week_hours() -> dict[str, str]:
    """Hours of the log's last working day and weekend, so that rules and stock of these days hold."""
    return {
        f"{day}T{hour:02d}:00": f"{name}, {hour}–{hour + HOURS_A_SLOT} h"
        for name, day in last_days(ask.span()[1]).items()
        for hour in range(0, 24, HOURS_A_SLOT)
    }
