"""Funnels by brute force: every chain of events is tried. The slow, obvious truth of `core.paths.match`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from core.paths.match import Funnel
from core.paths.steps import Step
from tests.paths.logs import Row, in_order


def fits(step: Step, row: Row) -> bool:
    """Whether an event is what a step asks for; names and values without *."""
    return step.event in ("*", row["event"]) and all((row[f] or "(none)") == v for f, v in step.narrowed)


def counts(rows: list[Row], funnel: Funnel, keep: Callable[[Row], bool] | None = None) -> list[int]:
    """How many units did each step. `rows` are in the order of the path log."""
    units: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        if keep is None or keep(row):
            key = (row["shopper"], row["session"]) if funnel.unit == "session" else (row["shopper"],)
            units.setdefault(key, []).append(row)
    totals = [0] * len(funnel.steps)
    for events in units.values():
        for step in max((reached(part, funnel) for part in _held(events, funnel.hold)), key=_level(funnel)):
            totals[step] += 1
    return totals


def _level(funnel: Funnel) -> Callable[[set[int]], int]:
    return lambda done: max((s for s in done if not funnel.steps[s].optional), default=-1)


def _held(events: list[Row], hold: str) -> list[list[Row]]:
    if hold == "nothing":
        return [events]
    values = {e[hold] for e in events} - {None}
    return [[e for e in events if e[hold] == value] for value in values] or [[]]


def reached(events: list[Row], funnel: Funnel) -> set[int]:
    """Which steps one unit did."""
    if funnel.order == "any":
        return _any_order(events, funnel)
    required = [i for i, s in enumerate(funnel.steps) if not s.optional]
    done: set[int] = set()
    ends: list[int] = []  # second of each way to the last step
    for last in range(len(funnel.steps)):
        through = [i for i in required if i < last] + [last]
        for chain in _chains(events, funnel, through):
            done.add(last)
            if last == required[-1]:
                ends.append(events[chain[-1]]["second"])
    if ends:  # the path is over where the funnel is completed
        done = {
            s for s in done
            if s in required
            or any(
                events[c[-1]]["second"] <= min(ends)
                for c in _chains(events, funnel, [i for i in required if i < s] + [s])
            )
        }  # fmt: skip
    return done


def _chains(events: list[Row], funnel: Funnel, through: list[int]) -> Iterator[tuple[int, ...]]:
    """Every choice of events for these steps that keeps the rules."""
    strict = funnel.order == "strict"
    first = [i for i, e in enumerate(events) if fits(funnel.steps[0], e)]
    for choice in _choices(len(events), len(through)):
        if strict and choice[-1] - choice[0] != len(choice) - 1:
            continue
        if not all(fits(funnel.steps[s], events[i]) for s, i in zip(through, choice, strict=True)):
            continue
        times = [events[i]["second"] for i in choice]
        if funnel.window and abs(times[-1] - times[0]) > funnel.window:
            continue
        if funnel.entry == "first" and choice[0] != first[0]:
            continue
        if funnel.entry == "start" and choice[0] != 0:
            continue
        if not _broken(events, funnel, through, times):
            yield choice


def _choices(events: int, steps: int) -> Iterator[tuple[int, ...]]:
    yield from combinations(range(events), steps)


def _broken(events: list[Row], funnel: Funnel, through: list[int], times: list[int]) -> bool:
    for x in funnel.exclusions:
        for i in range(len(through) - 1):
            if x.after <= through[i] < x.before and any(
                fits(x.step, e) and times[i] < e["second"] < times[i + 1] for e in events
            ):
                return True
    return False


def _any_order(events: list[Row], funnel: Funnel) -> set[int]:
    best = 0
    for first in events:
        within = [
            e for e in events
            if first["second"] <= e["second"] <= first["second"] + (funnel.window or 10**9)
        ]  # fmt: skip
        best = max(best, sum(any(fits(s, e) for e in within) for s in funnel.steps))
    return set(range(best))


def favourable(events: list[Row], funnel: Funnel) -> list[Row]:
    """Events of one second in the order that helps: by the first step that each can be."""

    def first_step(row: Row) -> int:
        return next((i for i, s in enumerate(funnel.steps) if fits(s, row)), len(funnel.steps))

    return sorted(in_order(events), key=lambda r: (r["shopper"], r["second"], first_step(r)))
