"""What shoppers did with items, as the scorer learns from it: each event, its strength, place and hour."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from core.errors import CartscapeError
from core.events import NONE, PURCHASE
from core.paths.log import PathLog
from core.recommender.prices import Prices

#: How strongly an event speaks for an item; others do as a view does.
STRENGTH = {PURCHASE: 1.0, "cart": 0.7, "wishlist": 0.5, "return": 0.0, "cancelled": 0.0, "support": 0.0}
USUAL_STRENGTH = 0.3
#: Hours of a day that count as one time, on working days and on weekends.
HOURS_A_SLOT = 3
SLOTS = 2 * 24 // HOURS_A_SLOT
#: Resolution of the cells in which items are popular: about 1,770 km².
HERE_RESOLUTION = 4


def slot_of(hours: np.ndarray) -> np.ndarray:
    """The time of the week of local hours since 1970: int[…] from 0 to SLOTS − 1."""
    weekend = (hours // 24 + 3) % 7 >= 5
    return np.asarray(weekend * (SLOTS // 2) + hours % 24 // HOURS_A_SLOT)


def slot_name(slot: int) -> str:
    """A time of the week in words."""
    first = slot % (SLOTS // 2) * HOURS_A_SLOT
    return f"{'working day' if slot < SLOTS // 2 else 'weekend'} {first:02d}–{first + HOURS_A_SLOT:02d} h"


@dataclass(frozen=True)
class Acts:
    """Events with an item, row by row in time. A row is a shopper, or a path made by hand."""

    row: np.ndarray  # int64[n]
    item: np.ndarray  # int64[n], code in the path log's items
    second: np.ndarray  # int64[n], since the log's first
    strength: np.ndarray  # float32[n]
    taken: np.ndarray  # bool[n], whether the event is of the kind that is foretold
    session: np.ndarray  # int64[n]
    cell: np.ndarray  # int64[n], number in `Places.cells`, −1 for none
    region: np.ndarray  # int64[n], number in the log's regions, −1 for none
    slot: np.ndarray  # int64[n], as `slot_of`
    device: np.ndarray  # int64[n], number in the log's devices

    def __len__(self) -> int:
        return self.item.size

    def only(self, rows: np.ndarray | slice) -> Acts:
        """Some of them: bool or int[rows], or a slice."""
        return Acts(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class Contexts:
    """Where, when and on what somebody is to be shown something; −1 for what is not known."""

    cell: np.ndarray  # int64[rows]
    region: np.ndarray  # int64[rows]
    slot: np.ndarray  # int64[rows]
    device: np.ndarray  # int64[rows]

    def __len__(self) -> int:
        return self.cell.size

    def places(self, cells: int) -> np.ndarray:
        """The cell of each, else its region as a number from `cells` on, else −1: int64[rows]."""
        return np.where((self.cell < 0) & (self.region >= 0), cells + self.region, self.cell)

    def or_else(self, other: Contexts) -> Contexts:
        """The same, with what is known of another where nothing is; cell and region are of one place."""
        nowhere = (self.cell < 0) & (self.region < 0)
        return Contexts(
            np.where(nowhere, other.cell, self.cell),
            np.where(nowhere, other.region, self.region),
            np.where(self.slot >= 0, self.slot, other.slot),
            np.where(self.device >= 0, self.device, other.device),
        )


@dataclass(frozen=True, eq=False)
class World:
    """A log as the recommender reads it: all its acts, and what its numbers mean."""

    acts: Acts
    shoppers: int
    items: int
    cells: np.ndarray  # object[cells], addresses at HERE_RESOLUTION
    region_of_cell: np.ndarray  # int64[cells], −1 for none
    regions: np.ndarray  # object[regions]
    devices: np.ndarray  # object[devices]
    category_of: np.ndarray  # int64[items], number in `categories`
    categories: np.ndarray  # object[categories]
    prices: Prices
    k: int  # shoppers that a place, a time or a device must have for it to count

    @classmethod
    def of(cls, paths: PathLog, event: str, prices: Prices) -> World:
        """Read a log.

        Raises `CartscapeError` where the log has no such event with an item.
        """
        kinds = paths.kinds[0]
        strength = np.array([STRENGTH.get(str(kind), USUAL_STRENGTH) for kind in kinds], np.float32)
        strength[kinds == event] = np.maximum(strength[kinds == event], 0.5)
        at = np.flatnonzero((paths["item"] != paths.no_item) & (strength[paths["kind"]] > 0))
        kind, place = paths["kind"][at], paths["place"][at]
        taken = kinds[kind] == event
        if not taken.any():
            names = ", ".join(map(str, paths.dimensions.entries("event")[0]))
            raise CartscapeError(
                f"This log has no event {event!r} with an item to recommend by; choose another with "
                f"event=NAME: {names}."
            )
        known = paths.dimensions
        cells, cell_codes = known.entries("cell", HERE_RESOLUTION)
        regions, region_codes = known.entries("region")
        devices, device_codes = known.entries("device")
        named = np.where(regions[region_codes] == NONE, -1, region_codes) if regions.size else region_codes
        item = paths["item"][at].astype(np.int64)
        hours = known.hours[paths["hour"][at]]
        acts = Acts(
            row=np.searchsorted(paths["start"], at, side="right") - 1,
            item=item,
            second=paths["second"][at].astype(np.int64),
            strength=strength[kind],
            taken=taken,
            session=paths["session"][at].astype(np.int64),
            cell=cell_codes[place].astype(np.int64),
            region=named[place].astype(np.int64),
            slot=slot_of(hours).astype(np.int64),
            device=device_codes[paths["mean"][at]].astype(np.int64),
        )
        main = known.cell_facts(HERE_RESOLUTION)[2] if cells.size else np.empty(0, object)
        region_of_cell = np.where(main == NONE, -1, np.searchsorted(regions, main))
        categories, of_kind = np.unique(paths.kinds[1].astype(str), return_inverse=True)
        category_of = np.zeros(paths.items.size, np.int64)
        category_of[item] = of_kind[kind]
        return cls(
            acts, paths.shoppers, paths.items.size, cells, region_of_cell, regions, devices, category_of,
            categories, prices, paths.k,
        )  # fmt: skip
