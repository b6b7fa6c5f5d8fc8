"""The cube's dimensions: labels, groupings and filters, each worked out over a small dictionary.

A question never looks at text in the log: it turns the scope and the groupings into look-up tables
over the dictionaries (places, means, kinds) and over the log's hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa

from core.errors import WrongCall
from core.events import CELL_RESOLUTION, NONE
from core.scope import Scope
from core.space.cells import addresses, centres, from_addresses, parents

EPOCH = date(1970, 1, 1)

#: Groupings by the table that decides them.
DIMENSIONS = {
    "places": ("region", "city", "cell"),
    "means": ("device", "channel"),
    "kinds": ("event", "category"),
    "hours": ("day", "week", "month", "hour", "weekday"),
}

#: Fine enough to say what a map must show: hexagons of about 250 km².
EXTENT_RESOLUTION = 5


@dataclass(frozen=True)
class Axis:
    """One grouping: its labels, and where each dictionary entry or hour falls among them."""

    name: str
    labels: pa.Array  # [size]
    codes: np.ndarray  # [entries of its table] index of the label, −1 where it has none


@dataclass(frozen=True)
class _Vocabulary:
    """A dimension's labels, sorted, and the label of each entry of its dictionary (−1: none)."""

    labels: np.ndarray  # object[labels]
    codes: np.ndarray  # int32[entries]


class Dimensions:
    """The dictionaries of one cube. `hours` are the local hours since 1970 that the log spans."""

    def __init__(self, tables: dict[str, pa.Table], hours: np.ndarray) -> None:
        self.hours = hours
        self._tables = tables
        self._facts: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._vocabularies: dict[tuple[str, int], _Vocabulary] = {}

    def values(self, dimension: str) -> list[str]:
        """The labels that occur for region, city, device, channel, event or category, sorted."""
        return [str(label) for label in self._vocabulary(dimension).labels]

    def cell_addresses(self, resolution: int) -> np.ndarray:
        """All cells of the log at a resolution as addresses, sorted: object[cells]."""
        return self._vocabulary("cell", resolution).labels

    def cell_count(self, scope: Scope, resolution: int) -> int:
        """How many cells of a resolution the scope's places fall into."""
        codes = self._vocabulary("cell", resolution).codes[self.place_passes(scope)]
        return int(np.unique(codes[codes >= 0]).size)

    def cell_facts(self, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Latitude and longitude of each cell's centre, and the region that most of its places are
        in; in the order of `cell_addresses`.
        """
        if resolution not in self._facts:
            lat, lon = centres(from_addresses(self.cell_addresses(resolution)))
            self._facts[resolution] = (lat, lon, self._main_region(resolution))
        return self._facts[resolution]

    def _main_region(self, resolution: int) -> np.ndarray:
        cells, regions = self._vocabulary("cell", resolution), self._vocabulary("region")
        located = cells.codes >= 0
        pairs, places = np.unique(
            np.stack([cells.codes[located], regions.codes[located]]), axis=1, return_counts=True
        )
        order = np.lexsort((pairs[1], -places, pairs[0]))
        first = np.unique(pairs[0][order], return_index=True)[1]
        return regions.labels[pairs[1][order][first]]

    def place_points(self) -> np.ndarray:
        """Each place's cell centre on the unit sphere (x, y, z): float64[places, 3], NaN for none."""
        column = self._tables["places"]["cell"]
        out = np.full((len(column), 3), np.nan)
        lat, lon = np.radians(centres(column.drop_null().to_numpy().astype(np.uint64)))
        out[column.is_valid().to_numpy()] = np.stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1
        )
        return out

    def place_names(self) -> np.ndarray:
        """Each place as people say it, "Tampa, Florida": object[places], "" where it has no name."""
        columns = [self._tables["places"][name].fill_null("").to_pylist() for name in ("city", "region")]
        named = [[part for part in parts if part and part != NONE] for parts in zip(*columns, strict=True)]
        return np.array([", ".join(parts) for parts in named], object)

    def entries(self, name: str, resolution: int = CELL_RESOLUTION) -> tuple[np.ndarray, np.ndarray]:
        """The labels of region, city, cell (at a resolution), device, channel, event or category, sorted, and
        which of them each entry of its dictionary has, −1 for none: object[labels], int32[entries].
        """
        known = self._vocabulary(name, resolution)
        return known.labels, known.codes

    def extent(self, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the scope's cells at a coarse resolution, to find what extent a map must show."""
        lat, lon, _ = self.cell_facts(EXTENT_RESOLUTION)
        codes = self._vocabulary("cell", EXTENT_RESOLUTION).codes[self.place_passes(scope)]
        met = np.unique(codes[codes >= 0])
        return lat[met], lon[met]

    # -- groupings ----------------------------------------------------------------------------

    def axis(self, name: str, scope: Scope, resolution: int = CELL_RESOLUTION) -> Axis:
        """The grouping `name` over what the scope keeps; calendar groupings need the scope's dates."""
        if table_of(name) == "hours":
            return self._time_axis(name, scope)
        known = self._vocabulary(name, resolution)
        passes = {
            "places": self.place_passes, "means": self.means_pass, "kinds": self.kind_passes,
        }[table_of(name)](scope)  # fmt: skip
        met = np.bincount(known.codes[passes & (known.codes >= 0)], minlength=known.labels.size) > 0
        renumbered = np.where(met, np.cumsum(met) - 1, -1)
        codes = np.where(known.codes >= 0, renumbered[known.codes], -1) if met.size else known.codes
        return Axis(name, pa.array(known.labels[met], pa.string()), codes.astype(np.int32))

    def _time_axis(self, name: str, scope: Scope) -> Axis:
        days = self.hours // 24
        if name == "hour":
            return Axis(name, pa.array(range(24), pa.int32()), (self.hours % 24).astype(np.int32))
        if name == "weekday":
            return Axis(name, pa.array(range(1, 8), pa.int32()), ((days + 3) % 7).astype(np.int32))
        assert scope.start and scope.end
        first, last = ((d - EPOCH).days for d in (scope.start, scope.end))
        span = np.arange(first, last + 1)
        if name == "day":
            starts = span
        elif name == "week":
            starts = np.unique(span - (span + 3) % 7)
        else:
            starts = np.unique(span.astype("datetime64[D]").astype("datetime64[M]"))
            starts = starts.astype("datetime64[D]").astype(np.int64)
        codes = np.searchsorted(starts, days, side="right") - 1
        codes[(days < first) | (days > last)] = -1
        return Axis(name, pa.array(starts.astype("datetime64[D]")), codes.astype(np.int32))

    # -- filters ------------------------------------------------------------------------------

    def _vocabulary(self, name: str, resolution: int = CELL_RESOLUTION) -> _Vocabulary:
        """The labels of a dimension, worked out once a cube (and once a resolution for cells)."""
        key = (name, resolution if name == "cell" else 0)
        if key not in self._vocabularies:
            if name == "cell":
                self._vocabularies[key] = self._cell_vocabulary(resolution)
            else:
                column = self._tables[table_of(name)][name].fill_null(NONE).combine_chunks()
                labels, codes = np.unique(column.to_numpy(zero_copy_only=False), return_inverse=True)
                self._vocabularies[key] = _Vocabulary(labels, codes.astype(np.int32))
        return self._vocabularies[key]

    def _cell_vocabulary(self, resolution: int) -> _Vocabulary:
        column = self._tables["places"]["cell"]
        located = column.is_valid().to_numpy()
        cells, codes = np.unique(
            parents(column.drop_null().to_numpy().astype(np.uint64), resolution), return_inverse=True
        )
        every = np.full(located.size, -1, np.int32)
        every[located] = codes
        return _Vocabulary(np.array(addresses(cells), object), every)

    def _among(self, column: str, chosen: tuple[str, ...]) -> np.ndarray:
        """Which entries of the column's dictionary hold one of the chosen labels; all where none is."""
        known = self._vocabulary(column)
        if not chosen:
            return np.ones(known.codes.size, bool)
        return np.isin(known.labels, np.array(chosen, object))[known.codes]

    def place_passes(self, scope: Scope) -> np.ndarray:
        """Which places the scope keeps: bool[places]."""
        passes = self._among("region", scope.regions)
        if not scope.cells:
            return passes
        inside = np.zeros(passes.size, bool)
        for cell in scope.cells:
            known = self._vocabulary("cell", h3.get_resolution(h3.str_to_int(cell)))
            inside |= (
                (known.codes >= 0)
                & (known.codes == np.searchsorted(known.labels, cell))
                & (cell in known.labels)
            )
        return passes & inside

    def means_pass(self, scope: Scope) -> np.ndarray:
        """Which means the scope keeps: bool[means]."""
        return self._among("device", scope.devices)

    def kind_passes(self, scope: Scope) -> np.ndarray:
        """Which kinds the scope keeps: bool[kinds]."""
        return self._among("event", scope.events) & self._among("category", scope.categories)

    def hour_passes(self, scope: Scope) -> np.ndarray:
        """Which of the log's hours the scope keeps: bool[hours]."""
        days = self.hours // 24
        passes = np.ones(days.size, bool)
        if scope.start:
            passes &= days >= (scope.start - EPOCH).days
        if scope.end:
            passes &= days <= (scope.end - EPOCH).days
        if scope.hours:
            of_week = (days + 3) % 7 * 24 + self.hours % 24
            passes &= np.isin(of_week, scope.hour_indexes())
        return passes


def table_of(dimension: str) -> str:
    """The dictionary that decides a grouping, or "hours"."""
    for table, dimensions in DIMENSIONS.items():
        if dimension in dimensions:
            return table
    known = ", ".join(d for dimensions in DIMENSIONS.values() for d in dimensions)
    raise WrongCall(f"There is no grouping {dimension!r}; there are {known}.")
