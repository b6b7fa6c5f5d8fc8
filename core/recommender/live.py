"""What a model knows of events that came through the API since its log was built.

Each call looks at the journal first, so that an event counts in the next list of every server that has the
store open. Of a live event this counts at once: the shopper's own history (with the place, time and device of
the last event, and so the next step, what goes together and words like it), how popular the item is, how new,
and that it was taken. How items speak for each other, and what is wanted at a place, a time or on a device,
follow with the next build. An item that the log does not have counts from the next build on, and is
listed from the next training on.
"""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa

from core.events import SESSION_GAP_MINUTES
from core.paths import open_paths
from core.recommender.acts import HERE_RESOLUTION, STRENGTH, USUAL_STRENGTH, Acts, slot_of
from core.recommender.interactions import DAY
from core.recommender.models import Model
from core.recommender.past import LOOKED_WINDOWS, WINDOWS, Past
from core.recommender.quick import Lists
from core.store import Store
from core.store.columns import UTC_OFFSET
from core.store.journal import Place

_GAP = SESSION_GAP_MINUTES * 60
_READ = (
    "event_id",
    "ts",
    "user_id",
    "session_id",
    "event",
    "item_id",
    "cell",
    "region",
    "device",
    UTC_OFFSET,
)


class _Act(NamedTuple):
    second: int
    item: int
    strength: float
    taken: bool
    session: str | None  # as the source named it
    cell: int
    region: int
    slot: int
    device: int


@dataclass(frozen=True, eq=False)
class Shoppers:
    """The shoppers of a log by pseudonym."""

    names: np.ndarray  # bytes[shoppers], ascending
    number: np.ndarray  # int64[shoppers], in the path log

    @classmethod
    def of(cls, store: Store) -> Shoppers:
        """Those of a store."""
        found = store.cursor().execute(
            "SELECT user_id, CAST(CAST(hash(user_id) AS BIT) AS BIGINT) AS hashed"
            " FROM (SELECT DISTINCT user_id FROM log) ORDER BY user_id"
        )
        columns = found.fetchnumpy()
        known = open_paths(store)["shopper"]
        order = np.argsort(known, kind="stable")
        at = np.searchsorted(known, np.asarray(columns["hashed"], np.int64), sorter=order)
        return cls(np.asarray(columns["user_id"], "S32"), order[at])

    def __getitem__(self, pseudonym: str) -> int:
        """The number of a shopper, −1 for one who is not in the log."""
        name = pseudonym.encode("utf-8", "replace")
        at = int(np.searchsorted(self.names, name))
        return int(self.number[at]) if at < self.names.size and self.names[at] == name else -1


class Live:
    """A model's past, with what came since. One for a model; any number of threads."""

    def __init__(self, store: Store, model: Model) -> None:
        self._store = store
        # Not the model itself, which would never be forgotten then.
        self._codes, self._event, self._logged_acts = model.codes, model.event, model.ground.world.acts
        past, world = model.past, model.ground.world
        # These are what live events change; the model's own past is of its log.
        self.past: Past = replace(
            past, popular=past.popular.copy(), age=past.age.copy(), unsold=past.unsold.copy(),
            cold=past.cold.copy(),
        )  # fmt: skip
        self.touched: set[int] = set()  # items that live events are of
        self.lists = Lists(self.past, self.touched)
        self._counts: dict[int, np.ndarray] = {}  # item → float64[windows], shoppers
        self._acts: dict[str, list[_Act]] = defaultdict(list)
        self._seen: set[int] = set()
        self._place = Place(store.taken_in + 1)
        self._first_second = open_paths(store).first_second
        self._cells = {str(cell): number for number, cell in enumerate(world.cells)}
        self._regions = {str(name): number for number, name in enumerate(world.regions)}
        self._devices = {str(name): number for number, name in enumerate(world.devices)}
        self._shoppers = Shoppers.of(store)
        self._guard = threading.Lock()

    def follow(self) -> None:
        """Read what was written to the journal since the last time."""
        with self._guard:
            for record in self._store.journal.read(self._place):
                self._count(record.rows.select(_READ))

    def number(self, shopper: str) -> tuple[str, int] | None:
        """The pseudonym and number of a shopper by pseudonym or id in the source; the number is −1 for one
        whom live events alone know. None for nobody.
        """
        for name in (shopper, self._store.secret.pseudonym(shopper)):
            number = self._shoppers[name]
            if number >= 0 or name in self._acts:
                return name, number
        return None

    def own(self, name: str, number: int) -> Acts:
        """What a shopper did, in time, as row 0: in the log, and since."""
        logged = self._logged(number)
        since = list(self._acts.get(name, ()))
        if not since:
            return replace(logged, row=np.zeros(len(logged), np.int64))
        values = {
            name: np.concatenate([getattr(logged, name), [getattr(act, name) for act in since]])
            for name in ("second", "item", "strength", "taken", "cell", "region", "slot", "device")
        }
        order = np.argsort(values["second"], kind="stable")
        named: list[int | str | None] = [*logged.session.tolist(), *(act.session for act in since)]
        seconds = values["second"][order].astype(np.int64)
        return Acts(
            row=np.zeros(order.size, np.int64),
            item=values["item"][order].astype(np.int64),
            second=seconds,
            strength=values["strength"][order].astype(np.float32),
            taken=values["taken"][order].astype(bool),
            session=_numbered(seconds, [named[at] for at in order]),
            **{name: values[name][order].astype(np.int64) for name in ("cell", "region", "slot", "device")},
        )

    def _logged(self, number: int) -> Acts:
        acts = self._logged_acts
        low, high = np.searchsorted(acts.row, [number, number + 1]) if number >= 0 else (0, 0)
        found = acts.only(slice(int(low), int(high)))
        return found.only(np.argsort(found.second, kind="stable"))

    def _count(self, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            if row["event_id"] in self._seen:
                continue
            self._seen.add(row["event_id"])
            act = self._read(row)
            if act is not None:
                self._popular(row["user_id"], act)
                self._acts[row["user_id"]].append(act)

    def _read(self, row: dict[str, Any]) -> _Act | None:
        """An event as an act; None where it says nothing of an item that the model knows."""
        item = self._codes.get(row["item_id"] or "")
        taken = row["event"] == self._event
        strength = max(STRENGTH.get(row["event"], USUAL_STRENGTH), 0.5 * taken)
        if item is None or not strength:
            return None
        second = int(row["ts"].replace(tzinfo=UTC).timestamp() // 1)
        local = second + row[UTC_OFFSET]
        cell = "" if row["cell"] is None else f"{h3.cell_to_parent(row['cell'], HERE_RESOLUTION):x}"
        return _Act(
            second=second - self._first_second, item=item, strength=strength, taken=taken,
            session=row["session_id"], cell=self._cells.get(cell, -1),
            region=self._regions.get(row["region"] or "", -1),
            slot=int(slot_of(np.array([local // 3600]))[0]),
            device=self._devices.get(row["device"] or "", -1),
        )  # fmt: skip

    def _popular(self, name: str, act: _Act) -> None:
        """Count a shopper for an item in each span of days in which they did not count yet."""
        past, item = self.past, act.item
        logged = self._logged(self._shoppers[name])
        same = (logged.item == item) & (logged.taken == act.taken)
        before = [
            *logged.second[same],
            *(a.second for a in self._acts.get(name, ()) if (a.item, a.taken) == (item, act.taken)),
        ]
        newest = max(before, default=-np.inf)
        spans = (*WINDOWS, *LOOKED_WINDOWS)
        low = past.end - np.array(spans) * DAY
        of_kind = (np.arange(len(spans)) < len(WINDOWS)) == act.taken
        counts = self._counts.setdefault(item, np.expm1(past.popular[item].astype(np.float64)))
        counts += of_kind & (act.second >= low) & (newest < low)
        past.popular[item] = np.log1p(counts)
        if past.age[item] < 0:
            past.age[item] = 0
        if act.taken:
            past.unsold[item], past.cold[item] = 0, False
        self.touched.add(item)


def _numbered(seconds: np.ndarray, named: list[int | str | None]) -> np.ndarray:
    """Numbers of the sessions of acts in time: those of the log as they are, others below −1. One without a
    name goes on with what was done within the gap before it.
    """
    out = np.empty(len(named), np.int64)
    known: dict[str, int] = {}
    for at, name in enumerate(named):
        if isinstance(name, int):
            out[at] = name
        elif name is None and at and seconds[at] - seconds[at - 1] <= _GAP:
            out[at] = out[at - 1]
        else:
            out[at] = known.setdefault(name or f"\0{at}", -2 - len(known))
    return out


_open: weakref.WeakKeyDictionary[Model, Live] = weakref.WeakKeyDictionary()
_opening = threading.Lock()


def open_live(store: Store, model: Model) -> Live:
    """The live part of an open model, as of now."""
    with _opening:
        found = _open.get(model)
        if found is None:
            found = _open[model] = Live(store, model)
    found.follow()
    return found
