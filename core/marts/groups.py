"""The answer of a cube: every measure of each group, with groups of few shoppers hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.marts.activity import MONEY_UNIT
from core.marts.dimensions import Axis
from core.marts.privacy import hide_small
from core.scope import Scope

#: The share of the events that is worth another pass.
WORTH = 0.01


@dataclass(frozen=True)
class Groups:
    """Dense results of a question: one number a group, of one or two periods.

    Arrays are [periods, *sizes of the axes]; period 0 is the asked one, period 1 the compared one.
    """

    axes: tuple[Axis, ...]
    periods: tuple[Scope, ...]
    events: np.ndarray
    shoppers: np.ndarray
    sessions: np.ndarray
    buys: np.ndarray  # sessions with a purchase
    revenue: np.ndarray  # net of returns and cancellations, in the log's currency
    sales: np.ndarray  # gross of them
    hidden: np.ndarray  # bool: fewer than k shoppers, or needed to protect such a group

    @property
    def compared(self) -> bool:
        return len(self.periods) == 2


def groups_of(
    axes: tuple[Axis, ...],
    periods: tuple[Scope, ...],
    counts: np.ndarray,
    k: int,
    of_lines: Callable[[int, int], np.ndarray],
) -> Groups:
    """The counts, int64[6, periods, *sizes], as measures, with groups of fewer than k shoppers hidden.

    `of_lines` counts the distinct shoppers of all groups that differ in one axis alone, from a period and the
    axis: int64[*sizes of the others]. It takes a pass for each axis, and is asked only where it may show more
    than WORTH of the events.
    """
    cut = tuple(slice(len(axis.labels)) for axis in axes)
    counts = counts[(slice(None), slice(None), *cut)]

    def hidden_in(period: int) -> np.ndarray:
        def whole(line: int) -> np.ndarray:
            return of_lines(period, line)[(*cut[:line], *cut[line + 1 :])]

        events, shoppers = counts[:2, period]
        hidden = hide_small(shoppers, k, overlapping=True)
        unsure = hidden & ~hide_small(shoppers, k)
        if events[unsure].sum() <= WORTH * events.sum():
            return hidden
        return hide_small(shoppers, k, overlapping=True, whole=whole)

    hidden = np.stack([hidden_in(period) for period in range(len(periods))])
    events, shoppers, sessions, buys, revenue, sales = counts * ~hidden
    return Groups(
        axes, periods, events, shoppers, sessions, buys, revenue / MONEY_UNIT, sales / MONEY_UNIT, hidden
    )
