"""Where does it break? Conversion between two steps of a funnel by hexagon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.demand import need_places, pick_resolution, place_cells, placeless_note
from core.analyses.funnel_parts import Asked, asked, count, hidden, hidden_words, split
from core.analyses.proportions import wilson
from core.analyses.tables import column
from core.paths.options import MapOptions, between, number
from core.scope import Scope
from core.store import Store

#: Share of those who entered that must stand in cells with enough of them.
MOST = 0.75


def funnel_map(store: Store, scope: Scope, options: MapOptions) -> Answer:
    """How many of those who did one step in a cell got to a later one, wherever they did that.

    Columns: cell (H3 address), lat, lon, region, entered, converted, conversion with low and high
    (Wilson's 95 % interval), previous_conversion. Cells in which fewer than `least` entered are left out:
    their shares are noise. Raises a sentence where the log has no coordinates.
    """
    of = asked(store, scope, options)
    need_places(of.cube)
    least = max(number("least", options.least), 1)
    resolution = (
        _resolution(of, least) if options.resolution == "auto"
        else pick_resolution(of.cube, of.scope, options.resolution)
    )  # fmt: skip
    by_cell = replace(options, by="cell", top="0", value="first", resolution=str(resolution))
    ends = between(options.between, len(of.funnel.steps))
    its = split(of, of.found, by_cell, of.scope)
    paths, shoppers = count(of, of.found, its)
    marks = hidden(of, shoppers)
    entered, converted = (np.where(marks[:, e], np.nan, paths[:, e].astype(float)) for e in ends)
    enough = entered >= least
    low, high = wilson(converted, entered)
    with np.errstate(invalid="ignore", divide="ignore"):
        conversion = converted / entered
    previous = np.full(len(its.labels), np.nan)
    compared = of.scope.compared()
    if of.before is not None and compared is not None:
        earlier = split(of, of.before, by_cell, compared, its.labels)
        was, seen = count(of, of.before, earlier)
        unseen = hidden(of, seen)[: previous.size, list(ends)].any(axis=1)
        was = was[: previous.size]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = was[:, ends[1]] / was[:, ends[0]]
        previous = np.where(unseen | (was[:, ends[0]] < least), np.nan, share)
    table = pa.table(
        {
            "cell": pa.array(its.labels, pa.string()),
            "entered": column(entered, "count"),
            "converted": column(converted, "count"),
            "conversion": column(conversion),
            "low": column(np.where(np.isfinite(conversion), low, np.nan)),
            "high": column(np.where(np.isfinite(conversion), high, np.nan)),
            "previous_conversion": column(previous),
        }
    )
    kept = table.filter(pa.array(enough & (np.array(its.labels) != "other")))
    names = [of.funnel.steps[i].label for i in ends]
    left = len(its.labels) - kept.num_rows
    note = (
        (f"{left:,} cells in which fewer than {options.least} entered are not on the map.",) if left else ()
    )
    return Answer(
        place_cells(of.cube, kept, resolution), f"Conversion from {names[0]} to {names[1]} by cell",
        of.of(f"H3 resolution {resolution}"),
        of.notes + note + placeless_note(of.cube) + hidden_words(of, marks),
    )  # fmt: skip


def _resolution(of: Asked, least: int) -> int:
    """The finest resolution at which most of those who entered stand in cells with enough of them."""
    for resolution in (5, 4, 3, 2, 1):
        by_cell = MapOptions(by="cell", top="0", resolution=str(resolution))
        entered = count(of, of.found, split(of, of.found, by_cell, of.scope))[0][:, 0]
        if entered[entered >= least].sum() >= MOST * entered.sum():
            return resolution
    return 1
