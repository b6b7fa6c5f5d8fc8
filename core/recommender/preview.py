"""What a model expects of many shoppers' lists, now and at a moment that is past, and what they then took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.errors import CartscapeError
from core.jobs import Told, untold
from core.marts.activity import MONEY_UNIT
from core.paths.log import PathLog
from core.recommender.acts import Contexts
from core.recommender.features import FEATURES, SOURCES, Signals
from core.recommender.histories import Histories
from core.recommender.interactions import Interactions
from core.recommender.models import Model
from core.recommender.moment import Asked
from core.recommender.past import Past
from core.recommender.recommend import in_question, phrase_of, prices_of
from core.recommender.ruled_many import ManyRules
from core.recommender.season import season_of
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

    def expected(self, of: str, edges: np.ndarray | None = None) -> np.ndarray:
        """What each shopper is expected to take of their list, or to pay for it, parted by the chance of the
        item at `edges`, ascending: float64[shoppers, edges + 1].
        """
        edges = np.empty(0) if edges is None else edges
        worth = self.chances * self.prices if of == REVENUE else self.chances
        part = np.searchsorted(edges, self.chances, side="right")
        out = np.zeros((len(self.shoppers), edges.size + 1))
        np.add.at(out, (np.arange(len(out))[:, None], part), worth)
        return out


def lists_of(
    model: Model, past: Past, asked: Sequence[Asked], shoppers: np.ndarray,
    rules: Sequence[ManyRules] | None = None, told: Told = untold,
) -> list[Lists]:  # fmt: skip
    """The lists of shoppers for each thing that is asked, as of `past.end`.

    Each shopper has their own history, in the context of their last event but for what is asked, as
    `recommend` gives it; after `rules`, one for each thing, or with no rules at all. `told` is told how far
    it is.
    """
    parts = []
    some = blocks(shoppers, past.items)
    for number, its in enumerate(some):
        told(number / len(some), "making lists")
        parts.append(_some(model, past, asked, its, rules))
    if not parts:
        raise CartscapeError("Nobody is left to preview; choose another cohort.")
    return [
        Lists(shoppers, *(np.concatenate([part[at][of] for part in parts]) for of in range(4)))
        for at in range(len(asked))
    ]


def _some(
    model: Model, past: Past, asked: Sequence[Asked], shoppers: np.ndarray, rules: Sequence[ManyRules] | None
) -> list[tuple[np.ndarray, ...]]:
    """The columns of `Lists` for each thing that is asked. What they share is worked out once."""
    who = Histories.of_shoppers(past, shoppers)
    questions: list[_Question] = []
    for one in asked:
        contexts = _contexts(one, past, who.contexts)
        tried = prices_of(model, one), phrase_of(model, one), season_of(model, one)[0]
        moved: frozenset[str] = frozenset()
        if questions:
            signals, moved = questions[0].signals.elsewhere(contexts, *tried)
        else:
            signals = Signals(past, replace(who, contexts=contexts), *tried)
        allowed, _ = in_question(model, one, signals)
        same = bool(questions) and np.array_equal(allowed, questions[0].allowed)
        proposed = [
            questions[0].proposed[at] if same and name not in moved else signals.proposed(name, allowed)
            for at, name in enumerate(SOURCES.values())
        ]
        questions.append(_Question(one, signals, moved, allowed, proposed))
    row, item = np.nonzero(np.logical_or.reduce([one.there for one in questions]))
    features = questions[0].signals.pairs(row, item)
    found = []
    for at, question in enumerate(questions):
        mine = question.there[row, item]
        its = features[mine]
        for name in question.moved & FEATURES.keys():
            its[:, list(FEATURES).index(name)] = question.signals.feature(name, row[mine], item[mine])
        logits = model.scorer.logits(its).astype(np.float64)
        found.append(_listed(model, question, row[mine], item[mine], logits, rules[at] if rules else None))
    return found


@dataclass(frozen=True, eq=False)
class _Question:
    """One thing that is asked for some shoppers."""

    asked: Asked
    signals: Signals
    moved: frozenset[str]  # signals and features that differ from the first question's
    allowed: np.ndarray  # bool[rows, items]
    proposed: list[np.ndarray]  # bool[rows, items], by source

    @cached_property
    def there(self) -> np.ndarray:
        """What any source proposes: bool[rows, items]."""
        return np.asarray(np.logical_or.reduce(self.proposed))


def _contexts(asked: Asked, past: Past, their: Contexts) -> Contexts:
    """The contexts of shoppers' last events but for what is asked."""
    said, _ = asked.context(past.world, Contexts(*(np.array([-2]) for _ in range(4))))
    return Contexts(*(
        np.where(new == -2, old, new)
        for new, old in ((said.cell, their.cell), (said.region, their.region),
                         (said.slot, their.slot), (said.device, their.device))
    ))  # fmt: skip


def _listed(
    model: Model,
    one: _Question,
    row: np.ndarray,
    item: np.ndarray,
    logits: np.ndarray,
    rules: ManyRules | None,
) -> tuple[np.ndarray, ...]:
    """The columns of `Lists`, of the pairs that are proposed and their logits."""
    asked, past, region = one.asked, one.signals.past, one.signals.who.contexts.region
    items, n = np.full((region.size, asked.n), -1), asked.n
    known = np.full((region.size, past.items), np.nan)
    known[row, item] = logits

    def score(rows: np.ndarray, its: np.ndarray) -> np.ndarray:
        known[rows, its] = model.scorer.logits(one.signals.pairs(rows, its))
        return known[rows, its]

    def rest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at, its = np.nonzero((one.allowed & ~one.there)[rows])
        return rows[at], its, score(rows[at], its)

    if rules is None or not rules.rules:
        order = np.lexsort((item, -logits, row))
        place = np.arange(row.size) - np.searchsorted(row, row)
        kept = order[place < n]
        items[row[kept], place[place < n]] = item[kept]
    else:
        items = rules.lists(region, row, item, logits, n, rest)
    there = items >= 0
    at = np.nonzero(there)[0]
    if (new := np.isnan(known[at, items[there]])).any():
        score(at[new], items[there][new])  # what a rule brought in may be nothing that was ranked
    chances, paid = np.zeros(items.shape), np.zeros(items.shape)
    chances[there] = 1 / (1 + np.exp(-known[at, items[there]]))
    prices = one.signals.prices
    worth = np.exp(past.price_log if prices is None else prices)
    tried = np.zeros(past.items, bool) if prices is None else prices != past.price_log
    paid[there] = np.where(past.priced | tried, worth, 0)[items[there]]
    return region, items, chances, paid


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

    def over(self, other: Summed) -> Summed:
        """Divided by another, 0 where both are."""
        none = Summed((self.all == 0) & (other.all == 0), (self.drawn == 0) & (other.drawn == 0))
        ratio = self / other
        return Summed(np.where(none.all, 0, ratio.all), np.where(none.drawn, 0, ratio.drawn))

    def __mul__(self, other: Summed) -> Summed:
        return Summed(self.all * other.all, self.drawn * other.drawn)

    def __add__(self, other: Summed) -> Summed:
        return Summed(self.all + other.all, self.drawn + other.drawn)

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
