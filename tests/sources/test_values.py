"""Times and numbers, each against Python's own reading of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sources import times, values
from core.sources.stream import own_connection
from core.sources.values import Column, Value
from tests.sources.reading import connection


def evaluate(items: Sequence[object], kind: pa.DataType, make: object, zone: str = "UTC") -> list[object]:
    """What SQL makes of the items."""
    table = values.with_clean(pa.table({"raw": pa.array(items, kind)}))
    value = make(Column.named("raw", table.schema))  # type: ignore[operator]
    sql = value.sql if isinstance(value, Value) else value
    with own_connection(connection(), zone) as own:
        own.register("raw_table", table)
        return own.sql(f"SELECT {sql} AS x FROM raw_table").to_arrow_table().column("x").to_pylist()


def read_times(items: Sequence[object], kind: pa.DataType | None = None, zone: str = "UTC") -> list[object]:
    return evaluate(items, kind or pa.string(), lambda column: times.time(column, zone), zone)


MOMENT = dt.datetime(2018, 11, 7, 14, 5, 23)

TEXTS = {
    "1541599523": MOMENT,
    "1541599523.25": MOMENT.replace(microsecond=250_000),
    "1.541599523e9": MOMENT,
    "1541599523123": MOMENT.replace(microsecond=123_000),
    "1541599523123456": MOMENT.replace(microsecond=123_456),
    "1541599523123456789": MOMENT.replace(microsecond=123_457),
    "2018-11-07 14:05:23": MOMENT,
    "2018-11-07T14:05:23Z": MOMENT,
    "2018-11-07 14:05:23 UTC": MOMENT,
    "2018-11-07T16:05:23+02:00": MOMENT,
    "2018-11-07T11:05:23.5-0300": MOMENT.replace(microsecond=500_000),
    "2018-11-07": MOMENT.replace(hour=0, minute=0, second=0),
    "20181107": MOMENT.replace(hour=0, minute=0, second=0),
    "20181107140523": MOMENT,
    "07/11/2018 14:05:23": MOMENT,
    "7.11.2018 14:05": MOMENT.replace(second=0),
    "7 Nov 2018 14:05:23": MOMENT,
    "Nov 7, 2018": MOMENT.replace(hour=0, minute=0, second=0),
    " 2018-11-07 14:05:23 ": MOMENT,
    "yesterday": None,
    "2018-02-30": None,
    "2018-13-01": None,
    "10:20:30": None,
    "12": dt.datetime(1970, 1, 1, 0, 0, 12),
    "infinity": None,
    "": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert read_times([text]) == [TEXTS[text]]


def test_local_texts_follow_the_zone_and_its_summers() -> None:
    got = read_times(
        ["2010-07-01 10:00:00", "2010-12-01 10:00:00", "2010-07-01T10:00:00Z"], zone="Europe/London"
    )
    assert got == [
        dt.datetime(2010, 7, 1, 9),
        dt.datetime(2010, 12, 1, 10),
        dt.datetime(2010, 7, 1, 10),
    ]


def test_month_first() -> None:
    assert times.order_in(["1/2/2010", "12/31/2010"]) == ("month", True)
    assert times.order_in(["1/2/2010", "31/12/2010"]) == ("day", True)
    assert times.order_in(["1/2/2010"]) == ("day", False)
    assert times.order_in(["2010-01-02", None]) == ("day", True)
    got = evaluate(["12/1/2010 8:26"], pa.string(), lambda column: times.time(column, "UTC", "month"))
    assert got == [dt.datetime(2010, 12, 1, 8, 26)]


_moments = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 12, 31))
_zones = st.sampled_from(["UTC", "Asia/Kolkata", "America/Sao_Paulo", "Europe/London"])


@settings(max_examples=15)
@given(st.lists(_moments, min_size=1, max_size=50))
def test_epochs_of_any_unit(moments: list[dt.datetime]) -> None:
    micros = [int((moment - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1)) for moment in moments]
    for unit in (1, 1_000, 1_000_000):
        floored = [value // unit for value in micros]
        expected = [dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value * unit) for value in floored]
        assert read_times(floored, pa.int64()) == expected
        assert read_times([str(value) for value in floored]) == expected


@settings(max_examples=20)
@given(st.lists(_moments, min_size=1, max_size=50), _zones)
def test_iso_with_an_offset_is_that_moment(moments: list[dt.datetime], zone: str) -> None:
    aware = [moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo("Asia/Kolkata")) for moment in moments]
    assert read_times([moment.isoformat() for moment in aware], zone=zone) == moments
    assert read_times(moments, pa.timestamp("us", "UTC"), zone=zone) == moments


@given(st.lists(_moments, min_size=1, max_size=20), _zones)
def test_naive_values_are_local(moments: list[dt.datetime], zone: str) -> None:
    local = [
        moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments
    ]
    for kind, items in (
        (pa.string(), [moment.isoformat(" ") for moment in local]),
        (pa.timestamp("us"), local),
    ):
        for got, naive in zip(read_times(items, kind, zone), local, strict=True):
            # An hour that comes twice a year has two answers, and either is right.
            answers = [
                naive.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC).replace(tzinfo=None)
                for fold in (0, 1)
            ]
            assert got in answers


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=20))
def test_amounts(amounts: list[Decimal]) -> None:
    assert evaluate([str(amount) for amount in amounts], pa.string(), values.decimal) == amounts
    if all(abs(amount) >= Decimal("0.01") for amount in amounts):
        grouped = [f"{amount:,.2f}" for amount in amounts]
        expected = [Decimal(text.replace(",", "")) for text in grouped]
        assert evaluate(grouped, pa.string(), values.decimal) == expected


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12,50", "12.5"),
        ("1.234,50", "1234.5"),
        ("$5", "5"),
        ("R$ 5,20", "5.2"),
        ("USD 7", "7"),
        ("1e3", "1000"),
        ("-3", "-3"),
        ("nan", None),
        ("cheap", None),
        ("inf", None),
        ("99999999999999999", None),
    ],
)
def test_amounts_as_people_write_them(text: str, amount: str | None) -> None:
    expected = None if amount is None else Decimal(amount)
    assert evaluate([text], pa.string(), values.decimal) == [expected]


def test_floats_that_are_no_amounts() -> None:
    got = evaluate([1.5, float("nan"), float("inf"), None], pa.float64(), values.decimal)
    assert got == [Decimal("1.5"), None, None, None]


@settings(max_examples=20)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_whole_numbers(numbers: list[int]) -> None:
    assert evaluate([str(number) for number in numbers], pa.string(), values.integer) == numbers
    assert evaluate([f"{number}.0" for number in numbers], pa.string(), values.integer) == numbers
    assert evaluate([f"{number}.5" for number in numbers], pa.string(), values.integer) == [None] * len(
        numbers
    )


@given(st.lists(st.floats(-180, 180), min_size=1, max_size=20))
def test_degrees(numbers: list[float]) -> None:
    assert evaluate([repr(number) for number in numbers], pa.string(), values.degrees) == numbers
    assert (
        evaluate([repr(number).replace(".", ",") for number in numbers], pa.string(), values.degrees)
        == numbers
    )


def test_ids() -> None:
    assert evaluate(["13085.0", " a ", "1.05", "007", "None"], pa.string(), values.identifier) == [
        "13085", "a", "1.05", "007", None,
    ]  # fmt: skip
    assert evaluate([13085.0, 1.5, float("nan")], pa.float64(), values.identifier) == ["13085", "1.5", None]
    assert evaluate([7], pa.int64(), values.identifier) == ["7"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_every_type_of_timestamp(unit: str, zone: str | None) -> None:
    moment = MOMENT if zone is None else MOMENT.replace(tzinfo=dt.UTC)
    assert read_times([moment, None], pa.timestamp(unit, zone)) == [MOMENT, None]


def test_other_types_of_time() -> None:
    assert read_times([MOMENT.date()], pa.date32()) == [MOMENT.replace(hour=0, minute=0, second=0)]
    assert read_times([1541599523.25], pa.float64()) == [MOMENT.replace(microsecond=250_000)]
    assert read_times([Decimal("1541599523.25")], pa.decimal128(20, 2)) == [
        MOMENT.replace(microsecond=250_000)
    ]
    assert read_times([float("nan"), float("inf")], pa.float64()) == [None, None]
    assert read_times([2**62], pa.int64()) == [dt.datetime(2116, 2, 20, 23, 53, 38, 427388)]
