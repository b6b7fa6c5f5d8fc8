"""Everything that all blocks of shoppers share, worked out once for a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.sample import shoppers
from data.sample.catalogue import Catalogue, catalogue, money
from data.sample.chances import Chances, Spans
from data.sample.people import TYPES
from data.sample.places import Places, places
from data.sample.seasons import DAYS, season, story_days
from data.sample.stories import CAMPAIGN, RISING_CATEGORY, UNMET_DEMAND
from data.sample.texts import query_pool

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Products on one page of results.
SHOWN = 6
#: Different pages of results for each kind, and for each category.
PAGES = 64
#: Coupons: the price in percent.
COUPONS = (100, 90, 80, 75)


@dataclass(frozen=True)
class World:
    """Tables to draw from; see the modules that fill them."""

    seed: int
    where: Places
    goods: Catalogue
    types: Chances
    homes: Chances  # type → neighbourhood
    cities: Chances  # one row: where a traveller goes
    hoods: Spans  # city → neighbourhood
    taste: Chances  # type × state → category
    slots: Chances  # type × weekday → quarter of an hour
    devices: Chances  # type → device
    channels: Chances  # type → channel
    steps: Chances  # type × (step or start) → step
    category_kinds: Spans
    regular_kinds: Spans  # category → kind of what is bought again and again: rather what costs little
    kind_items: Spans
    day_upto: Floats  # type × day boundary: share of a type's visits before it
    demand: Floats  # category × state × day: demand relative to the usual, stories included
    pages: NDArray[np.int32]  # page of results × place → item; PAGES for each kind, then for each category
    item_place: Floats  # where an item stands in its kind by price, 0 the cheapest, 1 the dearest
    quality: Floats  # stars that an item deserves
    queries: pa.Array
    unmet: Floats  # state → chance that a search is an unmet one
    unmet_which: Chances  # state → which
    prices: pa.Array  # item × coupon
    shown: pa.Array  # page of results → list of item ids


@lru_cache(maxsize=2)
def world(seed: int) -> World:
    """Return the world of one seed."""
    rng = np.random.default_rng([seed, 3])
    where, goods = places(), catalogue(seed)
    first_kind, kinds = goods.category_kinds()
    first_hood, hoods = where.city_hoods()
    kinds_of = TYPES
    day = shoppers.day_weights()
    upto = np.concatenate((np.zeros((len(day), 1)), np.cumsum(day, axis=1)), axis=1)
    ids = goods.table["item_id"].combine_chunks()
    cents = np.round(np.array([float(p) for p in goods.table["price"].to_pylist()]) * 100)
    pages = _pages(goods, rng)
    wanted = list(UNMET_DEMAND.truth["queries"])
    unmet = _unmet(where)
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(0, pages.size + 1, SHOWN, dtype=np.int32)), ids.take(pa.array(pages.ravel()))
    )
    return World(
        seed=seed,
        where=where,
        goods=goods,
        types=Chances(np.array([[kind.share for kind in kinds_of]])),
        homes=Chances(shoppers.home_weights(where)),
        cities=Chances(where.city_people[None, :]),
        hoods=Spans(where.hood_appeal, first_hood, hoods),
        taste=Chances(shoppers.tastes(goods, where)),
        slots=Chances(shoppers.weekly() + 1e-12),
        devices=Chances(np.array([kind.devices for kind in kinds_of])),
        channels=Chances(np.array([kind.channels for kind in kinds_of])),
        steps=Chances(shoppers.transitions()),
        category_kinds=Spans(goods.kind_pull, first_kind, kinds),
        regular_kinds=Spans(goods.kind_pull / goods.kind_price**1.5, first_kind, kinds),
        kind_items=Spans(goods.item_pull, goods.kind_first, goods.kind_count),
        day_upto=upto / upto[:, -1:],
        demand=_demand(where, goods),
        pages=pages,
        item_place=_place_by_price(goods),
        quality=np.clip(rng.normal(4.25, 0.4, goods.table.num_rows), 2.2, 4.9),
        queries=pa.array(query_pool(goods, wanted, seed)),
        unmet=unmet.sum(axis=1),
        unmet_which=Chances(unmet),
        prices=money(np.round(cents[:, None] * np.array(COUPONS) / 100).astype(np.int64).ravel()),
        shown=lists,
    )


def _pages(goods: Catalogue, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return pages of results: popular items come more often and higher up, none twice on a page."""

    def of(items: Ints) -> NDArray[np.int32]:
        # The largest of log weight + Gumbel noise are a draw without replacement.
        weight = np.log(goods.item_pull[items] * goods.kind_pull[goods.item_kind[items]])
        noise = rng.gumbel(size=(PAGES, len(items)))
        best = np.argsort(-(weight + noise), axis=1)[:, :SHOWN]
        return items[best].astype(np.int32)

    by_kind = [
        of(np.arange(first, first + count))
        for first, count in zip(goods.kind_first, goods.kind_count, strict=True)
    ]
    category = goods.kind_category[goods.item_kind]
    by_category = [of(np.flatnonzero(category == number)) for number in range(len(goods.categories))]
    return np.concatenate(by_kind + by_category)


def _place_by_price(goods: Catalogue) -> Floats:
    """Return where an item stands in its kind by price; items of a kind lie in that order."""
    within = np.arange(goods.table.num_rows) - goods.kind_first[goods.item_kind]
    result: Floats = within / (goods.kind_count[goods.item_kind] - 1)
    return result


def _demand(where: Places, goods: Catalogue) -> Floats:
    """Return category × state × day: season, the rising category and the campaign, relative to the usual."""
    seasons = np.array([season(category) for category in goods.categories])
    table = np.repeat(seasons[:, None, :], len(where.states), axis=1)
    truth = RISING_CATEGORY.truth
    first, last = story_days(truth)
    ramp = 1 + (truth["factor"] - 1) * np.clip((np.arange(DAYS) - first) / (last - first), 0, 1)
    for state in truth["regions"]:
        table[goods.category(truth["category"]), where.state(state)] *= ramp
    truth = CAMPAIGN.truth
    first, last = story_days(truth)
    for state in truth["treated"]:
        table[goods.category(truth["category"]), where.state(state), first : last + 1] *= 1 + truth["lift"]
    return table


def _unmet(where: Places) -> Floats:
    """Return state × unmet query: the chance that a search there is that one."""
    truth = UNMET_DEMAND.truth
    table = np.full((len(where.states), len(truth["queries"])), truth["share"])
    for column, states in enumerate(truth["queries"].values()):
        table[[where.state(state) for state in states], column] *= truth["factor"]
    return table
