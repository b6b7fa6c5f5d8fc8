"""Cells, zones, regions and local time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import h3
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import WrongCall
from core.store import Store
from tests.store.fakes import TableReader, source_table

#: Not those whose governments still change their mind: two tables of zones may differ on them.
ZONES = [
    "America/New_York", "America/Phoenix", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Chatham", "Asia/Tehran", "America/St_Johns", "UTC",
]  # fmt: skip

moments = st.datetimes(datetime(1974, 1, 1), datetime(2025, 12, 31))
#: A month around the two nights when most clocks change.
turns = st.one_of(
    st.datetimes(datetime(2025, 3, 8), datetime(2025, 4, 7)),
    st.datetimes(datetime(2025, 10, 4), datetime(2025, 11, 3)),
)


@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=st.lists(st.tuples(st.one_of(turns, moments), st.sampled_from(ZONES)), min_size=30, max_size=60))
def test_local_time_is_that_of_the_zone(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[datetime, str]]
) -> None:
    store = Store.create(tmp_path_factory.mktemp("local") / "s")
    table = source_table(
        ts=[t for t, _ in log], tz=[z for _, z in log], user_id=[str(n) for n in range(len(log))]
    )
    store.append(TableReader(table))
    for ts, tz, local in store.cursor().sql("SELECT ts, tz, local_ts FROM log").fetchall():
        assert local == ts.replace(tzinfo=UTC).astimezone(ZoneInfo(tz)).replace(tzinfo=None)


def test_hours_around_the_change_of_clocks(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", default_tz="America/New_York")
    spring = datetime(2025, 3, 9, 6, 59, 59)
    store.append(TableReader(source_table(ts=[spring, spring + timedelta(seconds=1)], user_id=["a", "a"])))
    found = store.cursor().sql("SELECT hour(local_ts) FROM log ORDER BY ts").fetchall()
    assert found == [(1,), (3,)]


def test_missing_places_are_filled_and_given_ones_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", default_tz="Asia/Tokyo")
    table = source_table(
        ts=[1, 2, 3, 4, 5],
        user_id=["a"] * 5,
        lat=[39.96, 39.96, None, 48.14, 91.0],
        lon=[-83.0, -83.0, None, 11.58, 0.0],
        tz=[None, "Europe/Paris", None, None, None],
        region=[None, "Somewhere", None, None, None],
    )
    store.append(TableReader(table))
    found = store.cursor().sql("SELECT tz, region, cell FROM events ORDER BY ts").fetchall()
    columbus = int(h3.latlng_to_cell(39.96, -83.0, 9), 16)
    munich = int(h3.latlng_to_cell(48.14, 11.58, 9), 16)
    assert found == [
        ("America/New_York", "Ohio", columbus),
        ("Europe/Paris", "Somewhere", columbus),
        ("Asia/Tokyo", None, None),
        ("Europe/Berlin", "Germany", munich),
        ("Asia/Tokyo", None, None),
    ]


def test_an_unknown_zone_is_replaced_and_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", default_tz="Asia/Tokyo")
    report = store.append(
        TableReader(source_table(ts=[1, 2], user_id=["a", "a"], tz=["Mars/Olympus", "Europe/Paris"]))
    )
    assert store.cursor().sql("SELECT tz FROM events ORDER BY ts").fetchall() == [
        ("Asia/Tokyo",),
        ("Europe/Paris",),
    ]
    assert any("Mars/Olympus" in note for note in report.notes)


def test_a_default_zone_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match="'Mars/Olympus' is not a time zone"):
        Store.create(tmp_path / "s", default_tz="Mars/Olympus")
