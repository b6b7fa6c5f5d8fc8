"""The same recommendation at every place of the log at once: which items would lead where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import CartscapeError
from core.recommender.acts import Acts, Contexts
from core.recommender.features import SOURCES, Signals
from core.recommender.histories import Histories
from core.recommender.models import Model
from core.recommender.moment import Asked
from core.recommender.recommend import in_question, phrase_of, prices_of

#: The one source that proposes by place; all others propose the same everywhere.
HERE = "popular here"
#: Features that a place changes.
OF_PLACE = ("here", "here_category")


@dataclass(frozen=True, eq=False)
class Everywhere:
    """What a model says of the same history, hour and device at several places."""

    items: np.ndarray  # int64[n], codes that are in question at any of the places, ascending
    chances: np.ndarray  # float64[places, n], ŷ; 0 for what is not in question there
    anywhere: np.ndarray  # float64[n], ŷ where no place is known

    def summed(self, group_of: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
        """The sums of chances by group of items, and of the same items' chances where no place is known:
        float64[places, groups] each. `group_of` is int[items of the log].
        """
        member = np.zeros((self.items.size, groups))
        member[np.arange(self.items.size), group_of[self.items]] = 1
        return self.chances @ member, np.where(self.chances > 0, self.anywhere, 0) @ member


def at_places(model: Model, cell: np.ndarray, region: np.ndarray) -> Signals:
    """What places by themselves say of all items, the last row for no place; int64[places] each, −1: none."""
    nobody = np.full(cell.size + 1, -1)
    contexts = Contexts(np.append(cell, -1), np.append(region, -1), nobody, nobody)
    return Signals(model.past, Histories.of(model.past, model.ground.world.acts.only(slice(0)), contexts))


def everywhere(model: Model, asked: Asked, own: Acts, local: Signals, when: Contexts) -> Everywhere:
    """What a model says to the history `own` at the places of `local`; hour and device are those of `when`,
    of one row.

    At each place it is what `recommend` says there. Raises `CartscapeError` where no item is left.
    """
    past, nowhere = model.past, np.array([-1])
    prices, phrase = prices_of(model, asked), phrase_of(model, asked)
    alone = Contexts(nowhere, nowhere, when.slot, when.device)
    common = Signals(past, Histories.of(past, own, alone), prices, phrase)
    allowed, _ = in_question(model, asked, common)
    by_all = common.candidates(allowed, [name for name in SOURCES if name != HERE])[0][0]
    by_place = local.candidates(np.broadcast_to(allowed, (len(local.who), past.items)), [HERE])[0]
    if not by_all.size and not any(one.size for one in by_place):
        raise CartscapeError("No item is left to recommend; allow more of them.")
    items = np.unique(np.concatenate([by_all, *by_place]))
    there = np.zeros((len(local.who), items.size), bool)
    there[:, np.searchsorted(items, by_all)] = True
    for place, its in enumerate(by_place):
        there[place, np.searchsorted(items, its)] = True
    there[-1] = True
    row, of = np.nonzero(there)
    scaled = model.scorer.scaled(common.pairs(np.zeros(items.size, np.int64), items))
    varied = {name: local.feature(name, row, items[of]) for name in OF_PLACE}
    logits = model.scorer.logits_varied(scaled, of, varied).astype(np.float64)
    chances = np.zeros(there.shape)
    chances[row, of] = 1 / (1 + np.exp(-logits))
    return Everywhere(items, chances[:-1], chances[-1])
