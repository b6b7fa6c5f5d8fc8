"""All that a shop knows of its items before a moment, from which candidates and features are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse

from core.marts.privacy import hide_small
from core.recommender.acts import SLOTS, Acts, World
from core.recommender.interactions import DAY
from core.recommender.item_models import (
    NEIGHBOURS,
    Matrix,
    alike,
    counted,
    entries,
    ones,
    scaled,
    shared,
    strongest,
)

#: Days over which events are counted for what is popular.
WINDOWS = (3, 7, 14, 30, 90, 10_000)
LOOKED_WINDOWS = (7, 30)
#: Days in which an event's weight halves: for what is on one's mind, for tastes, for items of one session.
MIND, TASTE, TOGETHER = 14.0, 90.0, 120.0
#: Days that tell what is taken at a time of the year.
SEASON = 30
#: Events by which an item's share in a place or at a time is drawn towards its share overall.
PRIOR = 20.0
#: Penalty of the linear models of what goes together: of what was taken, and of all that was done.
PENALTY, PENALTY_OF_ALL = 300.0, 1_000.0


@dataclass(frozen=True)
class Lift:
    """How much more an item is wanted in each group (a place, a time) than overall, shrunk where little is
    known: the logarithm of (count + PRIOR × share expected) ÷ (all + PRIOR) ÷ the share overall.
    """

    counts: scipy.sparse.csr_matrix  # float32[groups, things]
    share: np.ndarray  # float64[things], overall
    all: np.ndarray  # float64[groups]
    parent: Lift | None = None  # of which the shares are expected, where groups lie in larger ones
    parent_of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(
        cls, acts: Acts, group: np.ndarray, thing: np.ndarray, groups: int, things: int, k: int = 1,
        parent: Lift | None = None, parent_of: np.ndarray | None = None,
    ) -> Lift:  # fmt: skip
        """From acts: the group (−1: none) and thing of each; a group of fewer than k shoppers is silent."""
        weight = acts.strength
        rows = int(acts.row.max(initial=0)) + 1
        pairs = np.unique(group[group >= 0] * rows + acts.row[group >= 0])
        of_group = np.bincount(pairs // rows, minlength=max(groups, 1))
        known = (group >= 0) & ~hide_small(of_group, k)[group]
        counts = counted(group[known], thing[known], (max(groups, 1), things), weight[known])
        share = np.bincount(thing, weight, things)
        share = (share + 1e-6) / (share.sum() + 1e-6 * things)
        return cls(
            counts, share, np.asarray(counts.sum(axis=1), np.float64).ravel(), parent,
            np.empty(0, np.int64) if parent_of is None else parent_of,
        )  # fmt: skip

    def shares(self, groups: np.ndarray) -> np.ndarray:
        """The shares of all things in some groups, −1 for none: float64[groups, things]."""
        inside = np.maximum(groups, 0)
        if self.parent is None:
            expected = np.broadcast_to(self.share, (groups.size, self.share.size))
        else:
            above = self.parent_of[inside] if self.parent_of.size else np.full(groups.size, -1)
            expected = self.parent.shares(np.where(groups >= 0, above, -1))
        counts = self.counts[inside].toarray() * (groups >= 0)[:, None]
        total = np.where(groups >= 0, self.all[inside], 0)[:, None]
        return np.asarray((counts + PRIOR * expected) / (total + PRIOR))

    def at(self, group: int, things: np.ndarray) -> np.ndarray:
        """The same as a call gives for one group (−1 for none), of some things: float32[things]."""
        return np.log(self._shares_at(group, things) / self.share[things]).astype(np.float32)

    def _shares_at(self, group: int, things: np.ndarray) -> np.ndarray:
        if self.parent is None:
            expected = self.share[things]
        else:
            above = self.parent_of[group] if group >= 0 and self.parent_of.size else -1
            expected = self.parent._shares_at(int(above), things)
        if group < 0:
            return np.asarray(expected * PRIOR / PRIOR)
        held = slice(*self.counts.indptr[group : group + 2])
        counts = entries(self.counts.indices[held], self.counts.data[held], things)
        return np.asarray((counts + PRIOR * expected) / (self.all[group] + PRIOR))

    def __call__(self, groups: np.ndarray) -> np.ndarray:
        """float32[groups, things], 0 where nothing sets the group apart."""
        if groups.size == 1:
            return self.at(int(groups[0]), np.arange(self.share.size))[None]
        distinct, at = np.unique(groups, return_inverse=True)
        return np.log(self.shares(distinct) / self.share).astype(np.float32)[at]


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
    here: tuple[Lift, Lift]  # of items by cell within region, of categories by region
    now: tuple[Lift, Lift]  # of items and of categories by time of the week
    device: Lift  # of categories
    price_log: (
        np.ndarray
    )  # float32[items], of the catalogue, else of what was paid; the mean where none is known
    priced: np.ndarray  # bool[items], whether one is known

    @property
    def items(self) -> int:
        """How many items there are, those of later among them."""
        return self.world.items

    @classmethod
    def of(cls, world: World, end: float, vectors: np.ndarray) -> Past:
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
        category, kinds, k = world.category_of[acts.item], world.categories.size, world.k
        places = world.regions.size
        here, now = lifts_of(world, acts)
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
            here=(here, Lift.of(acts, acts.region, category, places, kinds, k)),
            now=(now, Lift.of(acts, acts.slot, category, SLOTS, kinds, k)),
            device=Lift.of(acts, acts.device, category, world.devices.size, kinds, k),
            price_log=np.where(np.isfinite(price_log), price_log, usual).astype(np.float32),
            priced=np.isfinite(price_log),
        )  # fmt: skip


def lifts_of(world: World, acts: Acts) -> tuple[Lift, Lift]:
    """How much more items are wanted in a cell (within its region) and at a time of the week."""
    items, k = world.items, world.k
    regional = Lift.of(acts, acts.region, acts.item, world.regions.size, items, k)
    return (
        Lift.of(acts, acts.cell, acts.item, world.cells.size, items, k, regional, world.region_of_cell),
        Lift.of(acts, acts.slot, acts.item, SLOTS, items, k),
    )


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
