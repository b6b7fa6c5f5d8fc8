"""What each of some people did before a moment: the rows that features and candidates are worked out from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse

from core.recommender.acts import Acts, Contexts, World
from core.recommender.interactions import DAY
from core.recommender.item_models import counted, ones, shared
from core.recommender.past import MIND, TASTE, Past

#: Days in which the trace of one item halves.
TRACE = 30.0


@dataclass(frozen=True, eq=False)
class Histories:
    """Matrices are float32[rows, items]; a row without any event is a new shopper."""

    contexts: Contexts
    counts: scipy.sparse.csr_matrix  # how often each took each item
    taken: scipy.sparse.csr_matrix  # ones
    met: scipy.sparse.csr_matrix  # ones of all that they did
    times: scipy.sparse.csr_matrix  # how often each did anything with each item
    mind: scipy.sparse.csr_matrix  # strength of events, halved every MIND days
    taste: scipy.sparse.csr_matrix  # the same every TASTE days
    last: scipy.sparse.csr_matrix  # items of the last session, of length 1
    took_last: scipy.sparse.csr_matrix  # 0.5^(days ÷ TRACE) since each took an item last
    met_last: scipy.sparse.csr_matrix  # the same since they did anything else with it
    idle: np.ndarray  # float32[rows], log of 1 + days since their last event
    usual_price: np.ndarray  # float32[rows], mean logarithm of the prices they look at, NaN for none

    def __len__(self) -> int:
        return len(self.contexts)

    @classmethod
    def of(cls, past: Past, acts: Acts, contexts: Contexts, end: float | None = None) -> Histories:
        """From acts whose `row` says whose they are, from 0 to len(contexts) − 1, as of second `end`, of
        `past.end` where none is given; acts of then and later must not be among them.
        """
        end = past.end if end is None else end
        shape = (len(contexts), past.items)
        order = np.lexsort((acts.second, acts.row))
        acts = acts.only(order)
        days = (end - acts.second) / DAY
        taken = acts.only(acts.taken)
        counts = counted(taken.row, taken.item, shape)
        times = counted(acts.row, acts.item, shape)
        ends = np.full(shape[0], -1, np.int64)
        ends[acts.row] = acts.session  # the last one stays
        last = acts.only(acts.session == ends[acts.row])
        idle = np.full(shape[0], 365.0)
        idle[acts.row] = days
        taste = counted(acts.row, acts.item, shape, acts.strength * np.exp2(-days / TASTE))
        weight = np.asarray(taste.sum(axis=1)).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            usual = np.where(weight > 0, (taste @ past.price_log) / weight, np.nan)
        return cls(
            contexts=contexts,
            counts=counts,
            taken=ones(counts),
            met=ones(times),
            times=times,
            mind=counted(acts.row, acts.item, shape, acts.strength * np.exp2(-days / MIND)),
            taste=taste,
            last=shared(ones(counted(last.row, last.item, shape))),
            took_last=_latest(acts.only(acts.taken), end, shape),
            met_last=_latest(acts.only(~acts.taken), end, shape),
            idle=np.log1p(np.maximum(idle, 0)).astype(np.float32),
            usual_price=usual.astype(np.float32),
        )

    @classmethod
    def of_shoppers(cls, past: Past, shoppers: np.ndarray, coming: bool = False) -> Histories:
        """Those of shoppers by their numbers in the log, ascending, as of `past.end`; in the context of each
        one's last event, or where, when and on what each is `coming` next, as a shop sees it when it is asked
        (nothing else of what they do then is known).
        """
        mine = _of_each(past.world, shoppers)
        before = mine.only(mine.second < past.end)
        contexts = last_contexts(before, shoppers.size)
        if coming:
            contexts = _first_contexts(mine, shoppers.size, past.end).or_else(contexts)
        return cls.of(past, before, contexts)


def arrivals(world: World, shoppers: np.ndarray, after: float) -> Contexts:
    """Where, when and on what each of some shoppers, ascending, comes first from a second on; −1 for those
    who do not come.
    """
    return _first_contexts(_of_each(world, shoppers), shoppers.size, after)


def _of_each(world: World, shoppers: np.ndarray) -> Acts:
    """What some shoppers, ascending, ever did, one after the other in time; rows are their places."""
    acts = world.acts.only(np.isin(world.acts.row, shoppers))
    acts = acts.only(np.lexsort((acts.second, acts.row)))
    return replace(acts, row=np.searchsorted(shoppers, acts.row))


def _first_contexts(acts: Acts, rows: int, after: float) -> Contexts:
    return last_contexts(acts.only(acts.second >= after).only(slice(None, None, -1)), rows)


def last_contexts(acts: Acts, rows: int) -> Contexts:
    """The place, time and device of each row's last event, −1 where it has none; acts are in time."""
    columns = []
    for values in (acts.cell, acts.region, acts.slot, acts.device):
        column = np.full(rows, -1, np.int64)
        column[acts.row] = values
        columns.append(column)
    return Contexts(*columns)


def _latest(acts: Acts, end: float, shape: tuple[int, int]) -> scipy.sparse.csr_matrix:
    """How fresh the last event of each row with each item is; acts are in time."""
    key = acts.row * shape[1] + acts.item
    last = np.unique(key[::-1], return_index=True)[1]
    at = len(acts) - 1 - last
    fresh = np.exp2(-(end - acts.second[at]) / DAY / TRACE) + 1e-6
    return counted(acts.row[at], acts.item[at], shape, fresh)
