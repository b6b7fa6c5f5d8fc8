"""What is read of the path log: whose events, under which names, and what counts as one path.

A path is a shopper's events of the scope in time, or those of one session. Its key is the number of the
shopper or of the session; a session has one shopper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import WrongCall
from core.events import PURCHASE
from core.paths import walk_kernel as kernel
from core.paths.key_kernel import mark_bought, tally_whole
from core.paths.log import MEMBERS, Filter, PathLog
from core.paths.match import UNITS
from core.paths.tokens import Naming, Tokens, tokens
from core.scope import Scope


@dataclass(frozen=True)
class Tally:
    """How many paths a walk has, and how many of them are marked."""

    paths: int
    shoppers: int  # who have a path
    marked: int
    marked_shoppers: int  # who have a marked path

    @classmethod
    def of(cls, blocks: list[np.ndarray]) -> Tally:
        """The sum of blocks that have no shopper in common, int64[4] each."""
        return cls(*map(int, np.sum(blocks, axis=0)))


@dataclass(frozen=True)
class Walk:
    """Paths to be read. `scope` has its dates; `names` are those of `naming`."""

    paths: PathLog
    scope: Scope
    its: Filter  # what the scope keeps
    naming: Naming
    names: Tokens
    unit: str = "shopper"
    among: np.ndarray | None = None  # bool[keys], the paths that count; None for all

    @classmethod
    def of(
        cls,
        paths: PathLog,
        scope: Scope,
        naming: Naming | None = None,
        unit: str = "shopper",
        names: Tokens | None = None,
    ) -> Walk:
        """A walk over all paths of a scope; raises `WrongCall` for an unknown unit."""
        if unit not in UNITS:
            raise WrongCall(f"unit={unit!r} is not known; it takes {', '.join(UNITS)}.")
        naming = naming or Naming()
        return cls(paths, scope, paths.filter(scope), naming, names or tokens(paths, naming), unit)

    def only(self, keys: np.ndarray) -> Walk:
        """The walk over those of its paths whose key is marked in bool[keys]."""
        return replace(self, among=keys if self.among is None else self.among & keys)

    @property
    def keys(self) -> int:
        """How many keys there are, in the scope or not."""
        return self.paths.sessions if self.unit == "session" else self.paths.shoppers

    @cached_property
    def all_kept(self) -> bool:
        """Whether every event of a shopper who is read is kept, and named by its kind, but for `among`."""
        named = not self.names.by_item and bool((self.names.of_kind >= 0).all())
        return named and not self.its.uses & ~MEMBERS and bool(self.its.kinds.all())

    @property
    def whole(self) -> bool:
        """Whether all paths of the shoppers who are read count, with every event."""
        return self.all_kept and self.among is None

    @cached_property
    def arguments(self) -> tuple[Any, ...]:
        """The walk as the kernels take it."""
        paths, its = self.paths, self.its
        of_kind = np.where(its.kinds, self.names.of_kind, np.int32(kernel.NOT_KEPT)).astype(np.int32)
        columns = tuple(paths[name] for name in ("kind", "hour", "place", "mean", "item", "session"))
        some = self.among is not None
        whole = self.whole or (self.all_kept and self.unit == "shopper")
        rules = (int(self.unit == "session"), int(self.naming.collapse), int(some), int(whole))
        return (
            paths["start"], columns, (its.hours, its.places, its.means), np.int64(its.uses), its.members,
            np.ones(1, bool) if self.among is None else self.among,
            (of_kind, self.names.of_item, np.uint32(self.names.no_item)), rules,
        )  # fmt: skip

    def most_paths(self, low: int, high: int) -> int:
        """No more paths than this are those of the shoppers `low` to `high`."""
        if self.unit == "shopper":
            return high - low
        # Sessions are numbered in the order of shoppers, each from its first.
        start, session = self.paths["start"], self.paths["session"]
        last = session[start[high - 1] : start[high]].max()
        return int(last) - int(session[start[low]]) + 1

    def bought(self) -> np.ndarray:
        """Which paths hold a purchase in the scope, even one that the naming hides: bool[keys]."""
        is_purchase = (self.its.kinds & (self.paths.kinds[0] == PURCHASE)).astype(bool)
        out = np.zeros(self.keys, bool)
        self.paths.in_blocks(lambda low, high: mark_bought(low, high, self.arguments, is_purchase, out))
        return out

    def tally(self, marked: np.ndarray | None = None) -> Tally:
        """Counts of the walk's paths; `marked` is bool[keys]."""
        marks = np.zeros(self.keys, bool) if marked is None else marked
        arguments, sessions = self.arguments, self.paths.sessions

        def count(low: int, high: int) -> Any:
            if self.whole:
                return tally_whole(low, high, arguments, sessions, marks)
            return kernel.tally(low, high, arguments, marks)

        return Tally.of(self.paths.in_blocks(count))
