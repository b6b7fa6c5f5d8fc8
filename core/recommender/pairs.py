"""Pairs to tune an encoder on: what a shopper had done before a moment, and what they then took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.encoder.tuning import Pairs, TuningData
from core.errors import CartscapeError, WrongCall
from core.events import NONE, PURCHASE
from core.journeys.texts import LogTexts, log_texts
from core.paths import open_paths
from core.paths.log import PathLog
from core.recommender.interactions import LEAST_SHOPPERS, Interactions
from core.store import Store

#: Shares of the pairs, by the time at which the item was taken, after which validation and test begin.
VALIDATION, TEST = 0.8, 0.9
#: Events that are read for each thing that an anchor tells of: many are of one item.
_DEEP = 8
#: Between two things in an anchor.
_BETWEEN = "; "
#: What categories of fewer than k shoppers are called together.
OTHER = "(other)"
#: What an anchor may tell of: what was done before in the same visit, or ever.
WITHIN = ("visit", "ever")


@dataclass(frozen=True)
class PairOptions:
    """Which pairs are drawn."""

    event: str = PURCHASE  # by which an item is taken
    pairs: int = 20_000  # most of them to train on
    tested: int = 1_000  # most of them to validate with, and to test with
    history: int = 3  # last distinct items and searches that an anchor tells of
    within: str = "visit"  # one of WITHIN

    def __post_init__(self) -> None:
        """Raises `WrongCall` for what cannot be."""
        if self.within not in WITHIN:
            raise WrongCall(f"within={self.within!r} is not known; it takes {', '.join(WITHIN)}.")
        for name, low in (("pairs", 2), ("tested", LEAST_SHOPPERS), ("history", 1)):
            if getattr(self, name) < low:
                raise WrongCall(f"{name}={getattr(self, name)} is too few; it takes {low} or more.")


@dataclass(frozen=True)
class Taken:
    """First takings of items, each by a shopper who had done something before they came upon the item."""

    shopper: np.ndarray  # int64[n], number in the path log
    item: np.ndarray  # int64[n], code in the path log
    moment: np.ndarray  # int64[n], second of the log at which the shopper first came upon the item
    second: np.ndarray  # int64[n], second of the log at which they took it
    at: np.ndarray  # int64[n], event of the path log by which they did
    met: np.ndarray  # int64[n], event of the path log by which they came upon it

    def only(self, rows: np.ndarray) -> Taken:
        """Some of them: bool or int64[rows]."""
        return Taken(
            self.shopper[rows], self.item[rows], self.moment[rows], self.second[rows], self.at[rows],
            self.met[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The takings of each part, and the seconds of the log at which validation and test begin."""

    train: Taken
    validation: Taken
    test: Taken
    borders: tuple[int, int]

    @property
    def parts(self) -> dict[str, Taken]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def encoders_of(store: Store) -> Path:
    """The folder of a store's tuned and compressed encoders."""
    return store.path / "encoders"


def pairs_of(store: Store, options: PairOptions, seed: int = 0) -> TuningData:
    """Pairs of a store's log, split by time, drawn by the seed.

    A pair's anchor is of the `history` last distinct items and searches before the shopper first came upon
    the item that they took, the newest first: of the same visit, or of ever before. Events of one second, as
    the lines of an invoice, have no order in the log. In a visit the seed draws one for them, so that a line
    is foretold from some of the others; of ever before only what is older than the moment counts. Nothing of
    an anchor is later. Reviews that stand for an item's words, and searches without labels, are of the time
    of training alone. Categories that fewer than k shoppers took in a part are told as one. Raises
    `CartscapeError` where a part has too few shoppers, or the log no words.
    """
    paths = open_paths(store)
    drawn, words = draw(store, paths, options, seed)
    has_words = words.of_item >= 0
    known, rows = np.unique(words.of_item[has_words], return_inverse=True)
    row_of = np.full(words.of_item.size, -1, np.int64)
    row_of[has_words] = rows
    names, classes = _classes(paths, drawn)
    made = {
        part: _made(paths, words, its, row_of, classes[part], options, seed)
        for part, its in drawn.parts.items()
    }
    unlabelled = _unlabelled(paths, words, known, drawn.borders[0])
    return TuningData(words.texts[known], names, **made, unlabelled=unlabelled)


def draw(store: Store, paths: PathLog, options: PairOptions, seed: int) -> tuple[Drawn, LogTexts]:
    """The takings of each part, and the log's texts as they were known when training ends.

    Train pairs were taken before validation begins; the moment of a validation pair is not before that, and
    it was taken before the test begins; a pair that a border cuts is in no part. Raises as `pairs_of`.
    """
    order = _drawn_order(paths, seed) if options.within == "visit" else None
    taken = _first_takings(paths, options.event, order)
    first, last = (int(np.quantile(taken.second, share, method="lower")) for share in (VALIDATION, TEST))
    # Words that are younger than what is learnt from would tell of the future.
    words = log_texts(store, paths, before=paths.first_second + first)
    taken = taken.only(words.of_item[taken.item] >= 0)
    _, low, high = _before(paths, words, taken, order)
    taken = taken.only(high > low)
    if not taken.item.size:
        raise CartscapeError(
            f"Nobody in this log did anything with words before they took an item ({options.event}); choose "
            "another event=, or load items with titles or descriptions."
        )
    rng = np.random.default_rng([seed, 11])
    parts = []
    for name, most, there in (
        ("train", options.pairs, taken.second < first),
        ("validation", options.tested, (taken.moment >= first) & (taken.second < last)),
        ("test", options.tested, taken.moment >= last),
    ):
        rows = np.flatnonzero(there)
        some = np.sort(rng.choice(rows, most, replace=False)) if rows.size > most else rows
        parts.append(taken.only(some))
        shoppers, least = np.unique(parts[-1].shopper).size, max(LEAST_SHOPPERS, paths.k)
        if shoppers < least:
            advice = "choose an event= that more shoppers do"
            if rows.size > most:
                advice = f"ask for more with {'pairs' if name == 'train' else 'tested'}=N"
            raise CartscapeError(
                f"Only {shoppers} shoppers have something to learn from in the {name} part, which needs "
                f"{least}; {advice}."
            )
    return Drawn(parts[0], parts[1], parts[2], (first, last)), words


def _drawn_order(paths: PathLog, seed: int) -> np.ndarray:
    """What puts events of one second into an order: float32[events]."""
    return np.random.default_rng([seed, 12]).random(paths.events, np.float32)


def _first_takings(paths: PathLog, event: str, order: np.ndarray | None) -> Taken:
    every = Interactions.of(paths, event)
    _, first = np.unique(every.shopper * every.items + every.item, return_index=True)
    mine = every.only(np.sort(first))
    # When each shopper first came upon each item, by whatever event.
    with_item = np.flatnonzero(paths["item"] != paths.no_item)
    if order is not None:
        with_item = with_item[
            np.lexsort((order[with_item], _place(paths, _shopper_of(paths, with_item), with_item)))
        ]
    shopper = _shopper_of(paths, with_item)
    known, at = np.unique(shopper * every.items + paths["item"][with_item], return_index=True)
    met = with_item[at[np.searchsorted(known, mine.shopper * every.items + mine.item)]]
    return Taken(mine.shopper, mine.item, paths["second"][met].astype(np.int64), mine.second, mine.at, met)


def _shopper_of(paths: PathLog, events: np.ndarray) -> np.ndarray:
    return np.searchsorted(paths["start"], events, side="right").astype(np.int64) - 1


def _place(paths: PathLog, group: np.ndarray, events: np.ndarray) -> np.ndarray:
    """A number that rises with the group and, within it, with the second: int64[events]."""
    return group.astype(np.int64) * (int(paths["second"].max()) + 1) + paths["second"][events]


def _before(
    paths: PathLog, words: LogTexts, taken: Taken, order: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events with words, those of a shopper (with an `order` of a visit) side by side in time; and where
    among them the events before each taking begin and end: int64[told], int64[n] twice.
    """
    told = np.flatnonzero((words.of_item[paths["item"]] >= 0) | (words.of_query[paths["query"]] >= 0))
    if order is None:
        # They lie shopper by shopper in time already.
        place = _place(paths, _shopper_of(paths, told), told)
        low = np.searchsorted(place, _place(paths, taken.shopper, taken.met) - taken.moment)
        return told, low, np.searchsorted(place, _place(paths, taken.shopper, taken.met))
    sorting = np.lexsort((order[told], paths["second"][told], paths["session"][told]))
    where = np.empty(told.size, np.int64)
    where[sorting] = np.arange(told.size)
    low = np.searchsorted(paths["session"][told[sorting]], paths["session"][taken.met])
    return told[sorting], low, where[np.searchsorted(told, taken.met)]


def _made(
    paths: PathLog, words: LogTexts, taken: Taken, row_of: np.ndarray, classes: np.ndarray,
    options: PairOptions, seed: int,
) -> Pairs:  # fmt: skip
    history = options.history
    order = _drawn_order(paths, seed) if options.within == "visit" else None
    anchors = np.empty(taken.item.size, object)
    known = np.full((taken.item.size, history), -1, np.int64)
    told, lows, highs = _before(paths, words, taken, order)
    for pair, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        events = told[max(low, high - _DEEP * history) : high][::-1]
        items = paths["item"][events]
        texts = np.where(
            words.of_item[items] >= 0, words.of_item[items], words.of_query[paths["query"][events]]
        )
        _, newest = np.unique(texts, return_index=True)
        newest = np.sort(newest)[:history]
        anchors[pair] = _BETWEEN.join(str(words.labels[text]) for text in texts[newest])
        known[pair, : newest.size] = row_of[items[newest]]
    # Another item of the very same words is no answer that could be told from what the anchor tells of.
    labels = row_of[taken.item]
    known[known == labels[:, None]] = -1
    return Pairs(anchors, labels, known, taken.shopper, classes)


def _classes(paths: PathLog, drawn: Drawn) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """The categories of what was taken, and their numbers by part; none where the log has fewer than two.

    Categories are folded together, those of fewest shoppers first, until each has k shoppers in each part.
    """
    names = {part: paths.kinds[1][paths["kind"][its.at]].astype(str) for part, its in drawn.parts.items()}
    every = sorted({name for its in names.values() for name in its.tolist()} - {NONE})

    def fewest(some: list[str]) -> int:
        """The shoppers that took any of some categories, in the part where they are fewest."""
        return min(
            np.unique(its.shopper[np.isin(names[part], some)]).size for part, its in drawn.parts.items()
        )

    order = sorted(every, key=lambda name: (fewest([name]), name))
    folded = [name for name in order if fewest([name]) < paths.k]
    while folded and len(folded) < len(order) and fewest(folded) < paths.k:
        folded.append(order[len(folded)])
    kept = [name for name in every if name not in folded] + ([OTHER] if folded else [])
    if len(kept) < 2:
        return (), {part: np.full(its.item.size, -1, np.int64) for part, its in drawn.parts.items()}
    number = {name: kept.index(OTHER if name in folded else name) for name in every} | {NONE: -1}
    return tuple(kept), {
        part: np.array([number[name] for name in its.tolist()], np.int64) for part, its in names.items()
    }


def _unlabelled(paths: PathLog, words: LogTexts, known: np.ndarray, end: int) -> np.ndarray:
    """The texts of all items, and of searches made before a second of the log: object[texts]."""
    queries = np.unique(words.of_query[paths["query"][paths["second"] < end]])
    return words.texts[np.union1d(known, queries[queries >= 0])]
