"""When do they come? Hour of the day by weekday, in the shopper's own time."""

from __future__ import annotations

from core.analyses.answer import Answer
from core.analyses.tables import hidden_note, measure_table, missing_notes, of_words
from core.errors import WrongCall
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: What hours and trends may be split by.
SPLITS = ("region", "category", "device", "channel", "event")


def hours(store: Store, scope: Scope, by: str = "") -> Answer:
    """Every measure by hour of the week, optionally split.

    Columns: weekday (1–7 from Monday), hour (0–23), the split where one is asked, the measures and
    `previous_` of each. All 168 hours are there, of each value where split: zero without an event,
    null where hidden.
    A shopper seen in two hours counts in both, so hours do not sum to the overview's shoppers.
    """
    cube = open_cube(store)
    groups = cube.ask(scope, ["weekday", "hour", *split(by)])
    table = measure_table(cube, groups, keep_empty=True)
    notes = missing_notes(cube, scope) + hidden_note(cube, groups, "hours are")
    return Answer(table, "Hours of the week", of_words(cube, scope), notes)


def split(by: str) -> list[str]:
    """The grouping named by `by`, none where it is empty; raises `WrongCall` for any other."""
    if by in ("", "none"):
        return []
    if by not in SPLITS:
        raise WrongCall(f"by={by!r} is not known; it takes {', '.join(SPLITS)}, or none.")
    return [by]
