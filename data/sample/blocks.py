"""A block of shoppers from first visit to last review, cut to an exact number of events, as Arrow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.events import REVIEWS, SOURCE_EVENTS
from data.sample.people import CART, CHANNELS, CHECKOUT, DEVICES, PURCHASE, REVIEW, STEPS, SUPPORT, VIEW
from data.sample.seasons import DAYS, FIRST_DAY, day_number
from data.sample.stories import BAD_REVIEWS
from data.sample.texts import review_texts
from data.sample.visits import DAY, Shoppers, Visits, draw_shoppers, draw_visits, start_of_day
from data.sample.walks import NOTHING, Steps, walk
from data.sample.world import COUPONS, World

Ints = NDArray[np.int64]

#: A step of its own beside the chain's: what was bought comes back.
RETURN = len(STEPS)
EVENT_NAMES = (*STEPS, "return")
#: Of the lines bought, the share that comes back, and the share that is reviewed, some days later.
RETURNED, REVIEWED = 0.06, 0.22
#: Visits for each visit of the shopper types that give EVENTS_PER_SHOPPER events a shopper.
RATE = 1.36
#: Seconds from 1970 to the span's first midnight.
_EPOCH = (FIRST_DAY - date(1970, 1, 1)).days * DAY


@dataclass(frozen=True)
class Block:
    """What one block gives: its events, its reviews, and pieces sold by item and day."""

    events: pa.Table  # core.events.SOURCE_EVENTS
    reviews: pa.Table  # core.events.REVIEWS
    sold: NDArray[np.int32]  # item × day


def block_rng(seed: int, block: int) -> np.random.Generator:
    """Return the block's own random numbers: no block depends on another."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(block,)))


def make_block(world: World, block: int, first_shopper: int, shoppers: int, events: int) -> Block:
    """Return a block with exactly `events` events."""
    rng = block_rng(world.seed, block)
    who = draw_shoppers(world, shoppers, rng)
    # A few visits too many, so that whole visits can be left out until the number is right.
    rate = RATE * events / (20 * shoppers) * (1.03 + 5 / np.sqrt(shoppers))
    visits, steps, unit = _visits_and_after(world, who, rate, rng)
    while len(steps.visit) < events:
        rate *= 1.5
        visits, steps, unit = _visits_and_after(world, who, rate, rng)
    keep = _exactly(events, visits, steps, unit, rng)
    steps = Steps(*(column[keep] for column in _columns(steps)))
    return _as_arrow(world, visits, steps, first_shopper, who, rng)


def _columns(steps: Steps) -> tuple[Ints, ...]:
    return (steps.visit, steps.step, steps.after, steps.item, steps.category, steps.query, steps.page)


def _visits_and_after(
    world: World, who: Shoppers, rate: float, rng: np.random.Generator
) -> tuple[Visits, Steps, Ints]:
    """Return visits and their events, with those that follow from a purchase, and each visit's root visit."""
    visits = draw_visits(world, who, rate, rng)
    steps = walk(world, who, visits, rng)
    bought = np.flatnonzero(steps.step == PURCHASE)
    chance = rng.random(len(bought))
    parents, ends, delays = [], [], []
    for first, share, low, high, last_step in (
        (0.0, RETURNED, 3, 21, RETURN),
        (RETURNED, REVIEWED, 4, 25, REVIEW),
    ):
        chosen = bought[(chance >= first) & (chance < first + share)]
        parents.append(chosen)
        ends.append(np.full(len(chosen), last_step))
        delays.append(rng.integers(low, high, len(chosen)))
    parent, end = np.concatenate(parents), np.concatenate(ends)
    day = visits.start[steps.visit[parent]] // DAY + np.concatenate(delays)
    in_span = day < DAYS
    parent, end, day = parent[in_span], end[in_span], day[in_span]
    root = steps.visit[parent]
    later = visits.take(root)
    kind = who.kind[later.shopper]
    start = start_of_day(world, kind, day, rng)
    channel = np.where(end == REVIEW, CHANNELS.index("email"), CHANNELS.index("direct"))
    spot = who.spot[later.shopper]
    home = world.where.hood_city[who.hood[later.shopper]]
    later = Visits(
        later.shopper, start, spot, home, later.device, channel, later.category, later.product_kind,
        later.favorite, later.pieces, later.coupon,
    )  # fmt: skip
    number = len(visits) + np.arange(len(root))
    opens = np.where(end == REVIEW, VIEW, SUPPORT)
    nothing = np.full(2 * len(root), NOTHING)
    more = Steps(
        visit=np.concatenate((number, number)),
        step=np.concatenate((opens, end)),
        after=np.concatenate((np.zeros(len(root), dtype=np.int64), rng.integers(40, 600, len(root)))),
        item=np.tile(steps.item[parent], 2),
        category=np.tile(steps.category[parent], 2),
        query=nothing,
        page=nothing,
    )
    everything = Steps(*(np.concatenate(pair) for pair in zip(_columns(steps), _columns(more), strict=True)))
    together = Visits(
        *(np.concatenate((getattr(visits, name), getattr(later, name))) for name in Visits.__annotations__)
    )
    return together, everything, np.concatenate((np.arange(len(visits)), root))


def _exactly(events: int, visits: Visits, steps: Steps, unit: Ints, rng: np.random.Generator) -> Ints:
    """Return which events to keep so that `events` are left: whole visits with all that follows from them go,
    a shopper's first visit last; one visit is cut short. In the order of shopper, visit and time.
    """
    root = unit[steps.visit]
    size = np.bincount(root, minlength=len(visits))
    luck = rng.random(len(visits))
    _, firsts = np.unique(visits.shopper, return_index=True)
    luck[firsts] -= 1
    queue = np.argsort(luck, kind="stable")
    before = np.concatenate(([0], np.cumsum(size[queue])[:-1]))
    room = np.empty(len(visits), dtype=np.int64)
    room[queue] = events - before
    order = np.lexsort((steps.after, steps.visit, visits.shopper[steps.visit]))
    whole = order[(size <= room)[root[order]]]
    cut = order[((size > room) & (room > 0))[root[order]]]
    kept = np.concatenate((whole, cut[: events - len(whole)]))
    return kept[np.lexsort((steps.after[kept], steps.visit[kept], visits.shopper[steps.visit[kept]]))]


def _as_arrow(
    world: World, visits: Visits, steps: Steps, first_shopper: int, who: Shoppers, rng: np.random.Generator
) -> Block:
    """Return the block as tables. Texts are taken from small arrays by number, never built row by row."""
    where, goods = world.where, world.goods
    visit = steps.visit
    city = visits.city[visit]
    start = _within_span(visits, steps)
    offset = where.offsets[where.city_zone[visits.city], start // 3600]
    utc = (start + offset + _EPOCH)[visit] + steps.after
    money = (steps.item != NOTHING) & ~np.isin(steps.step, (SUPPORT, REVIEW))
    counted = np.isin(steps.step, (CART, CHECKOUT, PURCHASE, RETURN))
    price = steps.item * len(COUPONS) + np.where(counted, visits.coupon[visit], 0)
    pieces = np.where(steps.step == RETURN, -1, 1) * visits.pieces[visit]
    user = shopper_ids(first_shopper, len(who.kind))
    ts = pa.array(utc * 1_000_000, pa.int64()).cast(pa.timestamp("us"))
    user_id = user.take(pa.array(visits.shopper[visit]))
    item_id = _take(goods.table["item_id"].combine_chunks(), steps.item)
    tables = {
        "ts": ts,
        "tz": _take(pa.array(where.zones), where.city_zone[city]),
        "user_id": user_id,
        "session_id": _sessions(visits, start, user).take(pa.array(visit)),
        "event": _take(pa.array(EVENT_NAMES), steps.step),
        "item_id": item_id,
        "category": _take(pa.array(goods.categories), steps.category),
        "query": _take(world.queries, steps.query),
        "price": _take(world.prices, np.where(money, price, NOTHING)),
        "quantity": pa.array(pieces, mask=~counted),
        "currency": _take(pa.array(["USD"]), np.where(money, 0, NOTHING)),
        "lat": pa.array(where.spot_lat[visits.spot[visit]]),
        "lon": pa.array(where.spot_lon[visits.spot[visit]]),
        "region": _take(pa.array(where.states), where.city_state[city]),
        "city": _take(pa.array(where.cities), city),
        "device": _take(pa.array(DEVICES), visits.device[visit]),
        "channel": _take(pa.array(CHANNELS), visits.channel[visit]),
        "shown": _take(world.shown, steps.page),
        "shown_prices": pa.nulls(len(steps.page), SOURCE_EVENTS.field("shown_prices").type),
    }
    events = pa.table([tables[field.name] for field in SOURCE_EVENTS], schema=SOURCE_EVENTS)
    day = np.minimum((start[visit] + steps.after) // DAY, DAYS - 1)
    buys = np.flatnonzero(steps.step == PURCHASE)
    sold = np.zeros((goods.table.num_rows, DAYS), dtype=np.int32)
    np.add.at(sold, (steps.item[buys], day[buys]), pieces[buys])
    written = np.flatnonzero(steps.step == REVIEW)
    reviews = _reviews(world, steps.item[written], day[written], rng)
    rows = pa.array(written)
    first_event = f"R{first_shopper:07d}"
    table = pa.table(
        {
            "review_id": pa.array([f"{first_event}-{n:06d}" for n in range(len(written))], pa.string()),
            "item_id": item_id.take(rows),
            "user_id": user_id.take(rows),
            "ts": ts.take(rows),
            **reviews,
            "language": pa.repeat("en", len(written)),
        },
        schema=REVIEWS,
    )
    return Block(events, table, sold)


def _take(values: pa.Array, rows: NDArray[np.integer]) -> pa.Array:
    """Return values by number, null where the number is NOTHING."""
    return values.take(pa.array(rows, mask=rows == NOTHING))


def _within_span(visits: Visits, steps: Steps) -> Ints:
    """Return the visits' starts, moved so that no visit runs past the span's last midnight."""
    longest = np.zeros(len(visits), dtype=np.int64)
    np.maximum.at(longest, steps.visit, steps.after)
    return np.minimum(visits.start, DAYS * DAY - 1 - longest)


def shopper_ids(first: int, count: int) -> pa.Array:
    """Return the ids of `count` shoppers from number `first` on."""
    numbers = pa.array(first + np.arange(count)).cast(pa.string())
    return pc.binary_join_element_wise("S", pc.utf8_lpad(numbers, 8, "0"), "")


def _sessions(visits: Visits, start: Ints, user: pa.Array) -> pa.Array:
    """Return an id for each visit: the shopper's, and a number in the order of time."""
    order = np.lexsort((start, visits.shopper))
    shopper = visits.shopper[order]
    new = np.concatenate(([True], shopper[1:] != shopper[:-1]))
    began = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order)) - began + 1
    return pc.binary_join_element_wise(
        user.take(pa.array(visits.shopper)), pa.array(number).cast(pa.string()), "-"
    )


def _reviews(world: World, items: Ints, day: Ints, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return ratings and texts of reviews."""
    truth = BAD_REVIEWS.truth
    story = items == world.goods.item(truth["item_id"])
    faulty = story & (day >= day_number(truth["first_day"]))
    stars = np.where(faulty, truth["after"], np.where(story, truth["before"], world.quality[items]))
    # Left-skewed, as ratings are: most are fives, a few are ones.
    noise = np.where(stars > 3, -rng.gamma(0.9, 0.9, len(items)) + 0.81, rng.normal(0, 0.8, len(items)))
    rating = np.clip(np.round(stars + noise), 1, 5).astype(np.int8)
    texts = review_texts(world.goods, items, rating.astype(np.int64), faulty, rng)
    return {"rating": pa.array(rating), "text": texts}
