"""Which events a list of steps means, within a scope, as look-up tables for a compiled pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall
from core.paths.log import HOUR, ITEM, MEAN, QUERY, PathLog
from core.paths.steps import ANY, Step, matching, parse_steps
from core.scope import Scope

_ALL = np.uint32(2**32 - 1)
#: Steps that one pass can tell apart: the bits of a mark.
MOST_STEPS = 32


@dataclass(frozen=True)
class Marks:
    """Bit i of an event's mark says whether it is step i: the "and" of its entries in these tables."""

    kinds: np.ndarray  # uint32[kinds], 0 where the scope leaves the kind out
    places: np.ndarray  # bool[places] that the scope keeps
    means: np.ndarray  # uint32[means]
    items: np.ndarray  # uint32[items], of one entry where no step is narrowed by item
    queries: np.ndarray  # uint32[queries], likewise
    members: np.ndarray  # bool[shoppers] of the scope's cohorts, of one entry where it names none
    uses: np.int64  # bits of `core.paths.log`: which tables must be read; HOUR is left to the caller

    @property
    def tables(self) -> tuple[np.ndarray, ...]:
        """The tables in the order that the compiled passes take them."""
        return self.kinds, self.places, self.means, self.items, self.queries


def marks(paths: PathLog, scope: Scope, steps: tuple[Step, ...]) -> Marks:
    """The look-up tables of steps within a scope. Its dates and hours are left to the caller.

    Raises `WrongCall` for more steps than a mark has bits.
    """
    if len(steps) > MOST_STEPS:
        raise WrongCall(f"A question takes {MOST_STEPS} events at most, not {len(steps)}; leave some out.")
    its = paths.filter(scope)
    uses = int(its.uses) & ~int(HOUR)
    events, categories = paths.kinds
    kinds = np.zeros(events.size, np.uint32)
    means = np.where(its.means, _ALL, np.uint32(0)).astype(np.uint32)
    narrowed = {"item": np.full(1, _ALL), "query": np.full(1, _ALL)}
    for bit, step in enumerate(steps):
        flag = np.uint32(1 << bit)
        fits = matching(events, step.event)
        for name, value in step.narrowed:
            if name == "category":
                fits &= matching(categories, value)
            elif name in ("device", "channel"):
                labels = paths.means[("device", "channel").index(name)]
                means[~matching(labels, value)] &= ~flag
                uses |= int(MEAN)
            else:
                labels = paths.items if name == "item" else paths.queries
                if narrowed[name].size != labels.size:
                    narrowed[name] = np.full(labels.size, _ALL)
                narrowed[name][~matching(labels, value)] &= ~flag
                uses |= int(ITEM if name == "item" else QUERY)
        kinds[fits] |= flag
    kinds[~its.kinds] = 0
    return Marks(kinds, its.places, means, narrowed["item"], narrowed["query"], its.members, np.int64(uses))


def parse_events(text: str, option: str) -> tuple[Step, ...]:
    """The events, any of which counts, that a text names in the grammar of steps; empty is any event.

    `option` is the word to blame. Raises `WrongCall` for what cannot be read or is marked optional.
    """
    steps = parse_steps(text.strip() or ANY)
    if any(step.optional for step in steps):
        raise WrongCall(f"{option}={text!r} marks an event as optional; here any of the events counts.")
    return steps


def words(steps: tuple[Step, ...]) -> str:
    """The events as a person reads them: "view or cart · Shoes"."""
    return " or ".join(step.label for step in steps)


def never(paths: PathLog, steps: tuple[Step, ...], scope: Scope) -> tuple[str, ...]:
    """Sentences on events that the log never holds, or that the scope's choice of events leaves out."""
    said = []
    events = paths.kinds[0]
    for step in steps:
        if not matching(events, step.event).any():
            some = ", ".join(sorted(set(events.tolist()))[:12])
            said.append(f"The log has no “{step.event}”; it has {some}.")
        elif scope.events and not matching(np.array(scope.events, object), step.event).any():
            said.append(
                f"The chosen events leave out “{step.event}”; add it to the events above, or choose none."
            )
    return tuple(dict.fromkeys(said))
