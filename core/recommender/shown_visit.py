"""A visit up to a moment: what was looked at, taken and shown in it, and what all visits tell of items.

Both are told every event in time, and know nothing of what comes after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

#: A shopper and a session of theirs.
Key = tuple[str, str]
#: Kinds of steps; TAKEN is the event that is foretold, ITEM any other with an item.
TAKEN, ITEM, SEARCH, FILTER, SORT, OTHER = KINDS = ("taken", "item", "search", "filter", "sort", "other")


@dataclass(frozen=True)
class Step:
    """One event of a visit."""

    second: float
    kind: str  # of KINDS
    item: str | None = None
    shown: tuple[str, ...] = ()  # different items, in order, beside what was taken
    prices: tuple[float, ...] = ()  # of each of them, NaN for none; empty where none is known


def kind_of(event: str, item: str | None, taken: str) -> str:
    """The kind of an event; `taken` is the event that is foretold."""
    if item is not None:
        return TAKEN if event == taken else ITEM
    return event if event in (SEARCH, FILTER, SORT) else OTHER


@dataclass
class Touch:
    """What a visit did with one item."""

    first: float  # second
    last: float = 0.0
    step: int = 0  # number of the last event with it
    times: int = 0  # events
    run: int = 0  # events without another item between, up to the last
    returns: int = 0  # times that it was come to
    dwell: float = 0.0  # seconds from events with it to the next event
    taken: int = 0  # times
    taken_at: float = 0.0  # second of the last taking
    taken_step: int = -1


@dataclass
class Visit:
    """One session up to now."""

    begun: float = 0.0
    second: float = 0.0  # of its last event
    steps: int = 0
    kind: str = ""  # of its last event, "" before the first
    item: str | None = None  # of its last event
    touched: dict[str, Touch] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)  # items, each time that one was come to
    takings: int = 0
    last_taken: str | None = None
    filters: int = 0
    page: tuple[str, ...] = ()  # what was shown last
    asked: dict[str, float] = field(default_factory=dict)  # item → price that was shown for it last
    shown: Counter[str] = field(default_factory=Counter)  # times that each was
    places: Counter[str] = field(default_factory=Counter)  # sums of the places where each was

    def tell(self, step: Step) -> None:
        """Another event, not before the last one told."""
        if not self.steps:
            self.begun = step.second
        elif self.item is not None:
            self.touched[self.item].dwell += step.second - self.second
        if step.item is not None:
            self._touch(step.item, step)
        if step.shown:
            self.page = step.shown
            if step.prices:
                self.asked.update(zip(step.shown, step.prices, strict=True))
            self.shown.update(step.shown)
            self.places.update({item: place for place, item in enumerate(step.shown)})
        self.filters += step.kind == FILTER
        self.second, self.kind, self.item = step.second, step.kind, step.item
        self.steps += 1

    def _touch(self, item: str, step: Step) -> None:
        touch = self.touched.setdefault(item, Touch(step.second))
        touch.run = touch.run + 1 if self.item == item else 1
        touch.returns += self.item != item
        touch.last, touch.step = step.second, self.steps
        touch.times += 1
        if not self.trail or self.trail[-1] != item:
            self.trail.append(item)
        if step.kind == TAKEN:
            touch.taken += 1
            touch.taken_at, touch.taken_step = step.second, self.steps
            self.takings += 1
            self.last_taken = item


@dataclass(frozen=True)
class Others:
    """What other visits before a moment tell of the items of a list: float64[listed] each."""

    visits: np.ndarray  # that touched it
    taken: np.ndarray  # times that it was taken
    shown: np.ndarray  # times that it was shown
    places: np.ndarray  # sum of the places where it was
    own_visits: np.ndarray  # times that the same shopper touched it in other visits
    own_taken: np.ndarray  # and took it

    @classmethod
    def none(cls, listed: int) -> Others:
        """Nothing known."""
        return cls(*(np.zeros(listed) for _ in range(6)))


class Memory:
    """Every visit up to now."""

    def __init__(self) -> None:
        self.visits: dict[Key, Visit] = {}
        self._touched: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._shown: Counter[str] = Counter()
        self._places: Counter[str] = Counter()
        self._own: dict[str, dict[str, list[int]]] = {}  # shopper → item → events, takings

    def visit(self, number: Key) -> Visit:
        """A visit by its number, empty before its first event."""
        return self.visits.setdefault(number, Visit())

    def tell(self, number: Key, shopper: str, step: Step) -> None:
        """Another event of a visit, not before the last one told."""
        visit = self.visit(number)
        if step.item is not None:
            self._touched[step.item] += step.item not in visit.touched
            self._taken[step.item] += step.kind == TAKEN
            own = self._own.setdefault(shopper, {}).setdefault(step.item, [0, 0])
            own[0] += 1
            own[1] += step.kind == TAKEN
        self._shown.update(step.shown)
        self._places.update({item: place for place, item in enumerate(step.shown)})
        visit.tell(step)

    def forget(self, number: Key) -> None:
        """Drop a visit that has ended; what it tells of items stays."""
        self.visits.pop(number, None)

    def others(self, number: Key, shopper: str, items: Iterable[str]) -> Others:
        """What all visits but this one tell of items."""
        visit, own = self.visit(number), self._own.get(shopper, {})
        none = Touch(0.0)
        rows = []
        for item in items:
            touch = visit.touched.get(item, none)
            mine = own.get(item, (0, 0))
            rows.append((
                self._touched[item] - (touch.times > 0), self._taken[item] - touch.taken,
                self._shown[item] - visit.shown[item], self._places[item] - visit.places[item],
                mine[0] - touch.times, mine[1] - touch.taken,
            ))  # fmt: skip
        return Others(*np.array(rows, float).reshape(-1, 6).T)
