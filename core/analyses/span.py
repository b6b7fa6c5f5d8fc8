"""Which days of a log are worth opening with?"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: A day counts as busy with this share of the median day's events.
BUSY = 0.1


def busy_span(store: Store) -> tuple[date, date]:
    """First and last local day with at least a tenth of the median day's events.

    Many logs fray at their ends: an export that was cut off at midnight UTC, orders that trail off.
    A comparison of the last four weeks should not fall into such a tail.
    """
    cube = open_cube(store)
    events = cube.ask(Scope(compare="off"), ["day"]).events[0].astype(float)
    met = events[events > 0]
    busy = np.flatnonzero(events >= BUSY * np.median(met)) if met.size else np.array([0, events.size - 1])
    return cube.first_day + timedelta(days=int(busy[0])), cube.first_day + timedelta(days=int(busy[-1]))
