"""What of a scope the log does not hold: values that it does not know, days that lie outside it.

An answer of zeros looks like a finding; a misspelt region or a wrong year is none.
"""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches

from core.marts import Cube
from core.paths import open_cube
from core.scope import Scope, span_words
from core.store import Store

#: Values that are named in place of one that is not there.
MOST_NEAR = 3

_SEVERAL = {"region": "regions", "category": "categories", "event": "events", "device": "devices"}


def missing_notes(store: Store, scope: Scope) -> tuple[str, ...]:
    """A sentence on each value and each period of the scope that the log does not hold."""
    cube = open_cube(store)
    notes = [
        _no_value(cube, word, value)
        for word, several in _SEVERAL.items()
        for value in getattr(scope, several)
        if value not in cube.dimensions.values(word)
    ]
    filled = cube.fill(scope)
    compared = filled.compared()
    notes.append(_outside(cube, "scope", filled.start, filled.end))
    if compared:
        notes.append(_outside(cube, "compared period", compared.start, compared.end))
    return tuple(note for note in notes if note)


def _no_value(cube: Cube, word: str, value: str) -> str:
    # Only what may be shown at all: a value that is hidden as too few have it is not named.
    groups = cube.ask(Scope(compare="off"), [word])
    shown = [
        label
        for label, hidden in zip(groups.axes[0].labels.to_pylist(), groups.hidden[0], strict=True)
        if not hidden
    ]
    plain = {label.casefold(): label for label in shown}
    near = [plain[found] for found in get_close_matches(value.casefold(), plain, MOST_NEAR)]
    hint = f"; nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}" if near else ""
    return f"The log has no {word} {value!r}{hint}."


def _outside(cube: Cube, what: str, start: date | None, end: date | None) -> str:
    """Empty where the log covers the days."""
    if not start or not end or (start >= cube.first_day and end <= cube.last_day):
        return ""
    days = (end - start).days + 1
    inside = (min(end, cube.last_day) - max(start, cube.first_day)).days + 1
    those, log = span_words(start, end), span_words(cube.first_day, cube.last_day)
    if inside <= 0:
        return f"The {what}, {those}, lies outside the log, {log}: it holds no events."
    return (
        f"{days - inside:,} of the {days:,} days of the {what}, {those}, lie outside the log, {log}: "
        "they hold no events."
    )
