"""A log as the scorer of shown lists reads it: every event in time, and the features of lists on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from core.encoder import open_vectors
from core.recommender.shown_features import FEATURES, Traits, features, taste_of
from core.recommender.shown_scorer import Lists
from core.recommender.shown_visit import Memory, Others, Step, Visit, kind_of
from core.store import Store

#: Events, the last of a log, that are read; earlier ones tell little of which hotel or shirt is wanted now.
MOST_EVENTS = 1_000_000
#: Letters of a description that are read.
_LETTERS = 300
_READ = 50_000

_EVENTS = """
    SELECT epoch_us(ts) / 1e6 AS second, event_id, user_id, session_id, event, item_id, shown,
        shown_prices, device,
        row_number() OVER (PARTITION BY user_id, session_id ORDER BY ts DESC, event_id DESC) = 1 AS ends
    FROM log WHERE ts >= ? ORDER BY ts, event_id
"""
_TOUCHED = """
    SELECT item_id, count(DISTINCT (user_id, session_id)), count(*) FILTER (event = $event) FROM log
    WHERE ts >= $since AND item_id IN (SELECT unnest($items)) GROUP BY ALL
"""
_SHOWN = "SELECT shown FROM log WHERE ts >= $since AND list_has_any(shown, $items)"
_SINCE = "SELECT ts FROM log ORDER BY ts DESC LIMIT 1 OFFSET ?"


@dataclass(frozen=True)
class Event:
    """One event of a log."""

    second: float  # since 1970, UTC
    number: int  # its id
    shopper: str
    visit: tuple[str, str]
    step: Step
    device: str
    ends: bool  # whether it is the last one of its visit; nothing is told by it, it only frees memory


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items that a shop lists, whatever was done with them: nothing of it is from the log, where an item
    without an event would be told from one that is taken later.
    """

    number: dict[str, int]
    vectors: np.ndarray  # float32[items + 1, d], of length 1 or 0; the last row is of an item not listed
    categories: list[str]
    prices: np.ndarray  # float64[items + 1]
    titles: list[str]

    @classmethod
    def of(cls, store: Store) -> Catalogue:
        """That of a store; the texts of its items are encoded where they are not yet."""
        rows = store.table("items").to_pylist()
        texts = [
            ". ".join(filter(None, (row["title"], row["category"], (row["description"] or "")[:_LETTERS])))
            for row in rows
        ]
        vectors = np.zeros((len(rows) + 1, 1), np.float32)
        if any(texts):
            made = np.asarray(open_vectors().of(texts), np.float32)
            made = (made - made.mean(axis=0)) * np.array([[bool(text)] for text in texts])
            length = np.linalg.norm(made, axis=1, keepdims=True)
            vectors = np.concatenate([made / np.maximum(length, 1e-9), np.zeros((1, made.shape[1]))])
        return cls(
            {row["item_id"]: number for number, row in enumerate(rows)},
            vectors.astype(np.float32),
            [*(row["category"] or "" for row in rows), ""],
            np.array([*(float(row["price"] or "nan") for row in rows), np.nan]),
            [row["title"] or row["item_id"] for row in rows],
        )

    def title(self, item: str) -> str:
        """What an item is called, by its id where it has no title."""
        return self.titles[self.number[item]] if item in self.number else item

    def traits(self, items: tuple[str, ...]) -> Traits:
        """What is known of some items."""
        at = [self.number.get(item, -1) for item in items]
        categories = np.array([self.categories[number] for number in at], object)
        return Traits(self.vectors[at], categories, self.prices[at])

    def features(
        self, visit: Visit, second: float, items: tuple[str, ...], others: Others, device: str,
        prices: tuple[float, ...] = (),
    ) -> np.ndarray:  # fmt: skip
        """The features of a list shown at a second: float32[listed, FEATURES]. The prices shown, where they
        are known, come before the catalogue's.
        """
        taste = taste_of(
            visit, lambda item: self.vectors[self.number.get(item, -1)],
            lambda item: self.categories[self.number.get(item, -1)],
        )  # fmt: skip
        traits = self.traits(items)
        if prices:
            traits = replace(traits, price=np.array(prices, float))
        return features(visit, second, items, others, traits, taste, device)


def since(store: Store) -> Any:
    """The moment from which a log is read."""
    found = store.cursor().execute(_SINCE, [MOST_EVENTS - 1]).fetchall()
    return found[0][0] if found else store.cursor().execute("SELECT min(ts) FROM log").fetchall()[0][0]


def events(store: Store, taken: str) -> Iterator[Event]:
    """The last MOST_EVENTS of a log in time; `taken` is the event that is foretold."""
    cursor = store.cursor().execute(_EVENTS, [since(store)])
    while rows := cursor.fetchmany(_READ):
        for second, number, shopper, session, event, item, shown, prices, device, ends in rows:
            listed = _different(shown)
            step = Step(second, kind_of(event, item, taken), item, listed, _prices(listed, shown, prices))
            yield Event(second, number, shopper, (shopper, session), step, device or "", ends)


def walk(
    of: Iterator[Event], catalogue: Catalogue, wanted: set[int]
) -> Iterator[tuple[int, tuple[str, ...], np.ndarray]]:
    """The lists of events by their ids, in time: the id, the items, and their features as of what happened
    before, events of the same moment not among it.
    """
    memory = Memory()
    for _, group in groupby(of, lambda event: event.second):
        same = list(group)
        for event in same:
            if event.number in wanted:
                items = event.step.shown
                others = memory.others(event.visit, event.shopper, items)
                visit = memory.visit(event.visit)
                yield (
                    event.number,
                    items,
                    catalogue.features(visit, event.second, items, others, event.device, event.step.prices),
                )
        for event in same:
            memory.tell(event.visit, event.shopper, event.step)
            if event.ends:
                memory.forget(event.visit)


def others_now(store: Store, taken: str, items: tuple[str, ...]) -> Others:
    """What all visits up to the log's end tell of some items, as a `Memory` would for a new shopper."""
    words = {"since": since(store), "items": list(items)}
    found = Others.none(len(items))
    at = {item: number for number, item in enumerate(items)}
    for item, visits, times in store.cursor().execute(_TOUCHED, words | {"event": taken}).fetchall():
        found.visits[at[item]], found.taken[at[item]] = visits, times
    for (shown,) in store.cursor().execute(_SHOWN, words).fetchall():
        for place, item in enumerate(_different(shown)):
            if item in at:
                found.shown[at[item]] += 1
                found.places[at[item]] += place
    return found


def _different(shown: list[str | None] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in shown or () if item is not None))


def _prices(
    listed: tuple[str, ...], shown: list[str | None], prices: list[float | None] | None
) -> tuple[float, ...]:
    """The price of each different item where it stands first, NaN for none; nothing where none is known."""
    if not prices:
        return ()
    first: dict[str | None, float | None] = {}
    for item, price in zip(shown, prices, strict=True):
        first.setdefault(item, price)
    return tuple(float("nan") if (price := first[item]) is None else price for item in listed)


def lists_of(found: dict[int, np.ndarray], asked: list[tuple[int, int, bool]]) -> Lists:
    """Lists from the features of each by its id; asked are (id, place taken, whether it is the last)."""
    parts = [found[number] for number, _, _ in asked]
    return Lists(
        np.concatenate(parts) if parts else np.empty((0, len(FEATURES)), np.float32),
        np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        np.array([place for _, place, _ in asked], np.int64),
        np.array([last for _, _, last in asked], bool),
    )
