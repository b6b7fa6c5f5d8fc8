"""What an event is of: region, city, cell, device, channel, category, day or week."""

from __future__ import annotations

import numpy as np

from core.errors import WrongCall
from core.paths.log import PathLog
from core.scope import Scope

#: What paths can be split by, by the array that decides it.
SPLITS = {
    "region": "place", "city": "place", "cell": "place", "device": "mean", "channel": "mean",
    "category": "kind", "event": "kind", "day": "hour", "week": "hour", "month": "hour",
    "hour": "hour", "weekday": "hour",
}  # fmt: skip


def values_of(
    paths: PathLog, scope: Scope, by: str, events: np.ndarray, resolution: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """The value of events: labels, object[values], and the label of each event, int64 as `events` (−1: none).

    `scope` has its dates. Raises `WrongCall` for a split that paths do not have.
    """
    if by not in SPLITS:
        raise WrongCall(f"by={by!r} is not known; paths are split by {', '.join(SPLITS)}.")
    axis = paths.dimensions.axis(by, Scope(start=scope.start, end=scope.end), resolution)
    codes = axis.codes[paths[SPLITS[by]][events]]
    labels = axis.labels.to_numpy(zero_copy_only=False)
    return labels, codes.astype(np.int64)
