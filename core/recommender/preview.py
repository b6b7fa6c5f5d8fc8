"""What a model expects of many shoppers' lists, now and at a moment that is past, and what they then took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import CartscapeError
from core.marts.activity import MONEY_UNIT
from core.paths.log import PathLog
from core.recommender.acts import Contexts
from core.recommender.features import Signals
from core.recommender.histories import Histories
from core.recommender.interactions import Interactions
from core.recommender.models import Model
from core.recommender.moment import Asked
from core.recommender.past import Past
from core.recommender.recommend import in_question, phrase_of, prices_of
from core.recommender.training import blocks

REVENUE = "revenue"
#: Shoppers drawn anew, so many times, for an interval.
DRAWS = 400


@dataclass(frozen=True, eq=False)
class Lists:
    """The list of each of some shoppers, best first."""

    shoppers: np.ndarray  # int64[shoppers], numbers in the log, ascending
    region: np.ndarray  # int64[shoppers], of the context that each was asked for in, −1 for none
    items: np.ndarray  # int64[shoppers, n], −1 where there are fewer
    chances: np.ndarray  # float64[shoppers, n], ŷ, 0 where there is none
    prices: np.ndarray  # float64[shoppers, n], 0 where none is known

    def expected(self, of: str) -> np.ndarray:
        """What each shopper is expected to take of their list, or to pay for it: float64[shoppers]."""
        return np.asarray((self.chances * self.prices if of == REVENUE else self.chances).sum(axis=1))


def lists_of(model: Model, past: Past, asked: Asked, shoppers: np.ndarray) -> Lists:
    """The lists of shoppers as of `past.end`, each with their own history, in the context of their last event
    but for what is asked; as `recommend` gives them one by one.
    """
    parts = [_some(model, past, asked, some) for some in blocks(shoppers, past.items)]
    if not parts:
        raise CartscapeError("Nobody is left to preview; choose another cohort.")
    return Lists(shoppers, *(np.concatenate([part[at] for part in parts]) for at in range(4)))


def _some(model: Model, past: Past, asked: Asked, shoppers: np.ndarray) -> tuple[np.ndarray, ...]:
    who = Histories.of_shoppers(past, shoppers)
    said, _ = asked.context(past.world, Contexts(*(np.array([-2]) for _ in range(4))))
    their = who.contexts
    mixed = Contexts(*(
        np.where(new == -2, old, new)
        for new, old in ((said.cell, their.cell), (said.region, their.region),
                         (said.slot, their.slot), (said.device, their.device))
    ))  # fmt: skip
    who = Histories(**{name: getattr(who, name) for name in who.__dataclass_fields__} | {"contexts": mixed})
    prices = prices_of(model, asked)
    signals = Signals(past, who, prices, phrase_of(model, asked))
    allowed, _ = in_question(model, asked, signals)
    proposed, _ = signals.candidates(allowed)
    row = np.repeat(np.arange(shoppers.size), [one.size for one in proposed])
    item = np.concatenate(proposed)
    logits = model.scorer.logits(signals.pairs(row, item)).astype(np.float64)
    order = np.lexsort((item, -logits, row))
    place = np.arange(row.size) - np.searchsorted(row, row)
    kept = order[place < asked.n]
    at = row[kept], place[place < asked.n]
    items = np.full((shoppers.size, asked.n), -1)
    chances, paid = np.zeros(items.shape), np.zeros(items.shape)
    items[at], chances[at] = item[kept], 1 / (1 + np.exp(-logits[kept]))
    known = np.exp(past.price_log if prices is None else prices)
    tried = np.zeros(past.items, bool) if prices is None else prices != past.price_log
    paid[at] = np.where(past.priced | tried, known, 0)[item[kept]]
    return mixed.region, items, chances, paid


def taken_of(paths: PathLog, lists: Lists, of: str, event: str, low: float, high: float) -> np.ndarray:
    """Which listed items each shopper then took, from second `low` on, before `high`: float64[shoppers, n] of
    ones; the money that was paid for them where `of` is REVENUE.
    """
    every = Interactions.of(paths, event).between(low, high)
    keys, at = np.unique(every.shopper * every.items + every.item, return_inverse=True)
    worth = np.ones(keys.size)
    if of == REVENUE:
        worth = np.bincount(at, paths.money_of(every.at), keys.size) / MONEY_UNIT
    mine = lists.shoppers[:, None] * every.items + lists.items
    found = np.searchsorted(keys, mine).clip(0, max(keys.size - 1, 0))
    there = (lists.items >= 0) & ((keys[found] == mine) if keys.size else np.zeros(mine.shape, bool))
    return np.where(there, worth[found] if keys.size else 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Summed:
    """Sums over shoppers by group, and over shoppers drawn anew: float64[groups], float64[DRAWS, groups]."""

    all: np.ndarray
    drawn: np.ndarray

    def __truediv__(self, other: Summed) -> Summed:
        with np.errstate(invalid="ignore", divide="ignore"):
            return Summed(self.all / other.all, self.drawn / other.drawn)

    def __mul__(self, other: Summed) -> Summed:
        return Summed(self.all * other.all, self.drawn * other.drawn)

    def __sub__(self, other: Summed) -> Summed:
        return Summed(self.all - other.all, self.drawn - other.drawn)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """95 % of what is drawn anew, percentiles (Efron 1979); NaN where too little is known."""
        known = np.isfinite(self.drawn).mean(axis=0) > 0.9
        low, high = np.nanpercentile(np.where(known, self.drawn, 0), [2.5, 97.5], axis=0)
        return np.where(known, low, np.nan), np.where(known, high, np.nan)


class Bootstrap:
    """Shoppers drawn anew with replacement, the same draws for all that is asked of them."""

    def __init__(self, shoppers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._weights = rng.multinomial(shoppers, np.full(shoppers, 1 / max(shoppers, 1)), DRAWS).astype(
            float
        )

    def summed(self, values: np.ndarray, group: np.ndarray, groups: int) -> Summed:
        """Sums of float64[shoppers] by group, int64[shoppers]; the last group is everybody."""
        spread = np.zeros((values.size, groups + 1))
        spread[np.arange(values.size), group] = values
        spread[:, groups] = values
        return Summed(spread.sum(axis=0), self._weights @ spread)
