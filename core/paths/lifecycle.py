"""The shoppers of each period by what they were before, and by how often they come.

With activity meaning an event of the question that the scope's filters keep, its dates aside:

- new: active in the period, and never before in the whole log;
- returning: active in it and in the period before;
- resurrecting: active in it and earlier, but not in the period before;
- dormant: active in the period before, but not in it; not known until the period has ended.

The first three part the shoppers of the period. What came before is looked for in the whole log, beyond
the scope's dates. Source: PostHog's lifecycle, where new is decided by the person's first sight as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import WrongCall
from core.paths import returns_kernel as kernel
from core.paths.log import PathLog
from core.paths.marks import marks
from core.paths.periods import Periods, periods, span
from core.paths.returns import ANYTHING, event_columns
from core.paths.steps import Step
from core.scope import Scope

STATES = ("new", "returning", "resurrecting", "dormant")


@dataclass(frozen=True)
class Lifecycle:
    """Shoppers by state in each period of the scope."""

    periods: Periods
    shoppers: np.ndarray  # int64[4, periods] in the order of STATES; dormant only where `ended` is known
    from_the_start: bool  # whether the first period is the log's first, in which everybody is new


@dataclass(frozen=True)
class Activity:
    """Shoppers by the number of the scope's periods in which they were active."""

    periods: Periods
    shoppers: np.ndarray  # int64[periods + 1]; the first are the log's others


def lifecycle(
    paths: PathLog, scope: Scope, event: tuple[Step, ...] = ANYTHING, step: str = "week"
) -> Lifecycle:
    """The states of the shoppers in every period of the scope."""
    its = periods(paths, scope, step)
    its_pass, offset = _lifecycle_pass(paths, scope, event, its)
    counts, _ = its_pass.run(kernel.lifecycle_block, (-1, -1))
    return Lifecycle(its, counts[:, offset : offset + its.count], its.count > 0 and offset == 0)


def in_state(
    paths: PathLog,
    scope: Scope,
    state: str,
    period: int,
    event: tuple[Step, ...] = ANYTHING,
    step: str = "week",
) -> np.ndarray:
    """The shoppers of a state in a period of the scope, counted from 0: uint32[shoppers].

    Raises `WrongCall` for a state or a period that there is not.
    """
    if state not in STATES:
        raise WrongCall(f"state={state!r} is not known; it takes {', '.join(STATES)}.")
    its = periods(paths, scope, step)
    if not 0 <= period < its.count:
        raise WrongCall(f"The scope has {its.count} {step}s; there is no {step} {period}, from 0.")
    its_pass, offset = _lifecycle_pass(paths, scope, event, its)
    return its_pass.run(kernel.lifecycle_block, (STATES.index(state), offset + period))[1]


def activity(paths: PathLog, scope: Scope, event: tuple[Step, ...] = ANYTHING, step: str = "day") -> Activity:
    """How many shoppers were active in how many of the scope's periods."""
    its = periods(paths, scope, step)
    return Activity(its, _Pass(paths, scope, event, its, its).run(kernel.active_block, -1)[0])


def active_for(
    paths: PathLog, scope: Scope, count: int, event: tuple[Step, ...] = ANYTHING, step: str = "day"
) -> np.ndarray:
    """The shoppers who were active in exactly `count` of the scope's periods: uint32[shoppers]."""
    its = periods(paths, scope, step)
    if not 1 <= count <= its.count:
        raise WrongCall(f"The scope has {its.count} {step}s; nobody is active in {count} of them.")
    return _Pass(paths, scope, event, its, its).run(kernel.active_block, count)[1]


class _Pass:
    """One pass of a kernel: it tells the periods of `every` apart, and the scope's dates from others."""

    def __init__(
        self, paths: PathLog, scope: Scope, event: tuple[Step, ...], every: Periods, its: Periods
    ) -> None:
        self._paths = paths
        self._columns = event_columns(paths)
        self._marks = marks(paths, scope, event)
        self._every, self._dated = every, its.of_hour >= 0

    def run(self, block: Callable[..., Any], pick: object) -> tuple[np.ndarray, np.ndarray]:
        """The counts of all blocks together, and the picked shoppers."""

        def ask(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
            found: tuple[np.ndarray, np.ndarray] = block(
                low, high, self._paths["start"], self._columns, self._marks.tables, self._marks.uses,
                self._marks.members, self._every.of_hour, self._dated, self._every.count, pick,
            )  # fmt: skip
            return found

        blocks = self._paths.in_blocks(ask)
        return np.sum([counts for counts, _ in blocks], axis=0), np.concatenate([who for _, who in blocks])


def _lifecycle_pass(paths: PathLog, scope: Scope, event: tuple[Step, ...], its: Periods) -> tuple[_Pass, int]:
    """The pass over the whole log's periods, and where the scope's first is among them."""
    first, last = span(paths)
    every = periods(paths, replace(scope, start=first, end=last), its.step)
    offset = int(np.searchsorted(every.starts, its.starts[0])) if its.count else 0
    return _Pass(paths, scope, event, every, its), offset
