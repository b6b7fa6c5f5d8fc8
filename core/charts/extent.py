"""Cells for the part of the world that a map shows: how fine, and which of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from core.charts.map_view import View
from core.space.boundaries import Box
from core.space.cells import SCREEN_CAP, resolution_for_extent

#: Share of the map's size that is drawn beyond each edge, so that a small move needs no new cells.
MARGIN = 0.75


def resolution_in_sight(view: View) -> int:
    """The finest H3 resolution whose hexagons can be told apart in the view."""
    return resolution_for_extent(*view.box(), pixels=max(view.width, view.height))


def in_sight(table: pa.Table, view: View) -> pa.Table:
    """The rows of a table of cells that lie in the view or near it."""
    south, west, north, east = view.box(MARGIN)
    lat, lon = table["lat"], table["lon"]
    inside = pc.and_(pc.greater_equal(lat, south), pc.less_equal(lat, north))
    if east - west < 360:
        # A view across longitude 180° holds what lies east of its west edge, counted around the world.
        turned = pc.subtract(lon, west)
        around = pc.subtract(turned, pc.multiply(pc.floor(pc.divide(turned, 360.0)), 360.0))
        inside = pc.and_(inside, pc.less_equal(around, east - west))
    return table.filter(inside)


def window(view: View) -> Box:
    """South, west, north and east edge of what `in_sight` keeps."""
    return view.box(MARGIN)


def drawable(table: pa.Table) -> bool:
    """Whether a browser draws so many cells and still moves the map smoothly."""
    return bool(table.num_rows <= SCREEN_CAP)
