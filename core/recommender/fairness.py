"""Who is seen in lists, and whom lists serve: exposure and quality by group, and a re-ranking for parity.

Exposure is what a place of a list is worth: 1 ÷ log₂(place + 1), over the first 10. Source: Singh, Joachims,
"Fairness of exposure in rankings".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.recommender.catalogue import Catalogue
from core.recommender.interactions import Interactions, Task
from core.recommender.metrics import LONGEST, draws, of_each, ranked

#: Places that are seen, and steps of the curve from the lists as they are to parity.
SEEN = 10
STEPS = 10
TARGET = "ndcg@10"
#: Halvings by which the weight of parity is found.
_HALVINGS = 24
_WORTH = 1 / np.log2(np.arange(2, SEEN + 2))


@dataclass(frozen=True, eq=False)
class Small:
    """The small brands: of all, the half that was taken least. Categories where items have no brand, items
    themselves where they have neither.
    """

    of: str  # brands, categories or items
    small: np.ndarray  # bool[items]
    there: np.ndarray  # bool[items], what the catalogue holds
    many: tuple[int, int]  # how many of them are small, and how many there are

    @classmethod
    def among(cls, catalogue: Catalogue, train: Interactions) -> Small:
        """By what was taken before a split; of equals the first in the alphabet are the smaller."""
        there = np.arange(catalogue.items.size) != catalogue.no_item
        named = {"brands": catalogue.brand, "categories": catalogue.category}
        of = next((word for word, names in named.items() if (names[there] != "").any()), "items")
        names = named.get(of, catalogue.items).astype(str)
        there_named = there & (names != "")
        known, codes = np.unique(names, return_inverse=True)
        taken = np.bincount(codes[train.item], minlength=known.size)
        mine = np.unique(codes[there_named])
        least = mine[np.lexsort((mine, taken[mine]))][: mine.size // 2]
        small = there_named & np.isin(codes, least)
        return cls(of, small, there, (least.size, mine.size))

    def share_of_takes(self, train: Interactions, shoppers: np.ndarray | None = None) -> float:
        """Share of the small among all that was taken, or that some shoppers took; NaN of nothing."""
        rows = np.ones(len(train), bool) if shoppers is None else np.isin(train.shopper, shoppers)
        return float(self.small[train.item[rows]].mean()) if rows.any() else float("nan")

    @property
    def share_of_catalogue(self) -> float:
        """Share of the small among all items."""
        return float(self.small.sum() / max(self.there.sum(), 1))


@dataclass(frozen=True, eq=False)
class Long:
    """The first items of each tested shopper's ranking, best first, deeper than a list goes."""

    items: np.ndarray  # int64[tested, deep], −1 where there are fewer
    chances: np.ndarray  # float64[tested, deep], ŷ

    def lists(self, small: np.ndarray, weight: float = 0.0) -> np.ndarray:
        """The lists when each small item counts for `weight` more than its chance: int64[tested, LONGEST].

        No other lists of these items have a greater sum of exposure × (chance + weight × small), so that none
        gives the small as much exposure, over all shoppers together, at a smaller loss of chances: the
        Lagrangian of Singh's and Joachims's problem with exposure amortised over rankings (Biega, Gummadi,
        Weikum, "Equity of attention").
        """
        if not weight:
            return self.items[:, :LONGEST]
        worth = np.where(self.items >= 0, self.chances + weight * small[self.items], -np.inf)
        order = np.argsort(-worth, axis=1, kind="stable")[:, :LONGEST]
        return np.take_along_axis(self.items, order, 1)


def exposure(lists: np.ndarray, small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exposure of the small in each list, and of all its items: float64[lists] both."""
    first = lists[:, :SEEN]
    worth = _WORTH[: first.shape[1]] * (first >= 0)
    return (worth * small[first]).sum(axis=1), worth.sum(axis=1)


def share(lists: np.ndarray, small: np.ndarray) -> float:
    """The share of all exposure that the small have; 0 of nothing."""
    theirs, every = exposure(lists, small)
    return float(theirs.sum() / every.sum()) if every.sum() else 0.0


def quality(lists: np.ndarray, test: Task) -> np.ndarray:
    """TARGET of each list: float64[tested]."""
    return of_each(ranked(lists, test.wanted))[TARGET]


def parity(long: Long, small: np.ndarray, target: float) -> float:
    """The weight at which the small have the share `target` of exposure, or come nearest to it: below 0 where
    they have more as lists are.
    """
    sign = 1.0 if share(long.lists(small), small) < target else -1.0
    low, high = 1e-7, 1.0  # of a chance
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        short = (target - share(long.lists(small, sign * middle), small)) * sign > 0
        low, high = (middle, high) if short else (low, middle)
    return sign * high


@dataclass(frozen=True, eq=False)
class Step:
    """A point of the curve, on the days that chose it and on the test."""

    weight: float
    past_share: float  # of exposure
    past_ndcg: float
    lists: np.ndarray  # int64[tested, LONGEST] of the test
    share: float
    ndcg: np.ndarray  # float64[tested]


def curve(past: tuple[Task, Long], test: tuple[Task, Long], small: np.ndarray, target: float) -> list[Step]:
    """From the lists as they are to parity on the validation days, in STEPS equal steps of the weight."""
    full = parity(past[1], small, target)
    found = []
    for step in range(STEPS + 1):
        weight = full * step / STEPS
        before, lists = past[1].lists(small, weight), test[1].lists(small, weight)
        told = share(before, small), float(quality(before, past[0]).mean())
        found.append(Step(weight, *told, lists, share(lists, small), quality(lists, test[0])))
    return found


def chosen(steps: list[Step], give_up: float) -> int:
    """The step nearest to parity before the validation days lose more than a share `give_up` of TARGET."""
    least = (1 - give_up) * steps[0].past_ndcg
    lost = [step.past_ndcg < least for step in steps]
    return lost.index(True) - 1 if True in lost else len(steps) - 1


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval over shoppers drawn anew."""

    value: float
    low: float
    high: float


class Drawn:
    """Shoppers drawn anew, the same for all that is estimated."""

    def __init__(self, tested: int) -> None:
        self._weights = draws(tested)

    def ratio(self, above: np.ndarray, below: np.ndarray) -> Estimate:
        """The ratio of two sums over shoppers: float64[tested] both."""
        return self._told(above.sum() / below.sum(), self._of(above, below))

    def gap(self, values: np.ndarray, mine: np.ndarray) -> Estimate:
        """The mean of some shoppers, bool[tested], less that of the others."""
        here, there = mine.astype(float), (~mine).astype(float)
        value = values[mine].mean() - values[~mine].mean()
        return self._told(value, self._of(values * here, here) - self._of(values * there, there))

    def _of(self, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        total = self._weights @ below
        return np.divide(self._weights @ above, total, out=np.full(total.shape, np.nan), where=total > 0)

    @staticmethod
    def _told(value: float, drawn: np.ndarray) -> Estimate:
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
        return Estimate(float(value), float(low), float(high))
