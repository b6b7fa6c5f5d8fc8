"""POST /api/v1/recommend: the list for a shopper, a path or nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.api.failures import Failure
from core.api.opened import Shelf
from core.api.words import Item, RecommendAnswer, RecommendCall
from core.events import NONE
from core.recommender.models import Model
from core.recommender.moment import Asked
from core.recommender.recommend import Recommended, UnknownShopper, recommend
from core.store import Store

#: What a list for a newcomer says.
UNKNOWN = (
    "This shopper is not in the log, and no event that the model can use is known of them since: the list is "
    "for nobody in particular."
)


def recommended(shelf: Shelf, call: RecommendCall) -> RecommendAnswer:
    """The list that is asked for; for a shopper who is not known the one for nobody in particular, which is
    said. Raises `Failure`, and as `recommend` does.
    """
    opened = shelf.model(shelf.path(call.store))
    store, model = opened.store, opened.model
    if call.shopper and store.k > 1:
        raise Failure(
            403, "This log is shared data, where nobody is looked at alone; ask for a path made by hand."
        )
    found, told = _for_anybody(store, model, call.asked())
    return RecommendAnswer(
        store=store.name,
        model=model.version.number,
        event=model.event,
        days=float(model.version.about.settings["days"]),
        items=[_item(model, found, at) for at in range(found.items.size)],
        notes=[*told, *found.notes],
    )


def _for_anybody(store: Store, model: Model, asked: Asked) -> tuple[Recommended, list[str]]:
    """A list, and what is to be told beside its notes."""
    try:
        return recommend(store, model, asked), []
    except UnknownShopper:  # a visitor whom the shop sees for the first time is no mistake of the shop's
        return recommend(store, model, replace(asked, shopper="")), [UNKNOWN]


def _item(model: Model, found: Recommended, at: int) -> Item:
    code, world = int(found.items[at]), model.ground.world
    category = str(world.categories[world.category_of[code]])
    price = float(found.prices[at])
    return Item(
        place=at + 1,
        item_id=str(model.ids[code]),
        title=str(model.titles[code]),
        category=None if category == NONE else category,
        price=round(price, 2) if np.isfinite(price) else None,
        chance=float(found.chances[at]),
        score=float(found.scores[at]),
        sources=list(found.sources[at]),
    )
