"""What speaks for an item of a list that is shown in a visit, in numbers.

A feature belongs to one group; reasons are told by group, and a group can be left out of a model. Which ones
serve to order a list that was shown is told by the solutions of the RecSys Challenge 2019 (trivago): what was
touched last, the place beside it, what was shown before, and how often others take it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.recommender.shown_visit import KINDS, Others, Touch, Visit

GROUPS = {
    "place": "where it stands in the list",
    "seen": "looked at in this visit",
    "taken": "taken earlier in this visit",
    "beside": "stands beside what was looked at",
    "shown": "shown earlier in this visit",
    "popular": "what others take and look at",
    "habit": "known from other visits",
    "words": "its words",
    "category": "its category",
    "price": "its price",
    "moment": "how the visit went so far",
}
#: The same for all items of a list, so that it is never a reason by itself.
OF_LIST = "moment"

#: Takings in so many showings stand for what is usual where an item was hardly shown.
PRIOR, USUAL = 10.0, 0.04

Column = np.ndarray | float


@dataclass(frozen=True)
class Traits:
    """What is known of the items of a list, whatever was done with them."""

    vectors: np.ndarray  # float32[listed, d], of length 1 or 0
    category: np.ndarray  # object[listed], "" for none
    price: np.ndarray  # float64[listed], NaN for none


@dataclass(frozen=True)
class Taste:
    """What a visit touched, by words and categories."""

    mean: np.ndarray  # float32[d], of length 1 or 0
    last: np.ndarray  # float32[d], of the item touched last
    categories: dict[str, float]  # category → share of the items touched


def features(
    visit: Visit, second: float, items: tuple[str, ...], others: Others, traits: Traits, taste: Taste,
    device: str,
) -> np.ndarray:  # fmt: skip
    """The features of a list shown at a second, different items in order: float32[listed, FEATURES]; NaN for
    those of prices where none is known.
    """
    its = _Listed(visit, second, items, others, traits, taste, device)
    columns = [column for part in _PARTS for column in part(its)]
    out = np.empty((len(items), len(columns)), np.float32)
    for at, column in enumerate(columns):
        out[:, at] = column
    return out


class _Listed:
    """A list with what the parts below share."""

    def __init__(
        self, visit: Visit, second: float, items: tuple[str, ...], others: Others, traits: Traits,
        taste: Taste, device: str,
    ) -> None:  # fmt: skip
        self.visit, self.second, self.items = visit, second, items
        self.others, self.traits, self.taste, self.device = others, traits, taste, device
        self.touches = [visit.touched.get(item, Touch(second)) for item in items]
        self.seen = seen = np.array([item in visit.touched for item in items])
        self.place = np.arange(len(items))
        self.at = {item: place for place, item in enumerate(items)}
        trail = [self.at[item] for item in reversed(visit.trail) if item in self.at]
        self.latest = trail[0] if trail else -1  # place of the item touched last
        self.before = next((place for place in trail if place != self.latest), -1)
        where = np.flatnonzero(seen)
        self.lowest = int(where[-1]) if where.size else -1
        self.highest = int(where[0]) if where.size else -1
        self.taken = self.at.get(visit.last_taken, -1) if visit.last_taken is not None else -1
        last = np.array([touch.step if has else -1 for touch, has in zip(self.touches, seen, strict=True)])
        # From 0, the one touched last, among those of the list; those not touched come after.
        self.rank = np.argsort(np.argsort(-last, kind="stable"), kind="stable")

    def of(self, value: Callable[[Touch], float]) -> np.ndarray:
        """A number of what was done with each item, 0 where nothing was."""
        found = [value(touch) if has else 0.0 for touch, has in zip(self.touches, self.seen, strict=True)]
        return np.array(found)

    def count(self, counts: dict[str, int]) -> np.ndarray:
        return np.array([counts.get(item, 0) for item in self.items], float)

    def offsets(self, place: int) -> list[Column]:
        """How each item stands to one place of the list; zeros where there is none."""
        if place < 0:
            return [0.0] * 7
        far = self.place - place
        return [
            far == 1, far == 2, far == -1, far > 0, far < 0,
            np.log1p(np.maximum(far, 0)), np.log1p(np.maximum(-far, 0)),
        ]  # fmt: skip


_OFFSETS = ("next", "second", "previous", "below", "above", "far_below", "far_above")


def _place(its: _Listed) -> list[Column]:
    place = its.place
    return [
        1 / (1 + place), np.log1p(place), place / 25, place == 0, place == 1, place == 2,
        place == place[-1],
    ]  # fmt: skip


def _seen(its: _Listed) -> list[Column]:
    visit, seen = its.visit, its.seen
    current = np.array([item == visit.item for item in its.items])
    recent = sorted(visit.touched, key=lambda item: -visit.touched[item].step)
    rank = np.array([recent.index(item) if has else -1 for item, has in zip(its.items, seen, strict=True)])
    times = its.of(lambda touch: touch.times)
    dwell = its.of(lambda touch: touch.dwell) + current * (its.second - visit.second)
    return [
        seen, its.of(lambda touch: np.log1p(its.second - touch.last)),
        its.of(lambda touch: np.log1p(visit.steps - touch.step)),
        np.where(seen, 1 / (1 + np.maximum(rank, 0)), 0), rank == 0, rank == 1, rank == 2,
        np.where(seen, 1 / (1 + its.rank), 0), seen & (its.rank == 0), seen & (its.rank == 1),
        np.log1p(times), times == 1, seen & (times == times.max()),
        its.of(lambda touch: np.log1p(its.second - touch.first)), its.of(lambda touch: np.log1p(touch.run)),
        current, np.log1p(dwell), its.of(lambda touch: np.log1p(touch.returns)),
    ]  # fmt: skip


def _taken(its: _Listed) -> list[Column]:
    taken = its.of(lambda touch: touch.taken)
    return [
        np.log1p(taken), taken > 0,
        its.of(lambda touch: np.log1p(its.second - touch.taken_at) if touch.taken else 0.0),
        its.of(lambda touch: touch.taken > 0 and touch.step > touch.taken_step),
        its.place == its.taken,
    ]  # fmt: skip


def _beside(its: _Listed) -> list[Column]:
    place, seen = its.place, its.seen
    step = its.latest - its.before if its.before >= 0 else 0
    after = np.flatnonzero(~seen & (place > its.lowest)) if its.lowest >= 0 else np.empty(0, int)
    unseen = np.flatnonzero(~seen)
    above = np.cumsum(seen) - seen
    return [
        *its.offsets(its.latest), *its.offsets(its.lowest),
        np.sign(step) * np.sign(place - its.latest) if step else 0.0,
        place - its.latest == step if step else 0.0,
        np.r_[False, seen[:-1]], np.r_[seen[1:], False],
        np.log1p(above), np.log1p(seen.sum() - above - seen),
        place == after[0] if after.size else 0.0, place == unseen[0] if unseen.size else 0.0,
        ~seen & (place > its.highest) & (place < its.lowest),
    ]  # fmt: skip


def _shown(its: _Listed) -> list[Column]:
    visit, place = its.visit, its.place
    times = its.count(visit.shown)
    skipped = np.where(its.of(lambda touch: touch.taken) > 0, 0, np.log1p(times))
    if not visit.page:
        return [np.log1p(times), skipped, *[0.0] * 6, *its.offsets(its.taken)]
    at = {item: number for number, item in enumerate(visit.page)}
    before = np.array([at.get(item, -1) for item in its.items])
    there = before >= 0
    taken = at.get(visit.last_taken, -1) if visit.last_taken is not None else -1
    moved = place - before
    return [
        np.log1p(times), skipped, there, there & (moved == 0),
        np.where(there, np.sign(moved) * np.log1p(np.abs(moved)), 0), ~there,
        there & (taken >= 0) & (before > taken), there & (taken >= 0) & (before < taken),
        *its.offsets(its.taken),
    ]  # fmt: skip


def _popular(its: _Listed) -> list[Column]:
    others = its.others
    taken, visits, shown = others.taken, others.visits, others.shown
    usual = PRIOR * USUAL
    return [
        np.log1p(taken), np.log1p(visits), np.log1p(shown),
        np.log((taken + usual) / (shown + PRIOR) / USUAL), np.log((visits + usual) / (shown + PRIOR) / USUAL),
        np.where(shown > 0, others.places / np.maximum(shown, 1) - its.place, 0) / 10,
        (taken > 0) & (taken == taken.max()), (visits > 0) & (visits == visits.max()),
        taken / (taken.sum() + 1), visits / (visits.sum() + 1),
    ]  # fmt: skip


def _habit(its: _Listed) -> list[Column]:
    return [np.log1p(its.others.own_visits), np.log1p(its.others.own_taken)]


def _words(its: _Listed) -> list[Column]:
    return [its.traits.vectors @ its.taste.mean, its.traits.vectors @ its.taste.last]


def _category(its: _Listed) -> list[Column]:
    return [np.array([its.taste.categories.get(name, 0.0) for name in its.traits.category])]


def _price(its: _Listed) -> list[Column]:
    given = its.traits.price
    known = np.isfinite(given) & (given > 0)
    if not known.any():
        return [np.nan] * 13
    price = np.log(np.where(known, given, 1))
    price = np.where(known, price, np.median(price[known]))
    rank = np.argsort(np.argsort(price, kind="stable"), kind="stable")
    seen = known & its.seen
    to_seen = price - price[seen].mean() if seen.any() else np.zeros(price.size)
    latest = its.latest if its.latest >= 0 and known[its.latest] else -1
    to_latest = price - price[latest] if latest >= 0 else np.zeros(price.size)
    least = np.minimum.accumulate(np.r_[np.inf, price[:-1]])
    before = np.array([its.visit.asked.get(item, np.nan) for item in its.items])
    again = known & np.isfinite(before) & (before > 0)
    change = np.where(again, price - np.log(np.where(again, before, 1)), 0).clip(-1, 1)
    return [
        price - np.median(price), rank / price.size, 1 / (1 + rank), rank == 0, to_seen, np.abs(to_seen),
        to_latest, np.abs(to_latest), to_latest < -0.01, price < least, change,
        price - np.r_[price[:1], price[:-1]], np.where(known, price, 0),
    ]  # fmt: skip


def _moment(its: _Listed) -> list[Column]:
    visit, seen = its.visit, its.seen
    repeats = np.isin(its.items, visit.page).mean() if visit.page else 0.0
    last = visit.touched[visit.trail[-1]].run if visit.trail else 0
    return [
        np.log1p(seen.sum()), seen.mean(), seen.any(), seen.sum() == 1, np.log1p(visit.steps),
        np.log1p(its.second - visit.begun) if visit.steps else 0.0,
        np.log1p(its.second - visit.second) if visit.steps else 0.0,
        np.log1p(visit.filters), np.log1p(visit.takings), np.log1p(len(visit.touched)), len(its.items) / 25,
        repeats, bool(visit.trail and visit.trail[-1] in its.at), its.lowest / 25, its.latest / 25,
        np.log1p(last), np.log1p(its.others.visits.max()), its.device == "mobile", its.device == "tablet",
        not visit.kind, *_of_prices(its.traits.price), *(visit.kind == kind for kind in KINDS),
    ]  # fmt: skip


def _of_prices(prices: np.ndarray) -> tuple[float, float]:
    """Whether the list is in the order of its prices, and how far they lie apart."""
    known = prices[np.isfinite(prices) & (prices > 0)]
    if not known.size:
        return np.nan, np.nan
    return float(known.size > 1 and (np.diff(known) >= 0).all()), float(np.log(known).std())


_PARTS = (
    _place, _seen, _taken, _beside, _shown, _popular, _habit, _words, _category, _price, _moment
)  # fmt: skip
_NAMES = (
    ("inverse", "log", "share", "first", "second", "third", "last"),
    (
        "ever", "since", "ago", "recency", "latest", "second_latest", "third_latest", "recency_listed",
        "latest_listed", "second_latest_listed", "times", "once", "most", "since_first", "run", "current",
        "dwell", "returns",
    ),
    ("times", "ever", "since", "looked_at_after", "last"),
    (
        *(f"latest_{name}" for name in _OFFSETS), *(f"lowest_{name}" for name in _OFFSETS), "onward",
        "same_step", "after_seen", "before_seen", "seen_above", "seen_below", "next_unseen", "first_unseen",
        "between",
    ),
    (
        "times", "skipped", "on_page", "same_place", "moved", "fresh", "below_taken", "above_taken",
        *(f"taken_{name}" for name in _OFFSETS),
    ),
    (
        "taken", "visits", "shown", "taken_rate", "visit_rate", "higher_elsewhere", "most_taken",
        "most_visited", "taken_share", "visited_share",
    ),
    ("visits", "taken"),
    ("mean", "last"),
    ("share",),
    (
        "to_median", "rank", "inverse_rank", "least", "to_seen", "from_seen", "to_latest", "from_latest",
        "below_latest", "least_so_far", "change", "to_above", "log",
    ),
    (
        "seen", "seen_share", "any_seen", "one_seen", "steps", "seconds", "gap", "filters", "takings",
        "touched", "length", "repeats", "latest_listed", "lowest", "latest", "run", "visits_most", "mobile",
        "tablet", "no_step", "rising_prices", "spread_of_prices", *KINDS,
    ),
)  # fmt: skip
#: The features by name, and the group of each.
FEATURES: dict[str, str] = {
    f"{group}_{name}": group for group, names in zip(GROUPS, _NAMES, strict=True) for name in names
}
#: What a kept model says of the features that it was made for: their names, and how often these came to mean
#: something else.
MADE_FOR = [*FEATURES, "1"]
GROUP_OF = np.array([list(GROUPS).index(group) for group in FEATURES.values()])


def taste_of(visit: Visit, vector: Callable[[str], np.ndarray], category: Callable[[str], str]) -> Taste:
    """The taste of a visit, from the vector and the category of any item."""
    if not visit.touched:
        nothing = np.zeros_like(vector(""))
        return Taste(nothing, nothing, {})
    mean = np.sum([vector(item) for item in visit.touched], axis=0)
    shares: dict[str, float] = {}
    for item in visit.touched:
        if name := category(item):
            shares[name] = shares.get(name, 0.0) + 1 / len(visit.touched)
    length = float(np.linalg.norm(mean))
    return Taste(mean / length if length else mean, vector(visit.trail[-1]), shares)
