"""What items cost: by the catalogue, else by what the log had told before a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.paths import open_paths
from core.store import Store

# Hours are told apart, not events: a long log stays small, and nothing of an hour is known before its end.
_TOLD = """
    SELECT item_id, max(epoch(ts)) AS second, sum(ln(price)) AS total, count(*) AS count
    FROM log WHERE price > 0 AND item_id IS NOT NULL
    GROUP BY item_id, date_trunc('hour', ts) ORDER BY second, item_id
"""


@dataclass(frozen=True, eq=False)
class Prices:
    """Natural logarithms of prices of one piece."""

    catalogue: np.ndarray  # float64[items], NaN for none
    item: np.ndarray  # int64[told], number of an item
    second: np.ndarray  # int64[told], after the log's first, of the last event that is summed
    total: np.ndarray  # float64[told], sum over the events that told a price
    count: np.ndarray  # int64[told]

    @classmethod
    def of(cls, store: Store) -> Prices:
        """Of a store's catalogue and log."""
        paths, table = open_paths(store), store.table("items")
        codes = {str(item): number for number, item in enumerate(paths.items)}
        catalogue = np.full(paths.items.size, np.nan)
        for item, price in zip(table["item_id"].to_pylist(), table["price"].to_pylist(), strict=True):
            if item in codes and price and price > 0:
                catalogue[codes[item]] = np.log(float(price))
        told = store.cursor().sql(_TOLD).to_arrow_table()
        second = np.floor(told["second"].to_numpy()).astype(np.int64) - paths.first_second
        return cls(
            catalogue, np.array([codes[item] for item in told["item_id"].to_pylist()], np.int64), second,
            told["total"].to_numpy(), told["count"].to_numpy(),
        )  # fmt: skip

    def known(self, end: float) -> np.ndarray:
        """What each item cost as far as was known before a second: float64[items], NaN for none."""
        before = self.second < end
        item = self.item[before]
        total, count = (
            np.bincount(item, values[before], self.catalogue.size) for values in (self.total, self.count)
        )
        told = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        return np.where(np.isfinite(self.catalogue), self.catalogue, told)
