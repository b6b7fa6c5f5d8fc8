"""The path log against plain pandas, and its build against growth, ranges and interruptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.events import MONEY_EVENTS, USUAL_ORDER
from core.marts import build, path_arrays
from core.marts.activity import MONEY_UNIT
from core.paths import PathLog, open_cube, open_paths
from core.store import Store
from tests.marts.test_cube import append
from tests.store.fakes import busy_log, source_table


def plain(store: Store) -> pd.DataFrame:
    """The log in the order of the path log, with the columns that it holds, by pandas."""
    log = (
        store.cursor()
        .sql(
            "SELECT hash(user_id) AS shopper, hash(session_id) AS session, ts, local_ts, event, category,"
            " item_id, query, region, device, price, quantity FROM log"
        )
        .df()
    )
    log["shopper"] = log.shopper.to_numpy().view(np.int64)
    log["session"] = log.session.to_numpy().view(np.int64)
    rank = {event: i for i, event in enumerate(USUAL_ORDER)}
    log["usual"] = log.event.map(rank).fillna(len(rank))
    money = log.price.astype(float) * log.quantity.fillna(1)
    log["money"] = (money.where(log.event.isin(MONEY_EVENTS)).fillna(0) * MONEY_UNIT).round().astype(int)
    log["second"] = log.ts.astype("datetime64[s]").astype(int)
    return log.sort_values(["shopper", "ts", "session", "usual"], kind="stable", ignore_index=True)


def as_frame(paths: PathLog) -> pd.DataFrame:
    """The path log with its codes as text."""
    lengths: np.ndarray = np.diff(paths["start"].astype(np.int64))
    of = np.repeat(np.arange(paths.shoppers), lengths)
    frame = pd.DataFrame(
        {
            "shopper": paths["shopper"][of],
            "second": paths["second"].astype(np.int64) + paths.first_second,
            "event": paths.kinds[0][paths["kind"]],
            "category": paths.kinds[1][paths["kind"]],
            "item_id": paths.items[paths["item"]],
            "query": paths.queries[paths["query"]],
            "device": paths.means[0][paths["mean"]],
            "session": paths["session"],
            "step": paths["step"],
            "next": paths["next"],
        }
    )
    frame["money"] = paths.money_of(np.arange(paths.events))
    return frame


@pytest.mark.parametrize("name", ["sample", "trivago", "olist", "online_retail"])
def test_the_path_log_is_the_log(name: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    paths = open_paths(store)
    want, got = plain(store), as_frame(paths)
    assert len(got) == len(want) == store.events
    assert (got.shopper == want.shopper).all() and (got.second == want.second).all()
    assert (got.event == want.event).all()
    assert got.money.sum() == want.money.sum()
    # Within one moment and event only the codes' order decides; as sets the rows are the same.
    columns = ["shopper", "second", "event", "category", "item_id", "query", "device", "money"]
    filled = want[columns].fillna(dict.fromkeys(("category", "item_id", "query", "device"), "(none)"))
    pd.testing.assert_frame_equal(
        got[columns].sort_values(columns, ignore_index=True),
        filled.sort_values(columns, ignore_index=True),
        check_dtype=False,
        check_categorical=False,
    )
    assert got.groupby("session").shopper.nunique().max() == 1
    assert got.session.nunique() == want.session.nunique()
    assert (got.groupby("session").cumcount() == got.step).all()
    following = paths["kind"][got.index.to_series().groupby(got.session).shift(-1).fillna(0).astype(int)]
    last = got.step == got.groupby("session").step.transform("max")
    assert (np.where(last, 65_535, following) == got.next).all()


def test_shoppers_stand_in_the_order_of_the_cube(sample_store: Store) -> None:
    cube, paths = open_cube(sample_store), open_paths(sample_store)
    events = np.add.reduceat(cube._arrays["n"].astype(np.int64), cube._arrays["shopper_row"][:-1])
    assert np.array_equal(events, np.diff(paths["start"].astype(np.int64)))


def test_half_a_second_is_not_rounded_up(tmp_path: Path) -> None:
    moment = np.array(["2025-03-01T09:59:59.700"], "M8[us]").tolist()
    store = append(Store.create(tmp_path / "log", kind="sample"), source_table(ts=moment, user_id=["a"]))
    paths = open_paths(store)
    assert int(paths["second"][0]) + paths.first_second == 1_740_823_199
    assert int(paths.dimensions.hours[paths["hour"][0]] % 24) == 9


def test_ranges_of_shoppers_give_the_log_of_one_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(3000))
    whole = arrays(store)
    monkeypatch.setattr(path_arrays, "ROWS_IN_MEMORY", 150)
    (store.marts_dir / "marts.json").unlink()
    pieces = arrays(store)
    for name in path_arrays.ARRAYS:
        assert np.array_equal(whole[name], pieces[name]), name


def arrays(store: Store) -> dict[str, np.ndarray]:
    folder = store.marts_dir / build(store).paths
    return {name: np.load(folder / f"{name}.npy") for name in path_arrays.ARRAYS}


def test_a_build_goes_on_where_it_was_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = busy_log(1500, start="2025-01-05")
    store = append(Store.create(tmp_path / "log", kind="sample"), log)
    store = append(store, busy_log(1500, seed=1, start="2025-04-05"), "later.csv")
    months = list(store.months)
    made: list[str] = []

    from core.marts.builder import _Build

    parts = _Build._parts

    def counted(self: _Build, month: str) -> dict[str, str]:
        if len(made) == len(months) - 1 and month == months[-1] and not made.count("cut"):
            made.append("cut")
            raise KeyboardInterrupt
        made.append(month)
        return parts(self, month)

    monkeypatch.setattr(_Build, "_parts", counted)
    with pytest.raises(KeyboardInterrupt):
        build(store)
    build(store)
    assert made == [*months[:-1], "cut", months[-1]]
    assert not (store.marts_dir / "begun.json").exists()
    once = append(Store.create(tmp_path / "once", kind="sample"), log)
    once = append(once, busy_log(1500, seed=1, start="2025-04-05"), "later.csv")
    pd.testing.assert_frame_equal(as_frame(open_paths(store)), as_frame(open_paths(once)))
