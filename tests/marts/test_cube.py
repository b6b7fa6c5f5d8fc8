"""The cube against plain pandas on random logs, and its builds against interruptions and growth."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.marts import assemble, build
from core.marts.cube import KEPT, Cube
from core.paths import open_cube
from core.scope import Scope
from core.store import Store
from tests import oracle
from tests.store.fakes import TableReader, busy_log, source_table

PLACES = [(39.96, -83.0), (39.97, -83.02), (30.27, -97.74), (27.7, 85.3), (None, None)]
#: Few values of each column, so that shoppers share session ids, places and hours, and groups fill.
VALUES: dict[str, list[Any]] = {
    "user_id": list("abcde"),
    "session_id": [None, "s1", "s2"],
    "event": ["view", "cart", "purchase", "return"],
    "category": [None, "Shoes", "Hats"],
    "device": [None, "mobile", "desktop"],
    "price": [None, 0, 5, 19],
    "quantity": [None, 1, 3],
    "place": PLACES,
}


def random_log(seed: int, rows: int) -> list[dict[str, Any]]:
    """Rows over five weeks, in any order."""
    rng = random.Random(seed)
    first, seconds = datetime(2025, 2, 26), 35 * 86_400
    return [
        {"ts": first + timedelta(seconds=rng.randrange(seconds))}
        | {name: rng.choice(values) for name, values in VALUES.items()}
        for _ in range(rows)
    ]


LOGS = st.builds(random_log, st.integers(0, 2**32), st.integers(1, 200))
GROUPINGS = st.lists(
    st.sampled_from(["region", "category", "device", "event", "day", "week", "hour", "weekday", "channel"]),
    unique=True,
    max_size=3,
)
SCOPES = st.builds(
    Scope,
    start=st.sampled_from([None, date(2025, 3, 1), date(2025, 3, 15)]),
    end=st.sampled_from([None, date(2025, 3, 20), date(2025, 3, 31)]),
    compare=st.sampled_from(["previous", "year", "off", "2025-02-26..2025-03-18"]),
    categories=st.sampled_from([(), ("Shoes",), ("Shoes", "(none)")]),
    events=st.sampled_from([(), ("view", "purchase"), ("cart",)]),
    devices=st.sampled_from([(), ("mobile",), ("(none)",)]),
    hours=st.sampled_from([(), tuple(f"{d}.{h}" for d in (1, 2, 6) for h in range(8, 20))]),
)


def append(store: Store, events: pa.Table, name: str = "log.csv") -> Store:
    """The store with the events added; a sample store shows every group."""
    store.append(TableReader(events, name=name, format="sample"))
    return store.refresh()


def store_of(rows: list[dict[str, Any]], path: Path) -> Store:
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "place"}
    lat, lon = zip(*(row["place"] for row in rows), strict=True)
    events = source_table(**columns, lat=list(lat), lon=list(lon))
    return append(Store.create(path, kind="sample"), events)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(LOGS, SCOPES, GROUPINGS)
def test_every_measure_equals_pandas(rows: list[dict[str, Any]], scope: Scope, by: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(rows, Path(folder) / "log")
        cube = open_cube(store)
        log = oracle.whole_log(store)
        try:
            scope = cube.fill(scope)
        except WrongCall:
            reject()  # the dates do not meet the log's
        assume(len(oracle.within(log, scope)))
        groups = cube.ask(scope, by)
        for period, part_scope in enumerate(groups.periods):
            if period and {"day", "week"} & set(by):
                continue  # paired by place in the period, not by date
            part = oracle.within(log, part_scope)
            want = oracle.grouped(part, by) if by else {(): oracle.measures(part)}
            assert groups.events[period].sum() == len(part)
            labels = [axis.labels.to_pylist() for axis in groups.axes]
            for place in np.ndindex(groups.events[period].shape):
                key = tuple(labels[i][p] for i, p in enumerate(place))
                numbers = want.get(key)
                got = {
                    name: getattr(groups, name)[period][place]
                    for name in ("events", "shoppers", "sessions", "revenue")
                }
                if numbers is None:
                    assert not any(got.values()), (key, got)
                    continue
                for name, value in got.items():
                    assert value == pytest.approx(numbers[name]), (key, name)
                if numbers["conversion"] is not None:
                    assert groups.buys[period][place] / got["sessions"] == pytest.approx(
                        numbers["conversion"]
                    )


def test_what_shown_groups_leave_of_a_total_is_of_k_shoppers(tmp_path: Path) -> None:
    """On the first day two shoppers alone are in both small groups; on the second these have four."""
    days = {1: {"Hats": "ab", "Shoes": "ab", None: "cde"}, 2: {"Hats": "ab", "Shoes": "cd", None: "efg"}}
    rows = [
        {"ts": datetime(2025, 3, day, 12), "user_id": user + device, "session_id": None, "event": "view",
         "category": category, "device": device, "price": None, "quantity": None, "place": PLACES[0]}
        for day, groups in days.items()
        for category, users in groups.items()
        for user in users
        for device in ("mobile", "desktop")
    ]  # fmt: skip
    cube = open_cube(store_of(rows, tmp_path / "log"))
    for by, k in ((["category"], 5), (["category", "device"], 3)):
        cube.k = k
        second, first = cube.ask(Scope(start=date(2025, 3, 2), end=date(2025, 3, 2)), by).hidden
        assert first.all(), "the third group would give the two shoppers away"
        assert {name: bool(hidden.any()) for name, hidden in zip(
            cube.ask(Scope(), by).axes[0].labels.to_pylist(), second, strict=True
        )} == {"Hats": True, "Shoes": True, "(none)": False}  # fmt: skip


def test_a_group_of_one_shopper_counts_once_however_the_shoppers_interleave(tmp_path: Path) -> None:
    rows = [
        {"ts": datetime(2025, 3, 1, hour), "user_id": user, "session_id": None, "event": "view",
         "category": None, "device": None, "price": None, "quantity": None, "place": PLACES[0]}
        for hour in range(0, 24, 2)
        for user in "abc"
    ]  # fmt: skip
    cube = open_cube(store_of(rows, tmp_path / "log"))
    groups = cube.ask(Scope(compare="off"))
    assert (groups.events[0], groups.shoppers[0], groups.sessions[0]) == (36, 3, 36)


def test_counts_beyond_a_byte_are_kept(tmp_path: Path) -> None:
    moments = np.datetime64("2025-03-01T10:00:00", "us") + np.arange(700).astype("m8[ms]")
    log = source_table(ts=moments.astype("M8[us]").tolist(), user_id=["bot"] * 700)
    store = append(Store.create(tmp_path / "log", kind="sample"), log)
    groups = open_cube(store).ask(Scope(compare="off"), ["event"])
    assert (groups.events[0].sum(), groups.shoppers[0].sum(), groups.sessions[0].sum()) == (700, 1, 1)


def test_ranges_of_shoppers_give_the_cube_of_one_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(3000))
    whole = Cube(store, build(store))
    monkeypatch.setattr(assemble, "ROWS_IN_MEMORY", 150)
    (store.marts_dir / "marts.json").unlink()
    pieces = Cube(store, build(store))
    for by in ([], ["region", "category"], ["day", "event"]):
        one, many = whole.ask(Scope(), by), pieces.ask(Scope(), by)
        for name in ("events", "shoppers", "sessions", "buys", "revenue", "sales"):
            assert np.array_equal(getattr(one, name), getattr(many, name))


def test_only_changed_months_are_rebuilt_and_the_result_is_that_of_a_full_build(tmp_path: Path) -> None:
    early, late = busy_log(1500, start="2025-01-05"), busy_log(1500, seed=1, start="2025-03-05")
    store = append(Store.create(tmp_path / "grown", kind="sample"), early)
    first = build(store)
    store = append(store, late, "late.csv")
    second = build(store)
    kept = set(first.months) & set(second.months)
    assert "2025-01" in kept
    assert all(first.months[m]["activity"] == second.months[m]["activity"] for m in kept)
    assert second.months.keys() > first.months.keys()
    grown = open_cube(store).ask(Scope(), ["region", "event"])

    at_once = append(append(Store.create(tmp_path / "once", kind="sample"), early), late, "late.csv")
    full = open_cube(at_once).ask(Scope(), ["region", "event"])
    assert [a.labels for a in grown.axes] == [a.labels for a in full.axes]
    for name in ("events", "shoppers", "sessions", "buys", "revenue"):
        assert np.array_equal(getattr(grown, name), getattr(full, name))


def test_a_build_that_dies_leaves_the_marts_that_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(800))
    good = build(store)
    store = append(store, busy_log(800, seed=3), "more.csv")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.marts.builder.assemble", die)
    with pytest.raises(KeyboardInterrupt):
        build(store)
    assert json.loads((store.marts_dir / "marts.json").read_text())["cube"] == good.cube
    assert (store.marts_dir / good.cube / "place.npy").exists()
    monkeypatch.undo()
    again = build(store)
    assert again.cube != good.cube
    assert open_cube(store).completeness["rows"] == store.events


def test_readers_keep_their_cube_while_another_is_built(tmp_path: Path) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(800))
    cube = open_cube(store)
    before = int(cube.ask(Scope(compare="off")).events[0])
    for seed in (4, 5, 6):
        store = append(store, busy_log(300, seed=seed), f"{seed}.csv")
        build(store)
    assert int(cube.ask(Scope(compare="off")).events[0]) == before


def test_unknown_groupings_and_too_many_groups_are_sentences(sample_store: Store) -> None:
    cube = open_cube(sample_store)
    with pytest.raises(WrongCall, match="no grouping 'planet'"):
        cube.ask(Scope(), ["planet"])
    with pytest.raises(WrongCall, match="more than"):
        cube.ask(Scope(), ["cell", "day", "category", "event"])


def test_dates_outside_the_log_are_a_sentence(sample_store: Store) -> None:
    with pytest.raises(WrongCall, match="do not meet the log's"):
        open_cube(sample_store).fill(Scope(start=date(2031, 1, 1)))


def test_kept_counts_of_the_whole_log_are_those_of_a_pass(tmp_path: Path) -> None:
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(900))
    manifest = build(store)
    keeps = Cube(store, manifest)
    (store.marts_dir / manifest.cube / "whole.npz").unlink()
    passes = Cube(store, manifest)
    for by, keep, resolution in KEPT:
        asked = [
            its.ask_nested(Scope(), by, keep, resolution=resolution)
            if keep is not None
            else (its.ask(Scope(), by, resolution=resolution),)
            for its in (keeps, passes)
        ]
        for kept, passed in zip(*asked, strict=True):
            assert [axis.labels for axis in kept.axes] == [axis.labels for axis in passed.axes]
            assert kept.events.sum() > 0
            for number in ("events", "shoppers", "sessions", "buys", "revenue", "sales"):
                assert np.array_equal(getattr(kept, number), getattr(passed, number)), (by, keep)


def test_totals_of_a_pass_are_those_of_their_own_question(tmp_path: Path) -> None:
    """Also where the compared period is longer, so that some of its days pair with none."""
    store = append(Store.create(tmp_path / "log", kind="sample"), busy_log(2000, start="2025-01-01"))
    cube = open_cube(store)
    first = cube.first_day
    asked = Scope(start=first + timedelta(days=20), end=first + timedelta(days=25))
    longer = f"{first}..{first + timedelta(days=15)}"
    for scope in (Scope(), asked, replace(asked, compare=longer), replace(asked, compare="off")):
        for by, keep in ((["day"], 0), (["region", "week"], 1), (["region", "category", "device"], 2)):
            outer = cube.ask_nested(scope, by, keep)[1]
            alone = cube.ask(scope, by[:keep])
            assert alone.events.sum() > 0
            for number in ("events", "shoppers", "sessions", "buys", "revenue", "sales"):
                assert np.array_equal(getattr(outer, number), getattr(alone, number)), (by, number)
