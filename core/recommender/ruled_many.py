"""The rules of a store over many lists at once: each list is the one that `ruled` gives by itself.

What raises, lowers and forbids is one number for each item and region; what places or limits items goes down
the lists one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from core.paths import open_cube
from core.recommender.catalogue import Catalogue, open_catalogue
from core.recommender.moment import Asked
from core.recommender.parity import with_parity
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
    words,
)
from core.recommender.ruled import left_out, not_sold_out, rules_of
from core.recommender.rules import RERANKED, apply, parity
from core.store import Store


@dataclass(frozen=True, eq=False)
class Here:
    """The rules that hold in one region."""

    rules: tuple[Rule, ...]
    added: np.ndarray  # float64[items], to the logits; −inf for what is forbidden
    raises: float  # the most that any item can gain

    @property
    def ranks_anew(self) -> bool:
        """Whether any rule ranks anew."""
        return any(isinstance(rule.does, Boost) for rule in self.rules)

    @property
    def parity(self) -> tuple[Parity, ...]:
        """The rules of parity, in their order."""
        return tuple(rule.does for rule in self.rules if isinstance(rule.does, Parity))

    @property
    def limits(self) -> bool:
        """Whether any rule is about the list as a whole: what is in it at a place, or how many."""
        return any(isinstance(rule.does, Always | AtMost) for rule in self.rules)


#: Gives the pairs that stand behind what is proposed to some rows: int64[pairs] of `rows`, int64[pairs] of
#: items, float64[pairs] logits.
Rest = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class ManyRules:
    """The rules of one question in every region."""

    rules: tuple[Rule, ...]  # those that are on and may hold somewhere on the day
    when: date
    catalogue: Catalogue
    regions: np.ndarray  # object[regions], as numbers of the log name them
    notes: tuple[str, ...] = ()
    _here: dict[int, Here] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, asked: Asked, regions: np.ndarray, stock: date | None = None) -> ManyRules:
        """Those that apply to what is asked, on its day, else the log's last; none with rules=off. Stock is
        that of the day, or of another where it is given.
        """
        every = rules_of(store)
        when = asked.day or open_cube(store).last_day
        catalogue = with_parity(store, open_catalogue(store, stock or when), every if asked.rules else ())
        if not asked.rules:
            return cls((), when, catalogue, regions, left_out(every))
        on = [rule for rule in every if rule.on and rule.holds(rule.region, when)]
        kept, notes = not_sold_out(in_order(on), asked)
        notes += [
            no_stock(rule.name)
            for rule in kept
            if isinstance(rule.does, InStock) and catalogue.in_stock is None
        ]
        notes += [
            no_parity(rule.name)
            for rule in kept
            if isinstance(rule.does, Parity) and rule.does.give_up not in catalogue.weights
        ]
        if kept:
            names = "; ".join(f"{rule.name!r} ({words(rule)})" for rule in kept)
            notes.insert(0, f"After the rules of this log: {names}. rules=off shows the model alone.")
        return cls(kept, when, catalogue, regions, tuple(notes))

    @property
    def of_lists(self) -> tuple[str, ...]:
        """The names of rules that are about lists as a whole."""
        return tuple(rule.name for rule in self.rules if isinstance(rule.does, Always | AtMost | Parity))

    def of_items(self) -> ManyRules:
        """Those that are about items one by one alone."""
        kept = tuple(rule for rule in self.rules if not isinstance(rule.does, Always | AtMost | Parity))
        return replace(self, rules=kept, _here={})

    def here(self, region: int) -> Here:
        """What holds in a region by its number, −1 for none."""
        if region not in self._here:
            name = str(self.regions[region]) if region >= 0 else ""
            rules = tuple(rule for rule in self.rules if rule.holds(name, self.when))
            added, raises = np.zeros(self.catalogue.items.size), 0.0
            for rule in rules:
                does = rule.does
                if isinstance(does, Boost):
                    gain = math.log(does.factor)
                    added[self._of(does.category, does.brand)] += gain
                    raises += max(gain, 0.0)
                elif isinstance(does, Never):
                    its = (
                        self.catalogue.items == does.item
                        if does.item
                        else self._of(does.category, does.brand)
                    )
                    added[its] = -np.inf
                elif isinstance(does, InStock) and self.catalogue.in_stock is not None:
                    added[~self.catalogue.in_stock] = -np.inf
            self._here[region] = Here(rules, added, raises)
        return self._here[region]

    def _of(self, category: str, brand: str) -> np.ndarray:
        catalogue = self.catalogue
        return np.asarray(catalogue.category == category if category else catalogue.brand == brand)

    def added(self, region: np.ndarray, item: np.ndarray) -> np.ndarray:
        """What rules add to the logits of items in regions, −inf for what they forbid: float64, of the shape
        that both broadcast to.
        """
        known, at = np.unique(region, return_inverse=True)
        table = np.stack([self.here(int(code)).added for code in known])
        return np.asarray(table[at.reshape(region.shape), item])

    def _parity(
        self, region: int, items: np.ndarray, logits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """A ranking, best first, after the rules of parity."""
        for does in self.here(region).parity:
            if does.give_up in self.catalogue.weights and self.catalogue.small is not None:
                small, weight = self.catalogue.small[items], self.catalogue.weights[does.give_up]
                order, logits = parity(logits, small, weight)
                items = items[order]
        return items, logits

    def list_of(self, region: int, items: np.ndarray, worth: np.ndarray, n: int) -> np.ndarray:
        """A list of items that are ranked by what they are worth after `added`, best first: int64[≤ n]."""
        here = self.here(region)
        if not here.limits:
            return items[:n]
        rules = [rule for rule in here.rules if not isinstance(rule.does, Boost | Parity)]
        name = str(self.regions[region]) if region >= 0 else ""
        return apply(rules, items, worth, self.catalogue, when=self.when, n=n, region=name).items

    def lists(
        self, region: np.ndarray, row: np.ndarray, item: np.ndarray, logits: np.ndarray, n: int, rest: Rest
    ) -> np.ndarray:
        """The lists of rows, int64[rows, n], −1 where there are fewer: of int64[pairs] of rows and items that
        are proposed, with their logits. `rest` is asked for rows whose lists would be short, or may have
        something in them that only a rule raises so far.
        """
        out = np.full((region.size, n), -1)
        order = np.lexsort((item, -logits, row))
        row, item, logits = row[order], item[order], logits[order]
        ends = np.searchsorted(row, np.arange(region.size + 1))
        short = []
        for at in range(region.size):
            held, here = slice(ends[at], ends[at + 1]), self.here(int(region[at]))
            items, ranked = self._parity(int(region[at]), item[held], logits[held])
            found, least = self._first(int(region[at]), items, ranked, n)
            out[at, : found.size] = found
            # What is not proposed stands behind all that is, and rises from there.
            rises = least < ranked.min(initial=np.inf) + here.raises
            few = here.ranks_anew and (rises or (here.parity and items.size < RERANKED))
            if here.rules and (found.size < n or few):
                short.append(at)
        if short:
            more_row, more_item, more = rest(np.array(short))
            for at in short:
                mine, held = more_row == at, slice(ends[at], ends[at + 1])
                found = self._whole(int(region[at]), item[held], logits[held], more_item[mine], more[mine], n)
                out[at] = -1
                out[at, : found.size] = found
        return out

    def _whole(
        self, region: int, item: np.ndarray, logits: np.ndarray, more: np.ndarray, its: np.ndarray, n: int
    ) -> np.ndarray:
        """One list from all that may be shown: what is proposed, best first, then the rest."""
        then = np.lexsort((more, -its))
        every, ranked = self._parity(region, np.r_[item, more[then]], np.r_[logits, its[then]])
        return self._first(region, every, ranked, n)[0]

    def _first(
        self, region: int, items: np.ndarray, logits: np.ndarray, n: int
    ) -> tuple[np.ndarray, float]:  # fmt: skip
        """The list of a ranking, and what the last of those that stand in it by rank is worth."""
        # A ranking need not follow its scores; what no rule is about must keep its order.
        worth = np.minimum.accumulate(logits) + self.here(region).added[items]
        order = np.argsort(-worth, kind="stable")
        order = order[worth[order] > -np.inf]
        items, worth = items[order], worth[order]
        found = self.list_of(region, items, worth, n)
        return found, float(worth[np.isin(items, found)].min(initial=np.inf))
