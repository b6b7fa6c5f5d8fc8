"""The path log as it is asked: every event of every shopper in time, and which of them a scope keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq

from core.events import NONE
from core.marts import MartsManifest
from core.marts.cube import Members, everybody
from core.marts.dimensions import Dimensions
from core.marts.path_arrays import ARRAYS
from core.paths.threads import THREADS, side_by_side
from core.scope import Scope
from core.store import Store

#: No event: where a path did not get to.
NOWHERE = np.uint32(2**32 - 1)

#: A block of fewer events takes longer to hand over than to read.
LEAST_EVENTS = 250_000

#: Bits of `Filter.uses`: what of an event must be read to know whether the scope keeps it.
HOUR, PLACE, MEAN, ITEM, QUERY, MEMBERS = (np.int64(1 << i) for i in range(6))

_T = TypeVar("_T")


@dataclass(frozen=True)
class Filter:
    """What a scope keeps, as look-up tables; `uses` says which of them say no to anything."""

    uses: int
    hours: np.ndarray  # bool[hours]
    places: np.ndarray  # bool[places]
    means: np.ndarray  # bool[means]
    kinds: np.ndarray  # bool[kinds]
    members: np.ndarray  # bool[shoppers], of the scope's cohorts; of one entry where it names none


class PathLog:
    """The arrays of one store's path log, mapped for reading, and the dictionaries behind their codes."""

    def __init__(self, store: Store, manifest: MartsManifest, dimensions: Dimensions) -> None:
        self.k = store.k
        self.dimensions = dimensions
        self.first_second = manifest.first_second  # since 1970, UTC
        folder = store.marts_dir / manifest.paths
        # Plain views of the maps: numpy indexes them faster than its own class of maps.
        self._arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in ARRAYS
        }
        kinds = pq.read_table(store.marts_dir / manifest.dictionaries["kinds"])
        self.kinds = (_texts(kinds["event"]), _texts(kinds["category"]))  # of each code: object[kinds]
        means = pq.read_table(store.marts_dir / manifest.dictionaries["means"])
        self.means = (_texts(means["device"]), _texts(means["channel"]))  # object[means]
        self._texts = {
            name: pq.read_table(store.marts_dir / manifest.dictionaries[name])[column]
            for name, column in (("items", "item_id"), ("queries", "query"))
        }
        self.members: Members = everybody

    def __getitem__(self, name: str) -> np.ndarray:
        """One of the arrays that `core.marts.path_arrays.ARRAYS` describes."""
        return self._arrays[name]

    @property
    def shoppers(self) -> int:
        """How many shoppers the log has."""
        return int(self["shopper"].size)

    @property
    def events(self) -> int:
        """How many events the log has."""
        return int(self["kind"].size)

    @cached_property
    def sessions(self) -> int:
        """How many sessions the log has."""
        # They are numbered in the order of shoppers.
        return int(self["session"][self["start"][-2] :].max()) + 1

    @cached_property
    def shopper_of_session(self) -> np.ndarray:
        """The number of each session's shopper: int64[sessions]."""
        out = np.empty(self.sessions, np.int64)
        out[self["session"]] = np.repeat(np.arange(self.shoppers), np.diff(self["start"]).astype(np.int64))
        return out

    @cached_property
    def told(self) -> dict[str, Any]:
        """The names of events under the namings that are asked most, kept by `core.paths.tokens`."""
        return {}

    @cached_property
    def items(self) -> np.ndarray:
        """The item of each code: object[items]."""
        return _texts(self._texts["items"])

    @cached_property
    def queries(self) -> np.ndarray:
        """The search text of each code: object[queries]."""
        return _texts(self._texts["queries"])

    @cached_property
    def no_item(self) -> int:
        """The code of events without an item; one that no event has where all have one."""
        return self._missing("items")

    @cached_property
    def no_query(self) -> int:
        """The code of events without a search text, as `no_item`."""
        return self._missing("queries")

    def _missing(self, name: str) -> int:
        missing = np.flatnonzero(self._texts[name].is_null().to_numpy())
        return int(missing[0]) if missing.size else int(NOWHERE)

    @cached_property
    def category_of(self) -> np.ndarray:
        """A number for the category of each kind, −1 for none: int32[kinds]."""
        categories = self.kinds[1]
        numbers = np.unique(categories, return_inverse=True)[1].astype(np.int32)
        numbers[categories == NONE] = -1
        return numbers

    @cached_property
    def category_of_item(self) -> np.ndarray:
        """The category of an event with each item, "" where it has none: object[items]."""
        out = np.full(self.items.size, "", object)
        named = self.kinds[1] != NONE
        kind = self["kind"]
        has = named[kind]
        out[self["item"][has]] = self.kinds[1][kind[has]]
        return out

    def filter(self, scope: Scope) -> Filter:
        """The look-up tables of a scope whose dates are filled in."""
        known = self.dimensions
        hours, places = known.hour_passes(scope), known.place_passes(scope)
        means, kinds = known.means_pass(scope), known.kind_passes(scope)
        members = self.members(scope)
        uses = sum(
            int(bit)
            for bit, refuses in (
                (HOUR, not hours.all()), (PLACE, not places.all()), (MEAN, not means.all()),
                (MEMBERS, members is not None),
            )
            if refuses
        )  # fmt: skip
        return Filter(uses, hours, places, means, kinds, np.ones(1, bool) if members is None else members)

    def in_blocks(self, ask: Callable[[int, int], _T]) -> list[_T]:
        """`ask(low, high)` for ranges of shoppers that hold equal shares of the events, side by side, as
        `side_by_side` does it.
        """
        return side_by_side(lambda block: ask(*block), self._blocks)

    @cached_property
    def _blocks(self) -> list[tuple[int, int]]:
        blocks = min(4 * THREADS, max(THREADS, self.events // LEAST_EVENTS))
        wanted = np.linspace(0, self.events, blocks + 1)
        edges = np.unique(np.searchsorted(self["start"], wanted).clip(0, self.shoppers)).tolist()
        return list(pairwise(edges))

    def money_of(self, events: np.ndarray) -> np.ndarray:
        """The money of events, in MONEY_UNIT, 0 where they carry none: int64, shaped as `events`."""
        rows, money = self["money_event"], self["money"]
        if not rows.size:
            return np.zeros(events.shape, np.int64)
        at = np.searchsorted(rows, events).clip(0, rows.size - 1)
        return np.where(rows[at] == events, money[at], 0)


def _texts(column: object) -> np.ndarray:
    found: np.ndarray = column.fill_null(NONE).combine_chunks().to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]
    return found
