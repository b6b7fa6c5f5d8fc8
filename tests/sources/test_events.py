"""The events format: kinds of files, mapping, rejects, conservation."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sources import open_source, preview
from tests.sources.reading import read, written

ROWS = [
    {"ts": "2025-03-01 10:00:00", "user_id": "u1", "event": "view", "item_id": "p1", "price": "9.99"},
    {"ts": "2025-03-01 10:01:00", "user_id": "u1", "event": "AddToCart", "item_id": "p1", "price": "9.99"},
    {"ts": "2025-03-01 10:02:00", "user_id": "u1", "event": "transaction", "item_id": "p1", "price": "9.99"},
]


def _delimited(separator: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        lines = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
        return written(folder, "log.csv", "\n".join(separator.join(line) for line in lines) + "\n")

    return make


def _json_lines(folder: Path) -> Path:
    return written(folder, "log.jsonl", "\n".join(json.dumps(row) for row in ROWS))


def _parquet(folder: Path) -> Path:
    frame = pd.DataFrame(ROWS).astype({"price": float})
    frame["ts"] = pd.to_datetime(frame["ts"])
    frame.to_parquet(folder / "log.parquet")
    return folder / "log.parquet"


KINDS = {
    "comma": _delimited(","),
    "tab": _delimited("\t"),
    "semicolon": _delimited(";"),
    "pipe": _delimited("|"),
    "JSON lines": _json_lines,
    "Parquet": _parquet,
}


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_the_same_events(kind: str, gzipped: bool, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    if gzipped:
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    got = read(path)
    assert got.described.format == "events" and got.rejects.empty
    assert list(got.events["event"]) == ["view", "cart", "purchase"]
    assert list(got.events["ts"]) == [pd.Timestamp(row["ts"]) for row in ROWS]
    assert [float(price) for price in got.events["price"]] == [9.99] * 3
    assert got.events["quantity"].iloc[2] == 1


def test_usual_names_are_mapped(tmp_path: Path) -> None:
    header = "Event Time,visitorid,action,sku,lng,latitude,search_term,state,country,qty,amount,source,os"
    path = written(
        tmp_path, "log.csv", header + "\n1541599523,7,view,a,-80.5,25.5,shoes,Florida,US,2,5,ads,ios\n"
    )
    got = read(path)
    assert got.described.mapping == {
        "ts": "Event Time",
        "user_id": "visitorid",
        "event": "action",
        "item_id": "sku",
        "query": "search_term",
        "price": "amount",
        "quantity": "qty",
        "lat": "latitude",
        "lon": "lng",
        "region": "state",
        "device": "os",
        "channel": "source",
    }
    assert got.described.unmapped == ("country",)
    event = got.events.iloc[0]
    assert (event["lat"], event["lon"], event["region"], event["query"]) == (25.5, -80.5, "Florida", "shoes")


def test_a_given_mapping_wins(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "timestamp,user_id,who,event,what\n1541599523,a,b,view,cart\n")
    got = read(path, mapping={"user_id": "who", "event": "what"})
    assert list(got.events["user_id"]) == ["b"] and list(got.events["event"]) == ["cart"]
    assert got.described.mapping["user_id"] == "who"


REASONS = {
    "missing user": {"user": ""},
    "missing time": {"time": "NaN"},
    "unreadable time": {"time": "yesterday"},
    "date before 1990": {"time": "0"},
    "future date": {"time": "2999-01-01"},
    "missing event": {"event": "null"},
    "unreadable latitude": {"lat": "north"},
    "latitude out of range": {"lat": "91"},
    "unreadable longitude": {"lon": "west"},
    "longitude out of range": {"lon": "-180.5"},
    "unreadable price": {"price": "cheap"},
    "negative price": {"price": "-1"},
    "unreadable quantity": {"quantity": "2.5"},
}


def test_every_reject_has_its_line_reason_and_row(tmp_path: Path) -> None:
    good = {
        "time": "1541599523",
        "user": "me@x",
        "event": "view",
        "lat": "1",
        "lon": "2",
        "price": "3",
        "quantity": "4",
    }
    rows = [good, *({**good, **change} for change in REASONS.values())]
    text = "\n".join(",".join(row.values()) for row in rows)
    got = read(written(tmp_path, "log.csv", ",".join(good) + "\n" + text + "\n"))
    assert len(got.events) == 1
    assert list(got.rejects["reason"]) == list(REASONS)
    assert list(got.rejects["line"]) == list(range(3, 3 + len(REASONS)))
    assert set(got.rejects["file"]) == {"log.csv"}
    assert not got.rejects["row"].str.contains("me@x").any()
    assert set(got.rejects["user_id"].dropna()) == {"me@x"}
    assert got.rejected_row(list(REASONS).index("latitude out of range")) == {
        key: value for key, value in {**good, "lat": "91"}.items() if key != "user"
    }


def test_broken_rows_keep_their_physical_line(tmp_path: Path) -> None:
    text = (
        "timestamp,user_id,event,query\n"  # 1
        '1541599523,u1,search,"two\nlines"\n'  # 2 and 3
        "1541599523,u2,view\n"  # 4: too few
        "\n"  # 5
        '1541599523,u3,view,15" screen\n'  # 6: a stray quote is text
        "1541599523,u4,view,a,b\n"  # 7: too many
        '1541599523,u5,view,"never closed\n'  # 8
        "1541599523,u6,view,ok\n"  # 9
        "bad,u7,view,\n"  # 10
    )
    got = read(written(tmp_path, "log.csv", text))
    assert list(got.events["user_id"]) == ["u1", "u3", "u6"]
    assert got.events["query"].iloc[0] == "two\nlines"
    found = dict(zip(got.rejects["line"], got.rejects["reason"], strict=True))
    assert found == {4: "too few columns", 7: "too many columns", 8: "unclosed quote", 10: "unreadable time"}
    assert not got.rejects["row"].str.contains(r"u\d").any()
    assert list(got.rejects["user_id"]) == ["u2", "u4", "u5", "u7"]


GOOD = b"1541599523,u2,view,b\n"


@pytest.mark.parametrize("good", [50, 50_000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1541599523,u1,vi\0ew,a", "NUL byte"),
        (b'1541599523,u1,view,"a', "unclosed quote"),
        (b'"1541599523,u1,view,a', "unclosed quote"),
        (b'1541599523,"u1,view,a', "unclosed quote"),
        (b"1541599523,u1,view," + b"x" * 3_000_000, "row longer than 1 MB"),
        (b'1541599523,u1,view,"' + b"x" * 3_000_000 + b'"', "row longer than 1 MB"),
    ],
)
def test_a_bad_first_row_is_the_only_reject(bad: bytes, reason: str, good: int, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"timestamp,user_id,event,category\n" + bad + b"\n" + GOOD * good)
    got = read(path)
    assert len(got.events) == good
    assert list(zip(got.rejects["line"], got.rejects["reason"], strict=True)) == [(2, reason)]
    assert "u1" not in got.rejects["row"].iloc[0] and len(got.rejects["row"].iloc[0]) < 100
    assert got.rejects["user_id"].iloc[0] == (None if "longer" in reason else "u1")
    with duckdb.connect() as connection:
        _, events, rejects = preview([path], connection=connection, rows=5)
    assert (events.num_rows, rejects.num_rows) == (5, 1)


def test_an_id_between_its_places_from_either_end_is_hidden(tmp_path: Path) -> None:
    text = "user_id,timestamp,event\nx,u1,y,1541599523,view\nu2,1541599523,view\n"
    got = read(written(tmp_path, "log.csv", text))
    assert got.reasons == {"too many columns": 1} and "u1" not in got.rejects["row"].iloc[0]


def test_a_long_text_of_a_broken_row_is_cut(tmp_path: Path) -> None:
    text = "timestamp,user_id,event\n1541599523,u1," + "x" * 500_000 + ",y\n1541599523,u2,view\n"
    got = read(written(tmp_path, "log.csv", text))
    assert got.reasons == {"too many columns": 1} and len(got.rejects["row"].iloc[0]) < 3_000


def test_rows_that_are_not_utf8_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(
        b"\xef\xbb\xbftimestamp,user_id,event,city\r\n1541599523,u1,view,S\xe3o Paulo\r\n"
        + "1541599523,u2,view,São Paulo\r\n".encode()
    )
    got = read(path)
    assert list(got.events["city"]) == ["São Paulo"]
    assert got.reasons == {"not UTF-8 text": 1} and got.rejects["line"].iloc[0] == 2
    assert got.rejects["user_id"].iloc[0] == "u1" and "u1" not in got.rejects["row"].iloc[0]


def test_lines_that_are_not_json_are_rejects(tmp_path: Path) -> None:
    rows = [
        '{"ts": 1541599523, "user_id": "u1", "event": "view"}',
        '{"user_id": "u2", "ts": 15',
        "",
        "[1]",
        "7",
    ]
    got = read(written(tmp_path, "log.jsonl", "\n".join(rows)))
    assert len(got.events) == 1
    assert list(zip(got.rejects["line"], got.rejects["reason"], strict=True)) == [
        (2, "not a JSON object"),
        (4, "not a JSON object"),
        (5, "not a JSON object"),
    ]
    assert got.rejects["user_id"].iloc[0] == "u2" and "u2" not in got.rejects["row"].iloc[0]


def test_money_that_goes_back_is_negative(tmp_path: Path) -> None:
    rows = ["purchase,2", "purchase,-1", "refund,3", "refund,-3", "canceled,1", "purchase,", "view,"]
    text = "".join(f"1541599523,u,{row},5\n" for row in rows)
    got = read(written(tmp_path, "log.csv", "timestamp,user,event,quantity,price\n" + text))
    assert list(got.events["event"]) == [
        "purchase", "return", "return", "return", "cancelled", "purchase", "view",
    ]  # fmt: skip
    assert list(got.events["quantity"].iloc[:6]) == [2, -1, -3, -3, -1, 1]
    assert pd.isna(got.events["quantity"].iloc[6])


def test_ids_that_passed_through_a_float(tmp_path: Path) -> None:
    text = "timestamp,user_id,event,item_id\n1541599523,13085.0,view,85048\n"
    got = read(written(tmp_path, "log.csv", text))
    assert got.events.loc[0, ["user_id", "item_id"]].tolist() == ["13085", "85048"]


def test_unknown_zones_are_left_to_the_place(tmp_path: Path) -> None:
    text = "timestamp,user_id,event,tz\n1541599523,u,view,Mars/Olympus\n1541599523,u,view,Asia/Tokyo\n"
    got = read(written(tmp_path, "log.csv", text))
    assert got.events["tz"].tolist() == [None, "Asia/Tokyo"]


@pytest.mark.parametrize("shown", ["a|b|c", "a, b, c", '["a", "b", "c"]'])
def test_lists_of_what_was_shown(shown: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["timestamp", "user_id", "event", "shown"], [1541599523, "u", "view", shown]]
        )
    assert list(read(path).events["shown"].iloc[0]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("prices", "kept"),
    [("10|x|7.5", [10, None, 7.5]), ("[1, 2, 3]", [1, 2, 3]), ("1|2", None), ("", None)],
)
def test_prices_of_what_was_shown(prices: str, kept: list[float | None] | None, tmp_path: Path) -> None:
    """One that cannot be read is not known; a list of another length tells of no item."""
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["timestamp", "user_id", "event", "shown", "shown_prices"],
                [1541599523, "u", "view", "a|b|c", prices],
            ]
        )
    found = read(path).events["shown_prices"].iloc[0]
    assert (None if found is None else [None if p != p else p for p in found]) == kept


def test_titles_become_an_item_table(tmp_path: Path) -> None:
    text = "timestamp,user_id,event,item_id,product_name,brand,price\n"
    for second, more in enumerate(("Red shoe,Acme,10", "Red shoe,,12", "Shoe,,14")):
        text += f"{1541599523 + second},u,view,a,{more}\n"
    items = read(written(tmp_path, "log.csv", text)).tables["items"]
    assert items.loc[0, ["item_id", "title", "brand"]].tolist() == ["a", "Red shoe", "Acme"]
    assert float(items.loc[0, "price"]) == 12


def test_several_files_are_one_log_in_order(tmp_path: Path) -> None:
    for month in (2, 1):
        text = f"timestamp,user_id,event\n2025-0{month}-01,u{month},view\n,u,view\n"
        written(tmp_path, f"2025-0{month}.csv", text)
    written(tmp_path, "2025-03.csv", "timestamp,user_id,event\n")
    written(tmp_path, "README.md", "not a log")
    got = read(tmp_path)
    assert got.described.files == ("2025-01.csv", "2025-02.csv")
    assert list(got.events["user_id"]) == ["u1", "u2"]
    assert list(zip(got.rejects["file"], got.rejects["line"], strict=True)) == [
        ("2025-01.csv", 3),
        ("2025-02.csv", 3),
    ]


def test_chunks_have_the_same_bounds_and_can_be_skipped(tmp_path: Path) -> None:
    line = "1541599523,u{},view," + "x" * 400 + "\n"
    path = written(
        tmp_path, "log.csv", "timestamp,user_id,event,q\n" + "".join(line.format(i) for i in range(100_000))
    )
    with duckdb.connect() as connection:
        reader = open_source([path], connection=connection)
        chunks = list(reader.chunks())
        again = list(reader.chunks(skip=1))
        assert len(chunks) > 2 and sum(chunk.rows_read for chunk in chunks) == 100_000
        assert [chunk.events.equals(other.events) for chunk, other in zip(chunks[1:], again, strict=True)]
        assert all(chunk.events["user_id"][0].as_py() != "u0" for chunk in again)


def test_the_fingerprint_follows_content_and_mapping(tmp_path: Path) -> None:
    text = "timestamp,user_id,who,event\n1541599523,a,b,view\n"
    path = written(tmp_path, "log.csv", text)
    with duckdb.connect() as connection:

        def print_of(**options: object) -> str:
            return open_source([path], connection=connection, **options).fingerprint()  # type: ignore[arg-type]

        first = print_of()
        assert print_of() == first
        assert print_of(mapping={"user_id": "who"}) != first
        assert print_of(tz="Asia/Tokyo") != first
        path.write_text(text * 2)
        assert print_of() != first


_words = st.sampled_from(
    ["", "view", "1541599523", "-5", "nan", "91", "x", "2025-01-01", "é", '"', 'a"b', "c\nd", ","]
)


@settings(max_examples=25)
@given(st.lists(st.lists(_words, min_size=7, max_size=7), min_size=1, max_size=30))
def test_nothing_vanishes(rows: list[list[str]]) -> None:
    """Rows read are the rows written, whatever they hold."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["ts", "user_id", "event", "lat", "lon", "price", "quantity"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        got = read(written(Path(folder), "log.csv", text.getvalue()))
    assert got.rows_read == len(rows)
    assert got.rejects["line"].is_monotonic_increasing


@settings(max_examples=25)
@given(st.lists(st.text(alphabet='ab,"\n\r;é', max_size=20), min_size=1, max_size=20))
def test_any_text_is_read_without_a_crash(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "log.csv", "ts,user_id,event\n1541599523,u,view\n" + "\n".join(lines))
        got = read(path)
    assert len(got.events) >= 1 or '"' in "".join(lines)
