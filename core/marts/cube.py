"""The cube: every measure of any scope by any grouping, exact, in one pass over memory-mapped arrays.

Events, distinct shoppers, distinct sessions, sessions with a purchase and revenue all come from the
same pass over the same events, so they agree with each other and on every page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import WrongCall
from core.events import CELL_RESOLUTION, PURCHASE
from core.marts import kernels
from core.marts.assemble import ARRAYS
from core.marts.dimensions import EPOCH, Axis, Dimensions, table_of
from core.marts.groups import Groups, groups_of
from core.marts.manifest import MartsManifest
from core.scope import Scope
from core.store import Store

#: A question with more groups than this wants a coarser grouping.
MOST_GROUPS = 10_000_000

#: A question of more than this share of the kinds of event reads whole segments.
MOST_KINDS = 0.5

#: Groupings that any scope can be narrowed by.
CHOICES = ("region", "category", "event", "device", "channel")

#: Resolutions of cells that a map of a whole country needs.
COARSE = (3, 4, 5)

#: Questions of the whole log whose counts are kept, as groupings, how many of them make the outer groups,
#: and the resolution of cells: what the scope bar offers, and what pages ask before anybody has narrowed
#: the scope.
KEPT: tuple[tuple[tuple[str, ...], int | None, int], ...] = (
    *(((field,), None, CELL_RESOLUTION) for field in (*CHOICES, "day")),
    *((("weekday", "hour"), None, CELL_RESOLUTION), (("day",), 0, CELL_RESOLUTION)),
    *(((field, "day"), None, CELL_RESOLUTION) for field in ("category", "event", "region")),
    *((("region", step), 1, CELL_RESOLUTION) for step in ("day", "week")),
    *((("cell",), None, resolution) for resolution in COARSE),
    *((("cell", "week"), 1, resolution) for resolution in COARSE),
)
#: … where there are no more groups than this.
MOST_KEPT = 100_000
_WHOLE = "whole.npz"

#: One question at a time: each uses every core, and numba's default thread layer allows no more.
_asking = threading.Lock()


#: Who the cohorts of a scope mean: bool[shoppers], or None where it names none.
Members = Callable[[Scope], "np.ndarray | None"]


def everybody(scope: Scope) -> None:
    """Where no cohorts are kept, a scope leaves nobody out."""
    del scope


class Cube:
    """The arrays and dictionaries of one store's marts, opened for reading.

    Not bound to a process: arrays are mapped, so that several processes share one copy in memory.
    """

    def __init__(self, store: Store, manifest: MartsManifest) -> None:
        self.k = store.k
        self.fingerprint = manifest.store
        self.members: Members = everybody
        folder = store.marts_dir
        self._arrays = {name: _map(folder / manifest.cube / f"{name}.npy") for name in ARRAYS}
        whole = folder / manifest.cube / _WHOLE
        self._whole = dict(np.load(whole)) if whole.exists() else {}
        tables = {name: pq.read_table(folder / file) for name, file in manifest.dictionaries.items()}
        hours = manifest.first_hour + np.arange(manifest.hours, dtype=np.int64)
        self.dimensions = Dimensions(tables, hours)
        self.completeness = (
            pa.concat_tables(
                pq.read_table(folder / month["completeness"]) for month in manifest.months.values()
            )
            .to_pandas()
            .sum()
            .astype(int)
            .to_dict()
        )
        # A block's counts are 32 bits wide: the larger the log, the more blocks.
        blocks = numba.get_num_threads() * (1 + self.completeness["rows"] // 2**30)
        self._edges = np.linspace(0, self._arrays["shopper_start"].size - 1, blocks + 1).astype(np.int64)
        self._everybody = self._runs(None)
        self._buys = np.array([event == PURCHASE for event in tables["kinds"]["event"].to_pylist()], np.uint8)

    # -- what the log holds -------------------------------------------------------------------

    @property
    def first_day(self) -> date:
        """The log's first local day."""
        return EPOCH + timedelta(days=int(self.dimensions.hours[0] // 24))

    @property
    def last_day(self) -> date:
        """The log's last local day."""
        return EPOCH + timedelta(days=int(self.dimensions.hours[-1] // 24))

    @property
    def has_places(self) -> bool:
        """Whether any event has coordinates."""
        return self.dimensions.cell_addresses(CELL_RESOLUTION).size > 0

    @property
    def has_purchases(self) -> bool:
        """Whether any event is a purchase."""
        return bool(self._buys.any())

    @property
    def has_prices(self) -> bool:
        """Whether any money event carries a price."""
        return self._arrays["money"].size > 0

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

    @property
    def _everything(self) -> Scope:
        return self.fill(Scope(compare="off"))

    def answer_whole(self, folder: Path) -> None:
        """Writes the counts of the KEPT questions into `folder`, beside the arrays."""
        counts: dict[str, np.ndarray] = {}
        for by, keep, resolution in KEPT:
            axes = self._axes(self._everything, by, resolution)
            sizes = [len(axis.labels) for axis in axes]
            if np.prod(sizes) <= MOST_KEPT:
                found = self._count([(self._everything, axes)], sizes, keep)
                counts |= {_key(by, keep, resolution, n): numbers for n, numbers in enumerate(found)}
        np.savez(folder / _WHOLE, **counts)  # type: ignore[arg-type]

    # -- questions ----------------------------------------------------------------------------

    def ask(
        self,
        scope: Scope,
        by: Sequence[str] = (),
        *,
        resolution: int = CELL_RESOLUTION,
        protect: bool = True,
    ) -> Groups:
        """Every measure of the scope, and of the period it is compared with, by the groupings.

        `by` names groupings: region, city, cell (at H3 `resolution`), device, channel, event,
        category, day, week (from Monday), month, hour (0–23), weekday (1–7 from Monday). Groups of
        fewer than k shoppers come back hidden, with all their numbers zero. Without `protect`
        nothing is hidden: the caller then answers for what it publishes.

        Raises `WrongCall` for an unknown grouping or for more groups than fit.
        """
        return self._ask(scope, by, None, resolution, (protect,))[0]

    def ask_nested(
        self,
        scope: Scope,
        by: Sequence[str],
        keep: int,
        *,
        resolution: int = CELL_RESOLUTION,
        protect: bool = True,
        protect_inner: bool = True,
    ) -> tuple[Groups, Groups]:
        """As `ask` by all the groupings, and by the first `keep` of them, in one pass over the log.

        Without `protect_inner` only the second, outer groups are fit to be published.
        """
        inner, outer = self._ask(scope, by, keep, resolution, (protect and protect_inner, protect))
        return inner, outer

    def _ask(
        self,
        scope: Scope,
        by: Sequence[str],
        keep: int | None,
        resolution: int,
        protect: tuple[bool, ...],
    ) -> list[Groups]:
        scope = self.fill(scope)
        compared = scope.compared()
        periods = (scope,) if compared is None else (scope, compared)
        sets = [self._axes(period, by, resolution) for period in periods]
        # Calendar axes of two periods pair up by position; the longer one's surplus is cut at the end.
        sizes = [max(len(axis.labels) for axis in pair) for pair in zip(*sets, strict=True)]
        pairs = list(zip(periods, sets, strict=True))
        depths = [len(by)] if keep is None else [len(by), keep]
        if _key(by, keep, resolution, 0) in self._whole and scope == self._everything:
            counts = [[self._whole[_key(by, keep, resolution, n)] for n in range(len(depths))]]
        elif compared is None or _overlap(scope, compared):
            counts = [self._count([pair], sizes, keep) for pair in pairs]
        else:
            counts = [self._count(pairs, sizes, keep)]
        found = []
        for level, (depth, hide) in enumerate(zip(depths, protect, strict=True)):
            numbers = np.concatenate([c[level] for c in counts], axis=1)
            of_lines = partial(self._of_lines, pairs, sizes[:depth])
            found.append(groups_of(sets[0][:depth], periods, numbers, self.k if hide else 1, of_lines))
        return found

    def _of_lines(
        self, periods: list[tuple[Scope, tuple[Axis, ...]]], sizes: list[int], period: int, line: int
    ) -> np.ndarray:
        """Distinct shoppers of all groups that differ in one axis alone: int64[*sizes of the others]."""
        scope, axes = periods[period]
        whole = replace(axes[line], labels=axes[line].labels[:1], codes=np.minimum(axes[line].codes, 0))
        its = (*axes[:line], whole, *axes[line + 1 : len(sizes)])
        counted = self._count([(scope, its)], [*sizes[:line], 1, *sizes[line + 1 :]], None)[0]
        return np.asarray(counted[1, 0].take(0, axis=line))

    def _axes(self, scope: Scope, by: Sequence[str], resolution: int) -> tuple[Axis, ...]:
        axes = tuple(self.dimensions.axis(name, scope, resolution) for name in by)
        groups = int(np.prod([len(a.labels) for a in axes], dtype=np.float64)) if axes else 1
        if groups > MOST_GROUPS:
            raise WrongCall(
                f"{' × '.join(by)} makes {groups:,} groups, more than {MOST_GROUPS:,}; "
                "ask for a shorter period, a coarser cell or fewer groupings."
            )
        return axes

    def _count(
        self, periods: list[tuple[Scope, tuple[Axis, ...]]], sizes: list[int], keep: int | None
    ) -> list[np.ndarray]:
        """Counts of periods that do not overlap, in one pass: int64[6, periods, *sizes].

        The periods differ in their dates alone. The last two of the six are in units of money. With
        `keep`, a second array counts by the first `keep` axes.
        """
        scope, axes = periods[0]
        shapes = [(6, len(periods), *sizes[:depth]) for depth in (len(sizes), keep) if depth is not None]
        groups = int(np.prod(sizes)) if sizes else 1
        if groups == 0:
            return [np.zeros(shape, np.int64) for shape in shapes]
        looks = {
            "places": _look_up(self.dimensions.place_passes(scope)),
            "means": _look_up(self.dimensions.means_pass(scope)),
            "kinds": _look_up(self.dimensions.kind_passes(scope)),
        }
        hours = [_look_up(self.dimensions.hour_passes(period)) for period, _ in periods]
        stride = 1
        for i in reversed(range(len(axes))):
            table = table_of(axes[i].name)
            if table == "hours":
                for look, (_, its_axes) in zip(hours, periods, strict=True):
                    _add(look, its_axes[i].codes, stride)
            else:
                _add(looks[table], axes[i].codes, stride)
            stride *= sizes[i]
        by_hour = np.full(self.dimensions.hours.size, kernels.EXCLUDED, np.int32)
        for i, look in enumerate(hours):
            by_hour[look >= 0] = look[look >= 0] + i * groups
        margins = 0 if keep is None else int(np.prod(shapes[1][1:]))
        runs = self._everybody if not scope.cohorts else self._runs(self.members(scope))
        counted = self._pass(looks, by_hour, groups * len(periods), margins, runs)
        return [part.reshape(shape) for part, shape in zip(counted, shapes, strict=True)]

    def _runs(self, members: np.ndarray | None) -> _Runs:
        """Where the members stand; everybody where it is None."""
        start, row = self._arrays["shopper_start"], self._arrays["shopper_row"]
        if members is None:
            first, last = self._edges[:-1], self._edges[1:]
            blocks = np.arange(self._edges.size)
        else:
            # A run ends where the next shopper is no member, and at the bounds of blocks.
            opens = members.copy()
            opens[1:] &= ~members[:-1]
            bounds = self._edges[:-1][self._edges[:-1] < members.size]
            opens[bounds] = members[bounds]
            first = np.flatnonzero(opens)
            closes = members.copy()
            closes[:-1] &= ~members[1:] | opens[1:]
            last = np.flatnonzero(closes) + 1
            blocks = np.searchsorted(first, self._edges)
        segments = np.stack([start[first], start[last]], axis=1).astype(np.int64)
        rows = np.stack([row[first], row[last]], axis=1).astype(np.int64)
        paid: slice | np.ndarray = slice(None)
        if members is not None:
            money = self._arrays["money_segment"]
            at = np.searchsorted(segments[:, 0], money, side="right") - 1
            # A cohort may have nobody in it: then there is no segment to look at.
            paid = np.flatnonzero((at >= 0) & (money < np.append(segments[:, 1], 0)[at]))
        return _Runs(blocks.astype(np.int64), segments, rows, paid)

    def _pass(
        self, looks: dict[str, np.ndarray], by_hour: np.ndarray, groups: int, margins: int, runs: _Runs
    ) -> list[np.ndarray]:
        """One pass over the arrays: int64[6, groups], and int64[6, margins] where there are any."""
        a = self._arrays
        by = (looks["places"], looks["means"], by_hour)
        kinds = looks["kinds"]
        segments = (a["place"], a["means"], a["hour"])
        with _asking:
            kept = (kinds >= 0).mean()
            if not kinds.any():
                counted = kernels.count_segments(
                    runs.blocks, runs.segments, *segments, a["flags"], a["events"], *by, groups, margins
                )
            elif kept > MOST_KINDS:
                counted = kernels.count_kinds(
                    runs.blocks, runs.rows, runs.segments, *segments, a["flags"], a["rows"],
                    a["kind"], a["n"], *by, kinds, self._buys, groups, margins,
                )  # fmt: skip
            else:
                counted = kernels.count_few_kinds(
                    runs.blocks, runs.rows, runs.segments, *segments, a["row_flags"], a["kind"], a["n"],
                    *by, kinds, groups, margins,
                )  # fmt: skip
            its = runs.paid
            paid = kernels.sum_money(
                a["money_place"][its], a["money_means"][its], a["money_hour"][its], a["money_kind"][its],
                a["money"][its], *by, kinds, self._buys, groups, numba.get_num_threads(),
            )  # fmt: skip
        found = [np.concatenate([counted[:, :groups], paid])]
        if margins:
            found.append(np.concatenate([counted[:, groups:], paid.reshape(2, margins, -1).sum(axis=2)]))
        return found


@dataclass(frozen=True)
class _Runs:
    """Shoppers side by side that a question is about, in blocks that are counted at the same time."""

    blocks: np.ndarray  # int64[blocks + 1] first run of each block
    segments: np.ndarray  # int64[runs, 2] first segment, and the one after the last
    rows: np.ndarray  # int64[runs, 2] likewise
    paid: slice | np.ndarray  # which money rows are theirs


def _key(by: Sequence[str], keep: int | None, resolution: int, level: int) -> str:
    """The name of one array of a kept question."""
    cells = resolution if "cell" in by else CELL_RESOLUTION
    return f"{' '.join(by)} | {keep} | {cells} | {level}"


def _overlap(one: Scope, other: Scope) -> bool:
    assert one.start and one.end and other.start and other.end
    return one.start <= other.end and other.start <= one.end


def _add(look: np.ndarray, codes: np.ndarray, stride: int) -> None:
    """Adds a grouping's part of the group number to a look-up table, in place."""
    look[:] = np.where((look < 0) | (codes < 0), kernels.EXCLUDED, look + codes * stride)


def _look_up(passes: np.ndarray) -> np.ndarray:
    return np.where(passes, 0, kernels.EXCLUDED).astype(np.int32)


def _map(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r")
    return array
