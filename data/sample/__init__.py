"""The sample marketplace: a believable shop in the United States, with planted stories."""

from data.sample.generator import SampleReader, shopper_types
from data.sample.people import TYPE_NAMES
from data.sample.stories import STORIES, Story

__all__ = ["STORIES", "TYPE_NAMES", "SampleReader", "Story", "sample_reader", "shopper_types"]


def sample_reader(events: int = 1_000_000, seed: int = 7) -> SampleReader:
    """Return a reader of a marketplace with exactly `events` events.

    Shoppers grow in proportion (one for every 20 events); products, cities and days stay the same.
    The same seed and number give the same bytes.
    """
    if events < 1:
        raise ValueError("The sample needs at least one event; give --events a number above zero.")
    return SampleReader(events, seed)
