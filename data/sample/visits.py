"""A block of shoppers, and when, where and for what they visit."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from data.sample.people import CHANNELS, TYPES
from data.sample.places import SPOTS
from data.sample.seasons import DAYS, WEEKDAY, story_days
from data.sample.shoppers import SLOT_MINUTES
from data.sample.stories import CAMPAIGN
from data.sample.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Categories that a shopper comes back to, and how often each is what a visit is for.
FAVORITES = (0.58, 0.28, 0.14)
#: Candidates are kept in proportion to demand, which may reach this height; higher ones are cut to it.
MOST_DEMAND = 3.5
#: Of the shoppers, those who were there before the span began.
FOUNDERS = 0.55

DAY = 86_400


@dataclass(frozen=True)
class Shoppers:
    """One row a shopper of the block."""

    kind: Ints  # number in TYPES
    hood: Ints
    spot: Ints
    device: Ints
    level: Floats  # 0 picks the cheapest of a kind, 1 the dearest
    category: Ints  # shopper × favorite
    product_kind: Ints  # shopper × favorite
    item: Ints  # shopper × favorite: what they buy again and again
    first_day: Ints
    last_day: Ints


@dataclass(frozen=True)
class Visits:
    """One row a visit. `start` is in seconds of local time since the span's first midnight."""

    shopper: Ints
    start: Ints
    spot: Ints
    city: Ints
    device: Ints
    channel: Ints
    category: Ints
    product_kind: Ints
    favorite: Ints  # which favorite it is for; -1 when it is none
    pieces: Ints
    coupon: Ints

    def __len__(self) -> int:
        """Return the number of visits."""
        return len(self.shopper)

    def take(self, rows: Ints) -> Visits:
        """Return the visits of the given rows."""
        return Visits(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw_types(world: World, count: int, rng: np.random.Generator) -> Ints:
    """Return the type of each of `count` shoppers: a block's first draws, so that they can be had alone."""
    return world.types.pick(np.zeros(count, dtype=np.int64), rng.random(count))


def draw_shoppers(world: World, count: int, rng: np.random.Generator) -> Shoppers:
    """Return `count` shoppers."""
    kind = draw_types(world, count, rng)
    hood = world.homes.pick(kind, rng.random(count))
    city = world.where.hood_city[hood]
    row = kind * len(world.where.states) + world.where.city_state[city]
    category = np.stack([world.taste.pick(row, rng.random(count)) for _ in FAVORITES], axis=1)
    product_kind = world.category_kinds.pick(category.ravel(), rng.random(category.size))
    regular = world.regular_kinds.pick(category.ravel(), rng.random(category.size))
    item = world.kind_items.pick(regular, rng.random(category.size))
    founder = rng.random(count) < FOUNDERS
    first_day = np.where(founder, 0, rng.integers(0, DAYS, count))
    stays = np.array([t.stays for t in TYPES])[kind] / np.log(2)
    last_day = np.minimum(first_day + rng.exponential(stays).astype(np.int64), DAYS - 1)
    level = np.array([t.price_level for t in TYPES])[kind]
    return Shoppers(
        kind=kind,
        hood=hood,
        spot=hood * SPOTS + rng.integers(0, SPOTS, count),
        device=world.devices.pick(kind, rng.random(count)),
        level=np.clip(rng.normal(level, 0.13), 0.02, 0.98),
        category=category,
        product_kind=product_kind.reshape(category.shape),
        item=item.reshape(category.shape),
        first_day=first_day,
        last_day=last_day,
    )


def draw_visits(world: World, who: Shoppers, rate: float, rng: np.random.Generator) -> Visits:
    """Return the block's visits. `rate` multiplies how many there are."""
    span = world.day_upto[who.kind, who.last_day + 1] - world.day_upto[who.kind, who.first_day]
    usual = np.array([t.visits for t in TYPES])[who.kind]
    # Nobody is in the block who never comes: at least one candidate each, and the first stays if none would.
    keen = rng.gamma(2.0, 0.5, len(span))
    many = np.maximum(rng.poisson(rate * MOST_DEMAND * usual * span * keen), 1)
    shopper = np.repeat(np.arange(len(many)), many)
    count = len(shopper)
    kind = who.kind[shopper]
    start = _start(world, who, shopper, rng)
    day = start // DAY
    spot, hood = _spot(world, who, shopper, rng)
    city = world.where.hood_city[hood]
    state = world.where.city_state[city]
    category, product_kind, favorite = _purpose(world, who, shopper, state, rng)
    demand = np.minimum(world.demand[category, state, np.minimum(day, DAYS - 1)], MOST_DEMAND)
    kept = rng.random(count) * MOST_DEMAND < demand
    first = np.cumsum(many) - many
    kept[first[np.add.reduceat(kept.astype(np.int64), first) == 0]] = True
    fresh = rng.random(count) > 0.85
    channel = world.channels.pick(kind, rng.random(count))
    campaign = _by_campaign(world, category, state, day, rng)
    coupon = np.where(rng.random(count) < np.where(kind == 1, 0.45, 0.06), rng.integers(1, 4, count), 0)
    return Visits(
        shopper=shopper,
        start=start,
        spot=spot,
        city=city,
        device=np.where(fresh, world.devices.pick(kind, rng.random(count)), who.device[shopper]),
        channel=np.where(campaign, CHANNELS.index("ads"), channel),
        category=category,
        product_kind=product_kind,
        favorite=favorite,
        pieces=1 + (rng.random(count) < 0.17) + (rng.random(count) < 0.05),
        coupon=coupon,
    ).take(np.flatnonzero(kept))


def start_of_day(world: World, kind: Ints, day: Ints, rng: np.random.Generator) -> Ints:
    """Return when in local time a visit starts that falls on a day: by the hours of the shopper's type."""
    row = kind * 7 + WEEKDAY[day]
    slot = world.slots.pick(row, rng.random(len(day)))
    within = rng.integers(0, SLOT_MINUTES * 60, len(day))
    start: Ints = day * DAY + slot * SLOT_MINUTES * 60 + within
    return start


def _start(world: World, who: Shoppers, shopper: Ints, rng: np.random.Generator) -> Ints:
    """Return the start of every visit, within the days its shopper is there."""
    kind = who.kind[shopper]
    low = world.day_upto[kind, who.first_day[shopper]]
    high = world.day_upto[kind, who.last_day[shopper] + 1]
    at = low + rng.random(len(shopper)) * (high - low)
    flat = (world.day_upto + np.arange(len(TYPES))[:, None]).ravel()
    day = np.searchsorted(flat, at + kind, side="right") - 1 - kind * world.day_upto.shape[1]
    return start_of_day(world, kind, np.clip(day, 0, DAYS - 1), rng)


def _spot(world: World, who: Shoppers, shopper: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return spot and neighbourhood: mostly at home, sometimes across town, now and then in another city."""
    count = len(shopper)
    hood = who.hood[shopper].copy()
    spot = who.spot[shopper].copy()
    chance = rng.random(count)
    near = np.flatnonzero(chance > 0.84)
    spot[near] = hood[near] * SPOTS + rng.integers(0, SPOTS, len(near))
    town = np.flatnonzero(chance > 0.92)
    city = world.where.hood_city[hood[town]]
    away = np.flatnonzero(chance[town] > 0.972)
    city[away] = world.cities.pick(np.zeros(len(away), dtype=np.int64), rng.random(len(away)))
    hood[town] = world.hoods.pick(city, rng.random(len(town)))
    spot[town] = hood[town] * SPOTS + rng.integers(0, SPOTS, len(town))
    return spot, hood


def _purpose(
    world: World, who: Shoppers, shopper: Ints, state: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Return category, kind of product and which favorite: mostly a favorite, sometimes anything."""
    count = len(shopper)
    upto = np.cumsum(FAVORITES)
    favorite = np.searchsorted(upto[:-1], rng.random(count), side="right")
    category = who.category[shopper, favorite]
    product_kind = who.product_kind[shopper, favorite]
    anything = np.flatnonzero(rng.random(count) < 0.06)
    row = who.kind[shopper[anything]] * len(world.where.states) + state[anything]
    category[anything] = world.taste.pick(row, rng.random(len(anything)))
    favorite[anything] = -1
    other = np.flatnonzero((rng.random(count) < 0.4) | (favorite < 0))
    product_kind[other] = world.category_kinds.pick(category[other], rng.random(len(other)))
    return category, product_kind, favorite


def _by_campaign(
    world: World, category: Ints, state: Ints, day: Ints, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which visits the campaign brought: they come through its ads."""
    truth = CAMPAIGN.truth
    treated = np.isin(state, [world.where.state(name) for name in truth["treated"]])
    first, last = story_days(truth)
    during = (day >= first) & (day <= last)
    there = treated & during & (category == world.goods.category(truth["category"]))
    brought: NDArray[np.bool_] = there & (rng.random(len(day)) < truth["lift"] / (1 + truth["lift"]))
    return brought
