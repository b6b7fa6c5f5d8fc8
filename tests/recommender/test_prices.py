"""What an item costs: of one piece, by the catalogue, else by what was told before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import marts
from core.paths import open_paths
from core.recommender.prices import Prices
from core.store import Store
from tests.store.fakes import TableReader, busy_log, source_table


def stored(folder: Path, reader: TableReader) -> Store:
    store = Store.create(folder)
    store.append(reader)
    marts.build(store.refresh())
    return Store.open(folder)


def test_a_price_is_of_one_piece_and_in_the_logs_money(tmp_path: Path) -> None:
    bought = source_table(
        ts=pd.to_datetime(["2025-01-01 10:00", "2025-01-01 10:20", "2025-01-03 10:00", "2025-01-03 12:00"])
        .to_numpy().astype("M8[us]").tolist(),
        user_id=["a", "b", "a", "b"], event=["purchase", "view", "purchase", "purchase"],
        item_id=["tea", "tea", "tea", "mug"], price=[4, 9, 16, None], quantity=[12, None, 1, 2],
    )  # fmt: skip
    store = stored(tmp_path / "shop", TableReader(bought))
    paths, prices = open_paths(store), Prices.of(store)
    tea, mug = (paths.items.tolist().index(name) for name in ("tea", "mug"))
    assert np.exp(prices.known(np.inf)[tea]) == pytest.approx((4 * 9 * 16) ** (1 / 3))
    assert np.exp(prices.known(86_400)[tea]) == pytest.approx(6)  # of the first day alone
    assert np.isnan(prices.known(0)[tea]) and np.isnan(prices.known(np.inf)[mug])


def test_prices_of_a_busy_log_are_its_means_and_the_catalogue_comes_first(tmp_path: Path) -> None:
    store = stored(tmp_path / "shop", TableReader(busy_log(3_000)))
    log = store.cursor().execute("SELECT item_id, ts, price::DOUBLE AS price FROM log").df().dropna()
    paths, prices = open_paths(store), Prices.of(store)
    end = float(np.median(log.ts.astype("datetime64[s]").astype(int) - paths.first_second))
    end = end // 3_600 * 3_600
    told = log[log.ts < pd.Timestamp(paths.first_second + end, unit="s")]
    means = np.log(told.price[told.price > 0]).groupby(told.item_id).mean()
    known = prices.known(end)
    assert {item: known[n] for n, item in enumerate(paths.items) if item in means} == pytest.approx(
        means.to_dict()
    )
    assert np.isnan([known[n] for n, item in enumerate(paths.items) if item not in means]).all()
    prices.catalogue[0] = 1.5
    assert prices.known(end)[0] == 1.5
