"""Hours that a person chooses for a recommendation: of a working day and of a weekend."""

from __future__ import annotations

from core.recommender.acts import HOURS_A_SLOT

#: A working day and a weekend of the calendar.
DAYS = {"Working day": "2026-01-05", "Weekend": "2026-01-10"}
HOURS = {
    f"{day}T{hour:02d}:00": f"{name}, {hour}–{hour + HOURS_A_SLOT} h"
    for name, day in DAYS.items()
    for hour in range(0, 24, HOURS_A_SLOT)
}
