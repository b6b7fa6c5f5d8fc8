"""What every analysis of a funnel needs: the funnel, who went through it, and their groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.analyses.tables import of_words
from core.errors import CartscapeError, WrongCall
from core.events import SESSION_GAP_MINUTES
from core.marts import Cube
from core.marts.privacy import hide_steps
from core.paths import NOWHERE, PathLog, open_cube, open_paths
from core.paths.match import Funnel, Matches, match, unmet
from core.paths.options import FunnelOptions, SplitOptions
from core.paths.steps import write_steps
from core.paths.suggest import suggest
from core.paths.tally_kernel import count_groups
from core.paths.tokens import Tokens, titles, tokens
from core.paths.values import values_of
from core.scope import Scope
from core.store import Store

OTHER = "other"
#: Splits whose groups are times: all are shown, in order, and none of them has a compared one.
CALENDAR = ("day", "week", "month", "hour", "weekday")


@dataclass(frozen=True)
class Asked:
    """A funnel over a scope, and the shoppers that it found."""

    cube: Cube
    paths: PathLog
    scope: Scope  # with its dates
    funnel: Funnel
    names: Tokens
    found: Matches
    before: Matches | None  # of the compared period
    sessions_are_cut: bool = False  # the log came without them

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on steps that never happen, and on what the scope takes away."""
        said = unmet(self.paths, self.funnel, self.names)
        if self.scope.events:
            said.append("The scope keeps some events only; steps of other events never happen in it.")
        if self.funnel.unit == "session" and self.sessions_are_cut:
            said.append(
                f"The log has no sessions of its own: they end after {SESSION_GAP_MINUTES} minutes "
                "without an event."
            )
        return tuple(said)

    @property
    def who(self) -> str:
        """What is counted, in the plural."""
        return "sessions" if self.funnel.unit == "session" else "shoppers"

    def of(self, *more: str) -> str:
        """Of what, in words."""
        rules = [f"{self.funnel.order} steps"] if self.funnel.order != "ordered" else []
        if self.funnel.window:
            rules.append(f"within {window_words(self.funnel.window)}")
        if self.funnel.hold != "nothing":
            rules.append(f"same {self.funnel.hold}")
        if self.funnel.entry != "any":
            rules.append({"first": "from the first such event", "start": "from the start of the path",
                          "last": "back from the last such event"}[self.funnel.entry])  # fmt: skip
        return of_words(self.cube, self.scope, self.who, *rules, *more)


def asked(store: Store, scope: Scope, options: FunnelOptions, *, compare: bool = True) -> Asked:
    """The funnel that the options write, or the log's own, asked of the scope. Raises sentences."""
    cube, paths = open_cube(store), open_paths(store)
    filled = cube.fill(scope)
    funnel = options.funnel(suggested_steps(paths, filled) if not options.steps else "")
    names = tokens(paths, funnel.naming, titles(store) if options.nodes == "page" else None)
    filled = filled if compare else replace(filled, compare="off")
    compared = filled.compared()
    found = match(paths, filled, funnel, names)
    before = match(paths, compared, funnel, names) if compared else None
    return Asked(cube, paths, filled, funnel, names, found, before, store.cuts_every_session)


def steps_asked(store: Store, scope: Scope, options: FunnelOptions) -> str:
    """The steps in writing, those of all shoppers where none are named: one way for every group."""
    if options.steps:
        return options.steps
    return suggested_steps(open_paths(store), open_cube(store).fill(scope))


def suggested_steps(paths: PathLog, scope: Scope) -> str:
    """The steps that the log suggests first; raises a sentence where it has none."""
    found = suggest(paths, scope)
    if not found:
        raise CartscapeError(
            "The scope has fewer than two kinds of events, so there is no way through it to suggest; "
            "widen the scope, or name the steps."
        )
    return write_steps(found[0])


def window_words(seconds: int) -> str:
    """A length of time as a person says it: 7 days, 90 minutes."""
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count:,} {word}{'s' if count > 1 else ''}"
    return f"{seconds:,} seconds"


def required_before(funnel: Funnel) -> list[int]:
    """The required step before each, whose count is its denominator; the first step's own."""
    found = [0]
    for step in range(1, len(funnel.steps)):
        found.append(found[-1] if funnel.steps[step - 1].optional else step - 1)
    return found


@dataclass(frozen=True)
class Split:
    """Groups of a funnel's paths."""

    labels: list[object]
    codes: np.ndarray | None  # int64[found], or [found, steps] where each step has its own; −1 is no group

    def of_step(self, step: int) -> np.ndarray:
        """The group of every path at a step: int64[found], empty where there is only one group."""
        if self.codes is None:
            return np.zeros(0, np.int64)
        return np.ascontiguousarray(self.codes if self.codes.ndim == 1 else self.codes[:, step])

    def at(self, found: Matches, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The paths that did a step and are in a group, and their groups: int64[paths] each."""
        rows = np.flatnonzero(found.events[:, step] != NOWHERE)
        if self.codes is None:
            return rows, np.zeros(rows.size, np.int64)
        groups = self.of_step(step)[rows]
        grouped = groups >= 0
        return (rows, groups) if grouped.all() else (rows[grouped], groups[grouped])


def split(
    of: Asked, found: Matches, options: SplitOptions, scope: Scope, keep: list[object] | None = None
) -> Split:
    """The groups that the options split a funnel's paths by; one group where they do not.

    With `keep`, the groups are those, and all else is "other".
    """
    if options.value not in ("first", "last", "each"):
        raise WrongCall(f"value={options.value!r} is not known; it takes first, last or each.")
    most = options.most()
    if not options.by:
        return Split([None], None)
    resolution = int(options.resolution) if options.resolution.isdecimal() else -1
    if not 0 <= resolution <= 9:
        raise WrongCall(f"resolution={options.resolution!r} is not known; it takes 0 to 9.")
    events = _events_of_value(found, options.value)
    there = events != NOWHERE
    labels, codes = values_of(of.paths, scope, options.by, np.where(there, events, 0), resolution)
    codes = np.where(there, codes, -1)
    listed = labels.tolist()
    if keep is None:
        # A missing cell or day is no group; a missing text is "(none)" already.
        entered = codes if codes.ndim == 1 else codes[:, 0]
        size = np.bincount(entered[entered >= 0], minlength=labels.size)
        ranked = np.flatnonzero(size) if options.by in CALENDAR else np.argsort(-size, kind="stable")
        chosen = ranked[size[ranked] > 0]
        chosen = chosen if options.by in CALENDAR else chosen[: most or None]
        names: list[object] = [listed[c] for c in chosen.tolist()]
    else:
        names = [label for label in keep if label != OTHER]
        at = {label: i for i, label in enumerate(listed)}
        chosen = np.array([at.get(label, -1) for label in names], np.int64)
    other = len(names)
    place = np.full(labels.size + 1, other, np.int64)
    place[chosen[chosen >= 0]] = np.flatnonzero(chosen >= 0)
    place[-1] = -1
    groups = place[codes]
    if keep is not None and OTHER not in keep:
        groups[groups == other] = -1
    elif keep is not None or (groups == other).any():
        names = [*names, OTHER]
    return Split(names, groups)


def _events_of_value(found: Matches, value: str) -> np.ndarray:
    """The events whose value groups the paths: uint32[found], or [found, steps] for each step's own."""
    if value == "first":
        return found.events[:, 0]
    if value == "each":
        return found.events
    here = found.events != NOWHERE
    furthest = here.shape[1] - 1 - here[:, ::-1].argmax(axis=1)
    return np.asarray(found.events[np.arange(len(here)), furthest])


def count(of: Asked, found: Matches, its: Split) -> tuple[np.ndarray, np.ndarray]:
    """Paths and distinct shoppers of each group at each step: int64[groups, steps] each."""
    size, steps = len(its.labels), len(of.funnel.steps)
    paths = np.zeros((size, steps), np.int64)
    shoppers = np.zeros((size, steps), np.int64)
    for s in range(steps):
        if its.codes is None and of.funnel.unit == "shopper":
            paths[:, s] = shoppers[:, s] = np.count_nonzero(found.events[:, s] != NOWHERE)
            continue
        counted = np.zeros((2, size), np.int64)
        count_groups(found.events[:, s], found.shopper, its.of_step(s), counted)
        paths[:, s], shoppers[:, s] = counted
    return paths, shoppers


def hidden(of: Asked, shoppers: np.ndarray) -> np.ndarray:
    """Which groups and steps k-anonymity hides: bool[groups, steps]. Optional steps are looked at alone."""
    k = of.paths.k
    required = np.array([not s.optional for s in of.funnel.steps])
    out = np.zeros(shoppers.shape, bool)
    if of.funnel.unit == "session":  # sessions are not nested by shopper: each count stands alone
        return (shoppers > 0) & (shoppers < k)
    out[:, required] = hide_steps(shoppers[:, required], k)
    out[:, ~required] = (shoppers[:, ~required] > 0) & (shoppers[:, ~required] < k)
    return out


def hidden_words(of: Asked, marks: np.ndarray) -> tuple[str, ...]:
    """The sentence on what is hidden, or nothing."""
    if not marks.any():
        return ()
    count = int(marks.sum())
    several = f"{count:,} counts are not shown: they, or what they lost, are"
    one = "One count is not shown: it, or what it lost, is"
    return (f"{several if count > 1 else one} fewer than {of.paths.k} shoppers.",)
