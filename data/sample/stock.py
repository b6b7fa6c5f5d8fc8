"""Stock at the end of every day: it falls by what the log sold, and is ordered again in time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.events import STOCK
from data.sample.catalogue import Catalogue
from data.sample.seasons import DAYS, FIRST_DAY, story_days
from data.sample.stories import STOCK_OUT

#: Days of usual sales that an order fills up to, and at which the next one is placed.
FULL, LOW = 45, 18
#: Pieces that are kept whatever the sales.
LEAST = 6


def stock(goods: Catalogue, sold: NDArray[np.int64], seed: int) -> pa.Table:
    """Return item × day with the pieces on hand. `sold` are the pieces that the log sold, item × day."""
    rng = np.random.default_rng([seed, 4])
    items = goods.table.num_rows
    usual = sold.sum(axis=1) / DAYS
    full = np.ceil(usual * FULL + LEAST * rng.uniform(2, 6, items)).astype(np.int64)
    low = np.ceil(usual * LOW + LEAST).astype(np.int64)
    delay = rng.integers(4, 13, items)  # days from order to delivery
    on_hand = np.empty((items, DAYS), dtype=np.int64)
    now = (full * rng.uniform(0.5, 1, items)).astype(np.int64)
    arrives = np.full(items, -1)
    for day in range(DAYS):
        # What was ordered comes in the morning; a shelf that would run dry gets an express delivery.
        delivered = arrives == day
        now = np.where(delivered, np.maximum(full, now), now)
        arrives[delivered] = -1
        now -= sold[:, day]
        dry = now < 1
        now = np.where(dry, low, now)
        orders = (now <= low) & (arrives < 0)
        arrives[orders] = day + delay[orders]
        on_hand[:, day] = now
    _run_out(goods, on_hand, sold)
    days = np.datetime64(FIRST_DAY) + np.arange(DAYS)
    ids = goods.table["item_id"].combine_chunks()
    return pa.table(
        {
            "item_id": ids.take(pa.array(np.repeat(np.arange(items), DAYS))),
            "day": pa.array(np.tile(days, items)),
            "on_hand": pa.array(on_hand.ravel()),
        },
        schema=STOCK,
    )


def _run_out(goods: Catalogue, on_hand: NDArray[np.int64], sold: NDArray[np.int64]) -> None:
    """Let the story's item run down to nothing: the supplier does not deliver for weeks."""
    truth = STOCK_OUT.truth
    item = goods.item(truth["item_id"])
    first, last = story_days(truth)
    # Backwards from the last piece: what was sold until then must have been there. The few
    # pieces left on the evening before are faulty and are taken off the shelf in the morning.
    leftover, run_down = 2, 30
    for day in range(first - 1, first - run_down, -1):
        on_hand[item, day] = leftover
        leftover += int(sold[item, day])
    on_hand[item, first : last + 1] = 0
