"""Every analysis says what plain pandas says, on the sample and on the real logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import pandas as pd
import pytest

from core.analyses import ANALYSES
from core.analyses.measures import MEASURES
from core.paths import open_cube
from core.scope import Scope
from core.store import Store
from tests import oracle

STORES = ["sample", "trivago", "olist", "online_retail"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@lru_cache(maxsize=4)
def log_of(path: Path) -> pd.DataFrame:
    return oracle.whole_log(Store.open(path))


def log(store: Store) -> pd.DataFrame:
    return log_of(store.path)


def common(rows: pd.DataFrame, column: str) -> str:
    return str(rows[column].value_counts().index[0])


def scopes(rows: pd.DataFrame) -> dict[str, Scope]:
    """Scopes that each filter something in this log."""
    first, last = oracle.span(rows)
    middle = first + (last - first) / 2
    busy = common(rows, "hour_of_week")
    found = {
        "whole": Scope(compare="off"),
        "second half": Scope(start=middle + timedelta(days=1), end=last),
        "custom": Scope(start=middle, end=last, compare=f"{first}..{middle}"),
        "region": Scope(start=middle, regions=(common(rows, "region"),)),
        "event and hour": Scope(start=middle, events=(common(rows, "event"),), hours=(busy,)),
        "category and device": Scope(
            categories=(common(rows, "category"),), devices=(common(rows, "device"),), compare="off"
        ),
    }
    if rows.cell.notna().any():
        home = h3.cell_to_parent(int(rows.cell.dropna().value_counts().index[0]), 5)
        found["cell"] = Scope(start=middle, cells=(h3.int_to_str(home),))
    return found


def same(got: Mapping[Any, Any], want: dict[str, float | None], sells: bool) -> None:
    """The measures of one row equal the oracle's; null only where it is undefined.

    `sells` says whether the log and the scope's choice of events hold purchases at all.
    """
    for name, measure in MEASURES.items():
        if got[name] is None or pd.isna(got[name]):
            assert want[name] is None or (measure.needs_purchases and not sells), (name, got, want)
        else:
            assert got[name] == pytest.approx(want[name], rel=1e-9, abs=1e-6), (name, got, want)


def sells(rows: pd.DataFrame, scope: Scope) -> bool:
    return bool((rows.event == "purchase").any()) and (not scope.events or "purchase" in scope.events)


def check_groups(store: Store, rows: pd.DataFrame, scope: Scope, table: pd.DataFrame, by: list[str]) -> None:
    """Every row of the table equals the oracle's; every group with k shoppers or more is accounted for."""
    cube = open_cube(store)
    filled = cube.fill(scope)
    part = oracle.within(rows, filled)
    want = oracle.grouped(part, by)
    got = {tuple(record[b] for b in by): record for record in table.to_dict("records")}
    for key, numbers in want.items():
        if key in got and not pd.isna(got[key]["events"]):
            assert numbers["shoppers"] >= cube.k  # type: ignore[operator]
            same(got[key], numbers, sells(rows, scope))
    if cube.k == 1:
        assert set(want) <= set(got)
    shown = {key for key, record in got.items() if not pd.isna(record["events"]) and record["events"]}
    assert shown <= set(want)
    large = [key for key, numbers in want.items() if numbers["shoppers"] >= cube.k]  # type: ignore[operator]
    if len(large) > 3:
        assert len(shown) >= len(large) / 3, "protection hides far more than it must"


@pytest.fixture(
    params=["whole", "second half", "custom", "region", "event and hour", "category and device", "cell"]
)
def case(request: pytest.FixtureRequest, store: Store) -> tuple[Store, pd.DataFrame, Scope]:
    rows = log(store)
    found = scopes(rows)
    if request.param not in found:
        pytest.skip("this log has no coordinates")
    return store, rows, found[request.param]


def test_overview(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["overview"].run(store, scope).table.to_pandas().set_index("measure")
    filled = open_cube(store).fill(scope)
    same(table["value"].to_dict(), oracle.measures(oracle.within(rows, filled)), sells(rows, scope))
    compared = filled.compared()
    if compared:
        want = oracle.measures(oracle.within(rows, compared))
        if want["shoppers"] >= store.k:  # type: ignore[operator]
            same(table["previous"].to_dict(), want, sells(rows, scope))


def test_hours(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["hours"].run(store, scope).table.to_pandas()
    assert len(table) == 168
    check_groups(store, rows, scope, table, ["weekday", "hour"])


@pytest.mark.parametrize("k", [1, 10])
def test_hours_of_a_split_are_all_there_and_hidden_ones_are_null(
    sample_store: Store, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    monkeypatch.setattr(Store, "k", k)
    rows = log(sample_store)
    scope = Scope(start=date(2025, 6, 1), end=date(2025, 6, 2))
    answer = ANALYSES["hours"].run(sample_store, scope, by="region")
    table = answer.table.to_pandas()
    assert len(table) == 168 * table.region.nunique()
    check_groups(sample_store, rows, scope, table, ["weekday", "hour", "region"])
    hidden = int(table.events.isna().sum())
    assert (hidden > 0) == (k > 1)
    assert [f"{hidden:,} hours are not shown" in note for note in answer.notes] == [True] * (k > 1)


def test_calendar(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["calendar"].run(store, scope).table.to_pandas()
    filled = open_cube(store).fill(scope)
    assert filled.start and filled.end
    assert len(table) == (filled.end - filled.start).days + 1
    check_groups(store, rows, scope, table, ["day"])


def test_trend_by_week(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["trend"].run(store, scope, step="week").table.to_pandas()
    check_groups(store, rows, scope, table.rename(columns={"day": "week"}), ["week"])


def test_trend_by_region(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["trend"].run(store, scope, by="region", step="week").table.to_pandas()
    check_groups(store, rows, scope, table.rename(columns={"day": "week"}), ["region", "week"])


def test_regions(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    table = ANALYSES["regions"].run(store, scope).table.to_pandas()
    check_groups(store, rows, scope, table, ["region"])


def test_demand(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    if not rows.cell.notna().any():
        pytest.skip("this log has no coordinates")
    answer = ANALYSES["demand"].run(store, scope, resolution=4)
    parents = {c: h3.int_to_str(h3.cell_to_parent(int(c), 4)) for c in rows.cell.dropna().unique()}
    located = rows.assign(parent=rows.cell.map(parents)).dropna(subset="parent")
    table = answer.table.to_pandas().rename(columns={"cell": "parent"})
    check_groups(store, located, scope, table, ["parent"])


def test_facets_sum_to_the_overview(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    filled = open_cube(store).fill(scope)
    part = oracle.within(rows, filled)
    table = ANALYSES["facets"].run(store, scope).table.to_pandas()
    for field, values in table.groupby("field"):
        counts = part[field].value_counts()
        for record in values.to_dict("records"):
            assert record["events"] == counts[record["value"]]
        if store.k == 1:
            assert values.events.sum() == len(part)


def test_changes_sum_to_the_change_of_the_whole(case: tuple[Store, pd.DataFrame, Scope]) -> None:
    store, rows, scope = case
    cube = open_cube(store)
    filled = cube.fill(scope)
    compared = filled.compared()
    for measure in ("events", "conversion"):
        table = ANALYSES["changes"].run(store, scope, measure=measure).table.to_pandas()
        if compared is None:
            assert table.empty
            continue
        now, before = (oracle.measures(oracle.within(rows, s)) for s in (filled, compared))
        want = (now[measure] or 0.0) - (before[measure] or 0.0)
        parts, total = table[table.words != "total"], table[table.words == "total"]
        assert parts.change.sum() == pytest.approx(want, abs=1e-9)
        assert float(total.change.iloc[0]) == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("measure", ["events", "revenue"])
def test_changes_are_disjoint_and_what_their_scope_shows(sample_store: Store, measure: str) -> None:
    rows = log(sample_store)
    _, last = oracle.span(rows)
    scope = Scope(start=last - timedelta(days=27), end=last)
    table = ANALYSES["changes"].run(sample_store, scope, measure=measure).table.to_pandas()
    part = oracle.within(rows, scope)
    met = pd.Series(0, index=part.index)
    segments = table[table["rank"].notna()]
    for record in segments.to_dict("records"):
        words = scope.words() | {
            field: [record[field]] for field in ("region", "category", "device") if record[field]
        }
        inside = oracle.within(rows, Scope.parse(words))
        assert record["value"] == pytest.approx(oracle.measures(inside)[measure])
        met[inside.index] += 1
    assert len(segments) >= 1
    assert met.max() == 1
    assert list(segments.change.abs()) == sorted(segments.change.abs(), reverse=True)


def test_a_day_without_events_is_zero_not_missing(sample_store: Store) -> None:
    cube = open_cube(sample_store)
    empty = Scope(start=cube.first_day, end=cube.last_day, regions=("Nowhere",), compare="off")
    table = ANALYSES["calendar"].run(sample_store, empty).table
    assert set(table["events"].to_pylist()) == {0}
    assert isinstance(table["day"][0].as_py(), date)


def test_hot_spots_test_every_count_and_show_no_small_cell(
    olist_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What k hides is left out of the table, not out of the statistics of the cells around it."""
    scope = Scope(compare="off")
    shown = ANALYSES["hotspots"].run(olist_store, scope, step="week").table.to_pandas().set_index("cell")
    monkeypatch.setattr(Store, "k", 1)
    every = ANALYSES["hotspots"].run(olist_store, scope, step="week").table.to_pandas().set_index("cell")
    assert 0 < len(shown) < len(every)
    pd.testing.assert_frame_equal(shown, every.loc[shown.index])
