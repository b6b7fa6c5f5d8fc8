"""Where does demand gather, and is it growing there or fading?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.analyses.answer import Answer
from core.analyses.demand import need_places, pick_resolution, place_cells, placeless_note
from core.analyses.measures import MEASURES, measure
from core.analyses.tables import column, hidden_note, numbers, of_words
from core.errors import WrongCall
from core.paths import open_cube
from core.scope import Scope
from core.space.cells import from_addresses
from core.space.hotspots import emerging
from core.store import Store

#: Hexagons of about 36 km² gather enough events a week to speak of a trend.
FINEST = 6
#: Longer periods are cut into weeks, shorter ones into days.
MOST_DAYS_DAILY = 45


def hotspots(
    store: Store, scope: Scope, measure: str = "events", resolution: str | int = "auto", step: str = "auto"
) -> Answer:
    """Emerging hot spots of an additive measure over the scope's space-time cube.

    Columns: cell, lat, lon, region, value (the measure over the whole period), kind (see
    `core.space.hotspots.emerging`), z and p (Getis-Ord Gi* of the last step and its p-value before
    false-discovery control, which `kind` reflects), trend (Mann-Kendall z of the Gi* series) and
    trend_p. `step` is day, week or auto.
    """
    name = _additive(measure)
    cube = open_cube(store)
    need_places(cube)
    filled = cube.fill(scope)
    assert filled.start and filled.end
    if step == "auto":
        step = "day" if (filled.end - filled.start).days < MOST_DAYS_DAILY else "week"
    if step not in ("day", "week"):
        raise WrongCall(f"step={step!r} is not known; it takes day, week or auto.")
    chosen = min(pick_resolution(cube, scope, resolution), FINEST if str(resolution) == "auto" else 9)
    alone = Scope.parse(filled.words() | {"compare": "off"})
    # A cell's weeks are each too thin to be shown, but not its test over all of them.
    groups, whole = cube.ask_nested(alone, ["cell", step], 1, resolution=chosen, protect_inner=False)
    values = np.nan_to_num(numbers(cube, groups, 0)[name])
    addresses = groups.axes[0].labels.to_pylist()
    found = emerging(values, from_addresses(addresses))
    table = pa.table(
        {
            "cell": groups.axes[0].labels,
            "value": column(numbers(cube, whole, 0)[name], MEASURES[name].unit),
            "kind": pa.array(found.kind.tolist(), pa.string()),
            "z": column(found.z_last),
            "p": column(found.p_last),
            "trend": column(found.trend_z),
            "trend_p": column(found.trend_p),
        }
    )
    table = table.filter(pc.and_(pc.is_valid(table["value"]), pa.array(whole.events[0] > 0)))
    table = place_cells(cube, table, chosen)
    notes = placeless_note(cube) + hidden_note(cube, whole, "cells are")
    words = of_words(cube, alone, f"H3 resolution {chosen}", f"by {step}", "5 % false-discovery rate")
    return Answer(table, f"Hot spots of {MEASURES[name].label.lower()}", words, notes)


def _additive(name: str) -> str:
    chosen = measure(name)
    if not chosen.additive:
        additive = ", ".join(m.name for m in MEASURES.values() if m.additive)
        raise WrongCall(f"Hot spots are found in measures that add up: {additive}; not in {name}.")
    return name
