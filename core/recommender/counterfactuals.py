"""The smallest change of what is asked that puts an item first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.events import NONE
from core.jobs import Told, untold
from core.paths import open_cube
from core.recommender.acts import HOURS_A_SLOT, STRENGTH, USUAL_STRENGTH
from core.recommender.models import Model
from core.recommender.moment import MOST_STEPS, Asked, NothingLeft, code_of, last_days
from core.recommender.recommend import recommend
from core.store import Store

#: Places of a list that are looked at; an item beyond stands nowhere.
DEEP = 100
DISCOUNTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Items often met with it that are tried as one more step.
RELATED = 5


@dataclass(frozen=True)
class Change:
    """One thing that is asked otherwise."""

    kind: str  # hour, place, device, price, step or stock
    words: str  # in words: "weekend, 18–21 h"
    size: float  # what it is measured by within its kind: hours, share of the price, else 1
    asked: Asked


@dataclass(frozen=True)
class Outcome:
    """What came of the best change of its kind."""

    change: Change
    place: int | None  # where the item then stands, from 1; None beyond DEEP
    chance: float | None


def smallest_changes(
    store: Store, model: Model, asked: Asked, item: str, told: Told = untold
) -> tuple[int | None, list[Outcome]]:
    """Where an item stands now, and of each kind the smallest single change that puts it first, or, where
    none does, the one that brings it highest; those that put it first come first.

    Every change is asked of the model; kinds are the hour of the week, the place, the device, the item's
    price, one more look at it or at an item often met with it (of a path, not of a shopper), and each of the
    items above it sold out. Of what is sold out in the question or new since the model was trained nothing
    is tried: it stands nowhere by the model, whatever else is asked. Source: Wachter, Mittelstadt, Russell,
    "Counterfactual explanations without opening the black box". Raises as `recommend` does.
    """
    code = code_of(model.codes, item)
    now, above = _listed(store, model, asked, code)
    if item in asked.out_of_stock or not model.trained[code]:
        return now, []
    best: dict[str, Outcome] = {}
    tried = list(_tries(store, model, asked, item, code, above))
    for done, change in enumerate(tried):
        told(done / len(tried), f"trying another {change.kind}")
        outcome = Outcome(change, *_stands(store, model, change.asked, code))
        if change.kind not in best or _order(outcome) < _order(best[change.kind]):
            best[change.kind] = outcome
    kept = [outcome for outcome in best.values() if (outcome.place or DEEP + 1) < (now or DEEP + 1)]
    return now, sorted(kept, key=_order)


def _order(outcome: Outcome) -> tuple[int, float, float]:
    """Those first in the list by size, then all others by place."""
    place = outcome.place or DEEP + 1
    return place, outcome.change.size, -(outcome.chance or 0)


def _stands(store: Store, model: Model, asked: Asked, code: int) -> tuple[int | None, float | None]:
    try:
        found = recommend(store, model, asked, DEEP)
    except NothingLeft:
        return None, None
    at = np.flatnonzero(found.items == code)
    return (int(at[0]) + 1, float(found.chances[at[0]])) if at.size else (None, None)


def _listed(store: Store, model: Model, asked: Asked, code: int) -> tuple[int | None, list[str]]:
    """Where an item stands, and those above it, the nearest first; none where it stands nowhere."""
    try:
        items = recommend(store, model, asked, DEEP).items
    except NothingLeft:
        return None, []
    at = np.flatnonzero(items == code)
    if not at.size:
        return None, []
    return int(at[0]) + 1, [str(model.ids[other]) for other in items[: at[0]][::-1]]


def _tries(
    store: Store, model: Model, asked: Asked, item: str, code: int, above: list[str]
) -> Iterator[Change]:
    world = model.ground.world
    # The same day where the hour is one of its own: rules and stock are of a day.
    days = last_days(asked.day or open_cube(store).last_day)
    for name, day in days.items() if (world.acts.slot >= 0).any() else ():
        for hour in range(0, 24, HOURS_A_SLOT):
            if day == asked.day and hour == asked.hour // HOURS_A_SLOT * HOURS_A_SLOT:
                continue  # as it is
            words = f"{name.lower()}, {hour}–{hour + HOURS_A_SLOT} h"
            yield Change("hour", words, 1, replace(asked, at=f"{day}T{hour:02d}:00"))
    for region in world.regions:
        if region not in (NONE, asked.region):
            yield Change("place", f"in {region}", 1, replace(asked, region=str(region), lat=None, lon=None))
    for device in world.devices:
        if device not in (NONE, asked.device):
            yield Change("device", f"on {device}", 1, replace(asked, device=str(device)))
    yield from _cheaper(model, asked, item, code)
    if not asked.shopper and len(asked.path) < MOST_STEPS:
        yield from _one_step_more(model, asked, code)
    for other in above:
        yield Change(
            "stock", f"{model.titled[other]} sold out", 1,
            replace(asked, out_of_stock=(*asked.out_of_stock, other)),
        )  # fmt: skip


def _cheaper(model: Model, asked: Asked, item: str, code: int) -> Iterator[Change]:
    if not model.past.priced[code] and item not in asked.prices:
        return
    price = asked.prices.get(item, float(np.exp(model.past.price_log[code])))
    for share in DISCOUNTS:
        tried = round(price * (1 - share), 2)
        if tried > 0:
            yield Change(
                "price", f"at {tried:.2f}, {share:.0%} less", share,
                replace(asked, prices={**asked.prices, item: tried}),
            )  # fmt: skip


def _one_step_more(model: Model, asked: Asked, code: int) -> Iterator[Change]:
    looks = [
        kind for kind in sorted(model.kinds)
        if kind != model.event and STRENGTH.get(kind, USUAL_STRENGTH) == USUAL_STRENGTH
    ]  # fmt: skip
    if not looks:
        return
    look = "view" if "view" in looks else looks[0]
    met = model.past.together[code]
    related = [int(at) for at in met.indices[np.argsort(-met.data, kind="stable")][:RELATED]]
    for other in (code, *related):
        name = str(model.ids[other])
        if other != model.no_item:
            words = f"one {look} more, of {'it' if other == code else model.titles[other]}"
            yield Change("step", words, 1, replace(asked, path=(*asked.path, (look, name))))
