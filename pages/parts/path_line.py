"""A path in words: its steps, and how much later each came."""

from __future__ import annotations

from core.charts.numbers import time_words
from pages.parts import states


def path_line(steps: list[str], minutes: list[float], events: int | None, of: list[str] | None = None) -> str:
    """In Markdown: **view** ×3 → 3 min later **cart**; repeats within a minute are told once.

    `minutes` are those since the first step; `events` how many the path has, None where that is not told;
    `of` what each step is of.
    """
    told: list[tuple[str, str, int]] = []  # how much later, the step, how often
    for n, step in enumerate(steps[: len(minutes)]):
        name = f"**{states.plain(step)}**" + (f" {states.plain(of[n])}" if of else "")
        pause = (minutes[n] - minutes[n - 1]) * 60 if n else 0.0
        later = f":small[{time_words(pause)} later] " if pause >= 60 else ""
        if told and not later and told[-1][1] == name:
            told[-1] = (told[-1][0], name, told[-1][2] + 1)
        else:
            told.append((later, name, 1))
    said = [f"{later}{name}" + (f" ×{times}" if times > 1 else "") for later, name, times in told]
    if events is None:  # it may not be told how it goes on
        return " → ".join([*said, "…"])
    left = events - len(minutes)
    return " → ".join([*said, f"… {left} more"] if left else said)
