"""Funnels that the log itself suggests: its events in their most common order, up to its goal."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.events import PURCHASE
from core.paths.keep_kernel import kept
from core.paths.log import MEMBERS, PathLog
from core.paths.steps import Step
from core.scope import Scope

#: An event is on the way where so many of those who got to the goal did it before.
ON_THE_WAY = 0.75
#: Where fewer of them did anything before, the goal is where a way begins: an order that is paid, then sent.
FROM_NOWHERE = 0.1
#: An event that fewer of the shoppers did is no goal.
LEAST_SHARE = 0.01
MOST_STEPS = 6


def suggest(paths: PathLog, scope: Scope) -> list[tuple[Step, ...]]:
    """Up to three funnels, the most telling first; none where the scope has less than two common events.

    The goal is the purchase, or else the common event that comes last; on the way to it is what most of
    those who got there did before. What tends to follow the purchase is a funnel of its own, and the first
    one where hardly anything comes before. Events are ordered by how often they come before each other: an
    event's score is the mean, over the others, of the share of shoppers that did both who did it first
    (a Borda count over pairs).
    """
    names = np.array(paths.dimensions.values("event"), object)
    counts = _counts(paths, scope, names)
    did = counts.diagonal()
    if not did.size or not did.max():
        return []
    order = [e for e in _in_order(counts) if did[e] >= LEAST_SHARE * did.max()]
    goal = next((e for e in order if names[e] == PURCHASE), order[-1])
    before = {e: counts[e, goal] / did[goal] for e in order if e != goal and counts[e, goal]}
    # A log of many ways has no event that most have in common: then the most common ones.
    least = min(ON_THE_WAY, *(sorted(before.values(), reverse=True)[:2] or [1]))
    way = [e for e in order if before.get(e, 0) >= max(least, FROM_NOWHERE)]
    found = [[*way[-MOST_STEPS + 1 :], goal]] if way else []
    if len(way) > 2:
        found.append([way[0], way[-1], goal])
    after = [e for e in order if e not in way and e != goal and counts[goal, e] > counts[e, goal]]
    if after:
        found.append([goal, *after[: MOST_STEPS - 1]])
    if not found:  # nobody did two things: any two events are a question
        found = [[*[e for e in order if e != goal][:1], goal]]
    return [tuple(Step(str(names[e])) for e in events) for events in found if len(events) > 1]


def _in_order(counts: np.ndarray) -> list[int]:
    """Events from the one that tends to come first to the one that tends to come last."""
    before = counts - np.diag(counts.diagonal())
    both = before + before.T
    share = np.where(both > 0, before / np.maximum(both, 1), 0.5)
    return [int(e) for e in np.argsort(-share.mean(axis=1), kind="stable")]


def _counts(paths: PathLog, scope: Scope, names: np.ndarray) -> np.ndarray:
    """How many shoppers did an event (diagonal), and did one before another for the first time."""
    its = paths.filter(scope)
    of_kind = np.searchsorted(names, paths.kinds[0]).astype(np.int32)
    of_kind[~its.kinds] = -1
    columns = tuple(paths[name] for name in ("kind", "hour", "place", "mean", "second"))

    def ask(low: int, high: int) -> np.ndarray:
        found: np.ndarray = _first_before(
            low, high, paths["start"], columns, of_kind, np.int64(its.uses), its.hours, its.places,
            its.means, its.members, names.size,
        )  # fmt: skip
        return found

    return np.sum(paths.in_blocks(ask), axis=0)


@njit(nogil=True, cache=True)
def _first_before(  # type: ignore[no-untyped-def]
    low, high, start, columns, of_kind, uses, hours, places, means, members, events
):
    """int64[events, events]: shoppers whose first a came in an earlier second than their first b."""
    kind, hour, place, mean, second = columns
    out = np.zeros((events, events), np.int64)
    first = np.empty(events, np.int64)
    for u in range(low, high):
        if uses & MEMBERS and not members[u]:
            continue
        first[:] = -1
        for i in range(np.int64(start[u]), np.int64(start[u + 1])):
            e = of_kind[kind[i]]
            if e < 0 or first[e] >= 0:
                continue
            if kept(i, uses, (hour, place, mean), (hours, places, means)):
                first[e] = second[i]
        for a in range(events):
            if first[a] < 0:
                continue
            out[a, a] += 1
            for b in range(events):
                if b != a and first[b] > first[a]:
                    out[a, b] += 1
    return out
