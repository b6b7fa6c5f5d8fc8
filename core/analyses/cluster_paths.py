"""What does a journey of this cluster look like? The paths nearest to its centre, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import cluster_names, number, of_map, opened_map
from core.analyses.journeys import first_steps
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

    Columns: rank, events, steps (told as `core.analyses.journeys` does), minutes (from the first event to
    each of those steps).
    """
    opened = opened_map(store, scope, options)
    chosen = number("cluster", options.cluster, opened)
    rows = opened.map.central[chosen]
    told = gather(opened.paths, opened.scope, opened.options.unit).only(opened.map.fitted)
    steps, minutes = first_steps(told, open_cube(store).k)
    at = np.searchsorted(opened.map.fitted, rows)
    table = pa.table(
        {
            "rank": pa.array(np.arange(1, at.size + 1)),
            "events": pa.array(told.lengths[at]),
            "steps": pa.array([steps[i] for i in at], pa.list_(pa.string())),
            "minutes": pa.array([minutes[i] for i in at], pa.list_(pa.float32())),
        }
    )
    name = cluster_names(opened)[chosen]
    return Answer(table, f"Typical journeys of “{name}”", of_map(opened, scope))
