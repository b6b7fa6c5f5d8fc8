"""The paths that lie on the map of journeys: whose events, which of them are drawn, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.errors import WrongCall
from core.events import PURCHASE
from core.journeys import gather_kernel as kernel
from core.paths.log import PathLog
from core.paths.match import UNITS
from core.scope import Scope

#: A path of fewer events than this says too little to have a place on the map.
LEAST_EVENTS = 2


@dataclass(frozen=True)
class Gathered:
    """Paths side by side: the n-th has the events `edges[n]` to `edges[n + 1]`, in time.

    A path is a shopper's events of the scope, or those of one session of theirs.
    """

    paths: PathLog
    unit: str  # shopper or session
    events: np.ndarray  # uint32[events], in the path log
    edges: np.ndarray  # int64[paths + 1]
    keys: np.ndarray  # uint32[paths], number of the shopper or session
    too_short: int  # how many paths of the scope have fewer than LEAST_EVENTS events
    too_short_shoppers: int  # of how many shoppers these are

    def __len__(self) -> int:
        return self.keys.size

    @cached_property
    def lengths(self) -> np.ndarray:
        """Events of each path: int64[paths]."""
        return np.diff(self.edges)

    @cached_property
    def shoppers(self) -> np.ndarray:
        """The number of each path's shopper: int64[paths]."""
        return shoppers_of(self.paths, self.unit, self.keys)

    def column(self, name: str) -> np.ndarray:
        """A column of the path log, of these events."""
        return self.paths[name][self.events]

    @cached_property
    def event_names(self) -> np.ndarray:
        """Which of `names` each event is: int64[events]."""
        return self._coded[1][self.column("kind")]

    @cached_property
    def names(self) -> np.ndarray:
        """The names of events: object[names]."""
        return self._coded[0]

    @cached_property
    def followed(self) -> np.ndarray:
        """Which of `names` the shopper did first after each path, in the scope or not: int64[paths].

        It is the number of names where nothing followed in the log.
        """
        after = self.events[self.edges[1:] - 1].astype(np.int64) + 1
        there = after < self.paths["start"].astype(np.int64)[self.shoppers + 1]
        kinds = self.paths["kind"][np.where(there, after, 0)]
        return np.where(there, self._coded[1][kinds], self.names.size)

    @cached_property
    def _coded(self) -> tuple[np.ndarray, np.ndarray]:
        return self.paths.dimensions.entries("event")

    @cached_property
    def bought(self) -> np.ndarray:
        """Which paths hold a purchase: bool[paths]."""
        is_purchase = (self.paths.kinds[0] == PURCHASE).astype(bool)[self.column("kind")]
        return np.add.reduceat(is_purchase, self.edges[:-1]) > 0 if len(self) else np.zeros(0, bool)

    def main(self, values: np.ndarray) -> np.ndarray:
        """The value that most of a path's events have, the smallest of equals: int64[paths].

        `values` is int[events], not below 0.
        """
        if not len(self):
            return np.zeros(0, np.int64)
        path = np.repeat(np.arange(len(self)), self.lengths)
        size = int(values.max()) + 1
        pairs, counts = np.unique(path * size + values, return_counts=True)
        order = np.lexsort((pairs, -counts, pairs // size))
        first = np.unique(pairs[order] // size, return_index=True)[1]
        return pairs[order][first] % size

    def only(self, rows: np.ndarray) -> Gathered:
        """The paths at `rows` alone, in that order."""
        lengths = self.lengths[rows]
        edges = np.concatenate([[0], np.cumsum(lengths)])
        at = np.repeat(self.edges[rows] - edges[:-1], lengths) + np.arange(edges[-1])
        return replace(self, events=self.events[at], edges=edges, keys=self.keys[rows])

    def sample(self, most: int, seed: int) -> np.ndarray:
        """Rows of at most `most` paths, in their order: a stratified sample, each stratum by its share.

        Strata are whether a path holds a purchase, its length (by doublings) and its main device.
        """
        if len(self) <= most:
            return np.arange(len(self))
        length = np.log2(self.lengths).astype(np.int64)
        device = self.main(self.paths.dimensions.entries("device")[1][self.column("mean")])
        stratum = np.unique(np.stack([self.bought, length, device]), axis=1, return_inverse=True)[1]
        rng = np.random.default_rng(seed)
        shuffled = rng.permutation(len(self))
        order = shuffled[np.argsort(stratum[shuffled], kind="stable")]
        # Every (paths / most)-th of the paths in the order of strata: each has its share but for rounding.
        picked = ((np.arange(most) + rng.random()) * (len(self) / most)).astype(np.int64)
        return np.sort(order[picked])


def kept_events(paths: PathLog, scope: Scope) -> np.ndarray:
    """The events of a scope whose dates are filled in, shopper by shopper in time: uint32[events]."""
    its = paths.filter(scope)
    names = ("hour", "place", "mean")
    columns, tables = tuple(paths[name] for name in names), (its.hours, its.places, its.means)
    start = paths["start"]

    def read(low: int, high: int) -> np.ndarray:
        out = np.empty(int(start[high]) - int(start[low]), np.uint32)
        found = kernel.kept_events(
            low, high, start, paths["kind"], columns, tables, np.int64(its.uses), its.kinds, its.members, out
        )
        return out[:found]

    return np.concatenate([np.empty(0, np.uint32), *paths.in_blocks(read)])


def gather(paths: PathLog, scope: Scope, unit: str = "shopper") -> Gathered:
    """Every path of a scope whose dates are filled in; raises `WrongCall` for an unknown unit."""
    if unit not in UNITS:
        raise WrongCall(f"unit={unit!r} is not known; it takes {', '.join(UNITS)}.")
    start, events = paths["start"], kept_events(paths, scope)
    if unit == "session":
        key = paths["session"][events]
        if (np.diff(key.astype(np.int64)) < 0).any():  # sessions of one shopper side by side
            order = np.argsort(key, kind="stable")
            events, key = events[order], key[order]
    else:
        key = (np.searchsorted(start, events, side="right") - 1).astype(np.uint32)
    first = np.flatnonzero(np.diff(key, prepend=key[:1] + 1)) if key.size else np.empty(0, np.int64)
    edges = np.append(first, key.size)
    every = Gathered(paths, unit, events, edges, key[first], 0, 0)
    long = every.lengths >= LEAST_EVENTS
    of = shoppers_of(paths, unit, every.keys[~long])
    return replace(
        every.only(np.flatnonzero(long)), too_short=int((~long).sum()), too_short_shoppers=np.unique(of).size
    )


def shoppers_of(paths: PathLog, unit: str, keys: np.ndarray) -> np.ndarray:
    """The number of the shopper of each path: int64[keys]."""
    if unit == "shopper":
        return keys.astype(np.int64)
    return paths.shopper_of_session[keys]
