"""What every analysis of paths is asked by: whose paths, how they are told, and against whose.

Options that they share:

- nodes: paths are told by event, category (event and category) or page (the item where there is one).
- hide: names that a path leaves out, by commas, with * for any letters.
- group: rules PATTERN=>NAME by semicolons.
- collapse: yes tells repeats in a row once.
- unit: a path is all that a shopper did in the scope, or one session of it.
- pattern: only paths that hold it; see `core.paths.pattern`.
- against: a second group beside the first. `compared` is the scope's compared period, `converted` sets
  paths with a purchase against those without, and words such as region:Ohio,device:mobile set the scope
  against itself with those words in place of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from core.analyses.tables import column, of_words
from core.errors import WrongCall
from core.events import PURCHASE
from core.marts import Cube
from core.paths import open_cube, open_paths
from core.paths.choices import BEGAN, OTHER, STOPPED
from core.paths.pattern import Pattern, matching_paths
from core.paths.tokens import Naming, Tokens, titles, tokens
from core.paths.walk import Walk
from core.scope import KEYS, OFF, Scope
from core.store import Store

__all__ = ["BEGAN", "OTHER", "STOPPED", "Asked", "Telling", "ask"]

COMPARED, CONVERTED = "compared", "converted"


@dataclass(frozen=True)
class Telling:
    """The options that say how paths are told."""

    nodes: str = "event"
    hide: str = ""
    group: str = ""
    collapse: str = "no"
    unit: str = "shopper"

    def naming(self) -> Naming:
        """The naming they mean; raises `WrongCall`."""
        return Naming.parse(self.nodes, self.hide, self.group, self.collapse)


@dataclass(frozen=True)
class Asked:
    """A question of paths: the group that is asked about, and the one it is held against."""

    cube: Cube
    scope: Scope
    walk: Walk
    other: Walk | None
    said: tuple[str, ...]  # what the numbers are of, beside the scope
    notes: tuple[str, ...]
    sells: bool  # whether the log and the scope's choice of events hold purchases

    @property
    def walks(self) -> tuple[Walk, ...]:
        """One group or two."""
        return (self.walk,) if self.other is None else (self.walk, self.other)

    @property
    def k(self) -> int:
        """Groups of fewer shoppers are hidden."""
        return self.cube.k

    @property
    def labels(self) -> np.ndarray:
        """The names of the tokens: object[tokens]."""
        return self.walk.names.labels

    def of(self, *more: str) -> str:
        """The words that say what the numbers are of."""
        return of_words(self.cube, self.scope, *more, *self.said)

    def of_paths(self, paths: int, shoppers: int) -> str:
        """As `of`, with the number of the group's paths where it may be said."""
        return self.of(f"{paths:,} paths") if shoppers >= self.k else self.of()

    def converted_notes(self) -> tuple[str, ...]:
        """The sentence on a converted share that cannot be told, or nothing."""
        if self.sells:
            return ()
        return ("Converted shares are empty: the log, or the choice of events, holds no purchases.",)


def ask(store: Store, scope: Scope, telling: Telling, pattern: str = "", against: str = "") -> Asked:
    """The groups that the options mean; raises `WrongCall` for what cannot be asked."""
    naming = telling.naming()
    wanted = Pattern.parse(pattern) if pattern else None
    cube, paths = open_cube(store), open_paths(store)
    filled = cube.fill(scope)
    names = tokens(paths, naming, titles(store) if naming.nodes == "page" else None)
    walk = Walk.of(paths, filled, naming, telling.unit, names)
    alone = replace(filled, compare=OFF)
    said, notes = [f"one path a {telling.unit}"], []
    if wanted:
        walk = walk.only(matching_paths(walk, wanted))
        said.append(f"paths with {pattern}")
        notes += wanted.unmet(names)
    sells = cube.has_purchases and (not filled.events or PURCHASE in filled.events)
    other: Walk | None = None
    if against == CONVERTED:
        if not sells:
            raise WrongCall(
                "against=converted needs purchases, and the log or the scope's choice of events has none; "
                "load purchases, or add “purchase” to the events."
            )
        bought = walk.bought()
        walk, other = walk.only(bought), walk.only(~bought)
        said.append("with a purchase against without")
    elif against:
        beside = filled.compared() if against == COMPARED else _replaced(cube, filled, against)
        if beside is None:
            notes.append(
                "Nothing is compared: choose dates that leave earlier days in the log to compare with."
            )
        else:
            other = Walk.of(paths, beside, naming, telling.unit, names)
            if wanted:
                other = other.only(matching_paths(other, wanted))
            if against != COMPARED:
                said.append(f"against {against}")
                notes += _overlap(filled, beside)
    if other is not None and telling.unit == "session":
        notes.append(
            "Chance is judged path by path; sessions of one shopper are alike, so a difference can look "
            "surer than it is."
        )
    shown = filled if against == COMPARED else alone
    return Asked(cube, shown, walk, other, tuple(said), tuple(notes), sells)


_WORD = re.compile(r'\s*(?P<key>[a-z]+):(?P<value>"(?:[^"\\]|\\.)*"|[^,"]*)\s*(?:,|$)')


def _replaced(cube: Cube, scope: Scope, text: str) -> Scope:
    """The scope with the words of `text` in place of its own of the same keys."""
    words: dict[str, list[str]] = {}
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if not found or found["key"] not in KEYS or found["key"] == "compare":
            raise WrongCall(
                f"against={text!r} cannot be read from {text[at:]!r} on; it takes compared, "
                "converted, or words of a scope such as region:Ohio,device:mobile, with quotes around a "
                "value that holds a comma."
            )
        value = found["value"].strip()
        value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        words.setdefault(found["key"], []).append(value)
        at = found.end()
    return cube.fill(Scope.parse(scope.words() | words | {"compare": OFF}))


def _overlap(scope: Scope, beside: Scope) -> list[str]:
    """The sentence on groups of which one holds the other, or nothing."""
    assert scope.start and scope.end and beside.start and beside.end
    words, other = scope.words(), beside.words()
    if (
        scope.start <= beside.end
        and beside.start <= scope.end
        and all(
            set(words.get(key, other[key])) & set(other[key]) for key in other if key not in ("from", "to")
        )
    ):
        return ["The two groups share events, so that they differ less than apart; narrow the scope as well."]
    return []


def node(names: Tokens, text: str) -> np.ndarray:
    """The node that `at` names: bool[tokens]; raises `WrongCall` where no path has it."""
    found = names.find(text)
    if not found.any():
        some = [*names.labels[:12].tolist(), *(["…"] if names.labels.size > 12 else [])]
        raise WrongCall(f"at={text!r} is on no path; the nodes are {', '.join(some) or 'none'}.")
    return found


def whole_number(name: str, value: str | int, least: int, most: int) -> int:
    """An option that is a number within bounds; raises `WrongCall`."""
    if not str(value).isdecimal() or not least <= int(value) <= most:
        raise WrongCall(f"{name}={value!r} is not known; it takes a number from {least} to {most:,}.")
    return int(value)


def count_columns(counts: dict[str, np.ndarray], hidden: np.ndarray, prefix: str = "") -> dict[str, pa.Array]:
    """Counts as columns, null where they are hidden."""
    return {
        f"{prefix}{name}": column(np.where(hidden, np.nan, values), "count")
        for name, values in counts.items()
    }


def hidden_notes(k: int, hidden: Sequence[np.ndarray], what: str) -> tuple[str, ...]:
    """The sentence on numbers that are not shown, or nothing. `what` names them in the plural."""
    count = sum(int(h.sum()) for h in hidden)
    if not count:
        return ()
    if count == 1 and what.endswith(" are"):
        of = what.removesuffix(" are")
        return (
            f"1 of the {of} is not shown: it has fewer than {k} shoppers, or would give such a group away.",
        )
    return (
        (
            f"{count:,} {what} not shown: they have fewer than {k} shoppers, "
            "or would give such a group away by subtraction."
        ),
    )
