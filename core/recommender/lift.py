"""How much more things are wanted somewhere, or at some time, than overall."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse

from core.marts.privacy import hide_small
from core.recommender.acts import SLOTS, Acts, World
from core.recommender.item_models import counted, entries

#: Events by which shares are drawn towards what is expected; the one of these by which one half of the
#: shoppers foretells the other best is taken.
PRIORS = (20.0, 100.0, 500.0, 2_500.0, 12_500.0, 62_500.0)


class Priors(NamedTuple):
    """Which of PRIORS each of the `Lifts` takes; None is what suits their own moment best.

    Chosen once, where a scorer is trained, for all moments that it learns from and is asked at: a lift that
    is drawn less towards what is expected than those that were learnt from is larger than any of them.
    """

    region: float | None = None
    cell: float | None = None
    slot: float | None = None
    region_category: float | None = None
    slot_category: float | None = None
    device_category: float | None = None


#: Every lift chooses its own.
OWN = Priors()


@dataclass(frozen=True, eq=False)
class Lift:
    """How much more a thing is wanted in each group (a place, a time) than overall, shrunk where little is
    known: the logarithm of (count + prior × share expected) ÷ (all + prior) ÷ the share overall.
    """

    counts: scipy.sparse.csr_matrix  # float32[groups, things]
    share: np.ndarray  # float64[things], overall
    all: np.ndarray  # float64[groups]
    prior: float
    parent: Lift | None = None  # of which the shares are expected, where groups lie in larger ones
    parent_of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # by group, −1 for none
    half: Lift | None = None  # the same of one half of the shoppers, where it chose the prior

    @classmethod
    def of(
        cls, acts: Acts, group: np.ndarray, thing: np.ndarray, groups: int, things: int, k: int = 1,
        prior: float | None = None, parent: Lift | None = None, parent_of: np.ndarray | None = None,
    ) -> Lift:  # fmt: skip
        """From acts: the group (−1: none) and thing of each; a group of fewer than k shoppers is silent.

        Where no prior is given it is that of PRIORS with the greatest likelihood of what one half of the
        shoppers did, given what the other half tells (cross-validation; the usual shares are of both): where
        places do not differ, a few events of one shopper do not make it look so.
        """
        rows = int(acts.row.max(initial=0)) + 1
        pairs = np.unique(group[group >= 0] * rows + acts.row[group >= 0])
        of_group = np.bincount(pairs // rows, minlength=max(groups, 1))
        known = (group >= 0) & ~hide_small(of_group, k)[group]
        size = (max(groups, 1), things)
        share = np.bincount(thing, acts.strength, things)
        share = (share + 1e-6) / (share.sum() + 1e-6 * things)
        above = np.full(size[0], -1) if parent_of is None or not parent_of.size else parent_of

        def made(some: np.ndarray, over: Lift | None) -> Lift:
            counts = counted(group[some], thing[some], size, acts.strength[some])
            return cls(counts, share, np.asarray(counts.sum(axis=1), float).ravel(), PRIORS[0], over, above)

        if prior is not None:
            return replace(made(known, parent), prior=prior)
        half, other = (
            made(known & (acts.row % 2 == part), parent.half if parent is not None else None)
            for part in (0, 1)
        )
        prior = half.best_prior(other.counts.tocoo())
        return replace(made(known, parent), prior=prior, half=replace(half, prior=prior))

    def best_prior(self, others: scipy.sparse.coo_matrix) -> float:
        """By which of PRIORS what others did, float32[groups, things], is likeliest; greater of equals."""
        if not others.nnz:
            return PRIORS[-1]
        own = np.asarray(self.counts[others.row, others.col], float).ravel()
        expected, total = self._expected_of(others.row, others.col), self.all[others.row]
        likelihood = [
            float(others.data @ np.log((own + prior * expected) / (total + prior)))
            for prior in reversed(PRIORS)
        ]
        return PRIORS[::-1][int(np.argmax(likelihood))]

    def _expected_of(self, groups: np.ndarray, things: np.ndarray) -> np.ndarray:
        """The share that is expected of each pair of a group, −1 for none, and a thing: float64[pairs]."""
        if self.parent is None:
            return np.asarray(self.share[things])
        above = np.where(groups >= 0, self.parent_of[groups], -1)
        expected = self.parent._expected_of(above, things)
        own = np.asarray(self.parent.counts[np.maximum(above, 0), things], float).ravel() * (above >= 0)
        total = np.where(above >= 0, self.parent.all[above], 0)
        return np.asarray((own + self.parent.prior * expected) / (total + self.parent.prior))

    def shares(self, groups: np.ndarray) -> np.ndarray:
        """The shares of all things in some groups, −1 for none: float64[groups, things]."""
        inside = np.maximum(groups, 0)
        if self.parent is None:
            expected = np.broadcast_to(self.share, (groups.size, self.share.size))
        else:
            expected = self.parent.shares(np.where(groups >= 0, self.parent_of[inside], -1))
        counts = self.counts[inside].toarray() * (groups >= 0)[:, None]
        total = np.where(groups >= 0, self.all[inside], 0)[:, None]
        return np.asarray((counts + self.prior * expected) / (total + self.prior))

    def at(self, group: int, things: np.ndarray) -> np.ndarray:
        """The same as a call gives for one group (−1 for none), of some things: float32[things]."""
        return np.log(self._shares_at(group, things) / self.share[things]).astype(np.float32)

    def _shares_at(self, group: int, things: np.ndarray) -> np.ndarray:
        if self.parent is None:
            expected = self.share[things]
        else:
            expected = self.parent._shares_at(int(self.parent_of[group]) if group >= 0 else -1, things)
        if group < 0:
            return np.asarray(expected * self.prior / self.prior)
        held = slice(*self.counts.indptr[group : group + 2])
        counts = entries(self.counts.indices[held], self.counts.data[held], things)
        return np.asarray((counts + self.prior * expected) / (self.all[group] + self.prior))

    def __call__(self, groups: np.ndarray) -> np.ndarray:
        """float32[groups, things], 0 where nothing sets the group apart."""
        if groups.size == 1:
            return self.at(int(groups[0]), np.arange(self.share.size))[None]
        distinct, at = np.unique(groups, return_inverse=True)
        return np.log(self.shares(distinct) / self.share).astype(np.float32)[at]


@dataclass(frozen=True, eq=False)
class Lifts:
    """Those of a log before a moment."""

    here: Lift  # of items by `Contexts.places`: a cell within its region, or a region by itself
    now: Lift  # of items by time of the week
    here_category: Lift  # of categories by region
    now_category: Lift  # of categories by time of the week
    device: Lift  # of categories

    @classmethod
    def of(cls, world: World, end: float, priors: Priors = OWN) -> Lifts:
        """By what was done before second `end`."""
        acts = world.acts.only(world.acts.second < end)
        k, regions = world.k, np.arange(world.regions.size)
        above = np.append(world.region_of_cell, regions)
        category, kinds = world.category_of[acts.item], world.categories.size
        regional = Lift.of(acts, acts.region, acts.item, regions.size, world.items, k, priors.region)
        return cls(
            Lift.of(acts, acts.cell, acts.item, above.size, world.items, k, priors.cell, regional, above),
            Lift.of(acts, acts.slot, acts.item, SLOTS, world.items, k, priors.slot),
            Lift.of(acts, acts.region, category, regions.size, kinds, k, priors.region_category),
            Lift.of(acts, acts.slot, category, SLOTS, kinds, k, priors.slot_category),
            Lift.of(acts, acts.device, category, world.devices.size, kinds, k, priors.device_category),
        )

    @property
    def priors(self) -> Priors:
        """Those that were given or chosen: none is None."""
        assert self.here.parent is not None
        its = (self.here.parent, self.here, self.now, self.here_category, self.now_category, self.device)
        return Priors(*(lift.prior for lift in its))
