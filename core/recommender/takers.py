"""Those who took an item: what they had done before, and whose way there was most like a given one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse

from core.recommender.acts import Acts
from core.recommender.histories import Histories
from core.recommender.interactions import DAY
from core.recommender.item_models import counted
from core.recommender.models import Model
from core.recommender.past import TASTE, Past

#: What likeness of words counts beside likeness of items, where both are known.
OF_WORDS = 0.5


@dataclass(frozen=True, eq=False)
class Takers:
    """Shoppers who took an item, in the order of their numbers, and what they did before they first did."""

    shoppers: np.ndarray  # int64[takers]
    second: np.ndarray  # int64[takers], when they first took it
    before: Acts  # of all of them; `row` is the number in `shoppers`

    @classmethod
    def of(cls, model: Model, item: int) -> Takers:
        """Of an item by its code."""
        acts = model.ground.world.acts
        took = np.flatnonzero((acts.item == item) & acts.taken)
        order = took[np.lexsort((acts.second[took], acts.row[took]))]
        shoppers, first = np.unique(acts.row[order], return_index=True)
        second = acts.second[order][first]
        theirs = np.flatnonzero(np.isin(acts.row, shoppers))
        place = np.searchsorted(shoppers, acts.row[theirs])
        early = acts.second[theirs] < second[place]
        return cls(shoppers, second, replace(acts.only(theirs[early]), row=place[early]))

    def __len__(self) -> int:
        return self.shoppers.size

    def met(self, items: int) -> np.ndarray:
        """How many of them had done something with each item before: int64[items]."""
        pairs = np.unique(self.before.row * items + self.before.item)
        return np.bincount(pairs % items, minlength=items)

    def likeness(self, past: Past, history: Histories, phrase: np.ndarray | None = None) -> np.ndarray:
        """How like a history, of one row, each one's was on the way: float64[takers], −1 to 1.

        The mean of two cosines: of what was done with each item, halved every TASTE days before the taking,
        and of its words; of the words alone to a phrase, float32[d].
        """
        act = self.before
        fresh = np.exp2(-(self.second[act.row] - act.second) / DAY / TASTE)
        tastes = counted(act.row, act.item, (len(self), past.items), act.strength * fresh)
        words = tastes @ past.vectors
        wanted = history.taste @ past.vectors if phrase is None else phrase[None]
        of_words = _cosines(words, np.asarray(wanted)[0])
        if phrase is not None or not history.taste.nnz:
            return of_words
        of_items = _cosines(tastes, history.taste.toarray()[0])
        if not np.asarray(wanted).any():
            return of_items
        return OF_WORDS * of_words + (1 - OF_WORDS) * of_items


def _cosines(rows: np.ndarray | scipy.sparse.csr_matrix, wanted: np.ndarray) -> np.ndarray:
    """float64[rows]; 0 where either is nothing."""
    if not isinstance(rows, np.ndarray):
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    else:
        length = np.linalg.norm(rows, axis=1)
    found = np.asarray(rows @ wanted, np.float64).ravel()
    scale = length * np.linalg.norm(wanted)
    return np.divide(found, scale, out=np.zeros(found.size), where=scale > 0)
