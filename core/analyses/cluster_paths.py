"""What does a journey of this cluster look like? The paths nearest to its centre, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import cluster_names, number, of_map, opened_map
from core.analyses.journeys import MORE, STEPS, FirstSteps, Telling
from core.journeys import MapOptions
from core.journeys.gathered import gather
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


@dataclass(frozen=True)
class TypicalOptions(MapOptions):
    """Which cluster of which map."""

    cluster: str = "1"


def cluster_paths(store: Store, scope: Scope, options: TypicalOptions) -> Answer:
    """The paths of a cluster nearest to its centre, the nearest first.

    Columns: rank, events (null on shared data, unless the whole path is told), steps (as far as k shoppers of
    the cluster begin alike, told as `core.analyses.journeys` does), minutes (from the first event to each of
    those steps). On shared data a path of which no step may be told is left out.
    """
    opened = opened_map(store, scope, options)
    chosen = number("cluster", options.cluster, opened)
    its = opened.map.fitted[opened.map.labels[opened.map.fitted] == chosen]
    told = gather(opened.paths, opened.scope, opened.options.unit).only(its)
    k = open_cube(store).k
    steps, minutes = FirstSteps(Telling(told, k)).go_on(STEPS + 1).told()
    whole = np.array([k == 1 or path[-1] != MORE for path in steps], bool)
    at = np.searchsorted(its, opened.map.central[chosen])
    at = at[[len(minutes[i]) > 0 for i in at]]
    table = pa.table(
        {
            "rank": pa.array(np.arange(1, at.size + 1)),
            "events": pa.array(told.lengths[at], mask=~whole[at]),
            "steps": pa.array([steps[i] for i in at], pa.list_(pa.string())),
            "minutes": pa.array([minutes[i] for i in at], pa.list_(pa.float32())),
        }
    )
    name = cluster_names(opened)[chosen]
    return Answer(table, f"Typical journeys of “{name}”", of_map(opened, scope))
