"""Who took which item when: what models learn from, and what they are held against, split by time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse

from core.errors import CartscapeError, WrongCall
from core.events import PURCHASE
from core.paths.log import PathLog

DAY = 86_400
#: What is foretold: items that a shopper never took before, or any.
WANTED = ("new", "any")
#: Events of every kind.
ANY = "any"
#: Fewer shoppers than this are no test.
LEAST_SHOPPERS = 20


@dataclass(frozen=True)
class Interactions:
    """Events of one kind with an item, shopper by shopper in time."""

    at: np.ndarray  # int64[n], event of the path log
    shopper: np.ndarray  # int64[n], number in the path log
    item: np.ndarray  # int64[n], code in the path log's items
    second: np.ndarray  # int64[n], since the log's first
    shoppers: int  # of the whole log
    items: int  # of the whole log, items without an event of this kind among them

    @classmethod
    def of(cls, paths: PathLog, event: str = PURCHASE) -> Interactions:
        """Those of a log; ANY takes every kind. Raises `CartscapeError` where it has no such event with an
        item.
        """
        kinds = np.flatnonzero((paths.kinds[0] == event) | (event == ANY))
        at = np.flatnonzero(np.isin(paths["kind"], kinds) & (paths["item"] != paths.no_item))
        if not at.size:
            known = ", ".join(map(str, paths.dimensions.entries("event")[0]))
            raise CartscapeError(
                f"This log has no event {event!r} with an item to recommend by; choose another with "
                f"event=NAME: {known}."
            )
        shopper = np.searchsorted(paths["start"], at, side="right") - 1
        return cls(
            at, shopper, paths["item"][at].astype(np.int64), paths["second"][at].astype(np.int64),
            paths["shopper"].size, paths.items.size,
        )  # fmt: skip

    def __len__(self) -> int:
        return self.item.size

    def only(self, rows: np.ndarray) -> Interactions:
        """Some of them: bool or int[rows]."""
        return replace(
            self, at=self.at[rows], shopper=self.shopper[rows], item=self.item[rows], second=self.second[rows]
        )

    def between(self, low: float, high: float) -> Interactions:
        """Those from second `low` on, before `high`."""
        return self.only((self.second >= low) & (self.second < high))

    @cached_property
    def counts(self) -> scipy.sparse.csr_matrix:
        """How often each shopper took each item: float32[shoppers, items]."""
        ones = np.ones(len(self), np.float32)
        return scipy.sparse.csr_matrix((ones, (self.shopper, self.item)), (self.shoppers, self.items))

    @cached_property
    def taken(self) -> scipy.sparse.csr_matrix:
        """Whether each shopper took each item: float32[shoppers, items] of ones."""
        taken = self.counts.copy()
        taken.data[:] = 1
        return taken


@dataclass(frozen=True, eq=False)
class Task:
    """What models are shown, and what they must foretell: nothing of it is from before the split."""

    train: Interactions
    shoppers: np.ndarray  # int64[tested], those with something to foretell, ascending
    wanted: scipy.sparse.csr_matrix  # float32[tested, items] of ones, what each took after the split
    masked: bool  # whether items that a shopper took before are not recommended
    end: float  # second of the split
    met: scipy.sparse.csr_matrix  # float32[shoppers, items] of ones, what each did anything with before it

    @property
    def took(self) -> np.ndarray:
        """Who of the tested had taken something before: bool[tested]."""
        return np.asarray(np.diff(self.train.taken[self.shoppers].indptr) > 0)

    @property
    def new(self) -> np.ndarray:
        """Who of them had done nothing with an item: bool[tested]."""
        return np.asarray(~self.took & (np.diff(self.met[self.shoppers].indptr) == 0))


def see_words(days: float, wanted: str) -> None:
    """Raise `WrongCall` for words that `task` does not take."""
    if wanted not in WANTED:
        raise WrongCall(f"items={wanted!r} is not known; it takes {', '.join(WANTED)} or shown.")
    if not days > 0:
        raise WrongCall(f"days={days:g} must be above 0.")


def _those(shoppers: int) -> str:
    if not shoppers:
        return "No shopper comes"
    return "Only 1 shopper comes" if shoppers == 1 else f"Only {shoppers} shoppers come"


def task(
    every: Interactions,
    days: float,
    wanted: str = "new",
    until: float | None = None,
    met: Interactions | None = None,
) -> Task:
    """Split by time: the last `days` before second `until` (of the log's end) are to be foretold.

    `met` are the shoppers' events of every kind, where more is known than what they took. Every item counts,
    those that nobody took before the split too, and every shopper, whether anything is known of them or not.
    Raises `WrongCall` for words and `CartscapeError` where too few shoppers have something to foretell.
    """
    see_words(days, wanted)
    stop = float(every.second.max()) + 1 if until is None else until
    end = stop - days * DAY
    if end <= 0:  # seconds are those since the log began
        what = "The log" if until is None else "What is before the days that are foretold"
        raise CartscapeError(
            f"{what} is shorter than {days:,.12g} days: it has {stop / DAY:,.0f} up to the last event of "
            "this kind. Choose fewer with days=N."
        )
    train, after = every.between(-np.inf, end), every.between(end, stop)
    found = after.taken - after.taken.multiply(train.taken) if wanted == "new" else after.taken
    found = scipy.sparse.csr_matrix(found)
    found.eliminate_zeros()
    shoppers = np.flatnonzero(np.diff(found.indptr) > 0)
    if shoppers.size < LEAST_SHOPPERS:
        raise CartscapeError(
            f"{_those(shoppers.size)} in the last {days:g} days with something to foretell; "
            f"a test needs {LEAST_SHOPPERS}. Choose other days with days=N, another event, or items=any."
        )
    before = train if met is None else met.between(-np.inf, end)
    back = int((np.diff(before.taken.indptr)[shoppers] > 0).sum())
    if back < LEAST_SHOPPERS:
        raise CartscapeError(
            f"{_those(back)} back in the last {days:g} days with something to foretell; a test needs "
            f"{LEAST_SHOPPERS}, as whoever is first seen when a log begins may not be new. Choose other days "
            "with days=N, another event, or items=any."
        )
    return Task(train, shoppers, found[shoppers], wanted == "new", end, before.taken)
