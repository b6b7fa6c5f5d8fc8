"""The same recommendation at every place of the log at once: which items would lead where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.recommender.acts import Acts, Contexts
from core.recommender.features import SOURCES, Signals
from core.recommender.histories import Histories
from core.recommender.models import Model
from core.recommender.moment import NO_ITEM, Asked, NothingLeft
from core.recommender.recommend import in_question, phrase_of, prices_of
from core.recommender.ruled_many import ManyRules
from core.recommender.season import season_of

#: The one source that proposes by place; all others propose the same everywhere.
HERE = "popular here"
#: Features that a place changes.
OF_PLACE = ("here", "here_category")


@dataclass(frozen=True, eq=False)
class Everywhere:
    """What a model says of the same history, hour and device at several places, and what rules make of it."""

    items: np.ndarray  # int64[n], codes that are in question at any of the places, ascending
    chances: np.ndarray  # float64[places, n], ŷ; 0 for what is not in question there, or forbidden by rules
    ruled: np.ndarray  # float64[places, n], the same with odds as rules raise and lower them
    anywhere: np.ndarray  # float64[n], ŷ where no place is known
    lists: np.ndarray  # int64[places, length], columns of the items of each place's list, −1 for none

    def summed(self, of: np.ndarray, group_of: np.ndarray, groups: int) -> np.ndarray:
        """The sums by group of items of `chances` or `ruled`, or, of bool[places, n], of the chances where no
        place is known: float64[places, groups]. `group_of` is int[items of the log].
        """
        member = np.zeros((self.items.size, groups))
        member[np.arange(self.items.size), group_of[self.items]] = 1
        return np.asarray((of * self.anywhere if of.dtype == bool else of) @ member)


def at_places(model: Model, cell: np.ndarray, region: np.ndarray) -> Signals:
    """What places by themselves say of all items, the last row for no place; int64[places] each, −1: none."""
    nobody = np.full(cell.size + 1, -1)
    contexts = Contexts(np.append(cell, -1), np.append(region, -1), nobody, nobody)
    return Signals(model.past, Histories.of(model.past, model.ground.world.acts.only(slice(0)), contexts))


def everywhere(
    model: Model, asked: Asked, own: Acts, local: Signals, when: Contexts, rules: ManyRules, n: int
) -> Everywhere:  # fmt: skip
    """What a model says to the history `own` at the places of `local`; hour and device are those of `when`,
    of one row.

    At each place it is what `recommend` says there, and the list of n that it gives. Raises `NothingLeft`
    where no item is left.
    """
    past, nowhere, region = model.past, np.array([-1]), local.who.contexts.region
    prices, phrase = prices_of(model, asked), phrase_of(model, asked)
    alone = Contexts(nowhere, nowhere, when.slot, when.device)
    common = Signals(past, Histories.of(past, own, alone), prices, phrase, season_of(model, asked)[0])
    allowed, _ = in_question(model, asked, common)
    by_all = common.candidates(allowed, [name for name in SOURCES if name != HERE])[0][0]
    by_place = local.candidates(np.broadcast_to(allowed, (len(local.who), past.items)), [HERE])[0]
    if not by_all.size and not any(one.size for one in by_place):
        raise NothingLeft(NO_ITEM)
    there = np.zeros((len(local.who), past.items), bool)
    there[:, by_all] = True
    for place, its in enumerate(by_place):
        there[place, its] = True
    there[-1] = there.any(axis=0)
    logits = np.full(there.shape, -np.inf)

    def score(row: np.ndarray, item: np.ndarray) -> np.ndarray:
        if not item.size:
            return np.empty(0)
        items = np.flatnonzero(np.bincount(item, minlength=past.items))
        of = np.searchsorted(items, item)
        scaled = model.scorer.scaled(common.pairs(np.zeros(items.size, np.int64), items))
        varied = {name: local.feature(name, row, item) for name in OF_PLACE}
        logits[row, item] = model.scorer.logits_varied(scaled, of, varied)
        return logits[row, item]

    row, item = np.nonzero(there)
    score(row, item)
    lists = np.empty((len(there) - 1, 0), np.int64)
    if n and rules.rules:
        first = row < len(there) - 1

        def rest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            at, its = np.nonzero(allowed & ~there[rows])
            return rows[at], its, score(rows[at], its)

        some = row[first], item[first]
        lists = rules.lists(region[:-1], *some, logits[some], n, rest)
        at, its = np.nonzero(lists >= 0)[0], lists[lists >= 0]
        new = np.isneginf(logits[at, its])  # what a rule brought in may be nothing that was ranked
        score(at[new], its[new])
        there[at, its] = True
    items = np.flatnonzero(there.any(axis=0))
    if n and not rules.rules:
        lists = _first(logits[:-1, items], n)
        lists = np.where(lists >= 0, items[lists], -1)
    unranked = items[np.isneginf(logits[-1, items])]
    score(np.full(unranked.size, len(there) - 1), unranked)
    anywhere, logits = logits[-1, items], np.where(there, logits, -np.inf)[:-1, items]
    added = rules.added(region[:-1, None], items[None]) if rules.rules else np.zeros((1, 1))
    chances = np.where(np.isneginf(added), 0, _chance(logits))
    places = np.where(lists >= 0, np.searchsorted(items, lists), -1)
    return Everywhere(items, chances, _chance(logits + added), _chance(anywhere), places)


def _first(logits: np.ndarray, n: int) -> np.ndarray:
    """The n items of each row with the largest logits, best first, of equals the first; −1 where there are
    fewer than n that are finite: int64[rows, n].
    """
    n_there = min(n, logits.shape[1])
    least = -np.partition(-logits, n_there - 1, axis=1)[:, [n_there - 1]]
    row, item = np.nonzero((logits >= least) & np.isfinite(logits))
    order = np.lexsort((item, -logits[row, item], row))
    row, item = row[order], item[order]
    place = np.arange(row.size) - np.searchsorted(row, row)
    out = np.full((len(logits), n), -1)
    out[row[place < n], place[place < n]] = item[place < n]
    return out


def _chance(logits: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-logits)))
