"""What the scorer learns from: at moments before the split, what was taken in the days after, and not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.encoder import open_vectors
from core.errors import CartscapeError
from core.events import PURCHASE
from core.jobs import Told, untold
from core.journeys.kept_maps import texts_of
from core.journeys.text_space import TextSpace
from core.paths import open_paths
from core.recommender.acts import World
from core.recommender.features import Signals
from core.recommender.histories import Histories
from core.recommender.interactions import DAY, Interactions, Task, task
from core.recommender.lift import OWN, Lifts, Priors
from core.recommender.past import Past
from core.recommender.prices import Prices
from core.recommender.scorer import Examples, Scorer, ScorerOptions, fit
from core.store import Store

#: Moments that are learnt from, the days that are foretold apart, and shoppers of each: who had taken
#: something before, and others, of whom less or nothing is known.
MOMENTS = 5
MOST_SHOPPERS, MOST_OTHERS = 2_000, 1_000
#: Of what was not taken, so many of the candidates and of all other items are drawn for each shopper.
DRAWN = 60
#: Numbers that are worked out at a time: rows × items.
BLOCK = 600_000


@dataclass(frozen=True, eq=False)
class Ground:
    """A log as models learn from it."""

    every: Interactions
    world: World
    vectors: np.ndarray  # float32[items, d], the texts of items; zeros for none
    space: TextSpace  # that they lie in
    priors: Priors = OWN  # of all pasts
    pasts: dict[float, Past] = field(default_factory=dict)  # the last ones that were asked for

    @classmethod
    def of(
        cls, store: Store, event: str = PURCHASE, among: np.ndarray | None = None,
        priors: Priors = OWN,
    ) -> Ground:  # fmt: skip
        """Of a store's log, with the texts of bool[items] `among` alone where it is given.

        Raises `NotEncoded` where such texts have no vectors, `CartscapeError` where there is no such event.
        """
        paths = open_paths(store)
        world = World.of(paths, event, Prices.of(store))
        return cls(Interactions.of(paths, event), world, *item_vectors(store, among), priors)

    def settled(self, end: float) -> Ground:
        """The same with the priors that are best by what was known before a second, that of a split: for all
        that is learnt before it and asked after it.
        """
        return replace(self, priors=Lifts.of(self.world, end).priors, pasts={})

    def past(self, end: float) -> Past:
        """What was known before a second; the last two are kept."""
        if end not in self.pasts:
            while len(self.pasts) > 1:
                self.pasts.pop(next(iter(self.pasts)))
            self.pasts[end] = Past.of(self.world, end, self.vectors, self.priors)
        return self.pasts[end]


def item_vectors(store: Store, among: np.ndarray | None = None) -> tuple[np.ndarray, TextSpace]:
    """The reduced vectors of the items' texts, float32[items, d], zeros for an item without and for those not
    `among`; their space.
    """
    texts = texts_of(store)
    space = TextSpace(texts, open_vectors(), str(store.path))
    rows = texts.of_item if among is None else np.where(among, texts.of_item, -1)
    space.fit(rows)
    return np.where((rows >= 0)[:, None], space.reduced[rows], 0).astype(np.float32), space


def moments(ground: Ground, test: Task, days: float, told: Told = untold, seed: int = 0) -> list[Examples]:
    """What to learn from for a task, moment by moment, the last one first: all of it is from before
    `test.end`, where the ground must be settled.

    Raises `CartscapeError` where the log before the split is too short for a single moment.
    """
    assert None not in ground.priors
    wanted = "new" if test.masked else "any"
    parts: list[Examples] = []
    for number in range(MOMENTS):
        told(number / MOMENTS, f"learning what followed, {number + 1} of {MOMENTS} moments")
        try:
            then = task(ground.every, days, wanted, until=test.end - number * days * DAY)
        except CartscapeError:
            break
        parts.append(_drawn(ground, then, days, np.random.default_rng((seed, number))))
    if not parts:
        raise CartscapeError(
            f"The log before the last {days:g} days is too short to learn from; choose fewer with days=N."
        )
    if all(part.taken.all() for part in parts):
        raise CartscapeError("Everybody takes every item of this log, so there is nothing to choose between.")
    return parts


def train(
    ground: Ground, test: Task, days: float, options: ScorerOptions, learnt: Examples, told: Told = untold
) -> Scorer:
    """A scorer for a task, with its curve. What is held out for the curve is drawn from the days that are to
    be foretold, as what is learnt is from the days before.
    """
    told(0.0, "drawing what is held out")
    held_out = _drawn(ground, test, days, np.random.default_rng((options.seed, MOMENTS)))
    told(0.3, "training the scorer")
    return fit(learnt, options, held_out)


def blocks(shoppers: np.ndarray, items: int) -> list[np.ndarray]:
    """Shoppers, some at a time, so that what is worked out of each with all items fits into memory."""
    size = max(1, BLOCK // max(items, 1))
    return [shoppers[low : low + size] for low in range(0, shoppers.size, size)]


def _drawn(ground: Ground, then: Task, days: float, rng: np.random.Generator) -> Examples:
    """Pairs of one moment: all that was taken, DRAWN candidates that were not, and as many other items."""
    past = ground.past(then.end)
    # What came on sale later was not there to be taken.
    first = np.full(past.items, np.inf)
    np.minimum.at(first, ground.every.item, ground.every.second)
    on_sale = first < then.end + days * DAY
    sizes = ((then.took, MOST_SHOPPERS), (~then.took, MOST_OTHERS))
    chosen = [rng.permutation(np.flatnonzero(who))[:most] for who, most in sizes]
    features, taken, weights = [], [], []
    for some in blocks(np.sort(np.concatenate(chosen)), past.items):
        shoppers = then.shoppers[some]
        signals = Signals(past, Histories.of_shoppers(past, shoppers, coming=True))
        allowed = np.broadcast_to(on_sale, (some.size, past.items)).copy()
        if then.masked:
            allowed &= then.train.taken[shoppers].toarray() == 0
        wanted = then.wanted[some].toarray() > 0
        proposed, _ = signals.candidates(allowed)
        rows, items = [], []
        for row in range(some.size):
            candidate = np.zeros(past.items, bool)
            candidate[proposed[row]] = True
            there = allowed[row]
            groups = [np.flatnonzero(there & wanted[row])]
            for group in (candidate, ~candidate):
                of = np.flatnonzero(there & ~wanted[row] & group)
                groups.append(rng.permutation(of)[:DRAWN])
                weights.append(np.full(groups[-1].size, of.size / max(groups[-1].size, 1), np.float32))
            weights.insert(len(weights) - 2, np.ones(groups[0].size, np.float32))
            drawn = np.concatenate(groups)
            items.append(drawn)
            rows.append(np.full(drawn.size, row))
            taken.append(np.arange(drawn.size) < groups[0].size)
        features.append(signals.pairs(np.concatenate(rows), np.concatenate(items)))
    return Examples(
        np.concatenate(features), np.concatenate(taken).astype(np.float32), np.concatenate(weights)
    )


def scores_of_each(
    ground: Ground, test: Task, scorers: Sequence[Scorer], some: np.ndarray, among: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """The logits of all candidates for one of the `blocks` of a task's shoppers, by each scorer in turn:
    float64[some, items], −inf for other items. Features are worked out once for all scorers.

    `among` bool[items] are those that may be candidates; all where it is None.
    """
    past = ground.past(test.end)
    signals = Signals(past, Histories.of_shoppers(past, some, coming=True))
    allowed = np.ones((some.size, past.items), bool)
    if test.masked:
        allowed = test.train.taken[some].toarray() == 0
    if among is not None:
        allowed &= among
    proposed, _ = signals.candidates(allowed)
    row, item = np.repeat(np.arange(some.size), [items.size for items in proposed]), np.concatenate(proposed)
    features = signals.pairs(row, item)
    for scorer in scorers:
        out = np.full((some.size, past.items), -np.inf)
        out[row, item] = scorer.logits(features)
        yield out


def settings_of(options: ScorerOptions) -> dict[str, Any]:
    """What is told of a scorer in a table."""
    return {"seed": options.seed} | ({"without": ", ".join(options.without)} if options.without else {})
