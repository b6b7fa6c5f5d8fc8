"""What rules ask of items: brand, category, and whether they are in stock."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow.compute as pc

from core.paths import open_paths
from core.store import Store


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items of a log by their codes in the path log."""

    items: np.ndarray  # object[items], their ids
    category: np.ndarray  # object[items], "" where there is none
    brand: np.ndarray  # object[items], "" where there is none
    in_stock: np.ndarray | None = None  # bool[items]; None where the log counts no stock
    no_item: int = -1  # the code that means none
    small: np.ndarray | None = None  # bool[items], of the small brands; None where nobody measured it
    weights: Mapping[float, float] = field(default_factory=dict)  # per cent given up → weight of the small

    @cached_property
    def code_of(self) -> dict[str, int]:
        """The code of each item's id."""
        codes = {item: code for code, item in enumerate(self.items.tolist())}
        return {item: code for item, code in codes.items() if code != self.no_item}

    @cached_property
    def values(self) -> dict[str, frozenset[str]]:
        """The categories and the brands that items have."""
        return {
            "category": frozenset(self.category.tolist()) - {""},
            "brand": frozenset(self.brand.tolist()) - {""},
        }

    def of(self, trait: str) -> np.ndarray:
        """The `category` or the `brand` of each item: object[items]."""
        return self.category if trait == "category" else self.brand


#: Catalogues of a day that stay in memory.
MOST_OPEN = 4
_open: dict[tuple[str, str, date | None], Catalogue] = {}
_guard = threading.Lock()


def open_catalogue(store: Store, when: date | None = None) -> Catalogue:
    """The catalogue of a store, with its stock as it was counted last on a day or before, None for the end.

    An item without a count by then is not in stock.
    """
    key = (str(store.path), store.fingerprint, when)
    with _guard:
        if key not in _open:
            made = _opened(store, when)
            while len(_open) >= MOST_OPEN:
                _open.pop(next(iter(_open)))
            _open[key] = made
        return _open[key]


def _opened(store: Store, when: date | None) -> Catalogue:
    paths = open_paths(store)
    its = paths.items
    table = store.table("items")
    known = {row["item_id"]: row for row in table.select(["item_id", "category", "brand"]).to_pylist()}
    rows = [known.get(item, {}) for item in its]
    logged = paths.category_of_item
    category = np.array([row.get("category") or logged[i] for i, row in enumerate(rows)], object)
    brand = np.array([row.get("brand") or "" for row in rows], object)
    return Catalogue(its, category, brand, _in_stock(store, its, when), paths.no_item)


def _in_stock(store: Store, items: np.ndarray, when: date | None) -> np.ndarray | None:
    """Whether each item was there when it was counted last: bool[items]."""
    stock = store.table("stock")
    if not stock.num_rows:
        return None
    if when is not None:
        stock = stock.filter(pc.less_equal(stock["day"], when))
    names = stock["item_id"].combine_chunks().dictionary_encode()
    codes, days = names.indices.to_numpy(), stock["day"].to_numpy()
    order = np.lexsort((days, codes))
    last = order[np.flatnonzero(np.diff(codes[order], append=-1))]  # of each item's rows by day
    there = stock["on_hand"].to_numpy()[last] > 0
    left = dict(zip(names.dictionary.take(codes[last]).to_pylist(), there.tolist(), strict=True))
    return np.array([left.get(item, False) for item in items], bool)
