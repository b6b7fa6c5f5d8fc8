"""A funnel asked of the path log: which shoppers, or sessions, got how far, and by which events.

The rules, in the words of the options:

- `order=ordered`: steps one after another, anything may come between. Events of one second have no
  order: any that helps counts. `strict`: nothing else on the path comes between, in the order in which
  the path shows events. `any`: as many of the steps as one window holds, whatever their order.
- `window`: from the first step to the last, at most.
- `entry`: a path may begin at `any` first step, only at the `first` of the scope, only at the `start` of
  the path; with `last` the path is read backwards from the last event that is the last step.
- `unit`: a shopper counts once, by the path that got furthest, among those the one that got there first,
  begun as late as can be (a path of the first step alone by its first such event); or every session counts.
- `hold`: all steps must be of the same `item` or `category`; events without one do not take part.
- An exclusion breaks a path where the event lies between two steps, in another second than both.
- An optional step may be left out; it counts where it was done on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.errors import WrongCall
from core.paths import match_kernel as kernel
from core.paths.log import ITEM, MEAN, NOWHERE, QUERY, PathLog
from core.paths.plain_kernel import close_up, match_plain
from core.paths.steps import ANY, Exclusion, Step, matching
from core.paths.tally_kernel import seconds_between
from core.paths.threads import side_by_side
from core.paths.tokens import Naming, Tokens, tokens
from core.scope import Scope

ORDERS = ("ordered", "strict", "any")
ENTRIES = ("any", "first", "start", "last")
UNITS = ("shopper", "session")
HOLDS = ("nothing", "item", "category")

#: A window that no log outlasts, in seconds.
ANY_TIME = 2**41


@dataclass(frozen=True)
class Funnel:
    """A funnel and its rules; see the head of this module."""

    steps: tuple[Step, ...]
    order: str = "ordered"
    window: int = 0  # seconds; 0 is any time
    entry: str = "any"
    unit: str = "shopper"
    hold: str = "nothing"
    exclusions: tuple[Exclusion, ...] = ()
    naming: Naming = field(default_factory=Naming)

    def __post_init__(self) -> None:
        """Raises `WrongCall` where the rules do not go together."""
        for name, allowed in (("order", ORDERS), ("entry", ENTRIES), ("unit", UNITS), ("hold", HOLDS)):
            value = getattr(self, name)
            if value not in allowed:
                raise WrongCall(f"{name}={value!r} is not known; it takes {', '.join(allowed)}.")
        if self.order == "any" and (self.exclusions or any(s.optional for s in self.steps)):
            raise WrongCall("In any order there is no between: drop exclusions and optional steps.")
        if self.order == "strict" and self.exclusions:
            raise WrongCall("In strict order nothing may come between steps, so there is nothing to exclude.")
        if self.order == "any" and self.entry != "any":
            raise WrongCall("In any order a path begins anywhere: entry takes any.")
        if self.entry == "last" and self.order != "strict":
            raise WrongCall("entry=last reads a path step by step from its end: it needs order=strict.")


@dataclass(frozen=True)
class Matches:
    """Who entered a funnel and by which events they went through it."""

    shopper: np.ndarray  # uint32[found] number of the shopper
    events: np.ndarray  # uint32[found, steps] the event that was each step, or NOWHERE
    second: np.ndarray  # uint32[events] of the path log: when each event was

    @property
    def reached(self) -> np.ndarray:
        """Who did which step: bool[found, steps]."""
        done: np.ndarray = self.events != NOWHERE
        return done

    def between(self, first: int, last: int, rows: np.ndarray) -> np.ndarray:
        """Seconds from one step to another of paths that did both: int64[rows]."""
        since, until = (self.second.take(self.events[:, s].take(rows)) for s in (first, last))
        return np.abs(until.astype(np.int64) - since)

    def seconds(self, first: int, last: int) -> np.ndarray:
        """Seconds from one step to another of all paths that did both, in no order: uint32[paths]."""
        out = np.empty(len(self.events), np.uint32)
        count = seconds_between(self.events[:, first], self.events[:, last], self.second, out)
        return out[:count]

    def shoppers_at(self, step: int) -> np.ndarray:
        """The shoppers who did a step, each once: uint32[shoppers]."""
        return np.unique(self.shopper[self.events[:, step] != NOWHERE])


def match(paths: PathLog, scope: Scope, funnel: Funnel, names: Tokens | None = None) -> Matches:
    """Who of the scope got how far. `scope` has its dates; `names` are those of the funnel's naming.

    Raises `WrongCall` where in any order one event could be two of the steps.
    """
    backward = funnel.entry == "last"
    asked = replace(funnel, steps=funnel.steps[::-1]) if backward else funnel
    its = paths.filter(scope)
    shown = names or tokens(paths, asked.naming)
    masks = _masks(paths, asked, its.kinds, shown)
    steps = asked.steps
    pred = np.zeros(len(steps), np.int64)
    for s in range(1, len(steps)):
        pred[s] = s - 1 if not steps[s - 1].optional else pred[s - 1]
    optional = np.array([s.optional for s in steps])
    exclusions = np.array([[x.after, x.before] for x in asked.exclusions], np.int64).reshape(-1, 2)
    entry = {"any": 0, "first": 1, "start": 2, "last": 1}[funnel.entry]
    rules = (
        asked.window or ANY_TIME, ORDERS.index(asked.order), entry, UNITS.index(asked.unit),
        HOLDS.index(asked.hold), int(asked.naming.collapse), int(backward),
    )  # fmt: skip
    naming = (shown.of_kind, shown.of_item, np.uint32(shown.no_item), paths.category_of)
    columns = tuple(
        paths[name] for name in ("kind", "second", "hour", "place", "mean", "item", "query", "session")
    )
    by_mean = masks.mean & np.where(its.means, _ALL, np.uint32(0))
    looks = (masks.kind, its.hours, its.places, by_mean, masks.item, masks.query, masks.token)

    uses = np.int64(its.uses | masks.uses)
    nobody = np.zeros(0, np.uint32)

    def ask(low: int, high: int, chosen: np.ndarray = nobody) -> _Block:
        found: _Block = kernel.match_block(
            low, high, chosen, paths["start"], columns, looks, uses, its.members, naming, pred, optional,
            exclusions, rules,
        )  # fmt: skip
        return found

    plain = _steps_of_kinds(asked, masks) if paths.dimensions.hours.size * 3600 < 2**31 else None
    if plain is not None:
        tables = (
            its.hours.astype(np.uint8), its.places.astype(np.uint8),
            *(_by_step(table, len(steps)) for table in (by_mean, masks.item, masks.query)),
        )  # fmt: skip
        shopper, events = _match_plain(paths, asked, (columns, plain, tables, uses, its.members), ask)
        return Matches(shopper, events.T, paths["second"])
    blocks = paths.in_blocks(ask)
    if asked.order == "any" and any(twice for *_, twice in blocks):
        raise WrongCall(
            "In any order each event must be one step, and here some are two; "
            "make the steps exclude each other."
        )
    # A step's events lie side by side, as questions go step by step.
    shopper, events = (np.concatenate([block[i] for block in blocks], axis=-1) for i in range(2))
    return Matches(shopper, (events[::-1] if backward else events).T, paths["second"])


#: Shoppers, events [steps, found], and whether some event met two steps at once.
_Block = tuple[np.ndarray, np.ndarray, bool]


def _match_plain(
    paths: PathLog, funnel: Funnel, reading: tuple[Any, ...], ask: Callable[[int, int, np.ndarray], _Block]
) -> tuple[np.ndarray, np.ndarray]:
    """Shoppers and events [steps, found] of a plain funnel; `ask` is for shoppers that it leaves over.

    All blocks write into one table that numpy makes, in the large pages that it asks the system for: a
    table of each block's own costs more time to get than to fill.
    """
    start, session = paths["start"], paths["session"]
    columns, kinds, tables, uses, members = reading
    by_session = funnel.unit == "session"
    size = paths.sessions if by_session else paths.shoppers
    who = np.empty(size, np.uint32)
    found = np.empty((len(funnel.steps), size), np.uint32)
    window = min(funnel.window or ANY_TIME, 2**31 - 1)

    def one(low: int, high: int) -> tuple[int, int, np.ndarray]:
        # Sessions are numbered in the order of shoppers, each from its shopper's first.
        room = int(session[start[low]]) if by_session else low
        count, left = match_plain(
            low, high, start, columns, kinds, tables, uses, members, len(funnel.steps), window, by_session,
            who, found, room,
        )  # fmt: skip
        return room, count, left

    rooms, counts, lefts = zip(*paths.in_blocks(one), strict=True)
    end = sum(counts)
    side_by_side(lambda column: close_up(column, np.array(rooms), np.array(counts)), [who, *found], end)
    left = np.concatenate(lefts)
    if not left.size:
        return who[:end], found[:, :end]
    others, more, _ = ask(0, left.size, left)
    whole = end + others.size
    who[end:whole], found[:, end:whole] = others, more
    return who[:whole], found[:, :whole]


def _steps_of_kinds(funnel: Funnel, masks: _Masks) -> np.ndarray | None:
    """The step of each kind, from 1, where the funnel is plain enough for `plain_kernel`; else None."""
    if (
        funnel.order != "ordered" or funnel.entry != "any" or funnel.hold != "nothing" or funnel.exclusions
        or funnel.naming.collapse or masks.token.size or any(s.optional for s in funnel.steps)
    ):  # fmt: skip
        return None
    kinds = masks.kind
    if (kinds & (kinds - np.uint32(1))).any():  # an event may be two steps
        return None
    return np.where(kinds > 0, np.log2(np.maximum(kinds, 1)) + 1, 0).astype(np.uint8)


def _by_step(table: np.ndarray, steps: int) -> np.ndarray:
    """Bits of steps as uint8[steps + 1, codes], steps from 1."""
    bits = [(table >> np.uint32(max(s - 1, 0))) & np.uint32(1) for s in range(steps + 1)]
    return np.array(bits, np.uint8)


_ALL = np.uint32(2**32 - 1)


@dataclass(frozen=True)
class _Masks:
    """Which steps and exclusions an event can be by each of its codes: bits of uint32 a code."""

    kind: np.ndarray
    mean: np.ndarray
    item: np.ndarray
    query: np.ndarray
    token: np.ndarray  # empty where the kind decides the name
    uses: int


def _masks(paths: PathLog, funnel: Funnel, kept: np.ndarray, shown: Tokens) -> _Masks:
    asked = [*funnel.steps, *(x.step for x in funnel.exclusions)]
    bits = [*range(len(funnel.steps)), *(kernel.FIRST_EXCLUSION + i for i in range(len(funnel.exclusions)))]
    whole_path = funnel.order == "strict" or funnel.entry == "start"
    by_kind = np.full(kept.size, kernel.ON_PATH if whole_path else 0, np.uint32)
    by_mean = np.full(paths.means[0].size, _ALL, np.uint32)
    by_token = np.full(shown.labels.size, kernel.ON_PATH, np.uint32)
    texts: dict[str, np.ndarray] = {}  # item, query: what was asked of them
    uses = 0
    for step, bit in zip(asked, bits, strict=True):
        flag = np.uint32(1 << bit)
        named = shown.find(step.event)
        by_token[named] |= flag
        fits = np.ones(kept.size, bool)
        if not shown.by_item:
            fits = np.append(named, False)[shown.of_kind]  # the last one is what HIDDEN, −1, finds
        for name, value in step.narrowed:
            if name == "category":
                fits &= matching(paths.kinds[1], value)
            elif name in ("device", "channel"):
                labels = paths.means[("device", "channel").index(name)]
                by_mean[~matching(labels, value)] &= ~flag
                uses |= int(MEAN)
            else:
                labels = paths.items if name == "item" else paths.queries
                mask = texts.setdefault(name, np.full(labels.size, _ALL, np.uint32))
                mask[~matching(labels, value)] &= ~flag
                uses |= int(ITEM if name == "item" else QUERY)
        by_kind[fits] |= flag
    by_kind[~kept] = 0
    if not shown.by_item:
        by_kind[shown.of_kind < 0] = 0
        by_token = by_token[:0]
    nothing = np.full(1, _ALL, np.uint32)
    by_item, by_query = texts.get("item", nothing), texts.get("query", nothing)
    return _Masks(by_kind, by_mean, by_item, by_query, by_token, uses)


def unmet(paths: PathLog, funnel: Funnel, names: Tokens | None = None) -> list[str]:
    """Sentences on steps that the log never holds, and on steps that are the same."""
    shown = names or tokens(paths, funnel.naming)
    said = []
    for number, step in enumerate(funnel.steps, 1):
        if step.event != ANY and not shown.find(step.event).any():
            some = ", ".join([*shown.labels[:12].tolist(), *(["…"] if shown.labels.size > 12 else [])])
            said.append(f"Step {number} never happens: the log has no “{step.event}”. It has {some}.")
        for name, value in step.narrowed:
            labels = {
                "category": paths.kinds[1], "device": paths.means[0], "channel": paths.means[1],
                "item": paths.items, "query": paths.queries,
            }[name]  # fmt: skip
            if not matching(labels, value).any():
                said.append(f"Step {number} never happens: the log has no {name} “{value}”.")
    for step in dict.fromkeys(funnel.steps):
        same = [str(n) for n, other in enumerate(funnel.steps, 1) if other == step]
        if len(same) > 1:
            which = f"{', '.join(same[:-1])} and {same[-1]}"
            said.append(f"Steps {which} are the same: each needs an event of its own.")
    return said
