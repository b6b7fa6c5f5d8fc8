"""Searches: which events they are, what follows each in its session, and who looks for what.

A search is an event called `search` with a search text; in a log without that event, any event with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from core.events import PURCHASE
from core.paths import search_kernel as kernel
from core.paths.log import PathLog
from core.paths.steps import ANY, Step
from core.scope import Scope

SEARCH = "search"

_known: WeakKeyDictionary[PathLog, np.ndarray] = WeakKeyDictionary()


@dataclass(frozen=True)
class Tally:
    """Searches and distinct shoppers of each group: int64[groups] each."""

    searches: np.ndarray
    followed: np.ndarray  # searches that an event with an item follows
    bought: np.ndarray  # searches whose session goes on to a purchase
    shoppers: np.ndarray
    shoppers_followed: np.ndarray  # who have a search that is followed
    shoppers_lost: np.ndarray  # who have one that is not
    shoppers_bought: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Events of a scope, those of one shopper together: arrays [rows]."""

    event: np.ndarray  # uint32, number in the path log
    who: np.ndarray  # uint32, number of the shopper
    state: np.ndarray  # uint8, what became of a search, in bits of `search_kernel`

    @property
    def followed(self) -> np.ndarray:
        """Which searches are followed by an event with an item: bool[rows]."""
        return np.asarray(self.state & kernel.FOLLOWED != 0)

    def only(self, chosen: np.ndarray) -> Rows:
        """The rows marked in bool[rows]."""
        return Rows(self.event[chosen], self.who[chosen], self.state[chosen])

    def tally(self, group: np.ndarray, groups: int) -> Tally:
        """Counts by group; `group` is int[rows], −1 for none."""
        counts = kernel.tally(group.astype(np.int32), self.who, self.state, groups)
        return Tally(*counts.T)


def is_search(paths: PathLog) -> np.ndarray:
    """Which kinds of event are searches, where they have a search text: bool[kinds]."""
    if paths not in _known:
        events = paths.kinds[0]
        named = np.asarray(events == SEARCH)
        rows = np.flatnonzero(named[paths["kind"]]) if named.any() else np.zeros(0, np.int64)
        with_text = (paths["query"][rows] != paths.no_query).any()
        _known[paths] = named if with_text else np.ones(events.size, bool)
    return _known[paths]


def step_of(paths: PathLog, query: str) -> Step:
    """The step of a funnel or a cohort that means the searches for a query."""
    every = is_search(paths)
    return Step(ANY if every.all() else SEARCH, (("query", query),))


def searches(paths: PathLog, scope: Scope) -> Rows:
    """The searches of a scope that has its dates, and what became of each in its session.

    What follows is looked for in the whole log: a scope says which searches are asked about.
    """
    its, search = paths.filter(scope), is_search(paths)
    roles = np.where(search, kernel.SEARCH, 0) | np.where(search & its.kinds, kernel.ASKED, 0)
    roles = (roles | np.where(paths.kinds[0] == PURCHASE, kernel.BUYS, 0)).astype(np.uint8)
    columns = tuple(paths[name] for name in ("kind", "hour", "place", "mean", "item", "query", "session"))
    tables = (its.hours, its.places, its.means)
    nothing = np.uint32(paths.no_item), np.uint32(paths.no_query)
    found = paths.in_blocks(
        lambda low, high: kernel.read_searches(
            low, high, paths["start"], columns, tables, np.int64(its.uses), its.members, roles, *nothing
        )
    )
    return Rows(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def about(paths: PathLog, scope: Scope, items: np.ndarray, queries: np.ndarray) -> Rows:
    """The events of a scope with its dates that are about items or search for queries, by their codes."""
    its = paths.filter(scope)
    wanted, asked = np.zeros(_codes(paths.items), bool), np.zeros(_codes(paths.queries), bool)
    wanted[items] = asked[queries] = True
    columns = tuple(paths[name] for name in ("kind", "hour", "place", "mean", "item", "query"))
    tables = (its.hours, its.places, its.means)
    found = paths.in_blocks(
        lambda low, high: kernel.read_about(
            low, high, paths["start"], columns, tables, np.int64(its.uses), its.members, its.kinds,
            is_search(paths), wanted, asked,
        )
    )  # fmt: skip
    event, who = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Rows(event, who, np.zeros(event.size, np.uint8))


def _codes(names: np.ndarray) -> int:
    """Entries of a table by code; one at least, so that a log without any can be gone through."""
    return max(int(names.size), 1)
