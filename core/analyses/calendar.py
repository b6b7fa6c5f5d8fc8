"""Which days? Every measure of every day of the scope."""

from __future__ import annotations

from core.analyses.answer import Answer
from core.analyses.tables import hidden_note, measure_table, missing_notes, of_words
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


def calendar(store: Store, scope: Scope) -> Answer:
    """Every measure by local day; days without an event are there, with zero events.

    Columns: day, the measures and `previous_` of each (of the day at the same place in the compared
    period); null for days outside the log.
    """
    cube = open_cube(store)
    groups = cube.ask(scope, ["day"])
    table = measure_table(cube, groups, keep_empty=True)
    notes = missing_notes(cube, scope) + hidden_note(cube, groups, "days are")
    return Answer(table, "Calendar", of_words(cube, scope), notes)
