"""Recommending: the list for a shopper, a path or nobody, somewhere, at some time, and why it is so."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.errors import WrongCall
from core.paths import open_paths
from core.recommender.acts import Acts, Contexts
from core.recommender.features import SOURCES, Signals
from core.recommender.histories import last_contexts
from core.recommender.item_models import MOST_DENSE
from core.recommender.live import open_live
from core.recommender.matching import new_since
from core.recommender.models import Model
from core.recommender.moment import NO_ITEM, Asked, NothingLeft, code_of, nobody
from core.recommender.one_history import OneHistory, Row
from core.recommender.past import Past
from core.recommender.quick import Quick
from core.recommender.ruled import Ruled, ruled
from core.recommender.season import season_of
from core.store import Store

#: Of the similarity of the item nearest to a phrase, what another must have to be in question.
NEAR = 0.7


NO_TEXTS = "The items of this log have no texts, so that a phrase finds none of them."


TRIED_PRICE = (
    "What a price does is learnt from dearer and cheaper items rather than from changes of one item's price: "
    "it shows how the list would be ranked, not what would sell."
)


NEIGHBOURS_NOW = (
    f"The log has passed {MOST_DENSE:,} items since the model was trained: who took the same is now told by "
    "neighbours of each item, which the model did not learn from; train again."
)


class UnknownShopper(WrongCall):
    """Nobody of this name did anything that the model knows, in the log or since."""


@dataclass(frozen=True, eq=False)
class Recommended:
    """A list, best first, and with `deep` what would follow it. Scores and chances are the model's, whatever
    rules did.
    """

    items: np.ndarray  # int64[n], codes
    scores: np.ndarray  # float64[n], W·h + b
    chances: np.ndarray  # float64[n], ŷ
    scaled: np.ndarray  # float32[n, FEATURES]
    sources: list[tuple[str, ...]]  # who proposed each
    prices: np.ndarray  # float64[n], NaN for none
    notes: tuple[str, ...]
    ruled: Ruled = field(default_factory=lambda: Ruled(np.empty(0, np.int64), 0))

    @property
    def listed(self) -> int:
        """How many of the items are the list that was asked for."""
        return self.ruled.listed


def recommend(store: Store, model: Model, asked: Asked, deep: int = 0) -> Recommended:
    """What a model recommends for what is asked, after the rules of the store (`ruled`); with `deep` above
    `asked.n` also what would follow, so far. Raises `WrongCall` for words that fit nothing in the log,
    `UnknownShopper` among them, and `NothingLeft` where nothing is left to show.

    A shopper of whom nothing is known gets what is popular in the place and at the time, which is said.
    """
    signals, notes = signals_of(store, model, asked)
    allowed, told = in_question(model, asked, signals)
    proposed, bits = signals.candidates(allowed)
    if not proposed[0].size:
        raise NothingLeft(NO_ITEM)

    def best_first(items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scaled = model.scorer.scaled(signals.pairs(np.zeros(items.size, np.int64), items))
        scores = model.scorer.of_scaled(scaled).astype(np.float64)
        known.append((items, scaled, scores))
        order = np.argsort(-scores, kind="stable")
        return items[order], scores[order]

    known: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # what was ranked, each item once
    first = best_first(proposed[0])

    def ranking(whole: bool) -> tuple[np.ndarray, np.ndarray]:
        rest = np.setdiff1d(np.flatnonzero(allowed[0]), proposed[0]) if whole else np.empty(0, np.int64)
        if not rest.size:
            return first
        items, scores = (np.concatenate(pair) for pair in zip(first, best_first(rest), strict=True))
        return items, scores

    number = int(signals.who.contexts.region[0])
    region = str(model.ground.world.regions[number]) if number >= 0 else ""
    shown = ruled(store, asked, region, ranking, deep)
    there = set(np.concatenate([items for items, _, _ in known]).tolist())
    if missing := [item for item in shown.items.tolist() if item not in there]:
        best_first(np.array(missing, np.int64))  # what a rule brought in may be nothing that was ranked
    ranked, scaled, scores = (np.concatenate(parts) for parts in zip(*known, strict=True))
    order = np.argsort(ranked)
    at = order[np.searchsorted(ranked, shown.items, sorter=order)]
    scaled, scores = scaled[at], scores[at]
    bits_of = dict(zip(proposed[0].tolist(), bits[0].tolist(), strict=True))
    return Recommended(
        items=shown.items,
        scores=scores,
        chances=1 / (1 + np.exp(-scores)),
        scaled=scaled,
        sources=[
            tuple(name for bit, name in enumerate(SOURCES) if bits_of.get(item, 0) >> bit & 1)
            for item in shown.items.tolist()
        ],
        prices=_shown_prices(model, asked, shown.items),
        notes=(*notes, *told, *shown.notes),
        ruled=shown,
    )


def signals_of(store: Store, model: Model, asked: Asked) -> tuple[Quick, list[str]]:
    """What speaks for items in what is asked, one row, and what must be told of it. Raises as `recommend`."""
    own, usual, notes = whose(store, model, asked)
    context, more = asked.context(model.ground.world, usual)
    live = open_live(store, model)
    who = OneHistory.of(live.past, own, context, _now(live.past, own))
    season, told = season_of(model, asked)
    quick = Quick(live.lists, who, prices_of(model, asked), phrase_of(model, asked), season)
    return quick, [*notes, *more, *told, *warnings(model, asked)]


def _now(past: Past, own: Acts) -> float:
    """The second as of which a list is made: the end of the log, or of what this shopper did since."""
    return max(past.end, float(own.second.max()) + 1) if len(own) else past.end


def shopper_number(store: Store, shopper: str) -> int:
    """The number of a shopper in the path log, by pseudonym or by the id in the source.

    Raises `WrongCall` for one who is not in the log, and on shared data for anybody: one shopper's list tells
    what that shopper did.
    """
    _not_alone(store)
    paths = open_paths(store)
    for name in (shopper, store.secret.pseudonym(shopper)):
        found = store.cursor().execute("SELECT CAST(CAST(hash(?) AS BIT) AS BIGINT)", [name]).fetchall()
        at = np.flatnonzero(paths["shopper"] == found[0][0])
        if at.size:
            return int(at[0])
    later = " Whom the API alone told of is in it after the next build."
    waits = later if store.journal.waits(store.taken_in) else ""
    raise WrongCall(f"There is no shopper {shopper!r} in this log.{waits}")


def _not_alone(store: Store) -> None:
    if store.k > 1:
        raise WrongCall(
            "This log is shared data, where nobody is looked at alone; ask for a path made by hand, path=…."
        )


def whose(store: Store, model: Model, asked: Asked) -> tuple[Acts, Contexts, list[str]]:
    """The history that is recommended to, all of row 0, where it was last, and what must be told of it; what
    a shopper did since the build is among it.
    """
    if asked.shopper and asked.path:
        raise WrongCall("Ask for a shopper or for a path made by hand, not for both.")
    if not asked.shopper:
        return asked.acts(model.codes, set(model.kinds), model.event, model.end), nobody(), []
    _not_alone(store)
    live = open_live(store, model)
    found = live.number(asked.shopper)
    if found is None:
        raise UnknownShopper(f"There is no shopper {asked.shopper!r} in this log.")
    own = live.own(*found)
    nothing = ["This shopper did nothing with an item yet: the list is what others want."]
    return own, last_contexts(own, 1), [] if len(own) else nothing


def warnings(model: Model, asked: Asked) -> list[str]:
    """What must be told of any answer that a model gives."""
    told = [new_since(model.untrained)] if model.untrained else []
    if model.trained.size - model.untrained <= MOST_DENSE < model.trained.size:
        told.append(NEIGHBOURS_NOW)
    return told + ([TRIED_PRICE] if asked.prices else [])


def in_question(model: Model, asked: Asked, signals: Signals | Quick) -> tuple[np.ndarray, list[str]]:
    """Which items may be recommended to each history, bool[rows, items], and what must be told of it."""
    allowed = np.tile(model.known, (len(signals.who), 1))
    if model.new_only:
        taken = signals.who.taken
        if isinstance(taken, Row):
            allowed[0, taken.indices] = False
        else:
            allowed[taken.nonzero()] = False
    allowed[:, [code_of(model.codes, item) for item in asked.out_of_stock]] = False
    if signals.phrase is None:
        return allowed, []
    if not model.past.vectors.any():
        raise NothingLeft(NO_TEXTS)
    like = signals.words[0]
    near = like >= NEAR * max(like.max(), 0)
    allowed &= near & model.past.vectors.any(axis=1)
    return allowed, [f"Only the {int(near.sum()):,} items nearest to what is looked for are in question."]


def prices_of(model: Model, asked: Asked) -> np.ndarray | None:
    """Logarithms of all prices with those that are tried, float32[items]; None where none is."""
    if not asked.prices:
        return None
    prices = model.past.price_log.copy()
    for item, price in asked.prices.items():
        prices[code_of(model.codes, item)] = np.log(price)
    return prices


def _shown_prices(model: Model, asked: Asked, items: np.ndarray) -> np.ndarray:
    past = model.past
    prices = np.where(past.priced[items], np.exp(past.price_log[items]), np.nan).astype(float)
    for item, price in asked.prices.items():
        prices[items == model.codes[item]] = price
    return prices


def phrase_of(model: Model, asked: Asked) -> np.ndarray | None:
    """The direction of what is looked for among the texts of the items: float32[d]."""
    if not asked.phrase:
        return None
    space = model.ground.space
    if space.mean is None or space.axes is None:
        raise NothingLeft(NO_TEXTS)
    found = (np.asarray(space.vectors.of([asked.phrase]), np.float32)[0] - space.mean) @ space.axes
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-9), np.float32)
