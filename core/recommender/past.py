"""All that a shop knows of its items before a moment, from which candidates and features are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from core.recommender.acts import Acts, World
from core.recommender.interactions import DAY
from core.recommender.item_models import (
    NEIGHBOURS,
    Matrix,
    alike,
    counted,
    ones,
    scaled,
    shared,
    strongest,
)
from core.recommender.lift import OWN, Lifts, Priors

#: Days over which events are counted for what is popular.
WINDOWS = (3, 7, 14, 30, 90, 10_000)
LOOKED_WINDOWS = (7, 30)
#: Days in which an event's weight halves: for what is on one's mind, for tastes, for items of one session.
MIND, TASTE, TOGETHER = 14.0, 90.0, 120.0
#: Days that tell what is taken at a time of the year.
SEASON = 30
#: Penalty of the linear models of what goes together: of what was taken, and of all that was done.
PENALTY, PENALTY_OF_ALL = 300.0, 1_000.0


@dataclass(frozen=True, eq=False)
class Past:
    """Items as they stood at a second: nothing in it is of later."""

    world: World
    end: float  # second
    vectors: np.ndarray  # float32[items, d] of their texts at length 1, zeros for none
    popular: np.ndarray  # float32[items, WINDOWS + LOOKED_WINDOWS], log of 1 + shoppers
    age: np.ndarray  # float32[items], log of 1 + days since it was first met, −1 never
    unsold: np.ndarray  # float32[items], log of 1 + days since it was last taken, 8 never
    cold: np.ndarray  # bool[items], never taken
    a_year_ago: np.ndarray  # float32[items], log of 1 + shoppers in the days that are now to come
    again: np.ndarray  # float32[items], share of its takers who took it twice
    with_taken: Matrix  # [items, items], how much one taken item speaks for another
    with_any: Matrix  # the same of all that was done
    together: scipy.sparse.csr_matrix  # [items, items], met in the same sessions, lately above all
    following: scipy.sparse.csr_matrix  # [items, items], met in the session after
    lifts: Lifts
    price_log: (
        np.ndarray
    )  # float32[items], of the catalogue, else of what was paid; the mean where none is known
    priced: np.ndarray  # bool[items], whether one is known

    @property
    def items(self) -> int:
        """How many items there are, those of later among them."""
        return self.world.items

    @classmethod
    def of(cls, world: World, end: float, vectors: np.ndarray, priors: Priors = OWN) -> Past:
        """What was known before second `end`."""
        acts = world.acts.only(world.acts.second < end)
        taken = acts.only(acts.taken)
        n = world.items
        windows = [shoppers_of(taken, end - days * DAY, end, n) for days in WINDOWS]
        looked = acts.only(~acts.taken)
        windows += [shoppers_of(looked, end - days * DAY, end, n) for days in LOOKED_WINDOWS]
        first, last = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(first, acts.item, acts.second)
        np.maximum.at(last, taken.item, taken.second)
        age = np.where(
            np.isfinite(first), np.log1p((end - np.where(np.isfinite(first), first, end)) / DAY), -1
        )
        unsold = np.where(
            np.isfinite(last), np.log1p((end - np.where(np.isfinite(last), last, end)) / DAY), 8
        )
        counts = counted(taken.row, taken.item, (world.shoppers, n))
        twice = np.bincount(counts.indices[counts.data > 1], minlength=n)
        took = ones(counts)
        every = ones(counted(acts.row, acts.item, (world.shoppers, n)))
        with_taken = alike(took, PENALTY)
        same = every.nnz == took.nnz
        price_log = world.prices.known(end)
        usual = float(np.nanmean(price_log)) if np.isfinite(price_log).any() else 0.0
        return cls(
            world=world,
            end=end,
            vectors=vectors,
            popular=np.log1p(np.stack(windows, axis=1)).astype(np.float32),
            age=age.astype(np.float32),
            unsold=unsold.astype(np.float32),
            cold=~np.isfinite(last),
            a_year_ago=np.log1p(
                shoppers_of(taken, end - 366 * DAY, end - (366 - SEASON) * DAY, n)
            ).astype(np.float32),
            again=(twice / (np.bincount(took.indices, minlength=n) + 5.0)).astype(np.float32),
            with_taken=with_taken,
            with_any=with_taken if same else alike(every, PENALTY_OF_ALL),
            together=_together(acts, end, n),
            following=_following(acts, n),
            lifts=Lifts.of(world, end, priors),
            price_log=np.where(np.isfinite(price_log), price_log, usual).astype(np.float32),
            priced=np.isfinite(price_log),
        )  # fmt: skip


def _together(acts: Acts, end: float, items: int) -> scipy.sparse.csr_matrix:
    """Items met in the same sessions: a session's worth is shared among its items and halves every TOGETHER
    days; divided by the root of how often both are met.
    """
    if not len(acts):
        return scipy.sparse.csr_matrix((items, items), dtype=np.float32)
    session = np.unique(acts.session, return_inverse=True)[1]
    fresh = np.exp2(-(end - acts.second) / DAY / TOGETHER / 2).astype(np.float32)
    sessions = shared(counted(session, acts.item, (int(session.max()) + 1, items), fresh))
    both = (sessions.T @ sessions).tocsr()
    both.setdiag(0)
    both.eliminate_zeros()
    root = 1 / np.sqrt(np.asarray(both.sum(axis=0)).ravel() + 1e-3)
    return strongest(scaled(both, root, root), 4 * NEIGHBOURS)


def _following(acts: Acts, items: int) -> scipy.sparse.csr_matrix:
    """Of each item, what is met in the shopper's next session, by how often the one leads to the other,
    divided by the root of how often the other is met.
    """
    order = np.lexsort((acts.second, acts.row))
    row, session, item = acts.row[order], acts.session[order], acts.item[order]
    new = np.r_[True, session[1:] != session[:-1]] if row.size else np.zeros(0, bool)
    number = np.cumsum(new) - 1
    visits = shared(ones(counted(number, item, (max(int(new.sum()), 1), items))))
    whose = row[new]
    pairs = np.flatnonzero(whose[1:] == whose[:-1])
    leads = (visits[pairs].T @ visits[pairs + 1]).tocsr() if pairs.size else visits[:0].T @ visits[:0]
    met = np.asarray(visits.sum(axis=0)).ravel() + 1
    return strongest(scaled(leads, 1 / met, 1 / np.sqrt(met)), 4 * NEIGHBOURS)


def shoppers_of(acts: Acts, low: float, high: float, items: int) -> np.ndarray:
    """How many shoppers did something with each item from second `low`, before `high`."""
    some = (acts.second >= low) & (acts.second < high)
    pairs = np.unique(acts.row[some] * items + acts.item[some])
    return np.bincount(pairs % items, minlength=items)
