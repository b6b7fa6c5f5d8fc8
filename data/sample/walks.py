"""What shoppers do on a visit: all visits of a block walk their chains side by side, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.sample.people import (
    BROWSE,
    CART,
    CHECKOUT,
    CLICK,
    DEVICES,
    LEAVE,
    PURCHASE,
    REVIEW,
    SEARCH,
    STEPS,
    SUPPORT,
    TYPES,
    VIEW,
    WISHLIST,
)
from data.sample.seasons import DAYS, day_number, story_days
from data.sample.stories import BROKEN_CHECKOUT, STOCK_OUT
from data.sample.texts import QUERIES_PER_KIND
from data.sample.visits import DAY, MOST_DEMAND, Shoppers, Visits
from data.sample.world import PAGES, World

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: A visit ends after so many steps, whatever the chain says.
MOST_STEPS = 60
MOST_LINES = 3  # different products in one cart
LONGEST_PAUSE = 1_500  # seconds; below the gap at which a visit would be cut in two
#: How long a step takes, relative to the shopper's pace.
DWELL = {
    BROWSE: 0.8, SEARCH: 0.6, CLICK: 0.15, VIEW: 1.4, WISHLIST: 0.5, CART: 1.0, CHECKOUT: 2.4, PURCHASE: 0.8,
    SUPPORT: 4.0, REVIEW: 1.5,
}  # fmt: skip
NOTHING = -1


@dataclass(frozen=True)
class Steps:
    """One row an event."""

    visit: Ints
    step: Ints
    after: Ints  # seconds since the visit's start, strictly rising within a visit
    item: Ints  # row of the catalogue, or NOTHING
    category: Ints  # or NOTHING
    query: Ints  # row of the searches, or NOTHING
    page: Ints  # page of results that was clicked on, or NOTHING


def walk(world: World, who: Shoppers, visits: Visits, rng: np.random.Generator) -> Steps:
    """Return every event of the visits, in the order of steps."""
    return _Walk(world, who, visits, rng).run()


class _Walk:
    """The state of every visit while it walks. Methods named after a step move the visits in `rows` to it."""

    def __init__(self, world: World, who: Shoppers, visits: Visits, rng: np.random.Generator) -> None:
        count = len(visits)
        self.world, self.who, self.visits, self.rng = world, who, visits, rng
        self.kind = who.kind[visits.shopper]
        self.level = who.level[visits.shopper]
        self.at = np.full(count, len(STEPS))
        self.after = np.zeros(count, dtype=np.int64)
        self.item = np.full(count, NOTHING)
        self.first_item = np.full(count, NOTHING)
        self.product_kind = visits.product_kind.copy()
        self.page = np.full(count, NOTHING)
        self.cart = np.full((count, MOST_LINES), NOTHING)
        self.lines = np.zeros(count, dtype=np.int64)
        self.paid = np.zeros(count, dtype=np.int64)
        self.lost = np.zeros(count, dtype=bool)
        self.state = world.where.city_state[visits.city]
        self.favorite_item = who.item[visits.shopper, np.maximum(visits.favorite, 0)]
        self.repeats = np.array([t.repeats for t in TYPES])[self.kind] * (visits.favorite >= 0)
        self.strays = np.array([t.strays for t in TYPES])[self.kind]
        self.compares = np.array([t.compares for t in TYPES])[self.kind]
        self.pace = np.log(np.array([t.pace for t in TYPES]))[self.kind]
        self.dwell = np.ones(len(STEPS) + 1)
        self.dwell[list(DWELL)] = list(DWELL.values())
        self.broken = self._where_checkout_breaks()
        self.scarce = world.goods.item(STOCK_OUT.truth["item_id"])

    def run(self) -> Steps:
        """Walk until everybody has left."""
        records: list[tuple[Ints, ...]] = []
        rows = np.arange(len(self.visits))
        for number in range(MOST_STEPS):
            step = self._next(rows)
            going = np.flatnonzero(step != LEAVE)
            rows, step = rows[going], step[going]
            if not len(rows):
                break
            if number:
                self.after[rows] += self._pause(rows)
            self._choose_for_cart(rows[step == CART])
            step = self._without_stock(rows, step)
            going = np.flatnonzero(step != LEAVE)
            rows, step = rows[going], step[going]
            records.append(self._move(rows, step))
            self.at[rows] = step
        return Steps(*(np.concatenate(column) for column in zip(*records, strict=True)))

    def _chance(self, rows: Ints) -> NDArray[np.float64]:
        return self.rng.random(len(rows))

    def _next(self, rows: Ints) -> Ints:
        """Return the next step of every visit: its type's chain, bent by the stories."""
        at = self.at[rows]
        step = self.world.steps.pick(self.kind[rows] * (len(STEPS) + 1) + at, self._chance(rows))
        # An order of several lines is as many purchases, one after another.
        step[(at == PURCHASE) & (self.paid[rows] < self.lines[rows])] = PURCHASE
        # Whoever searched for what the shop does not sell tries once more, or goes.
        lost = np.flatnonzero(self.lost[rows])
        step[lost] = np.where(self._chance(lost) < 0.3, SEARCH, LEAVE)
        today = (self.visits.start[rows] + self.after[rows]) // DAY
        failing = self.broken[rows] & (today >= day_number(BROKEN_CHECKOUT.truth["first_day"]))
        fails = np.flatnonzero((at == CHECKOUT) & (step == PURCHASE) & failing)
        fails = fails[self._chance(fails) >= BROKEN_CHECKOUT.truth["still_pass"]]
        chance = self._chance(fails)
        step[fails] = np.where(chance < 0.3, CHECKOUT, np.where(chance < 0.55, SUPPORT, LEAVE))
        return step

    def _where_checkout_breaks(self) -> Bools:
        truth = BROKEN_CHECKOUT.truth
        there = self.state == self.world.where.state(truth["region"])
        broken: Bools = there & (self.visits.device == DEVICES.index(truth["device"]))
        return broken

    def _pause(self, rows: Ints) -> Ints:
        """Return the seconds until the next event: log-normal about the shopper's pace."""
        seconds = np.exp(self.rng.normal(self.pace[rows], 0.75)) * self.dwell[self.at[rows]]
        seconds[(self.at[rows] == PURCHASE) & (self.paid[rows] < self.lines[rows])] = 1
        return np.clip(seconds, 1, LONGEST_PAUSE).astype(np.int64)

    def _without_stock(self, rows: Ints, step: Ints) -> Ints:
        """Return the steps, where nobody puts into the cart or buys what is out of stock that day."""
        first, last = story_days(STOCK_OUT.truth)
        today = (self.visits.start[rows] + self.after[rows]) // DAY
        out = (today >= first) & (today <= last)
        next_line = np.minimum(self.paid[rows], MOST_LINES - 1)
        target = np.where(step == CART, self.item[rows], self.cart[rows, next_line])
        wanted = np.isin(step, (CART, CHECKOUT, PURCHASE)) & (target == self.scarce) & out
        # Some look for another one, others give up.
        return np.where(wanted, np.where(self._chance(rows) < 0.4, BROWSE, LEAVE), step)

    def _move(self, rows: Ints, step: Ints) -> tuple[Ints, ...]:
        """Carry out one step of every visit and return its record."""
        came = self.at[rows]
        query = np.full(len(rows), NOTHING)
        page = np.full(len(rows), NOTHING)
        browse, search = np.flatnonzero(step == BROWSE), np.flatnonzero(step == SEARCH)
        self._browse(rows[browse])
        query[search] = self._search(rows[search], came[search])
        click = np.flatnonzero(step == CLICK)
        page[click] = self.page[rows[click]]
        self._click(rows[click])
        self._view(rows[(step == VIEW) & (came != CLICK)])
        about = rows[np.isin(step, (WISHLIST, REVIEW)) & (self.item[rows] == NOTHING)]
        self.item[about] = self._some(about)
        self._cart(rows[step == CART])
        shown = self.item[rows].copy()
        paying = np.flatnonzero((step == CHECKOUT) | (step == PURCHASE))
        shown[paying] = self.cart[rows[paying], np.minimum(self.paid[rows[paying]], MOST_LINES - 1)]
        self.paid[rows[step == PURCHASE]] += 1
        shown[browse] = NOTHING
        shown[search] = NOTHING
        goods = self.world.goods
        category = np.where(shown == NOTHING, NOTHING, goods.kind_category[goods.item_kind[shown]])
        category[browse] = goods.kind_category[self.product_kind[rows[browse]]]
        return rows, step, self.after[rows].copy(), shown, category, query, page

    def _stray(self, rows: Ints) -> None:
        """Let some of the visits turn to another kind of product."""
        chance = self._chance(rows)
        goods = self.world.goods
        near = rows[(chance >= self.strays[rows]) & (chance < self.strays[rows] + 0.15)]
        self.product_kind[near] = self.world.category_kinds.pick(
            goods.kind_category[self.product_kind[near]], self._chance(near)
        )
        far = rows[chance < self.strays[rows]]
        other = self.who.product_kind[self.visits.shopper[far], self.rng.integers(0, 3, len(far))]
        # In proportion to demand, as visits are, so that a planted lift is the same wherever it is measured.
        day = np.minimum(self.visits.start[far] // DAY, DAYS - 1)
        demand = self.world.demand[goods.kind_category[other], self.state[far], day]
        allowed = self._chance(far) * MOST_DEMAND < demand
        self.product_kind[far[allowed]] = other[allowed]

    def _browse(self, rows: Ints) -> None:
        self._stray(rows)
        goods = self.world.goods
        category = goods.kind_category[self.product_kind[rows]]
        whole = self._chance(rows) < 0.4
        group = np.where(whole, len(goods.kinds) + category, self.product_kind[rows])
        self.page[rows] = group * PAGES + self.rng.integers(0, PAGES, len(rows))

    def _search(self, rows: Ints, came: Ints) -> Ints:
        """Move to a search and return which."""
        again = rows[came == SEARCH]
        self._stray(again)
        kind = self.product_kind[rows]
        self.page[rows] = kind * PAGES + self.rng.integers(0, PAGES, len(rows))
        query = kind * QUERIES_PER_KIND + self.rng.integers(0, QUERIES_PER_KIND, len(rows))
        state = self.state[rows]
        lost = np.flatnonzero(self._chance(rows) < self.world.unmet[state])
        which = self.world.unmet_which.pick(state[lost], self._chance(lost))
        query[lost] = len(self.world.goods.kinds) * QUERIES_PER_KIND + which
        self.lost[rows] = False
        self.lost[rows[lost]] = True
        return query

    def _click(self, rows: Ints) -> None:
        """Choose from the page: rather high up, and of two products the one nearer to the shopper's price."""
        places = np.minimum(self.rng.geometric(0.38, (2, len(rows))) - 1, 5)
        items = self.world.pages[self.page[rows], places]
        distance = np.abs(self.world.item_place[items] - self.level[rows])
        self.item[rows] = np.where(distance[0] <= distance[1], items[0], items[1])
        self.product_kind[rows] = self.world.goods.item_kind[self.item[rows]]
        self._remember(rows)

    def _view(self, rows: Ints) -> None:
        """Look at a product without a list: their regular one, the first again, or another."""
        self._stray(rows)
        chance = self._chance(rows)
        regular = chance < self.repeats[rows]
        back = (chance >= 1 - self.compares[rows]) & (self.first_item[rows] != NOTHING)
        item = self._some(rows)
        item = np.where(back, self.first_item[rows], item)
        self.item[rows] = np.where(regular, self.favorite_item[rows], item)
        self._remember(rows)

    def _remember(self, rows: Ints) -> None:
        first = self.first_item[rows] == NOTHING
        self.first_item[rows[first]] = self.item[rows[first]]

    def _some(self, rows: Ints) -> Ints:
        """Return an item of the kind that each visit is at: a popular one, or one of the shopper's price."""
        kind = self.product_kind[rows]
        popular = self.world.kind_items.pick(kind, self._chance(rows))
        place = np.clip(self.level[rows] + self.rng.normal(0, 0.15, len(rows)), 0, 0.999)
        goods = self.world.goods
        priced = goods.kind_first[kind] + (place * goods.kind_count[kind]).astype(np.int64)
        return np.where(self._chance(rows) < 0.55, popular, priced)

    def _choose_for_cart(self, rows: Ints) -> None:
        """Choose what goes into the cart: what is at hand; from the start or another cart, a regular one."""
        came = self.at[rows]
        again = rows[(came == len(STEPS)) | (came == CART) | (self.item[rows] == NOTHING)]
        more = self.rng.integers(0, 3, len(again))
        which = np.where(self.at[again] == CART, more, np.maximum(self.visits.favorite[again], 0))
        self.item[again] = self.who.item[self.visits.shopper[again], which]

    def _cart(self, rows: Ints) -> None:
        """Put the product into the cart, once."""
        done = rows[self.paid[rows] >= self.lines[rows]]
        self.lines[done] = self.paid[done] = 0
        here = (self.cart[rows] == self.item[rows][:, None]) & (
            np.arange(MOST_LINES) < self.lines[rows][:, None]
        )
        new = rows[~here.any(axis=1)]
        self.cart[new, np.minimum(self.lines[new], MOST_LINES - 1)] = self.item[new]
        self.lines[new] = np.minimum(self.lines[new] + 1, MOST_LINES)
