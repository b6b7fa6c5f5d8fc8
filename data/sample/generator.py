"""The sample marketplace as a source: the store reads it as it reads any file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa

from core.events import CAMPAIGNS
from core.scope import span_words
from core.sources.reader import REJECTS, Chunk, Described
from data.sample.blocks import Block, block_rng, make_block, shopper_ids
from data.sample.catalogue import PRODUCTS
from data.sample.faq import faq
from data.sample.people import TYPE_NAMES
from data.sample.seasons import DAYS, FIRST_DAY, LAST_DAY
from data.sample.stock import stock
from data.sample.stories import CAMPAIGN
from data.sample.visits import draw_types
from data.sample.world import World, world

#: Changes whenever the same seed would give other bytes.
VERSION = 1
EVENTS_PER_SHOPPER = 20
SHOPPERS_PER_BLOCK = 12_500


class SampleReader:
    """A made-up marketplace with exactly `events` events; implements `core.sources.reader.Reader`.

    Blocks of shoppers are made one after another, each from random numbers of its own, so that the
    first blocks can be skipped and no more than one is in memory.
    """

    def __init__(self, events: int, seed: int) -> None:
        self.events, self.seed = events, seed
        self.shoppers = max(1, round(events / EVENTS_PER_SHOPPER))
        self.described = Described(
            format="sample",
            files=(),
            notes=(
                f"A made-up marketplace in the United States, seed {seed}.",
                f"{self.shoppers:,} shoppers, {span_words(FIRST_DAY, LAST_DAY)}.",
            ),
        )
        self._reviews: dict[int, pa.Table] = {}  # block → its reviews
        self._sold = np.zeros((PRODUCTS, DAYS), dtype=np.int64)  # over the blocks that were made

    @cached_property
    def _world(self) -> World:
        return world(self.seed)

    @property
    def _blocks(self) -> int:
        return -(-self.shoppers // SHOPPERS_PER_BLOCK)

    def _block(self, number: int) -> Block:
        first = number * SHOPPERS_PER_BLOCK
        last = min(first + SHOPPERS_PER_BLOCK, self.shoppers)
        low, high = (self.events * bound // self.shoppers for bound in (first, last))
        block = make_block(self._world, number, first, last - first, high - low)
        if number not in self._reviews:
            self._reviews[number] = block.reviews
            self._sold += block.sold
        return block

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Yield the events block by block, without the first `skip` blocks."""
        none = REJECTS.empty_table()
        for number in range(skip, self._blocks):
            yield Chunk(self._block(number).events, none, (number + 1) / self._blocks)

    def side_tables(self) -> dict[str, pa.Table]:
        """Return items, reviews, stock, campaigns and FAQ; makes the blocks that `chunks` has not."""
        for number in range(self._blocks):
            if number not in self._reviews:
                self._block(number)
        return {
            "items": self._world.goods.table,
            "reviews": pa.concat_tables([self._reviews[number] for number in range(self._blocks)]),
            "stock": stock(self._world.goods, self._sold, self.seed),
            "campaigns": campaigns(),
            "faq": faq(),
        }

    def fingerprint(self) -> str:
        """Return what decides every byte: version, seed and number of events."""
        return f"sample-{VERSION}-{self.seed}-{self.events}"


def shopper_types(seed: int, events: int) -> pa.Table:
    """Return the truth about shoppers: `user_id` as in the source, and `type`, one of TYPE_NAMES.

    A few shoppers of the table never come to the shop and so have no event.
    """
    made = SampleReader(events, seed)
    kinds = [
        draw_types(world(seed), min(SHOPPERS_PER_BLOCK, made.shoppers - first), block_rng(seed, block))
        for block, first in enumerate(range(0, made.shoppers, SHOPPERS_PER_BLOCK))
    ]
    names = pa.array(TYPE_NAMES).take(pa.array(np.concatenate(kinds)))
    return pa.table({"user_id": shopper_ids(0, made.shoppers), "type": names})


def campaigns() -> pa.Table:
    """Return the campaign's regions, treated and control."""
    truth = CAMPAIGN.truth
    rows = [(arm, region) for arm in ("treated", "control") for region in truth[arm]]
    count = len(rows)
    return pa.table(
        {
            "campaign": pa.repeat(truth["campaign"], count),
            "region": [region for _, region in rows],
            "arm": [arm for arm, _ in rows],
            "start": pa.array([truth["first_day"]] * count),
            "end": pa.array([truth["last_day"]] * count),
            "category": pa.repeat(truth["category"], count),
        },
        schema=CAMPAIGNS,
    )
