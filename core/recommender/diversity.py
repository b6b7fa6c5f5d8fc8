"""How unlike each other the items of a list are: by their words where they are known, else by category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.events import NONE
from core.journeys.text_space import NotEncoded
from core.recommender.catalogue import open_catalogue
from core.recommender.training import item_vectors
from core.store import Store

WORDS = "the mean of 1 − cosine between the words (around their mean) of two items of a list"
CATEGORIES = "the share of pairs of a list's items that are of different categories"


@dataclass(frozen=True, eq=False)
class Unlike:
    """What tells items apart, and in words what a diversity is then; neither known for an item: it is left
    out.
    """

    known: np.ndarray  # bool[items]
    category: np.ndarray  # int64[items]
    vectors: np.ndarray | None  # float32[items, d] of length 1; None: categories alone tell them apart

    @property
    def words(self) -> str:
        """What a diversity is."""
        return CATEGORIES if self.vectors is None else WORDS

    @classmethod
    def of(cls, store: Store) -> Unlike:
        """By the texts of a store's items, and by their categories where those have no vectors yet."""
        category = open_catalogue(store).category.astype(str)
        named = np.asarray((category != NONE) & (category != ""))
        codes = np.unique(category, return_inverse=True)[1]
        try:
            vectors = item_vectors(store)[0]
        except NotEncoded:
            return cls(named, codes, None)
        worded = np.asarray(vectors.any(axis=1))
        return cls(worded, codes, vectors) if worded.any() else cls(named, codes, None)

    def within(self, items: np.ndarray, k: int = 10) -> np.ndarray:
        """The diversity of each list's first k: float64[lists], of int64[lists, …], −1 for none.

        The mean distance over the pairs of its items of which something is known: 1 − cosine, or 1 between
        two categories; NaN where fewer than two are. Source: Ziegler, McNee, Konstan, Lausen, "Improving
        recommendation lists through topic diversification" (intra-list similarity); as a distance: Smyth,
        McClave, "Similarity vs. diversity".
        """
        first = items[:, :k]
        there = (first >= 0) & self.known[first]
        if self.vectors is None:
            alike = (self.category[first][:, :, None] == self.category[first][:, None, :]).astype(float)
        else:
            its = self.vectors[first].astype(np.float64)
            alike = its @ its.transpose(0, 2, 1)
        pairs = there[:, :, None] & there[:, None, :] & ~np.eye(first.shape[1], dtype=bool)
        many = pairs.sum(axis=(1, 2))
        apart = ((1 - alike) * pairs).sum(axis=(1, 2))
        return np.divide(apart, many, out=np.full(len(first), np.nan), where=many > 0)
