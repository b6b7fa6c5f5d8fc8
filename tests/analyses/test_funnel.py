"""Funnels, their times, trend, map and drivers against plain pandas and each other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.analyses import ANALYSES
from core.analyses.proportions import difference, false_discovery, odds_ratio, wilson
from core.errors import WrongCall
from core.paths import open_cube, open_paths
from core.paths.suggest import suggest
from core.scope import Scope
from core.store import Store
from data.sample.stories import BROKEN_CHECKOUT
from tests.marts.test_cube import append
from tests.store.fakes import source_table

Copied = Callable[[Store], Store]
WAYS = {
    "sample": "view,cart,checkout,purchase",
    "trivago": "clickout item",
    "olist": "purchase,approved,shipped,delivered",
}


def table(store: Store, name: str, scope: Scope, **options: str) -> pd.DataFrame:
    return ANALYSES[name].run(store, scope, **options).table.to_pandas()


def steps_of(store: Store) -> str:
    """The log's own funnel."""
    found = suggest(open_paths(store), open_cube(store).fill(Scope(compare="off")))
    return ",".join(str(step) for step in found[0])


def plain(store: Store) -> pd.DataFrame:
    log = (
        store.cursor()
        .sql("SELECT user_id, session_id, event, region, device, ts, local_ts, price, quantity FROM log")
        .df()
    )
    log["second"] = log.ts.astype("datetime64[s]").astype(np.int64)
    log["region"] = log.region.astype(object).fillna("(none)")
    return log


def furthest(log: pd.DataFrame, steps: list[str], unit: str = "user_id") -> pd.Series:
    """How many of the steps each unit did, each at or after the one before: greedy, as there is no window."""
    first = log[log.event == steps[0]].groupby(unit).second.min()
    done = pd.Series(1, index=first.index)
    for step in steps[1:]:
        its = log[log.event == step].merge(first.rename("since"), left_on=unit, right_index=True)
        first = its[its.second >= its.since].groupby(unit).second.min()
        done[first.index] += 1
    return done


@pytest.mark.parametrize("name", ["sample", "trivago", "olist"])
@pytest.mark.parametrize("unit", ["shopper", "session"])
def test_a_funnel_is_what_pandas_says(name: str, unit: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    log, steps = plain(store), steps_of(store).split(",")
    key = "user_id" if unit == "shopper" else "session_id"
    done = furthest(log, steps, key)
    got = table(store, "funnel", Scope(compare="off"), steps=",".join(steps), unit=unit)
    want = [int((done >= n).sum()) for n in range(1, len(steps) + 1)]
    shown = got[f"{unit}s"].tolist()
    assert all(n == w or (np.isnan(n) and w < store.k) for n, w in zip(shown, want, strict=True))
    if unit == "session":
        return
    assert want[1] > 0
    assert got.of_first.tolist() == pytest.approx([n / want[0] for n in want])
    assert got.of_previous.tolist()[1:] == pytest.approx([b / a for a, b in pairwise(want)])
    assert got.dropped.tolist()[1:] == [a - b for a, b in pairwise(want)]


def test_the_first_step_is_the_overviews_shoppers_and_sessions(real_store: Store) -> None:
    event = steps_of(real_store).split(",")[0]
    scope = Scope.parse({"event": event, "compare": "off"})
    rows = {r["measure"]: r["value"] for r in ANALYSES["overview"].run(real_store, scope).table.to_pylist()}
    for unit in ("shopper", "session"):
        got = table(real_store, "funnel", Scope(compare="off"), steps=f"{event},*", unit=unit)
        assert got[f"{unit}s"][0] == rows[f"{unit}s"]
    got = table(real_store, "funnel", Scope(compare="off"), steps="*")
    whole = ANALYSES["overview"].run(real_store, Scope(compare="off")).table.to_pylist()
    assert got.shoppers[0] == next(r["value"] for r in whole if r["measure"] == "shoppers")


@pytest.mark.parametrize("by", ["region", "device", "category", "channel", "week"])
def test_groups_sum_to_the_funnel(sample_store: Store, by: str) -> None:
    scope = Scope.parse({"from": "2025-04-01", "to": "2025-06-30"})
    whole = table(sample_store, "funnel", scope, steps=WAYS["sample"])
    for value in ("first", "last", "each"):
        parts = table(sample_store, "funnel", scope, steps=WAYS["sample"], by=by, value=value, top="4")
        assert parts.groupby("step").shoppers.sum().tolist() == whole.shoppers.tolist()
        if by != "week":
            assert "other" in set(parts[by]) or parts[by].nunique() <= 4
            before = parts.groupby("step").previous_shoppers.sum().tolist()
            assert value == "last" or before == whole.previous_shoppers.tolist()


def test_a_group_is_the_first_steps_region(sample_store: Store) -> None:
    """The entry of whoever got no further is their first view; so those are found by the log alone."""
    log = plain(sample_store)
    done = furthest(log, ["view", "cart"])
    only = done[done == 1].index
    first = (
        log[(log.event == "view") & log.user_id.isin(only)]
        .sort_values("ts")
        .groupby("user_id")
        .region.first()
    )
    got = table(sample_store, "funnel", Scope(compare="off"), steps="view,cart", by="region", top="0")
    by_step = got.pivot(index="region", columns="step", values="shoppers")
    lost = (by_step[1] - by_step[2]).loc[lambda n: n > 0]
    assert lost.to_dict() == first.value_counts().to_dict()


def test_trend_and_times_sum_to_the_funnel(sample_store: Store) -> None:
    scope = Scope.parse({"from": "2025-03-01", "to": "2025-06-30"})
    whole = table(sample_store, "funnel", scope, steps=WAYS["sample"])
    for every in ("hour", "day", "week", "month"):
        trend = table(sample_store, "funnel-trend", scope, steps=WAYS["sample"], every=every)
        assert trend.entered.sum() == whole.shoppers[0]
        assert trend.converted.sum() == whole.shoppers[3]
    times = table(sample_store, "funnel-time", scope, steps=WAYS["sample"], between="2-4")
    assert times.shoppers[0] == whole.shoppers[3] == sum(times.counts[0])
    assert times.p25[0] <= times.p50[0] <= times.p99[0]
    split = table(sample_store, "funnel-time", scope, steps=WAYS["sample"], between="2-4", by="device")
    assert split.shoppers.sum() == whole.shoppers[3]


def test_changes_have_the_interval_of_their_own_counts(sample_store: Store) -> None:
    scope = Scope.parse({"from": "2025-05-01", "to": "2025-05-31"})
    got = table(sample_store, "funnel", scope, steps=WAYS["sample"])
    later = got[got.step > 1]
    assert later.change.tolist() == pytest.approx((later.of_first - later.previous_of_first).tolist())
    first, before = np.full(len(later), got.shoppers[0]), np.full(len(later), got.previous_shoppers[0])
    low, high = difference(later.shoppers.to_numpy(), first, later.previous_shoppers.to_numpy(), before)
    assert later.change_low.tolist() == pytest.approx(low.tolist())
    assert later.change_high.tolist() == pytest.approx(high.tolist())
    assert got.change.isna().tolist() == [True, False, False, False]


@pytest.mark.parametrize("every", ["hour", "day", "week"])
def test_a_trends_compared_line_is_the_compared_periods_own(sample_store: Store, every: str) -> None:
    scope = Scope.parse({"from": "2025-05-12", "to": "2025-05-25", "compare": "2025-04-14..2025-04-27"})
    alone = Scope.parse({"from": "2025-04-14", "to": "2025-04-27", "compare": "off"})
    asked, before = (
        table(sample_store, "funnel-trend", its, steps="view,cart", every=every) for its in (scope, alone)
    )
    assert before.conversion.notna().any()
    assert asked.previous_conversion.tolist() == pytest.approx(before.conversion.tolist(), nan_ok=True)


def _first_after(log: pd.DataFrame, event: str, since: pd.Series) -> pd.DataFrame:
    """Each shopper's first event of a kind at or after a second."""
    its = log[log.event == event].merge(since.rename("since"), left_on="user_id", right_index=True)
    return its[its.second >= its.since].sort_values("ts").groupby("user_id").first()


def test_times_are_from_the_latest_entry_to_the_step(sample_store: Store) -> None:
    """Who got there is measured from the last view before the cart, so that an old visit is no wait."""
    log = plain(sample_store)
    views = log[log.event == "view"]
    carts = _first_after(log, "cart", views.groupby("user_id").second.min())
    before = views.merge(carts.second.rename("until"), left_on="user_id", right_index=True)
    entered = before[before.second <= before.until].groupby("user_id").second.max()
    took = (carts.second - entered).to_numpy()
    got = table(sample_store, "funnel-time", Scope(compare="off"), steps="view,cart")
    assert got.shoppers[0] == len(took)
    for q in (25, 50, 75, 90, 99):
        assert got[f"p{q}"][0] == np.percentile(took, q)
    edges = [*got.from_seconds[0], np.inf]
    want = np.histogram(took, edges)[0]
    shown = np.array([np.nan if n is None else n for n in got.counts[0]], float)
    assert np.array_equal(shown[np.isfinite(shown)], want[np.isfinite(shown)])


@pytest.mark.parametrize("value", ["each", "last"])
def test_a_group_is_each_steps_or_the_last_steps_region(sample_store: Store, value: str) -> None:
    log = plain(sample_store)
    carts = _first_after(log, "cart", log[log.event == "view"].groupby("user_id").second.min())
    got = table(
        sample_store, "funnel", Scope(compare="off"), steps="view,cart", by="region", value=value, top="0"
    )
    shown = got[got.step == 2].set_index("region").shoppers.dropna()
    want = carts.region.value_counts()
    assert len(shown) > 5
    assert shown[shown > 0].to_dict() == want[shown[shown > 0].index].to_dict()


def test_revenue_at_the_last_step_is_that_of_its_events(sample_store: Store) -> None:
    got = table(sample_store, "funnel", Scope(compare="off"), steps="purchase", unit="session")
    log = plain(sample_store)
    bought = log[log.event == "purchase"].sort_values("ts", kind="stable")
    one = bought.drop_duplicates("session_id")  # a session counts by its first purchase
    ties = bought.merge(one[["session_id", "ts"]], on=["session_id", "ts"]).session_id.duplicated(keep=False)
    assert got.sessions[0] == one.session_id.nunique()
    if not ties.any():
        money = (one.price.astype(float) * one.quantity.fillna(1)).sum()
        assert got.revenue[0] == pytest.approx(money)
    assert got.revenue[0] > 0


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The sample as it is shown, for which its stories are tuned."""
    from core import marts
    from data.sample import sample_reader

    store = Store.create(tmp_path_factory.mktemp("million") / "sample", kind="sample", seed=7)
    store.append(sample_reader(events=1_000_000, seed=7))
    marts.build(store.refresh())
    return Store.open(store.path)


def test_the_broken_checkout_is_the_first_driver_and_the_reddest_region(million: Store) -> None:
    truth = BROKEN_CHECKOUT.truth
    scope = Scope.parse({"from": truth["first_day"].isoformat(), "to": "2025-06-30"})
    first = table(million, "drivers", scope, steps="checkout,purchase").iloc[0]
    assert (first.driver, first.value) == ("region and device", f"{truth['region']} · {truth['device']}")
    assert first.beyond_chance and first.odds_ratio < 0.2 and not first.nearly_outcome
    groups = table(million, "funnel", scope, steps="checkout,purchase", by="region", top="0")
    last = groups[(groups.step == 2) & (groups.of_first_high < 1)].sort_values("of_first_high")
    assert last.region.iloc[0] == truth["region"]
    cells = table(million, "funnel-map", scope, steps="checkout,purchase").sort_values("high")
    assert cells.region.iloc[0] == truth["region"]


def test_drivers_count_what_pandas_counts(sample_store: Store) -> None:
    log = plain(sample_store)
    done = furthest(log, ["view", "cart"])
    first = log[log.event == "view"].sort_values("ts").groupby("user_id").first().loc[done.index]
    got = table(sample_store, "drivers", Scope(compare="off"), steps="view,cart", top="0", support="20")
    its = got[got.driver == "device"].set_index("value")
    assert len(its) > 1
    for device, row in its.iterrows():
        had = first.device == device
        assert row.shoppers == had.sum()
        assert row.conversion == pytest.approx((done[had] == 2).mean())
        assert row.conversion_without == pytest.approx((done[~had] == 2).mean())
    before = log.merge(first.second.rename("entry"), left_on="user_id", right_index=True)
    searched = before[(before.event == "search") & (before.second < before.entry)].user_id.unique()
    row = got[(got.driver == "event before") & (got.value == "search")].iloc[0]
    assert abs(row.shoppers - len(searched)) <= 0.02 * len(searched)  # ties in time may fall either way


def test_a_driver_that_is_the_outcome_is_told(tmp_path: Any) -> None:
    """Whoever sees "pay page" buys hours later, and nearly nobody else does."""
    moment = np.datetime64("2025-03-01T10:00:00", "us")
    rows = []
    for i in range(400):
        rows.append((f"u{i}", 0, "view"))
        if i % 2:
            rows += [(f"u{i}", 30, "pay page"), (f"u{i}", 3600 + i, "purchase")]
    log = source_table(
        user_id=[who for who, _, _ in rows],
        ts=[(moment + np.timedelta64(second, "s")).item() for _, second, _ in rows],
        event=[event for _, _, event in rows],
    )
    store = append(Store.create(tmp_path / "log", kind="sample"), log)
    got = table(store, "drivers", Scope(compare="off"), steps="view,purchase", support="10")
    row = got[got.value == "pay page"].iloc[0]
    assert row.driver.startswith("event within") and row.nearly_outcome and row["rank"] == 1


def test_small_groups_are_hidden_and_cannot_be_had_by_subtraction(trivago_store: Store) -> None:
    steps = steps_of(trivago_store)
    got = table(trivago_store, "funnel", Scope(compare="off"), steps=steps, by="region", top="0")
    k = trivago_store.k
    assert k > 1 and got.shoppers.isna().any()
    for _, group in got.groupby("region"):
        shown = group.shoppers.dropna()
        assert ((shown == 0) | (shown >= k)).all()
        lost = -shown.diff().dropna()
        assert ((lost == 0) | (lost >= k)).all()
    assert (got.groupby("step").shoppers.apply(lambda n: n.isna().sum()) != 1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": "view,cart", "window": "0d"}, "leaves no time"),
        ({"steps": "view,cart", "by": "planet"}, "paths are split by"),
        ({"steps": "view,cart", "value": "middle"}, "takes first, last or each"),
        ({"steps": "view,cart", "top": "many"}, "not a whole number"),
        ({"steps": "view,cart", "group": "/[/=>x"}, "is no regular expression"),
        ({"steps": "view,cart", "collapse": "maybe"}, "takes yes or no"),
        ({"steps": "view,cart", "mood": "good"}, "no option 'mood'"),
    ],
)
def test_odd_options_are_sentences(sample_store: Store, options: dict[str, str], words: str) -> None:
    with pytest.raises(WrongCall, match=words):
        ANALYSES["funnel"].run(sample_store, Scope(), **options)


def test_a_step_that_never_happens_is_said_and_counted_as_nobody(sample_store: Store) -> None:
    answer = ANALYSES["funnel"].run(sample_store, Scope(), steps="view,teleport")
    assert answer.table["shoppers"].to_pylist()[1] == 0
    assert "Step 2 never happens: the log has no “teleport”" in answer.notes[0]


def test_shares_have_their_textbook_intervals() -> None:
    """Values of Newcombe (1998), table II: 56/70 against 48/80, method 10; and of Wilson for 15/148."""
    low, high = difference(np.array([56.0]), np.array([70.0]), np.array([48.0]), np.array([80.0]))
    assert (low[0], high[0]) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    low, high = wilson(np.array([15.0]), np.array([148.0]))
    assert (low[0], high[0]) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    ratio, low, high, p = odds_ratio(np.array([20]), np.array([80]), np.array([10]), np.array([90]))
    assert ratio[0] == pytest.approx(20.5 * 90.5 / (80.5 * 10.5))
    assert low[0] < ratio[0] < high[0] and p[0] < 0.06
    assert false_discovery(np.array([0.01, np.nan, 0.04])).tolist()[::2] == pytest.approx([0.02, 0.04])
