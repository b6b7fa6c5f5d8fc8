"""What a log's items and searches mean: their vectors, which searches are one, and what is usual among them.

Worked out over the whole log, once, so that a narrower scope is held against the same.
"""

from __future__ import annotations

import re
import shlex
import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.encoder import open_vectors
from core.errors import CartscapeError
from core.journeys import texts_of
from core.journeys.texts import LogTexts
from core.paths import PathLog, open_cube, open_paths
from core.paths.searches import Tally, searches
from core.scope import OFF, Scope
from core.store import Store

#: Searches whose vectors are this near are one search, written in other words.
SAME = 0.92
#: Searches that are held by their vectors against each other and against the items, the most frequent ones.
MOST_NEAR = 10_000
#: So few missing texts are encoded when they are asked for: it takes a moment.
FEW = 100
#: So near an item are all but the last 5 % of the searches that lead to one. Quartile fences would not do:
#: misspelt searches, which the shop understands, lie far from everything.
FENCE = 0.05
#: Letters of a review, and of a long id, that stand for an item without a title.
WRITTEN, NUMBER = 60, 12
#: Rows of a product of vectors at a time.
_BLOCK = 2048


@dataclass(frozen=True)
class Usual:
    """What the whole log's searches do, to hold others against."""

    tally: Tally  # by query code
    followed: float  # share of all searches that an event with an item follows; NaN without any
    shoppers: np.ndarray  # int64[queries], who search for each


@dataclass(frozen=True)
class Likeness:
    """The item that each group of searches is most like."""

    item: np.ndarray  # int64[groups], its code; −1 for searches beyond the MOST_NEAR most frequent
    similarity: np.ndarray  # float64[groups], cosine; NaN for those
    usual: float  # median over the log's searches that lead to an item
    fence: float  # 95 % of those are at least so near


@dataclass(frozen=True)
class Spellings:
    """Searches that are one under several spellings."""

    of: np.ndarray  # int32[queries], number of the group; −1 where a code is no search
    lead: np.ndarray  # int64[groups], the code of the most frequent spelling
    count: np.ndarray  # int64[groups], how many spellings


class Meaning:
    """The items and searches of one log. Vectors may be missing; all else is there without them."""

    def __init__(self, store: Store, paths: PathLog) -> None:
        self.paths = paths
        self._path = store.path
        self._whole = open_cube(store).fill(Scope(compare=OFF))
        self.texts: LogTexts = texts_of(store)
        self.items = np.flatnonzero(self.texts.of_item >= 0)  # codes of items that have a text
        self._lock = threading.RLock()
        self._vectors: tuple[str, np.ndarray] | None = None
        self._spellings: dict[str, Spellings] = {}
        self._likeness: dict[str, Likeness] = {}

    @cached_property
    def usual(self) -> Usual:
        """What the whole log's searches do."""
        rows = searches(self.paths, self._whole)
        tally = rows.tally(self.paths["query"][rows.event], self.texts.of_query.size)
        total = int(tally.searches.sum())
        share = float(tally.followed.sum() / total) if total else float("nan")
        return Usual(tally, share, tally.shoppers)

    @cached_property
    def queries(self) -> np.ndarray:
        """The codes of what is searched for: int64[searched]."""
        return np.flatnonzero((self.usual.tally.searches > 0) & (self.texts.of_query >= 0))

    @cached_property
    def wanted(self) -> np.ndarray:
        """The texts of items and searches, by their number among the log's texts: int64[wanted]."""
        texts = self.texts
        groups = texts.of_group[texts.of_group >= 0]
        found = np.concatenate([texts.of_item[self.items], texts.of_query[self.queries], groups])
        return np.unique(found).astype(np.int64)

    def nearness(self, items: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Cosines of items to a vector of length 1: float64[items]. What has no title is as near as its
        category is, where that is nearer than with what reviews say.
        """
        vectors, texts = self.need_vectors(), self.texts
        found = (vectors[texts.of_item[items]] @ asked).astype(np.float64)
        group = texts.of_group[items]
        alone = (vectors[group] @ asked).astype(np.float64)
        return np.where(group >= 0, np.maximum(found, alone), found).clip(-1, 1)

    def title(self, item: int) -> str:
        """What an item is called: its title, or what else is known of it and its id, of which the first
        letters must do where it is long.
        """
        name, told = str(self.texts.titles[item]), int(self.texts.of_item[item])
        if told < 0 or name != str(self.paths.items[item]):
            return name
        known = str(self.texts.labels[told] or _begun(self.texts.texts[told], WRITTEN)).replace("_", " ")
        return f"{known} · {_begun(name, NUMBER)}"

    def missing(self) -> int:
        """How many texts of items and searches are not encoded yet, by the model of the settings.

        None where they are FEW: they are encoded as they are asked for.
        """
        if self._ready(open_vectors().encoder.card.fingerprint) is not None:
            return 0
        count = int((~open_vectors().known(self.texts.texts[self.wanted])).sum())
        return 0 if count <= FEW else count

    def vectors(self) -> np.ndarray | None:
        """The vectors of the log's texts, of length 1: float32[texts, d]; None while too many are missing.

        Rows of texts that neither an item nor a search has are 0.
        """
        model = open_vectors().encoder.card.fingerprint
        with self._lock:
            ready = self._ready(model)
            if ready is None and self.wanted.size and not self.missing():
                ready = np.zeros((self.texts.texts.size, open_vectors().encoder.card.dim), np.float32)
                ready[self.wanted] = unit(open_vectors().of(self.texts.texts[self.wanted]))
                self._vectors = (model, ready)
            return ready

    def need_vectors(self) -> np.ndarray:
        """As `vectors`; raises the sentence that says what is missing and how to make it."""
        found = self.vectors()
        if found is None:
            raise CartscapeError(self.missing_words())
        return found

    def missing_words(self) -> str:
        """The sentence on texts that are not encoded."""
        return (
            f"{self.missing():,} of {self.wanted.size:,} texts of this log's items and searches are not "
            "encoded yet; press Encode on the page Search by meaning, or run: python -m core encode --store "
            f"{shlex.quote(str(self._path))}"
        )

    def spellings(self) -> Spellings:
        """Which searches are one: the same words in any order and case, or vectors as near as SAME.

        Each group is called by its most frequent spelling in the log, ties by the alphabet.
        """
        with self._lock:
            vectors = self.vectors()
            key = "" if vectors is None or self._vectors is None else self._vectors[0]
            if key not in self._spellings:
                self._spellings[key] = self._grouped(vectors)
            return self._spellings[key]

    def likeness(self) -> Likeness | None:
        """The nearest item of each group of searches; None while vectors are missing, or without items."""
        with self._lock:
            vectors = self.vectors()
            if vectors is None or self._vectors is None or not self.items.size:
                return None
            if self._vectors[0] not in self._likeness:
                self._likeness = {self._vectors[0]: self._nearest(vectors)}
            return self._likeness[self._vectors[0]]

    def _ready(self, model: str) -> np.ndarray | None:
        return self._vectors[1] if self._vectors and self._vectors[0] == model else None

    def _nearest(self, vectors: np.ndarray) -> Likeness:
        groups, tally = self.spellings(), self.usual.tally
        asked = vectors[self.texts.of_query[groups.lead[:MOST_NEAR]]]
        items = np.ascontiguousarray(vectors[self.texts.of_item[self.items]].T)
        best, similarity = np.full(groups.lead.size, -1), np.full(groups.lead.size, np.nan)
        for at in range(0, len(asked), _BLOCK):
            product = asked[at : at + _BLOCK] @ items
            near = product.argmax(axis=1)
            best[at : at + near.size] = self.items[near]
            similarity[at : at + near.size] = product[np.arange(near.size), near].clip(-1, 1)
        followed = np.zeros(groups.lead.size)
        np.add.at(followed, groups.of[self.queries], tally.followed[self.queries])
        told = similarity[: len(asked)], followed[: len(asked)]
        usual, fence = (weighted_quantile(*told, share) for share in (0.5, FENCE))
        return Likeness(best, similarity, usual, fence)

    def _grouped(self, vectors: np.ndarray | None) -> Spellings:
        codes, counts = self.queries, self.usual.tally.searches
        names = self.paths.queries
        by_count = np.array(sorted(codes.tolist(), key=lambda c: (-counts[c], names[c])), np.int64)
        group = pd.factorize(np.array([same_words(names[c]) for c in by_count], object))[0]
        lead = by_count[np.unique(group, return_index=True)[1]]  # groups come in the order of their leads
        if vectors is not None and lead.size:
            joined = _joined(vectors[self.texts.of_query[lead[:MOST_NEAR]]])
            into = np.concatenate([joined, np.arange(joined.size, lead.size)])
            kept, renumbered = np.unique(into, return_inverse=True)
            lead, group = lead[kept], renumbered[group]
        of = np.full(self.texts.of_query.size, -1, np.int32)
        of[by_count] = group
        return Spellings(of, lead, np.bincount(group, minlength=lead.size))


def _begun(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to length 1; those of nothing stay so."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


def same_words(query: str) -> str:
    """What two searches share that have the same words in another order or case."""
    return " ".join(sorted(re.findall(r"\w+", query.casefold()))) or query.casefold().strip()


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The least value at or below which `share` of the weight lies; NaN where there is no weight."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    if not reached.size or reached[-1] <= 0:
        return float("nan")
    return float(values[order][np.searchsorted(reached, share * reached[-1])])


def _joined(vectors: np.ndarray) -> np.ndarray:
    """For each row the first that is as near to it as SAME and is itself in no other's group: int64[rows]."""
    into = np.full(len(vectors), -1, np.int64)
    for at in range(0, len(vectors), _BLOCK):
        near = vectors[at : at + _BLOCK] @ vectors[at:].T >= SAME
        for row in range(len(near)):
            if into[at + row] < 0:
                its = at + np.flatnonzero(near[row])
                into[its[into[its] < 0]] = at + row
                into[at + row] = at + row
    return into


_open: dict[str, Meaning] = {}
_opening = threading.Lock()


def meaning_of(store: Store) -> Meaning:
    """What the log's items and searches mean, kept as long as the log stays as it is."""
    paths = open_paths(store)
    with _opening:
        found = _open.get(str(store.path))
        if found is None or found.paths is not paths:
            found = _open[str(store.path)] = Meaning(store, paths)
        return found
