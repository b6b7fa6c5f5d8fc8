"""One row of `Signals` without a pass over the catalogue: the same candidates and features, in milliseconds.

Candidates come from the entries of item models that a history reaches, from lists worked out once for each
place, time and moment, and from an index of words; features are worked out for them alone. Where a list was
cut too short for what is allowed, and where a phrase is looked for, the whole catalogue is asked after all.
"""

from __future__ import annotations

import threading
from collections.abc import Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.recommender.features import CANDIDATES, COMPARED, SOURCES, Signals
from core.recommender.histories import Histories
from core.recommender.item_models import strongest_of
from core.recommender.one_history import OneHistory, Row
from core.recommender.past import LOOKED_WINDOWS, WINDOWS, Past

if TYPE_CHECKING:
    import faiss

#: Items that a list which is worked out once holds: CANDIDATES, and what may not be shown.
HELD = 600
#: Of more items than this words are found by an index (an inverted file, so many of whose lists are
#: searched), which finds nearly what a full search does.
MOST_SEARCHED, LISTS_SEARCHED = 20_000, 24
#: Lists of places that are kept.
MOST_PLACES = 2_000

_PERSONAL = ("with_taken", "with_any", "together", "together_taste", "following")
_LOOKED_30 = len(WINDOWS) + LOOKED_WINDOWS.index(30)
_TAKEN_7, _TAKEN_30 = WINDOWS.index(7), WINDOWS.index(30)


@dataclass(frozen=True, eq=False)
class Lists:
    """What of a past is worked out once. `touched` are items whose popularity moved since."""

    past: Past
    touched: Set[int]
    _known: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def popular(self, source: str, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Items and their signal, among them the HELD strongest of a source in a place or at a time (−1:
        none), and these, as they were before any was touched.
        """
        key = (source, group)
        with self._guard:
            held = self._known.get(key)
            if held is None:
                every = np.arange(self.past.items)
                held = strongest_of(self.signal(source, group, every), HELD)
                while len(self._known) >= MOST_PLACES:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = held
        items = np.union1d(held, np.array(list(self.touched), np.int64)) if self.touched else held
        return items, self.signal(source, group, items), held

    def signal(self, source: str, group: int, items: np.ndarray) -> np.ndarray:
        """What a source says of some items in a place or at a time: float32[items]."""
        popular = self.past.popular
        if source == "taken_7":
            return popular[items, _TAKEN_7]
        lift = self.past.lifts.here if source == "popular_here" else self.past.lifts.now
        return np.asarray(lift.at(group, items) + popular[items, _LOOKED_30] + popular[items, _TAKEN_30] + 10)

    def make_ready(self) -> None:
        """Work out now what every call needs."""
        _ = self.usual_price, self._indices
        for source in ("taken_7", "popular_here", "popular_now"):
            self.popular(source, -1)

    @cached_property
    def usual_price(self) -> float:
        """The mean of the logarithms of all prices."""
        return float(self.past.price_log.mean())

    @cached_property
    def _indices(self) -> tuple[faiss.Index, faiss.Index, np.ndarray]:
        """Indices of the vectors of all items and of those never taken, and the codes of the latter."""
        cold = np.flatnonzero(self.past.cold)
        return _index(self.past.vectors), _index(self.past.vectors[cold]), cold

    def like(self, profile: np.ndarray, most: int, cold: bool) -> np.ndarray:
        """About the `most` items whose words are most like a direction, of all or of those never taken."""
        every, new, codes = self._indices
        index = new if cold else every
        found = (
            index.search(profile[None], min(most, index.ntotal))[1][0] if index.ntotal else np.empty(0, int)
        )
        found = found[found >= 0]
        return codes[found] if cold else found


def _index(vectors: np.ndarray) -> faiss.Index:
    import faiss  # here, as the command line starts sooner without it

    count, dims = vectors.shape
    flat: faiss.Index = faiss.IndexFlatIP(dims)
    if count < MOST_SEARCHED:
        flat.add(np.ascontiguousarray(vectors))
        return flat
    lists = int(4 * np.sqrt(count))
    index = faiss.IndexIVFFlat(flat, dims, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.seed = 10, 1
    index.train(vectors[np.random.default_rng(0).permutation(count)[: 40 * lists]])
    index.nprobe = LISTS_SEARCHED
    index.add(np.ascontiguousarray(vectors))
    return index


class Quick:
    """`Signals` of one row, for `candidates` and `pairs`."""

    def __init__(
        self,
        lists: Lists,
        who: OneHistory,
        prices: np.ndarray | None = None,
        phrase: np.ndarray | None = None,
        season: np.ndarray | None = None,
    ) -> None:
        self.past, self.who, self.phrase = lists.past, who, phrase
        self._lists, self._prices, self._season = lists, prices, season

    @cached_property
    def whole(self) -> Signals:
        """The same over the whole catalogue."""
        return Signals(self.past, self.who.whole, self._prices, self.phrase, self._season)

    @property
    def words(self) -> np.ndarray:
        """How well the words of every item fit: float32[1, items]."""
        return self.whole.words

    def candidates(self, allowed: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """As `Signals.candidates`; `allowed` is bool[1, items]."""
        if self.phrase is not None:
            return self.whole.candidates(allowed)
        found = [self._proposed(name, allowed[0]) for name in SOURCES.values()]
        every = np.concatenate(found)
        bit = np.repeat(1 << np.arange(len(found)), [items.size for items in found])
        order = np.argsort(every, kind="stable")
        items, first = np.unique(every[order], return_index=True)
        bits = np.bitwise_or.reduceat(bit[order], first) if items.size else np.empty(0, np.int64)
        return [items], [bits]

    def pairs(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """As `Signals.pairs`."""
        if self.phrase is not None:
            return self.whole.pairs(row, item)
        return _Few(self, item).pairs(row, np.arange(item.size))

    def _proposed(self, name: str, allowed: np.ndarray) -> np.ndarray:
        """The items that a source proposes."""
        if name in ("words_taste", "new"):
            if not self.profiles["taste"].any():
                return np.empty(0, np.int64)
            if self.past.items < MOST_SEARCHED:
                return self._all(name, allowed)
            excluded = int(allowed.size - np.count_nonzero(allowed))
            items = self._lists.like(
                self.profiles["taste"], 2 * CANDIDATES + min(excluded, HELD), name == "new"
            )
            items = items[allowed[items] & (self.past.cold[items] | (name != "new"))]
            return items[:CANDIDATES]
        if name in ("taken_7", "popular_here", "popular_now"):
            of = self.who.contexts
            place = int(of.places(self.past.world.cells.size)[0])
            group = {"taken_7": -1, "popular_here": place, "popular_now": int(of.slot[0])}[name]
            items, signal, held = self._lists.popular(name, group)
            fine = allowed[items]
            # What was touched may be weak: only what was strongest before stands above all others.
            if allowed[held].sum() < CANDIDATES and held.size < self.past.items:
                return self._all(name, allowed)
            items, signal = items[fine], signal[fine]
        elif name == "own_candidates":
            items = np.union1d(self.who.took_last.indices, self.who.met_last.indices).astype(np.int64)
            signal = self.who.took_last.at(items) + self.who.met_last.at(items)
            items, signal = items[allowed[items]], signal[allowed[items]]
        else:
            items, signal = self.reached[name].indices, self.reached[name].data
            items, signal = items[allowed[items]], signal[allowed[items]]
        above = signal > 0
        return items[above][strongest_of(signal[above], CANDIDATES, items[above])]

    def _all(self, name: str, allowed: np.ndarray) -> np.ndarray:
        """The same by a pass over the catalogue."""
        return np.flatnonzero(self.whole.proposed(name, allowed[None])[0])

    @cached_property
    def reached(self) -> dict[str, Row]:
        """The items that a history reaches by each item model, and how strongly."""
        who, past = self.who, self.past
        return {
            "with_taken": who.taken.times(past.with_taken), "with_any": who.met.times(past.with_any),
            "together": who.mind.times(past.together), "together_taste": who.taste.times(past.together),
            "following": who.last.times(past.following),
        }  # fmt: skip

    @cached_property
    def profiles(self) -> dict[str, np.ndarray]:
        """The direction of a history's words, lately and on the whole: float32[d], zeros for none."""
        found = {}
        for name in ("mind", "taste"):
            weights = getattr(self.who, name)
            profile = weights.data @ self.past.vectors[weights.indices]
            found[name] = (profile / (np.linalg.norm(profile) + 1e-9)).astype(np.float32)
        return found


class _Few(Signals):
    """The signals of one row against some items, numbered from 0."""

    def __init__(self, quick: Quick, items: np.ndarray) -> None:
        past, world = quick.past, quick.past.world
        few = replace(world, items=items.size, category_of=world.category_of[items])
        part = replace(
            past, world=few, vectors=past.vectors[items], popular=past.popular[items], age=past.age[items],
            unsold=past.unsold[items], cold=past.cold[items],
            a_year_ago=(past.a_year_ago if quick._season is None else quick._season)[items],
            again=past.again[items], price_log=past.price_log[items], priced=past.priced[items],
        )  # fmt: skip
        prices = None if quick._prices is None else quick._prices[items]
        super().__init__(part, cast(Histories, quick.who), prices)
        known: dict[str, Any] = {}
        for name in _PERSONAL:
            known[name] = quick.reached[name].at(items)[None]
        known["words"] = (part.vectors @ quick.profiles["mind"])[None]
        known["words_taste"] = (part.vectors @ quick.profiles["taste"])[None]
        known["_near"] = self._words_nearest(quick, part)
        place = int(quick.who.contexts.places(past.world.cells.size)[0])
        known["here"] = past.lifts.here.at(place, items)[None]
        known["now"] = past.lifts.now.at(int(quick.who.contexts.slot[0]), items)[None]
        known["_own"] = np.log1p(quick.who.counts.at(items))[None]
        known["_own_lately"] = quick.who.took_last.at(items)[None]
        known["_met"] = np.log1p(quick.who.times.at(items))[None]
        known["_met_lately"] = quick.who.met_last.at(items)[None]
        known["_usual_price"] = np.where(
            np.isfinite(quick.who.usual_price), quick.who.usual_price, quick._lists.usual_price
        )
        known["_categories"] = world.category_of
        known["_most"] = {
            name: np.array([max(float(quick.reached[name].data.max(initial=0)), 1e-6)], np.float32)
            for name in _PERSONAL
        }
        self.__dict__.update(known)

    def _nearest(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        return np.asarray(self.__dict__["_near"][row, item])

    def _words_nearest(self, quick: Quick, part: Past) -> np.ndarray:
        taste = quick.who.taste
        most = np.argsort(-taste.data, kind="stable")[:COMPARED]
        if not most.size:
            return np.zeros((1, part.items), np.float32)
        found = part.vectors @ quick.past.vectors[taste.indices[most]].T
        return np.asarray(found.max(axis=1), np.float32)[None]

    def _shares(self) -> np.ndarray:
        taste = self.who.taste
        of = self.__dict__["_categories"][taste.indices]
        return np.bincount(of, taste.data, self.past.world.categories.size)[None].astype(np.float32)
