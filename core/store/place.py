"""Where a row happened: its H3 cell, the zone of its place, and its region where the source gave none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import duckdb
import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core.events import CELL_RESOLUTION
from core.space.boundaries import regions_at

if TYPE_CHECKING:
    from timezonefinder import TimezoneFinder

_REMEMBERED = 500_000  # cells kept between chunks

Numbers = npt.NDArray[np.float64]
#: Latitudes and longitudes to a name each, None where there is none.
Finder = Callable[[Numbers, Numbers], "list[str | None]"]


@dataclass(frozen=True)
class Places:
    """What was found out about the rows of a chunk, in their order."""

    cell: pa.Array  # uint64, null without coordinates
    tz: pa.Array  # string, never null
    region: pa.Array  # string


class Locator:
    """Finds cells, zones and regions; remembers what it found."""

    def __init__(self, default_tz: str) -> None:
        self._default_tz = default_tz
        self._zones: dict[int, str | None] = {}
        self._regions: dict[int, str | None] = {}

    def locate(self, lat: pa.Array, lon: pa.Array, tz: pa.Array, region: pa.Array) -> Places:
        """Cells of all coordinates; zones and regions where they are missing."""
        row_point, lats, lons = _distinct(lat, lon)
        cells = np.fromiter(
            (
                h3.latlng_to_cell(a, b, CELL_RESOLUTION)
                for a, b in zip(lats.tolist(), lons.tolist(), strict=True)
            ),
            np.uint64,
            len(lats),
        )
        placed = row_point >= 0
        if len(cells):
            row_cell = cells[np.where(placed, row_point, 0)]
        else:
            row_cell = np.zeros(len(row_point), np.uint64)
        tz = pc.fill_null(self._fill(tz, row_cell, placed, self._zones, _zones_at), self._default_tz)
        region = self._fill(region, row_cell, placed, self._regions, regions_at)
        return Places(pa.array(row_cell, mask=~placed), tz, region)

    def _fill(
        self,
        known: pa.Array,
        row_cell: npt.NDArray[np.uint64],
        placed: npt.NDArray[np.bool_],
        memory: dict[int, str | None],
        find: Finder,
    ) -> pa.Array:
        """`known` with its nulls filled from the place, where there is one."""
        if not known.null_count:
            return known
        rows = placed & known.is_null().to_numpy(zero_copy_only=False)
        if not rows.any():
            return known
        distinct, inverse = np.unique(row_cell[rows], return_inverse=True)
        if len(memory) > _REMEMBERED:
            memory.clear()
        new = [c for c in distinct.tolist() if c not in memory]
        if new:
            centres = np.array([h3.cell_to_latlng(c) for c in new])
            memory.update(zip(new, find(centres[:, 0], centres[:, 1]), strict=True))
        found = pa.array([memory[c] for c in distinct.tolist()], pa.string())
        indices = np.zeros(len(rows), np.int64)
        indices[rows] = inverse
        return pc.coalesce(known, found.take(pa.array(indices, mask=~rows)))


def _distinct(lat: pa.Array, lon: pa.Array) -> tuple[npt.NDArray[np.int64], Numbers, Numbers]:
    """Index of each row's coordinates among the distinct ones (-1 without any), and those."""
    lats = lat.fill_null(np.nan).to_numpy(zero_copy_only=False)
    lons = lon.fill_null(np.nan).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((np.abs(lats) <= 90) & (np.abs(lons) <= 180))
    index = np.full(len(lats), -1)
    lat_codes, lat_values = pd.factorize(lats[rows])
    lon_codes, lon_values = pd.factorize(lons[rows])
    pairs, distinct = pd.factorize(lat_codes * max(len(lon_values), 1) + lon_codes)
    index[rows] = pairs
    lat_of, lon_of = np.divmod(distinct, max(len(lon_values), 1))
    return index, lat_values[lat_of], lon_values[lon_of]


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The names of the zones whose clocks are known."""
    with duckdb.connect() as database:
        names = database.execute("SELECT name FROM pg_timezone_names()").fetchall()
    return frozenset(name for (name,) in names)


def _zones_at(lat: Numbers, lon: Numbers) -> list[str | None]:
    return list(_zone_finder().timezone_names_at(lngs=lon, lats=lat))


@lru_cache(maxsize=1)
def _zone_finder() -> TimezoneFinder:
    from timezonefinder import TimezoneFinder  # takes a second to import

    return TimezoneFinder()
