"""Moments along an axis of time: days, or hours of the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from core.analyses.tables import hour_words

#: So few days are all written under a picture.
FEW_DAYS = 8


def moment(at: date | int) -> str:
    """A day, or an hour of the day, as people write it: Mon 12 May 2025; 09–10 h."""
    return hour_words(at) if isinstance(at, int) else f"{at:%a} {at.day} {at:%b %Y}"


def time_ticks(moments: Sequence[date | int]) -> dict[str, Any]:
    """What an axis of days, or of hours of the day, writes under itself."""
    if moments and isinstance(moments[0], int):
        hours = list(range(0, 24, 3))
        return {"tickvals": hours, "ticktext": [f"{hour:02d} h" for hour in hours], "range": [-0.5, 23.5]}
    # Of a few days each is written, else one of them is written several times.
    few = {"tickvals": list(moments)} if len(moments) < FEW_DAYS else {}
    return {"tickformat": "%-d %b"} | few
