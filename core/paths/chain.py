"""Paths as a chain that ends in a purchase or without one: how likely one is from a node, and how far.

Source: Kemeny, Snell, "Finite Markov Chains", ch. 3. With Q the shares from node to node, the fundamental
matrix is N = Σ Qᵏ = (I − Q)⁻¹. A purchase and the end of a path absorb; what follows a purchase begins anew.
That the next step depends on the node alone is an assumption; `Stream.bought_within` counts without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from core.events import PURCHASE
from core.paths.walk import Walk

#: What is left of the sum over steps when it is cut.
_LEFT = 1e-10
_MOST_STEPS = 100_000


@dataclass(frozen=True, eq=False)
class Stream:
    """The nodes of all paths of a walk, path after path in time: int64[nodes] each."""

    path: np.ndarray  # ascending
    token: np.ndarray
    shopper: np.ndarray
    buys: np.ndarray  # bool[nodes], whether it is a purchase
    tokens: int  # how many names there are

    @classmethod
    def of(cls, walk: Walk, goal: str = PURCHASE) -> Stream:
        """Read a walk; repeats in a row are one node where the walk tells them so. `goal` is the event that
        counts as a purchase.
        """
        paths, its, names = walk.paths, walk.its, walk.names
        kind = paths["kind"]
        shopper = np.repeat(np.arange(paths.shoppers), np.diff(paths["start"]).astype(np.int64))
        token = names.of_kind[kind].astype(np.int64)
        if names.by_item:
            item = paths["item"]
            has = item != names.no_item
            token[has] = names.of_item[item[has]]
        kept = its.kinds[kind] & (token >= 0)
        kept &= its.hours[paths["hour"]] & its.places[paths["place"]] & its.means[paths["mean"]]
        if its.members.size > 1 or not its.members.all():
            kept &= its.members[shopper]
        path = paths["session"].astype(np.int64) if walk.unit == "session" else shopper
        if walk.among is not None:
            kept &= walk.among[path]
        at = np.flatnonzero(kept)
        at = at[np.argsort(path[at], kind="stable")]
        path, token, buys = path[at], token[at], paths.kinds[0][kind[at]] == goal
        if walk.naming.collapse and at.size:
            first = np.r_[True, (path[1:] != path[:-1]) | (token[1:] != token[:-1])]
            run = np.cumsum(first) - 1
            buys = np.bincount(run, buys) > 0
            at, path, token = at[first], path[first], token[first]
        return cls(path, token, shopper[at], buys, names.labels.size)

    @cached_property
    def follows(self) -> np.ndarray:
        """Whether the next node is of the same path: bool[nodes]."""
        return np.append(self.path[1:] == self.path[:-1], False) if self.path.size else np.zeros(0, bool)

    @cached_property
    def steps(self) -> np.ndarray:
        """Steps from each node to the next purchase of its path after it: int64[nodes], −1 where none is."""
        n = self.path.size
        at = np.where(self.buys, np.arange(n), n)
        ahead = np.append(np.minimum.accumulate(at[::-1])[::-1][1:], n) if n else at
        same = (ahead < n) & (self.path[np.minimum(ahead, n - 1)] == self.path) if n else np.zeros(0, bool)
        return np.where(same, ahead - np.arange(n), -1)

    def ends_of(self, prefix: list[np.ndarray]) -> np.ndarray:
        """The last nodes of all occurrences of a prefix, parts bool[tokens], in a row on one path."""
        n = self.path.size
        found = np.ones(n, bool)
        for back, part in enumerate(reversed(prefix)):
            at = np.arange(n) - back
            there = (at >= 0) & (self.path[np.maximum(at, 0)] == self.path)
            found &= there & part[self.token[np.maximum(at, 0)]]
        return np.flatnonzero(found)

    def bought_within(self, nodes: np.ndarray, most: int) -> np.ndarray:
        """Which of some nodes are followed by a purchase within so many steps: bool[nodes asked]."""
        return (self.steps[nodes] > 0) & (self.steps[nodes] <= most)


@dataclass(frozen=True, eq=False)
class Chain:
    """Shares from node to node: a node's row of `inner`, `buys` and `ends` sums to 1, or to 0 for one that
    no path goes on from.
    """

    inner: scipy.sparse.csr_matrix  # float64[tokens, tokens], Q
    buys: np.ndarray  # float64[tokens], to a purchase
    ends: np.ndarray  # float64[tokens], to the end of the path

    @classmethod
    def of(cls, stream: Stream) -> Chain:
        """From counts over all paths."""
        size = stream.tokens
        going = np.flatnonzero(~stream.buys)
        on = going[stream.follows[going]]
        to_buy = stream.buys[on + 1] if on.size else np.zeros(0, bool)
        source, target = stream.token[on[~to_buy]], stream.token[on[~to_buy] + 1]
        counts = scipy.sparse.csr_matrix((np.ones(source.size), (source, target)), (size, size))
        buys = np.bincount(stream.token[on[to_buy]], minlength=size)
        met = np.bincount(stream.token[going], minlength=size)
        share = np.divide(1.0, met, out=np.zeros(size), where=met > 0)
        inner = scipy.sparse.csr_matrix(scipy.sparse.diags(share) @ counts)
        ends = met - buys - np.asarray(counts.sum(axis=1)).ravel()
        return cls(inner, buys * share, ends * share)

    def within(self, steps: int) -> np.ndarray:
        """The chance of a purchase within so many steps of each node: float64[tokens]."""
        chance = np.zeros(self.buys.size)
        for _ in range(steps):
            chance = self.buys + self.inner @ chance
        return chance

    @cached_property
    def ever(self) -> np.ndarray:
        """The chance of a purchase before the path ends, N r: float64[tokens]."""
        return self._summed(self.buys)

    @cached_property
    def steps(self) -> np.ndarray:
        """Expected steps to the purchase where one comes, N b ÷ b: float64[tokens], NaN for none."""
        total, ever = self._summed(self.ever), self.ever
        return np.divide(total, ever, out=np.full(ever.size, np.nan), where=ever > 0)

    def _summed(self, values: np.ndarray) -> np.ndarray:
        """N × values, summed step by step: paths end, so that what is left falls towards none."""
        total = part = values.astype(float)
        for _ in range(_MOST_STEPS):
            part = self.inner @ part
            total = total + part
            if part.max(initial=0) < _LEFT:
                break
        return total
