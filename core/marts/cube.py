"""The cube: every measure of any scope by any grouping, exact, in one pass over memory-mapped arrays.

Events, distinct shoppers, distinct sessions, sessions with a purchase and revenue all come from the
same pass over the same events, so they agree with each other and on every page.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import h3.api.basic_int as h3
import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import WrongCall
from core.events import CELL_RESOLUTION, NONE, PURCHASE
from core.marts import kernels
from core.marts.activity import MONEY_UNIT
from core.marts.assemble import ARRAYS
from core.marts.builder import MartsManifest, build
from core.marts.privacy import hide_small
from core.scope import Scope
from core.space.cells import addresses, centres, from_addresses, parents
from core.store import Store

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

#: A question with more groups than this wants a coarser grouping.
MOST_GROUPS = 30_000_000

#: One question at a time: each uses every core, and numba's default thread layer allows no more.
_asking = threading.Lock()


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


@dataclass(frozen=True)
class Groups:
    """Dense results of a question: one number a group, of one or two periods.

    Arrays are [periods, *sizes of the axes]; period 0 is the asked one, period 1 the compared one.
    """

    axes: tuple[Axis, ...]
    periods: tuple[Scope, ...]
    events: np.ndarray
    shoppers: np.ndarray
    sessions: np.ndarray
    buys: np.ndarray  # sessions with a purchase
    revenue: np.ndarray  # net of returns and cancellations, in the log's currency
    sales: np.ndarray  # gross of them
    hidden: np.ndarray  # bool: fewer than k shoppers, or needed to protect such a group

    @property
    def compared(self) -> bool:
        return len(self.periods) == 2


class Cube:
    """The arrays and dictionaries of one store's marts, opened for reading.

    Not bound to a process: arrays are mapped, so that several processes share one copy in memory.
    """

    def __init__(self, store: Store, manifest: MartsManifest) -> None:
        self.k = store.k
        self.fingerprint = manifest.store
        folder = store.marts_dir
        self._arrays = {name: _map(folder / manifest.cube / f"{name}.npy") for name in ARRAYS}
        self._tables = {name: pq.read_table(folder / file) for name, file in manifest.dictionaries.items()}
        self._facts: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._vocabularies: dict[tuple[str, int], _Vocabulary] = {}
        self._hours = manifest.first_hour + np.arange(manifest.hours, dtype=np.int64)
        self.completeness = (
            pa.concat_tables(
                pq.read_table(folder / month["completeness"]) for month in manifest.months.values()
            )
            .to_pandas()
            .sum()
            .astype(int)
            .to_dict()
        )
        self._buys = np.array(
            [event == PURCHASE for event in self._tables["kinds"]["event"].to_pylist()], np.uint8
        )

    # -- what the log holds -------------------------------------------------------------------

    @property
    def first_day(self) -> date:
        """The log's first local day."""
        return EPOCH + timedelta(days=int(self._hours[0] // 24))

    @property
    def last_day(self) -> date:
        """The log's last local day."""
        return EPOCH + timedelta(days=int(self._hours[-1] // 24))

    @property
    def has_places(self) -> bool:
        """Whether any event has coordinates."""
        return self._vocabulary("cell", CELL_RESOLUTION).labels.size > 0

    @property
    def has_purchases(self) -> bool:
        """Whether any event is a purchase."""
        return bool(self._buys.any())

    @property
    def has_prices(self) -> bool:
        """Whether any money event carries a price."""
        return self._arrays["money"].size > 0

    def values(self, dimension: str) -> list[str]:
        """The labels that occur for region, city, device, channel, event or category, sorted."""
        return [str(label) for label in self._vocabulary(dimension).labels]

    def cell_addresses(self, resolution: int) -> np.ndarray:
        """All cells of the log at a resolution as addresses, sorted: object[cells]."""
        return self._vocabulary("cell", resolution).labels

    def cell_count(self, scope: Scope, resolution: int) -> int:
        """How many cells of a resolution the scope's places fall into."""
        codes = self._vocabulary("cell", resolution).codes[self._place_passes(scope)]
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

    def extent(self, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the scope's cells at a coarse resolution, to find what extent a map must show."""
        lat, lon, _ = self.cell_facts(EXTENT_RESOLUTION)
        codes = self._vocabulary("cell", EXTENT_RESOLUTION).codes[self._place_passes(scope)]
        met = np.unique(codes[codes >= 0])
        return lat[met], lon[met]

    def fill(self, scope: Scope) -> Scope:
        """The scope with its dates filled in from the log's span.

        A compared period that the scope leaves to `previous` or `year` is dropped where it lies
        wholly before the log: there is nothing to compare with.
        """
        filled = scope.within(self.first_day, self.last_day)
        if filled.start and filled.end and filled.start > filled.end:
            raise WrongCall(
                f"The scope's dates, {filled.start} to {filled.end}, do not meet the log's, "
                f"{self.first_day} to {self.last_day}; choose dates within them."
            )
        compared = filled.compared()
        if compared and compared.end and compared.end < self.first_day:
            filled = replace(filled, compare="off")
        return filled

    # -- questions ----------------------------------------------------------------------------

    def ask(
        self,
        scope: Scope,
        by: Sequence[str] = (),
        *,
        distinct: bool = True,
        resolution: int = CELL_RESOLUTION,
        protect: bool = True,
    ) -> Groups:
        """Every measure of the scope, and of the period it is compared with, by the groupings.

        `by` names groupings: region, city, cell (at H3 `resolution`), device, channel, event,
        category, day, week (from Monday), month, hour (0–23), weekday (1–7 from Monday). Groups of
        fewer than k shoppers come back hidden, with all their numbers zero. Without `distinct`
        only events and revenue are counted, which is faster; it is ignored where k hides groups.
        Without `protect` nothing is hidden: the caller then answers for what it publishes.

        Raises `WrongCall` for an unknown grouping or for more groups than fit.
        """
        scope = self.fill(scope)
        compared = scope.compared()
        periods = (scope,) if compared is None else (scope, compared)
        k = self.k if protect else 1
        distinct = distinct or k > 1
        sets = [self._axes(period, by, resolution) for period in periods]
        if compared is not None:
            sets = _align(sets)
        if compared is None or _overlap(scope, compared):
            counts = [self._count([pair], distinct)[0] for pair in zip(periods, sets, strict=True)]
        else:
            counts = self._count(list(zip(periods, sets, strict=True)), distinct)
        numbers = np.stack(counts, axis=1)  # [measure, period, *axes]
        hidden = np.stack([hide_small(c[1], k) for c in counts])
        events, shoppers, sessions, buys = (n * ~hidden for n in numbers[:4])
        revenue, sales = (n * ~hidden / MONEY_UNIT for n in numbers[4:])
        return Groups(sets[0], periods, events, shoppers, sessions, buys, revenue, sales, hidden)

    def _axes(self, scope: Scope, by: Sequence[str], resolution: int) -> tuple[Axis, ...]:
        axes = tuple(self._axis(name, scope, resolution) for name in by)
        groups = int(np.prod([len(a.labels) for a in axes], dtype=np.float64)) if axes else 1
        if groups > MOST_GROUPS:
            raise WrongCall(
                f"{' × '.join(by)} makes {groups:,} groups, more than {MOST_GROUPS:,}; "
                "ask for a shorter period, a coarser cell or fewer groupings."
            )
        return axes

    def _axis(self, name: str, scope: Scope, resolution: int = CELL_RESOLUTION) -> Axis:
        if _table_of(name) == "hours":
            return self._time_axis(name, scope)
        known = self._vocabulary(name, resolution)
        passes = {
            "places": self._place_passes, "means": self._means_pass, "kinds": self._kind_passes,
        }[_table_of(name)](scope)  # fmt: skip
        met = np.bincount(known.codes[passes & (known.codes >= 0)], minlength=known.labels.size) > 0
        renumbered = np.where(met, np.cumsum(met) - 1, -1)
        codes = np.where(known.codes >= 0, renumbered[known.codes], -1) if met.size else known.codes
        return Axis(name, pa.array(known.labels[met], pa.string()), codes.astype(np.int32))

    def _time_axis(self, name: str, scope: Scope) -> Axis:
        days = self._hours // 24
        if name == "hour":
            return Axis(name, pa.array(range(24), pa.int32()), (self._hours % 24).astype(np.int32))
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

    def _count(self, periods: list[tuple[Scope, tuple[Axis, ...]]], distinct: bool) -> list[np.ndarray]:
        """Counts of periods that do not overlap, in one pass: int64[6, *axes] each.

        The periods differ in their dates alone. The last two numbers are in units of money.
        """
        scope, axes = periods[0]
        sizes = [len(axis.labels) for axis in axes]
        groups = int(np.prod(sizes)) if sizes else 1
        if groups == 0:
            return [np.zeros((6, *sizes), np.int64) for _ in periods]
        looks = {
            "places": _look_up(self._place_passes(scope)),
            "means": _look_up(self._means_pass(scope)),
            "kinds": _look_up(self._kind_passes(scope)),
        }
        hours = [_look_up(self._hour_passes(period)) for period, _ in periods]
        stride = 1
        for i in reversed(range(len(axes))):
            table = _table_of(axes[i].name)
            if table == "hours":
                for look, (_, its_axes) in zip(hours, periods, strict=True):
                    _add(look, its_axes[i].codes, stride)
            else:
                _add(looks[table], axes[i].codes, stride)
            stride *= sizes[i]
        by_hour = np.full(self._hours.size, -1, np.int32)
        for i, look in enumerate(hours):
            by_hour[look >= 0] = look[look >= 0] + i * groups
        counted = self._pass(looks, by_hour, groups * len(periods), distinct)
        parts = counted.reshape(6, len(periods), *sizes)
        return [parts[:, i] for i in range(len(periods))]

    def _pass(
        self, looks: dict[str, np.ndarray], by_hour: np.ndarray, groups: int, distinct: bool
    ) -> np.ndarray:
        """One pass over the arrays: int64[6, groups]."""
        a = self._arrays
        by = (looks["places"], looks["means"], by_hour)
        blocks = numba.get_num_threads()
        kinds = looks["kinds"]
        with _asking:
            if (kinds == 0).all():
                counted = kernels.count_segments(
                    a["shopper_start"], a["place"], a["means"], a["hour"], a["opens"], a["events"],
                    a["bought"], *by, groups, distinct, blocks,
                )  # fmt: skip
            else:
                counted = kernels.count_rows(
                    a["shopper_start"], a["segment_start"], a["place"], a["means"], a["hour"],
                    a["opens"], a["kind"], a["n"], *by, kinds, self._buys, groups, distinct, blocks,
                )  # fmt: skip
            paid = kernels.sum_money(
                a["money_segment"], a["money_kind"], a["money"], a["place"], a["means"], a["hour"],
                *by, kinds, self._buys, groups,
            )  # fmt: skip
        return np.concatenate([counted, paid])

    # -- filters, each over one dictionary ----------------------------------------------------

    def _vocabulary(self, name: str, resolution: int = CELL_RESOLUTION) -> _Vocabulary:
        """The labels of a dimension, worked out once a cube (and once a resolution for cells)."""
        key = (name, resolution if name == "cell" else 0)
        if key not in self._vocabularies:
            if name == "cell":
                self._vocabularies[key] = self._cell_vocabulary(resolution)
            else:
                column = self._tables[_table_of(name)][name].fill_null(NONE).combine_chunks()
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

    def _place_passes(self, scope: Scope) -> np.ndarray:
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

    def _means_pass(self, scope: Scope) -> np.ndarray:
        return self._among("device", scope.devices)

    def _kind_passes(self, scope: Scope) -> np.ndarray:
        return self._among("event", scope.events) & self._among("category", scope.categories)

    def _hour_passes(self, scope: Scope) -> np.ndarray:
        days = self._hours // 24
        passes = np.ones(days.size, bool)
        if scope.start:
            passes &= days >= (scope.start - EPOCH).days
        if scope.end:
            passes &= days <= (scope.end - EPOCH).days
        if scope.hours:
            of_week = (days + 3) % 7 * 24 + self._hours % 24
            passes &= np.isin(of_week, scope.hour_indexes())
        return passes


def _table_of(dimension: str) -> str:
    """The dictionary that decides a grouping, or "hours"."""
    for table, dimensions in DIMENSIONS.items():
        if dimension in dimensions:
            return table
    known = ", ".join(d for dimensions in DIMENSIONS.values() for d in dimensions)
    raise WrongCall(f"There is no grouping {dimension!r}; there are {known}.")


def _overlap(one: Scope, other: Scope) -> bool:
    assert one.start and one.end and other.start and other.end
    return one.start <= other.end and other.start <= one.end


def _add(look: np.ndarray, codes: np.ndarray, stride: int) -> None:
    """Adds a grouping's part of the group number to a look-up table, in place."""
    look[:] = np.where((look < 0) | (codes < 0), -1, look + codes * stride)


def _look_up(passes: np.ndarray) -> np.ndarray:
    return np.where(passes, 0, -1).astype(np.int32)


def _align(sets: list[tuple[Axis, ...]]) -> list[tuple[Axis, ...]]:
    """Pads the calendar axes of two periods to one length, so that their groups pair up by position.

    Labels are those of the asked period; where the compared one is longer, its surplus is cut.
    """
    asked, compared = sets
    fitted = []
    for mine, theirs in zip(asked, compared, strict=True):
        codes = np.where(theirs.codes < len(mine.labels), theirs.codes, -1).astype(np.int32)
        fitted.append(Axis(mine.name, mine.labels, codes))
    return [asked, tuple(fitted)]


def _map(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r")
    return array


_open: dict[str, Cube] = {}
_opening = threading.Lock()


def open_cube(store: Store) -> Cube:
    """The store's cube, building the marts first where the log has moved on since they were built.

    One cube a store folder is kept open in this process.
    """
    key = str(store.path.resolve())
    with _opening:
        found = _open.get(key)
        if found is None or found.fingerprint != store.fingerprint or found.k != store.k:
            found = _open[key] = Cube(store, build(store))
        return found
