"""Rules that a person writes, applied to a ranked list after the model, and shown as such.

They are applied in this order, those of a kind by name:

1. `Parity` ranks the first RERANKED anew by chance + weight × small, as `fairness.Long` does.
2. `Boost` multiplies the odds of a category or brand; several multiply. The list is ranked anew.
3. `Never` and `InStock` forbid items. What is forbidden is in no list, whatever else says so.
4. `Always` takes an item in, as far as `AtMost` and the list's length let it.
5. `AtMost` limits how many items of each brand or category a list has; those of `Always` count first.

Items that no rule is about keep their order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from core.errors import WrongCall
from core.recommender.catalogue import Catalogue
from core.recommender.rule_kinds import (
    Always,
    AtMost,
    Boost,
    InStock,
    Never,
    Parity,
    Rule,
    in_order,
    no_parity,
    no_stock,
    unknown,
    words,
)

#: Items of a ranking that parity ranks anew.
RERANKED = 100
#: Chances are kept so far from 0 and 1.
LEAST_CHANCE = 1e-9


@dataclass(frozen=True)
class Moved:
    """An item that a rule moved; places are from 1.

    `Boost` and `Parity` move from a place of the ranking to another, and are told of what is in the list or
    was by its rank, unless a rule keeps it out; `Always` moves to a place of the list.
    """

    rule: str
    item: int  # code
    place: int | None  # where it stood; None: it was not among those ranked
    to: int


@dataclass(frozen=True)
class TakenOut:
    """An item that a rule kept out of the list though its rank would have brought it in."""

    rule: str
    item: int  # code
    place: int  # where the model ranked it, from 1


@dataclass(frozen=True, eq=False)
class Applied:
    """A list after its rules."""

    items: np.ndarray  # int64[≤ n], codes, best first
    scores: np.ndarray  # float64[≤ n], logits after boosts; NaN for an item that was not ranked
    moved: tuple[Moved, ...] = ()
    out: tuple[TakenOut, ...] = ()
    notes: tuple[str, ...] = ()  # sentences: which rule gave way to which, what could not be done


def apply(
    rules: Iterable[Rule], items: np.ndarray, scores: np.ndarray, catalogue: Catalogue, *,
    when: date, n: int, region: str = "",
) -> Applied:  # fmt: skip
    """The first n of a ranking after its rules.

    `items` is int64[ranked], codes, best first, each once, −1 for none; `scores` float64[ranked], their
    logits; `region` the shopper's. A rule that names what the log no longer has does nothing, and a note says
    so. Raises `WrongCall` for n below 1.
    """
    if n < 1:
        raise WrongCall(f"A list has 1 item or more, not {n}.")
    holding = in_order(rule for rule in rules if rule.holds(region, when))
    ranked = np.asarray(items, np.int64) >= 0
    return _Listing(
        holding, np.asarray(items, np.int64)[ranked], np.asarray(scores, float)[ranked], catalogue, n
    )()


class _Listing:
    """One list under way."""

    def __init__(
        self, rules: tuple[Rule, ...], items: np.ndarray, scores: np.ndarray, catalogue: Catalogue, n: int
    ) -> None:
        self.items, self.scores, self.catalogue, self.n = items, scores, catalogue, n
        self.ranked = items
        #: Of each rule that ranked anew: its name, the items that it is about, and their places before and
        #: after, from 0.
        self.shifted: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]] = []
        self.moved: list[Moved] = []
        self.notes: list[str] = []
        self.rules = tuple(rule for rule in rules if self._can(rule))
        self.limits = [
            (rule, rule.does, Counter[str]()) for rule in self.rules if isinstance(rule.does, AtMost)
        ]

    def __call__(self) -> Applied:
        self._parity()
        self._boost()
        place_of = {code: at + 1 for at, code in enumerate(self.items.tolist())}
        pins = self._pins()
        chosen, late, out = self._walk(pins)
        at_place = {code: does.place for code, (_, does) in pins.items() if does.place}
        listed = _placed([*chosen, *late], at_place)
        taken_out = {one.item for one in out}
        self._tell_shifts({*listed, *self.ranked[: self.n].tolist()} - taken_out)
        there = np.flatnonzero(np.isin(self.ranked, list(taken_out))) if out else np.empty(0, np.int64)
        ranked_at = dict(zip(self.ranked[there].tolist(), (there + 1).tolist(), strict=True))
        out = [replace(one, place=ranked_at[one.item]) for one in out]
        for to, code in enumerate(listed, 1):
            if code in at_place or code in late:
                self.moved.append(Moved(pins[code][0].name, code, place_of.get(code), to))
        scores = [self.scores[place_of[code] - 1] if code in place_of else math.nan for code in listed]
        return Applied(
            np.array(listed, np.int64), np.array(scores, float), tuple(self.moved), tuple(out),
            tuple(self.notes),
        )  # fmt: skip

    def _can(self, rule: Rule) -> bool:
        """Whether a rule can do anything here; a note says why not."""
        missing = unknown(rule.does, self.catalogue)
        if missing:
            self.notes.append(f"The rule {rule.name!r} does nothing: this log does not have {missing}.")
        if isinstance(rule.does, InStock) and self.catalogue.in_stock is None:
            self.notes.append(no_stock(rule.name))
            return False
        if isinstance(rule.does, Parity) and rule.does.give_up not in self.catalogue.weights:
            self.notes.append(no_parity(rule.name))
            return False
        return not missing

    def _parity(self) -> None:
        for rule in self.rules:
            if not isinstance(rule.does, Parity):
                continue
            assert self.catalogue.small is not None
            weight = self.catalogue.weights[rule.does.give_up]
            order, self.scores = parity(self.scores, self.catalogue.small[self.items], weight)
            self._shift(rule, self.catalogue.small[self.items], order)

    def _boost(self) -> None:
        """Rank anew, a rule at a time, so that each move has one rule to its name."""
        for rule in self.rules:
            if not isinstance(rule.does, Boost):
                continue
            does = rule.does
            of = self.catalogue.category if does.category else self.catalogue.brand
            its = of[self.items] == (does.category or does.brand)
            # A ranking need not follow its scores; what no rule is about must keep its order.
            scores = np.minimum.accumulate(self.scores) + np.where(its, math.log(does.factor), 0.0)
            order = np.argsort(-scores, kind="stable")
            self.scores = scores[order]
            self._shift(rule, its, order)

    def _shift(self, rule: Rule, its: np.ndarray, order: np.ndarray) -> None:
        """Put the ranking in another order for a rule about some of it, bool[ranked]."""
        to = np.argsort(order, kind="stable")
        at = np.flatnonzero(its & (to != np.arange(to.size)))
        self.shifted.append((rule.name, self.items[at], at, to[at]))
        self.items = self.items[order]

    def _tell_shifts(self, of: set[int]) -> None:
        """Keep where rules moved some items, but those that another forbids."""
        codes = np.array([code for code in sorted(of) if not self._forbids(code)], np.int64)
        for name, items, at, to in self.shifted:
            for row in np.flatnonzero(np.isin(items, codes)):
                self.moved.append(Moved(name, int(items[row]), int(at[row]) + 1, int(to[row]) + 1))

    def _pins(self) -> dict[int, tuple[Rule, Always]]:
        """The items to include by code, as many as may be, in the order of their rules."""
        pins: dict[int, tuple[Rule, Always]] = {}
        for rule in self.rules:
            if not isinstance(rule.does, Always):
                continue
            code = self.catalogue.code_of[rule.does.item]
            lost = f"{rule.name!r} does not include {rule.does.item!r}: "
            if code in pins:
                if rule.does.place != pins[code][1].place:
                    self.notes.append(f"{lost}{pins[code][0].name!r} has placed it.")
            elif why := self._forbids(code) or self._full(code):
                self.notes.append(f"{lost}{why.name!r} wins ({words(why)}).")
            elif len(pins) == self.n:
                self.notes.append(f"{lost}the list has only {self.n}, all taken by rules before it.")
            else:
                pins[code] = (rule, rule.does)
                self._count(code)
        return pins

    def _walk(self, pins: dict[int, tuple[Rule, Always]]) -> tuple[list[int], list[int], list[TakenOut]]:
        """Down the ranking: the list without places, those to include behind it, and those taken out."""
        chosen: list[int] = []
        out: list[TakenOut] = []
        waiting = [code for code, (_, does) in pins.items() if not does.place]
        room = self.n - len(pins)
        for at, code in enumerate(self.items.tolist(), 1):
            if code in waiting:
                waiting.remove(code)  # it stands in the list by its rank
                chosen.append(code)
            if code in pins:
                continue
            why = self._forbids(code) or self._full(code)
            if not room and not why:
                break
            if room and why:
                out.append(TakenOut(why.name, code, at))
            elif room:
                self._count(code)
                chosen.append(code)
                room -= 1
        return chosen, waiting, out

    def _forbids(self, code: int) -> Rule | None:
        """The first rule by which an item is never shown."""
        for rule in self.rules:
            does = rule.does
            if isinstance(does, InStock):
                assert self.catalogue.in_stock is not None
                if not self.catalogue.in_stock[code]:
                    return rule
            elif isinstance(does, Never) and (
                (does.item and self.catalogue.code_of[does.item] == code)
                or (does.category and self.catalogue.category[code] == does.category)
                or (does.brand and self.catalogue.brand[code] == does.brand)
            ):
                return rule
        return None

    def _full(self, code: int) -> Rule | None:
        """The first rule by which the list has enough of an item's brand or category."""
        for rule, does, counted in self.limits:
            if counted[self.catalogue.of(does.by)[code]] >= does.n:
                return rule
        return None

    def _count(self, code: int) -> None:
        for _, does, counted in self.limits:
            if value := self.catalogue.of(does.by)[code]:
                counted[value] += 1


def parity(scores: np.ndarray, small: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """The order of a ranking by chance + weight × small among its first RERANKED, int64[ranked], and logits
    in that order, float64[ranked], those behind no better than the last of these: of logits, best first, and
    bool[ranked].
    """
    first = np.minimum.accumulate(scores)[:RERANKED]
    chance = np.clip(1 / (1 + np.exp(-first)) + weight * small[:RERANKED], LEAST_CHANCE, 1 - LEAST_CHANCE)
    order = np.argsort(-chance, kind="stable")
    logits = np.log(chance / (1 - chance))[order]
    rest = np.arange(first.size, scores.size)
    return np.r_[order, rest], np.minimum.accumulate(np.r_[logits, scores[rest]])


def _placed(others: list[int], at_place: dict[int, int]) -> list[int]:
    """The others in their order, around items that have a place: each gets its own where it is free, else the
    next free one, else the nearest before.
    """
    slots: list[int | None] = [None] * (len(others) + len(at_place))
    for code, place in at_place.items():
        wanted = min(place, len(slots)) - 1
        free = [slot for slot, there in enumerate(slots) if there is None]
        slots[next((slot for slot in free if slot >= wanted), free[-1])] = code
    rest = iter(others)
    return [next(rest) if there is None else there for there in slots]
