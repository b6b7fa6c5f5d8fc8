"""Recommending: the list for a shopper, a path or nobody, somewhere, at some time, and why it is so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender.features import SOURCES, Signals
from core.recommender.histories import Histories, last_contexts
from core.recommender.models import Model
from core.recommender.moment import Asked, code_of, nobody
from core.store import Store

#: Of the similarity of the item nearest to a phrase, what another must have to be in question.
NEAR = 0.7


@dataclass(frozen=True, eq=False)
class Recommended:
    """A list, best first."""

    items: np.ndarray  # int64[n], codes
    scores: np.ndarray  # float64[n], W·h + b
    chances: np.ndarray  # float64[n], ŷ
    scaled: np.ndarray  # float32[n, FEATURES]
    sources: list[tuple[str, ...]]  # who proposed each
    prices: np.ndarray  # float64[n], NaN for none
    notes: tuple[str, ...]


def recommend(store: Store, model: Model, asked: Asked) -> Recommended:
    """What a model recommends for what is asked. Raises `WrongCall` for words that fit nothing in the log.

    A shopper of whom nothing is known gets what is popular in the place and at the time, which is said.
    """
    world, past = model.ground.world, model.past
    notes: list[str] = []
    if asked.shopper and asked.path:
        raise WrongCall("Ask for a shopper or for a path made by hand, not for both.")
    if asked.shopper:
        number = shopper_number(store, asked.shopper)
        own = world.acts.only(world.acts.row == number)
        own = own.only(np.argsort(own.second, kind="stable"))
        own = replace(own, row=np.zeros(len(own), np.int64))
        usual = last_contexts(own, 1)
        if not len(own):
            notes.append("This shopper did nothing with an item yet: the list is what others want.")
    else:
        own = asked.acts(model.codes, set(model.kinds), model.event, model.end)
        usual = nobody()
    context, more = asked.context(world, usual)
    signals = Signals(past, Histories.of(past, own, context), _prices(model, asked), _phrase(model, asked))
    allowed = np.zeros((1, past.items), bool)
    allowed[0, list(model.codes.values())] = True
    if model.new_only:
        allowed[0, signals.who.taken.indices] = False
    allowed[0, [code_of(model.codes, item) for item in asked.out_of_stock]] = False
    if signals.phrase is not None:
        near = signals.words[0] >= NEAR * max(signals.words[0].max(), 0)
        allowed[0] &= near & model.past.vectors.any(axis=1)
        notes.append(f"Only the {int(near.sum()):,} items nearest to what is looked for are in question.")
    proposed, bits = signals.candidates(allowed)
    if not proposed[0].size:
        raise CartscapeError("No item is left to recommend; allow more of them.")
    features = signals.pairs(np.zeros(proposed[0].size, np.int64), proposed[0])
    scaled = model.scorer.scaled(features)
    scores = model.scorer.of_scaled(scaled)
    order = np.argsort(-scores, kind="stable")[: asked.n]
    items = proposed[0][order]
    names = list(SOURCES)
    return Recommended(
        items=items,
        scores=scores[order].astype(np.float64),
        chances=1 / (1 + np.exp(-scores[order].astype(np.float64))),
        scaled=scaled[order],
        sources=[
            tuple(name for at, name in enumerate(names) if bits[0][row] >> at & 1) for row in order
        ],
        prices=_shown_prices(model, asked, items),
        notes=(*notes, *more),
    )  # fmt: skip


def shopper_number(store: Store, shopper: str) -> int:
    """The number of a shopper in the path log, by pseudonym or by the id in the source.

    Raises `WrongCall` for one who is not in the log, and on shared data for anybody: one shopper's list tells
    what that shopper did.
    """
    if store.k > 1:
        raise WrongCall(
            "This log is shared data, where nobody is looked at alone; ask for a path made by hand, path=…."
        )
    paths = open_paths(store)
    for name in (shopper, store.secret.pseudonym(shopper)):
        found = store.cursor().execute("SELECT CAST(CAST(hash(?) AS BIT) AS BIGINT)", [name]).fetchall()
        at = np.flatnonzero(paths["shopper"] == found[0][0])
        if at.size:
            return int(at[0])
    raise WrongCall(f"There is no shopper {shopper!r} in this log.")


def _prices(model: Model, asked: Asked) -> np.ndarray | None:
    if not asked.prices:
        return None
    prices = model.past.price_log.copy()
    for item, price in asked.prices.items():
        prices[code_of(model.codes, item)] = np.log(price)
    return prices


def _shown_prices(model: Model, asked: Asked, items: np.ndarray) -> np.ndarray:
    prices = np.where(model.past.priced, np.exp(model.past.price_log), np.nan)[items].astype(float)
    for item, price in asked.prices.items():
        prices[items == model.codes[item]] = price
    return prices


def _phrase(model: Model, asked: Asked) -> np.ndarray | None:
    """The direction of what is looked for among the texts of the items: float32[d]."""
    if not asked.phrase:
        return None
    space = model.ground.space
    if space.mean is None or space.axes is None:
        raise CartscapeError("The items of this log have no texts, so that a phrase finds none of them.")
    found = (np.asarray(space.vectors.of([asked.phrase]), np.float32)[0] - space.mean) @ space.axes
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-9), np.float32)
