"""Where is the demand? Every measure by hexagon."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.tables import hidden_note, measure_table, missing_notes, of_words
from core.errors import CartscapeError, WrongCall
from core.events import CELL_RESOLUTION
from core.marts import Cube
from core.paths import open_cube
from core.scope import Scope
from core.space.cells import SCREEN_CAP, resolution_for_extent
from core.store import Store


def demand(store: Store, scope: Scope, resolution: str | int = "auto", on: str = "") -> Answer:
    """Every measure of each H3 cell that has an event in the scope or its compared period.

    Columns: cell (H3 address), lat, lon (its centre), region (the one most of its places are in), the
    measures and `previous_` of each. `resolution` is 0–9, or auto: the finest whose hexagons can be
    told apart when the scope's extent fills a map. `on` limits the asked period to one day of it, as
    playback does. Raises `CartscapeError` where the log has no coordinates.
    """
    cube = open_cube(store)
    need_places(cube)
    chosen = pick_resolution(cube, scope, resolution)
    groups = cube.ask(on_day(scope, on), ["cell"], resolution=chosen)
    table = place_cells(cube, measure_table(cube, groups), chosen)
    notes = missing_notes(cube, scope) + placeless_note(cube) + hidden_note(cube, groups, "cells are")
    return Answer(table, "Demand by cell", of_words(cube, scope, f"H3 resolution {chosen}"), notes)


def on_day(scope: Scope, day: str) -> Scope:
    """The scope narrowed to one day, YYYY-MM-DD, compared with nothing; itself where `day` is empty."""
    if not day:
        return scope
    return Scope.parse(scope.words() | {"from": day, "to": day, "compare": "off"})


def need_places(cube: Cube) -> None:
    """Raises the sentence for a log without coordinates."""
    if not cube.has_places:
        raise CartscapeError(
            "This log has no coordinates, so there is no map; load it with a latitude and a longitude "
            "(columns lat and lon, or yours, chosen in the upload form or with --map lat=COLUMN "
            "--map lon=COLUMN)."
        )


def placeless_note(cube: Cube) -> tuple[str, ...]:
    """The sentence on events without coordinates, or nothing."""
    rows, placed = cube.completeness["rows"], cube.completeness["cell"]
    if placed == rows:
        return ()
    lacking = (1 - placed / rows) * 100
    return (f"{lacking:.1f} % of the log's events have no coordinates and are not on the map.",)


def pick_resolution(cube: Cube, scope: Scope, resolution: str | int) -> int:
    """The H3 resolution to show: as asked, or by the extent of the scope's cells."""
    if str(resolution) != "auto":
        if not str(resolution).isdecimal() or int(resolution) > CELL_RESOLUTION:
            raise WrongCall(
                f"resolution={resolution!r} is not known; it takes auto, or 0 (coarse) to "
                f"{CELL_RESOLUTION} (fine)."
            )
        return int(resolution)
    lat, lon = cube.dimensions.extent(scope)
    if lat.size == 0:
        return CELL_RESOLUTION
    box = (float(lat.min()), float(lon.min()), float(lat.max()), float(lon.max()))
    finest = resolution_for_extent(*box)
    while finest > 0 and cube.dimensions.cell_count(scope, finest) > SCREEN_CAP:
        finest -= 1
    return finest


def place_cells(cube: Cube, table: pa.Table, resolution: int) -> pa.Table:
    """The table with lat, lon and region after its first column, the cell."""
    lat, lon, region = cube.dimensions.cell_facts(resolution)
    where = np.searchsorted(
        cube.dimensions.cell_addresses(resolution), table["cell"].to_numpy(zero_copy_only=False)
    )
    for i, (name, values) in enumerate((("lat", lat), ("lon", lon), ("region", region))):
        kind = pa.string() if name == "region" else pa.float64()
        table = table.add_column(1 + i, name, pa.array(values[where], kind))
    return table
