"""What speaks for an item to somebody, in numbers: signals of histories, and features of pairs.

A feature belongs to one group; reasons are told by group, and a group can be left out of a model.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import scipy.sparse

from core.events import NONE
from core.recommender.acts import Contexts
from core.recommender.histories import Histories
from core.recommender.item_models import Matrix, strongest_in_rows
from core.recommender.past import LOOKED_WINDOWS, WINDOWS, Past

#: Items that each source proposes.
CANDIDATES = 150
#: Items of a history whose words are compared one by one.
COMPARED = 15
#: What a share of the best counts for where it is none at all, before its logarithm.
NEARLY_NONE = 0.02

GROUPS = {
    "same people": "who took the same",
    "same visits": "met in the same visits",
    "next step": "what comes next",
    "words": "its words",
    "popular": "how popular it is",
    "age": "how new it is",
    "price": "its price",
    "category": "its category",
    "place": "wanted here",
    "hour": "wanted at this hour",
    "device": "on this device",
    "habit": "taken or seen before",
    "shopper": "how much is known of them",
}

_SCORED = (
    ("with_taken", "same people"), ("with_any", "same people"), ("together", "same visits"),
    ("together_taste", "same visits"), ("following", "next step"), ("words", "words"),
    ("words_taste", "words"), ("words_nearest", "words"),
)  # fmt: skip
#: Features that an item's text alone speaks in.
WORDS = tuple(name for name, group in _SCORED if group == "words")
_OWN = ("own", "own_lately", "met", "met_lately")
_OF_ROW = ("taken_many", "met_many", "idle")

#: The features by name, and the group of each.
FEATURES: dict[str, str] = {
    **dict(_SCORED),
    **{f"{name}_best": group for name, group in _SCORED[:5]},
    **{f"{name}_log": group for name, group in _SCORED[:5]},
    **{f"taken_{days}": "popular" for days in WINDOWS},
    **{f"looked_{days}": "popular" for days in LOOKED_WINDOWS},
    "age": "age", "unsold": "age", "cold": "age", "again": "popular", "a_year_ago": "popular",
    "price": "price", "dearer": "price", "price_gap": "price", "category": "category",
    "here": "place", "here_category": "place", "now": "hour", "now_category": "hour", "device": "device",
    **dict.fromkeys(_OWN, "habit"), **dict.fromkeys(_OF_ROW, "shopper"),
}  # fmt: skip
#: What follows from each part of a question: signals that are worked out once, and features of pairs.
_FOLLOW = {
    "cell": ("here", "popular_here"),
    "region": ("_by_category", "here_category", "here", "popular_here"),
    "slot": ("now", "popular_now", "_by_category", "now_category"),
    "device": ("_by_category", "device"),
    "prices": ("_price", "_of_item", "price", "dearer", "price_gap"),
    "phrase": ("_phrased", *WORDS, "new"),
    "season": ("_of_item", "a_year_ago"),
}
#: What a kept model says of the features that it was made for: their names, and how often these came to mean
#: something else.
MADE_FOR = [*FEATURES, "3: places and times drawn to what is usual as far as when the model was trained"]
GROUP_OF = np.array([list(GROUPS).index(group) for group in FEATURES.values()])

#: Sources of candidates by name, and the signal by which each orders items.
SOURCES = {
    "taken by the same people": "with_taken",
    "looked at by the same people": "with_any",
    "met in the same visits": "together",
    "next step": "following",
    "alike in words": "words_taste",
    "popular this week": "taken_7",
    "popular here": "popular_here",
    "popular now": "popular_now",
    "own": "own_candidates",
    "new": "new",
}


@dataclass(frozen=True, eq=False)
class Signals:
    """Of some histories against all items; each is worked out once, when first asked for.

    `prices` float32[items] are logarithms that stand in for those of the past (a price or discount tried);
    `phrase` float32[d], of length 1, is what is being looked for; `season` float32[items] stands in for what
    was taken a year ago (`season.season_of`).
    """

    past: Past
    who: Histories
    prices: np.ndarray | None = None
    phrase: np.ndarray | None = None
    season: np.ndarray | None = None

    def pairs(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """The features of pairs: float32[pairs, FEATURES]."""
        out = np.empty((row.size, len(FEATURES)), np.float32)
        for at, name in enumerate(FEATURES):
            out[:, at] = self.feature(name, row, item)
        return out

    def elsewhere(
        self,
        contexts: Contexts,
        prices: np.ndarray | None = None,
        phrase: np.ndarray | None = None,
        season: np.ndarray | None = None,
    ) -> tuple[Signals, frozenset[str]]:
        """The same histories asked for something else, and the names of signals and features that differ by
        it; all others are not worked out again.
        """
        other = Signals(self.past, replace(self.who, contexts=contexts), prices, phrase, season)
        mine, new = self._question, other._question
        moved = {
            name for part, names in _FOLLOW.items() if not _same(mine[part], new[part]) for name in names
        }
        kept = self.__dict__.keys() - moved - {field.name for field in fields(self)}
        other.__dict__.update({name: self.__dict__[name] for name in kept})
        return other, frozenset(moved)

    @property
    def _question(self) -> dict[str, np.ndarray | None]:
        places = self.who.contexts
        return {name: getattr(places, name) for name in ("cell", "region", "slot", "device")} | {
            "prices": self.prices, "phrase": self.phrase, "season": self.season,
        }  # fmt: skip

    def candidates(
        self, allowed: np.ndarray, sources: Collection[str] = SOURCES
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """What the sources propose to each row: item codes, ascending, and int64 bits of the sources that
        did, by their order in SOURCES; `allowed` is bool[rows, items].
        """
        bits = np.zeros((len(self.who), self.past.items), np.int16)
        for number, (source, name) in enumerate(SOURCES.items()):
            if source in sources:
                bits |= self.proposed(name, allowed).astype(np.int16) << number
        found = [np.flatnonzero(row) for row in bits]
        return found, [row[items].astype(np.int64) for row, items in zip(bits, found, strict=True)]

    def proposed(self, name: str, allowed: np.ndarray) -> np.ndarray:
        """What one source proposes to each row, by the signal that orders it; the lower codes of equals:
        bool[rows, items].
        """
        signal = self.matrix(name)
        # Words that are unlike may still be the nearest there are; where nothing is known none are.
        known = self.words_taste.any(axis=1) & (name in ("words_taste", "new"))
        above = np.logical_and(allowed, signal > np.where(known, -np.inf, 0)[:, None])
        many = np.flatnonzero(np.count_nonzero(above, axis=1) > CANDIDATES)
        if many.size:
            above[many] = strongest_in_rows(signal[many], above[many], CANDIDATES)
        return above

    def matrix(self, name: str) -> np.ndarray:
        """One signal of all rows and items: float32[rows, items]."""
        found = getattr(self, name, None)
        if found is None:
            found = self._of_item[name]
        return np.broadcast_to(found, (len(self.who), self.past.items))

    def feature(self, name: str, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """One feature of pairs, float32; `row` and `item` broadcast to the shape of the pairs."""
        if name in self._of_item:
            return self._of_item[name][item]
        if name in self._of_row:
            return self._of_row[name][row]
        base, _, form = name.rpartition("_")
        if form in ("best", "log") and base in dict(_SCORED):
            share = np.maximum(getattr(self, base)[row, item], 0) / self._most[base][row]
            return np.asarray(share if form == "best" else np.log(share + NEARLY_NONE))
        if name in ("dearer", "price_gap"):
            gap = self._price[item] - self._usual_price[row]
            return np.asarray(gap if name == "dearer" else np.abs(gap))
        if name == "words_nearest":
            return self._nearest(row, item)
        if name in ("here_category", "now_category", "device", "category"):
            return np.asarray(self._by_category[name][row, self.past.world.category_of[item]])
        value = np.asarray(getattr(self, f"_{name}" if name in _OWN else name)[row, item])
        # What few events speak for lies close to 0, where the root sets it apart.
        return np.sqrt(np.maximum(value, 0)) if name in dict(_SCORED[:5]) else value

    # -- personal: float32[rows, items] -------------------------------------------------------

    @cached_property
    def with_taken(self) -> np.ndarray:
        return _product(self.who.taken, self.past.with_taken)

    @cached_property
    def with_any(self) -> np.ndarray:
        return _product(self.who.met, self.past.with_any)

    @cached_property
    def together(self) -> np.ndarray:
        return _product(self.who.mind, self.past.together)

    @cached_property
    def together_taste(self) -> np.ndarray:
        return _product(self.who.taste, self.past.together)

    @cached_property
    def following(self) -> np.ndarray:
        return _product(self.who.last, self.past.following)

    @cached_property
    def words(self) -> np.ndarray:
        return self._like(self.who.mind) if self.phrase is None else self._phrased

    @cached_property
    def words_taste(self) -> np.ndarray:
        return self._like(self.who.taste) if self.phrase is None else self._phrased

    @cached_property
    def _phrased(self) -> np.ndarray:
        found = self.past.vectors @ self.phrase
        return np.broadcast_to(found.astype(np.float32), (len(self.who), self.past.items))

    def directions(self, row: int, item: int) -> np.ndarray:
        """What an item's vector is held against in WORDS, by dot products: float32[WORDS, d]."""
        vectors, taste = self.past.vectors, self.who.taste
        if self.phrase is not None:
            return np.tile(self.phrase, (len(WORDS), 1))
        out = np.zeros((len(WORDS), vectors.shape[1]), np.float32)
        for at, weights in enumerate((self.who.mind, self.who.taste)):
            profile = np.asarray(weights[row] @ vectors).ravel()
            out[at] = profile / (np.linalg.norm(profile) + 1e-9)
        low, high = taste.indptr[row], taste.indptr[row + 1]
        most = np.argsort(-taste.data[low:high], kind="stable")[:COMPARED]
        if most.size:
            compared = vectors[taste.indices[low:high][most]]
            out[2] = compared[int((compared @ vectors[item]).argmax())]
        return out

    def _like(self, weights: scipy.sparse.csr_matrix) -> np.ndarray:
        """Cosines of the items' words with those of a history."""
        profile = weights @ self.past.vectors
        length = np.linalg.norm(profile, axis=1, keepdims=True)
        return np.asarray((profile / (length + 1e-9)) @ self.past.vectors.T, np.float32)

    def _nearest(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """The cosine of an item's words with those of the nearest of COMPARED items of a history: float32."""
        row, item = np.broadcast_arrays(row, item)
        if self.phrase is not None:
            return np.asarray(self._phrased[row, item])
        items, at = self._compared
        if not items.size:
            return np.zeros(row.shape, np.float32)
        like = self.past.vectors @ self.past.vectors[items].T
        # Rows with fewer are held against the last of them again, rows with none against nothing.
        found = np.full(row.shape, -np.inf, np.float32)
        for column in at.T:
            np.maximum(found, like[item, column[row]], out=found)
        return np.where(at[row, 0] >= 0, found, np.float32(0))

    @cached_property
    def _compared(self) -> tuple[np.ndarray, np.ndarray]:
        """The items that words are compared with, and those of each row, strongest first, as places among
        them: int64[compared], int64[rows, COMPARED]; −1 where a row has none.
        """
        taste = self.who.taste
        chosen = np.full((len(self.who), COMPARED), -1)
        for row in range(len(self.who)):
            low, high = taste.indptr[row], taste.indptr[row + 1]
            most = np.argsort(-taste.data[low:high], kind="stable")[:COMPARED]
            if most.size:
                its = taste.indices[low:high][most]
                chosen[row] = its[np.minimum(np.arange(COMPARED), its.size - 1)]
        items, at = np.unique(chosen, return_inverse=True)
        none = int(items.size > 0 and items[0] < 0)
        return items[none:], at.reshape(chosen.shape) - none

    @cached_property
    def here(self) -> np.ndarray:
        return self.past.lifts.here(self.who.contexts.places(self.past.world.cells.size))

    @cached_property
    def now(self) -> np.ndarray:
        return self.past.lifts.now(self.who.contexts.slot)

    @cached_property
    def popular_here(self) -> np.ndarray:
        return np.asarray(self.here + self._of_item["looked_30"] + self._of_item["taken_30"] + 10)

    @cached_property
    def popular_now(self) -> np.ndarray:
        return np.asarray(self.now + self._of_item["looked_30"] + self._of_item["taken_30"] + 10)

    @cached_property
    def own_candidates(self) -> np.ndarray:
        return np.asarray(self._own_lately + self._met_lately)

    @cached_property
    def new(self) -> np.ndarray:
        return np.where(self.past.cold, self.words_taste, -np.inf).astype(np.float32)

    @cached_property
    def _own(self) -> np.ndarray:
        return np.log1p(self.who.counts.toarray())

    @cached_property
    def _own_lately(self) -> np.ndarray:
        return np.asarray(self.who.took_last.toarray())

    @cached_property
    def _met(self) -> np.ndarray:
        return np.log1p(self.who.times.toarray())

    @cached_property
    def _met_lately(self) -> np.ndarray:
        return np.asarray(self.who.met_last.toarray())

    # -- smaller ------------------------------------------------------------------------------

    @cached_property
    def _most(self) -> dict[str, np.ndarray]:
        return {name: np.maximum(getattr(self, name).max(axis=1), 1e-6) for name, _ in _SCORED[:5]}

    @cached_property
    def _price(self) -> np.ndarray:
        return self.past.price_log if self.prices is None else self.prices

    @cached_property
    def _usual_price(self) -> np.ndarray:
        usual = self.who.usual_price
        return np.where(np.isfinite(usual), usual, self.past.price_log.mean())

    @cached_property
    def _by_category(self) -> dict[str, np.ndarray]:
        past, contexts, world = self.past, self.who.contexts, self.past.world
        # Where items have no category, that they share it says nothing.
        share = self._shares() * (world.categories != NONE)
        return {
            "category": share / (share.sum(axis=1, keepdims=True) + 0.1),
            "here_category": past.lifts.here_category(contexts.region),
            "now_category": past.lifts.now_category(contexts.slot),
            "device": past.lifts.device(contexts.device),
        }

    def _shares(self) -> np.ndarray:
        """How much of each history is of each category: float32[rows, categories]."""
        past, world = self.past, self.past.world
        of_items = scipy.sparse.csr_matrix(
            (np.ones(past.items, np.float32), (np.arange(past.items), world.category_of)),
            (past.items, world.categories.size),
        )
        return np.asarray((self.who.taste @ of_items).toarray())

    @cached_property
    def _of_item(self) -> dict[str, np.ndarray]:
        past = self.past
        names = [f"taken_{d}" for d in WINDOWS] + [f"looked_{d}" for d in LOOKED_WINDOWS]
        return {
            **dict(zip(names, past.popular.T, strict=True)),
            "age": past.age, "unsold": past.unsold, "cold": past.cold.astype(np.float32),
            "again": past.again, "price": self._price,
            "a_year_ago": past.a_year_ago if self.season is None else self.season,
        }  # fmt: skip

    @cached_property
    def _of_row(self) -> dict[str, np.ndarray]:
        return {
            "taken_many": np.log1p(np.diff(self.who.taken.indptr)).astype(np.float32),
            "met_many": np.log1p(np.diff(self.who.met.indptr)).astype(np.float32),
            "idle": self.who.idle,
        }


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _product(rows: scipy.sparse.csr_matrix, items: Matrix) -> np.ndarray:
    found = rows @ items
    return np.asarray(found.toarray() if scipy.sparse.issparse(found) else found, np.float32)
