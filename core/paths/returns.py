"""Retention asked of the path log: who did something, and came back after how many periods.

- A shopper's period 0 is, with `entry=first`, the first period of the scope with the start event; with
  `entry=every` each such period begins a cohort, and a shopper counts once in each.
- `mode=on`: the return event falls in exactly the n-th period after it; `after`: in that or any later one
  of the scope. Period 0 holds the return event before or after the start: only periods are told apart.
- With `by`, a cohort is parted by the value at its first start event.
- A period that does not end within the scope and the log is not known yet, whatever has been seen of it.

Source: N-day and unbounded retention as Amplitude's and PostHog's manuals define them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall
from core.paths import returns_kernel as kernel
from core.paths.log import PathLog
from core.paths.marks import Marks, marks
from core.paths.periods import Periods, periods
from core.paths.steps import ANY, Step
from core.scope import Scope

MODES = ("on", "after")
ENTRIES = ("first", "every")
#: What cohorts may be parted by, and the dictionary that knows it.
SPLITS = {"region": "places", "category": "kinds", "device": "means", "channel": "means"}
#: Counts that a question may keep; beyond this it wants longer periods or fewer groups.
MOST_COUNTS = 4_000_000

ANYTHING = (Step(ANY),)


@dataclass(frozen=True)
class Retention:
    """What is asked; see the head of this module."""

    start: tuple[Step, ...] = ANYTHING  # any of these begins
    back: tuple[Step, ...] = ANYTHING  # any of these is a return
    step: str = "week"  # day, week or month
    mode: str = "on"
    entry: str = "first"
    by: str = ""  # one of SPLITS, or nothing
    followed: int = 12  # periods after the first

    def __post_init__(self) -> None:
        """Raises `WrongCall` for a word that is not known."""
        for name, allowed in (("mode", MODES), ("entry", ENTRIES), ("by", ("", *SPLITS))):
            value = getattr(self, name)
            if value not in allowed:
                known = ", ".join(filter(None, allowed)) + (", or nothing" if "" in allowed else "")
                raise WrongCall(f"{name}={value!r} is not known; it takes {known}.")
        if self.followed < 1:
            raise WrongCall(f"periods={self.followed} leaves no time to come back; write 1 or more.")


@dataclass(frozen=True)
class Cohorts:
    """Who came back, by group, cohort and period n after it, n from 0."""

    groups: tuple[str, ...]  # labels of `by`; one empty label without it
    periods: Periods
    shoppers: np.ndarray  # int64[groups, cohorts]
    returned: np.ndarray  # int64[groups, cohorts, n]; meaningless where it is not known
    known: np.ndarray  # bool[cohorts, n] whether the n-th period has ended


def cohorts(paths: PathLog, scope: Scope, asked: Retention) -> Cohorts:
    """The cohorts of a scope. Raises `WrongCall` for more counts than fit."""
    its = periods(paths, scope, asked.step)
    labels, parts = _groups(paths, scope, asked.by)
    followed = min(asked.followed, max(its.count - 1, 0)) + 1
    if len(labels) * its.count * followed > MOST_COUNTS:
        raise WrongCall(
            f"{len(labels):,} groups × {its.count:,} {asked.step}s × {followed} {asked.step}s after are too "
            "many counts; ask for a shorter period, a longer step or fewer periods."
        )
    shoppers = np.zeros((len(labels), its.count), np.int64)
    returned = np.zeros((len(labels), its.count, followed), np.int64)
    adding = threading.Lock()
    run = _Pass(paths, scope, asked, its, parts, len(labels), followed)

    def ask(low: int, high: int) -> None:
        sizes, came, _ = run.block(low, high, (-1, -1, -1))
        with adding:
            np.add(shoppers, sizes, out=shoppers)
            np.add(returned, came, out=returned)

    paths.in_blocks(ask)
    at = np.arange(its.count)[:, None] + np.arange(followed)
    ended = np.append(its.ended, False)
    known = ended[np.minimum(at, its.count)]
    return Cohorts(labels, its, shoppers, returned, known)


def returned(
    paths: PathLog,
    scope: Scope,
    asked: Retention,
    period: int,
    n: int | None = None,
    group: str | None = None,
) -> np.ndarray:
    """The shoppers of the cohort of a period who came back after n periods: uint32[shoppers].

    `period` counts the scope's periods from 0; without `n` the whole cohort is given. `group` is a value
    of `by`. Raises `WrongCall` for a period or a group that the scope does not have.
    """
    its = periods(paths, scope, asked.step)
    labels, parts = _groups(paths, scope, asked.by)
    if not 0 <= period < its.count:
        raise WrongCall(f"The scope has {its.count} {asked.step}s; there is no cohort {period}, from 0.")
    if n is not None and n < 0:
        raise WrongCall(f"n={n} lies before the cohort; write 0 or more.")
    if group is not None and group not in labels:
        raise WrongCall(f"No {asked.by or 'group'} of the scope is called {group!r}.")
    run = _Pass(paths, scope, asked, its, parts, len(labels), 1)
    pick = (period, -1 if n is None else n, -1 if group is None else labels.index(group))
    return np.concatenate(paths.in_blocks(lambda low, high: run.block(low, high, pick)[2]))


class _Pass:
    """One pass over the path log with a question's tables."""

    def __init__(
        self, paths: PathLog, scope: Scope, asked: Retention, its: Periods,
        parts: tuple[np.ndarray, ...], groups: int, followed: int,
    ) -> None:  # fmt: skip
        self._start = paths["start"]
        self._columns = event_columns(paths)
        self._marks: Marks = marks(paths, scope, (*asked.start, *asked.back))
        self._period = its.of_hour
        self._starts = np.uint32((1 << len(asked.start)) - 1)
        self._parts, self._groups = parts, groups
        self._rules = (asked.entry == "every", asked.mode == "after", followed, its.count)

    def block(  # of shoppers, as the kernel counts and picks them
        self, low: int, high: int, pick: tuple[int, int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found: tuple[np.ndarray, np.ndarray, np.ndarray] = kernel.cohorts_block(
            low, high, self._start, self._columns, self._marks.tables, self._marks.uses, self._marks.members,
            self._period, self._starts, self._parts, self._groups, self._rules, pick,
        )  # fmt: skip
        return found


def event_columns(paths: PathLog) -> tuple[np.ndarray, ...]:
    """The columns of events in the order that the compiled passes take them."""
    return tuple(paths[name] for name in ("kind", "hour", "place", "mean", "item", "query"))


def _groups(paths: PathLog, scope: Scope, by: str) -> tuple[tuple[str, ...], tuple[np.ndarray, ...]]:
    """The labels of a split, and the part of a group's number that kind, place and mean decide."""
    known = paths.dimensions
    sizes = {
        "kinds": paths.kinds[0].size,
        "places": known.place_passes(scope).size,
        "means": paths.means[0].size,
    }
    parts = {table: np.zeros(size, np.int32) for table, size in sizes.items()}
    labels: tuple[str, ...] = ("",)
    if by:
        axis = known.axis(by, scope)
        labels = tuple(axis.labels.to_pylist())
        # What the scope leaves out has no group, and is never asked for one.
        parts[SPLITS[by]] = np.maximum(axis.codes, 0).astype(np.int32)
    return labels, tuple(parts.values())
