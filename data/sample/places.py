"""Where shoppers live: real cities, their neighbourhoods, and what the clock says there."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from core.space import boundaries
from data.sample.seasons import DAYS, FIRST_DAY

HERE = Path(__file__).parent

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: A neighbourhood is one H3 cell of this resolution: about 5 km².
HOOD_RESOLUTION = 7
#: Shoppers of a neighbourhood are seen at one of these few spots, each in its own resolution-9 cell.
SPOTS = 6
#: Neighbourhoods of a city of 100,000; they grow with population to the power below.
HOODS_PER_100K = 9.5
HOODS_POWER = 0.75
#: Geography is the same for every seed.
GEOGRAPHY_SEED = 1789


@dataclass(frozen=True)
class Places:
    """Cities, their neighbourhoods and spots. A spot is numbered hood × SPOTS + 0 … SPOTS − 1."""

    cities: list[str]
    states: list[str]
    zones: list[str]
    city_state: Ints
    city_zone: Ints
    city_people: Floats  # share of the country's people, after each state's own population
    city_size: Floats  # the city's own population
    hood_city: Ints  # sorted: the hoods of one city lie together
    hood_ring: Ints  # steps from the city's centre
    hood_appeal: Floats  # how many live there, relative to its ring
    spot_lat: Floats  # WGS84 degrees
    spot_lon: Floats
    offsets: NDArray[np.int32]  # zone × local hour since FIRST_DAY 00:00: seconds to add to get UTC

    def state(self, name: str) -> int:
        """Return the number of a state by its name."""
        return self.states.index(name)

    def city_hoods(self) -> tuple[Ints, Ints]:
        """Return for every city its first hood, and how many it has."""
        first = np.searchsorted(self.hood_city, np.arange(len(self.cities)))
        count = np.bincount(self.hood_city, minlength=len(self.cities))
        return first.astype(np.int64), count.astype(np.int64)


@lru_cache(maxsize=1)
def places() -> Places:
    """Return the country, made once a process from `cities.csv`, `states.csv` and the states' shapes."""
    with (HERE / "cities.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (HERE / "states.csv").open() as file:
        people = {row["state"]: float(row["population"]) for row in csv.DictReader(file)}
    states = sorted(people)
    zones = sorted({row["tz"] for row in rows})
    size = np.array([float(row["population"]) for row in rows])
    city_state = np.array([states.index(row["state"]) for row in rows])
    # A city stands for the towns around it: together a state's cities hold all its people.
    of_state = np.bincount(city_state, weights=size)
    share = size / of_state[city_state] * np.array([people[s] for s in states])[city_state]
    hood_city, hood_cell, hood_ring = _hoods(rows)
    rng = np.random.default_rng(GEOGRAPHY_SEED)
    spot_lat, spot_lon = _spots(hood_cell, rng)
    return Places(
        cities=[row["city"] for row in rows],
        states=states,
        zones=zones,
        city_state=city_state,
        city_zone=np.array([zones.index(row["tz"]) for row in rows]),
        city_people=share / share.sum(),
        city_size=size,
        hood_city=hood_city,
        hood_ring=hood_ring,
        hood_appeal=rng.lognormal(0, 0.7, len(hood_city)),
        spot_lat=spot_lat,
        spot_lon=spot_lon,
        offsets=_utc_offsets(zones),
    )


def _hoods(rows: list[dict[str, str]]) -> tuple[Ints, Ints, Ints]:
    """Return city, H3 cell and ring of every neighbourhood: on land, in the city's own state."""
    shapes = {region.name: region.geometry for region in boundaries.load(boundaries.US).regions}
    shapely.prepare(list(shapes.values()))
    taken: set[int] = set()
    found: dict[int, list[tuple[int, int]]] = {}
    for city in sorted(range(len(rows)), key=lambda c: -int(rows[c]["population"])):
        row = rows[city]
        wanted = max(3, round(HOODS_PER_100K * (float(row["population"]) / 1e5) ** HOODS_POWER))
        centre = h3.latlng_to_cell(float(row["lat"]), float(row["lon"]), HOOD_RESOLUTION)
        found[city] = _nearest_on_land(centre, wanted, shapes[row["state"]], taken)
        taken.update(cell for cell, _ in found[city])
    flat = [(city, cell, ring) for city in range(len(rows)) for cell, ring in found[city]]
    table = np.array(flat, dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def _nearest_on_land(centre: int, wanted: int, land: Any, taken: set[int]) -> list[tuple[int, int]]:
    """Return up to `wanted` (cell, ring) around a centre, nearest first; the centre's own cell always."""
    chosen: list[tuple[int, int]] = []
    ring = 0
    while len(chosen) < wanted and ring < 30:
        cells = [cell for cell in sorted(h3.grid_ring(centre, ring)) if cell not in taken]
        points = np.array([h3.cell_to_latlng(cell) for cell in cells]).reshape(-1, 2)
        inside = shapely.contains_xy(land, points[:, 1], points[:, 0])
        chosen += [(cell, ring) for cell, dry in zip(cells, inside, strict=True) if dry]
        ring += 1
    return chosen[:wanted] or [(centre, 0)]


def _spots(cells: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return latitude and longitude of SPOTS points a neighbourhood, each near the middle of its own cell."""
    points = np.empty((len(cells), SPOTS, 2))
    for row, cell in enumerate(cells.tolist()):
        # Resolution 8 children are the centre and its six neighbours: well apart, and all inside.
        children = sorted(h3.cell_to_children(cell, HOOD_RESOLUTION + 1))
        points[row] = [h3.cell_to_latlng(h3.cell_to_center_child(c, 9)) for c in children[:SPOTS]]
    points += rng.uniform(-0.0006, 0.0006, points.shape)
    flat = points.reshape(-1, 2).round(5)
    return flat[:, 0].copy(), flat[:, 1].copy()


def _utc_offsets(zones: list[str]) -> NDArray[np.int32]:
    """Return zone × local hour: the seconds to add to local time, before and after the change in March."""
    hours = range((DAYS + 1) * 24)
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day)
    table = np.empty((len(zones), len(hours)), dtype=np.int32)
    for number, name in enumerate(zones):
        zone = ZoneInfo(name)
        for hour in hours:
            local = (start + timedelta(hours=hour)).replace(tzinfo=zone)
            table[number, hour] = (local - local.replace(tzinfo=UTC)).total_seconds()
    return table
