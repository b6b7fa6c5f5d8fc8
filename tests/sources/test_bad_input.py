"""What cannot be loaded: one plain sentence each, and an exit code."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from core.errors import CartscapeError, WrongCall
from core.sources import columns_of, open_source, preview
from tests.sources.reading import read

GOOD = "timestamp,user_id,event\n" + "1541599523,u1,view\n" * 20_000


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


def _bytes(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return make


def _parquet_cut_short(folder: Path) -> Path:
    path = folder / "log.parquet"
    pd.DataFrame({"timestamp": range(1000), "user_id": "u", "event": "view"}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def _folder_with(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        inner = folder / "inner"
        inner.mkdir()
        (inner / name).write_bytes(data)
        return inner

    return make


#: name → (what makes it, words that the sentence must hold)
BAD: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "empty": (_text("log.csv", ""), ("log.csv", "is empty")),
    "blank": (_text("log.csv", "\n\n  \n"), ("is empty",)),
    "empty gzip": (_bytes("log.csv.gz", gzip.compress(b"")), ("is empty",)),
    "header only": (_text("log.csv", "timestamp,user_id,event\n"), ("column names but no rows",)),
    "one column": (_text("log.csv", "timestamp^user_id^event\n1^u^view\n"), ("one column only", "commas")),
    "picture": (_bytes("log.csv", b"\x89PNG\r\n\x1a\n" + bytes(100)), ("PNG picture",)),
    "zip": (_bytes("log.csv", b"PK\x03\x04" + bytes(100)), ("ZIP archive", "unpack it")),
    "other binary": (_bytes("log.csv", bytes(range(256)) * 20), ("binary file",)),
    "binary after names": (
        _bytes("log.csv", b"timestamp,user_id,event\n" + random.Random(1).randbytes(9_000)),
        ("binary file",),
    ),
    "zeros after names": (_bytes("log.csv", b"timestamp,user_id,event\n" + bytes(9_000)), ("binary file",)),
    "quote in the names": (
        _text("log.csv", 'timestamp,"user_id,event\n' + "1541599523,u1,view\n" * 20_000),
        ("column names in the first line", "unclosed quote"),
    ),
    "names too long": (
        _text("log.csv", f"timestamp,user_id,event,{'x' * 300_000}\n1541599523,u1,view,a\n"),
        ("column names in the first line", "field larger"),
    ),
    "UTF-16": (_bytes("log.csv", GOOD[:200].encode("utf-16")), ("UTF-16", "UTF-8")),
    "gzip cut short": (_bytes("log.csv.gz", gzip.compress(GOOD.encode())[:-300]), ("cut short or damaged",)),
    "no user": (_text("log.csv", "timestamp,event\n1541599523,view\n"), ("user_id", "--map user_id=COLUMN")),
    "no event": (_text("log.csv", "timestamp,user_id\n1541599523,u\n"), ("event", "--map event=COLUMN")),
    "nothing known": (_text("log.csv", "a,b\n1,2\n"), ("--map ts=COLUMN", "Its columns are a, b")),
    "JSON array": (_text("log.json", '[{"a": 1}]'), ("JSON array", "one JSON object a line")),
    "broken JSON": (_text("log.jsonl", "{oops\n{again\n"), ("no JSON object",)),
    "not Parquet": (_text("log.parquet", GOOD), ("named Parquet",)),
    "Parquet cut short": (_parquet_cut_short, ("not a whole Parquet file",)),
    "folder of pictures": (_folder_with("cat.png", b"\x89PNG"), ("holds no CSV",)),
    "olist without customers": (
        _folder_with("olist_orders_dataset.csv", b"order_id,customer_id\n1,2\n"),
        ("olist_customers_dataset.csv",),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_plain_sentence(name: str, tmp_path: Path) -> None:
    make, words = BAD[name]
    path = make(tmp_path)
    with pytest.raises(CartscapeError) as caught:
        read(path)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert "\n" not in said and said.endswith(".") and caught.value.exit_code == 1


def test_a_path_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match="no file or folder"):
        read(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "olsit"}, "There is no format 'olsit'; the formats are auto, events, olist"),
        ({"mapping": {"usr": "user_id"}}, "There is no field 'usr' to map; the fields are ts, "),
        ({"mapping": {"user_id": "usr"}}, "has no column 'usr'; its columns are timestamp, user_id, event"),
        ({"mapping": {"user_id": "user_id"}, "format": "trivago"}, "--map is for the events format"),
        ({"tz": "Mars/Olympus"}, "There is no time zone 'Mars/Olympus'"),
    ],
)
def test_wrong_calls(options: dict[str, object], words: str, tmp_path: Path) -> None:
    path = _text("log.csv", GOOD)(tmp_path)
    with pytest.raises(WrongCall) as caught:
        read(path, **options)
    assert words in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["trivago", "online-retail", "retailrocket", "rees46", "ga4", "olist"])
def test_a_format_says_which_columns_are_missing(name: str, tmp_path: Path) -> None:
    path = _text("log.csv", GOOD)(tmp_path)
    with pytest.raises(CartscapeError) as caught:
        read(path, format=name)
    assert "lacks" in str(caught.value)


def test_files_of_different_formats_do_not_mix(tmp_path: Path) -> None:
    rees = "event_time,event_type,product_id,category_code,user_id,user_session\n2020-01-01,view,1,,2,3\n"
    rocket = "timestamp,visitorid,event,itemid,transactionid\n1433221332117,1,view,2,\n"
    with pytest.raises(CartscapeError, match=r"different formats \(a.csv is rees46, b.csv is retailrocket\)"):
        read(_text("a.csv", rees)(tmp_path), _text("b.csv", rocket)(tmp_path))


def test_no_connection_is_left_changed(tmp_path: Path) -> None:
    path = _text("log.csv", GOOD)(tmp_path)
    with duckdb.connect() as connection:
        zone = connection.sql("SELECT current_setting('TimeZone')").fetchall()
        list(open_source([path], tz="Asia/Tokyo", connection=connection).chunks())
        assert connection.sql("SELECT current_setting('TimeZone')").fetchall() == zone
        assert connection.sql("SHOW ALL TABLES").fetchall() == []


def test_preview_and_columns(tmp_path: Path) -> None:
    path = _text("log.csv", "timestamp,user_id,event,extra\n" + "1541599523,u1,view,x\n,u1,view,x\n" * 50)(
        tmp_path
    )
    with duckdb.connect() as connection:
        described, events, rejects = preview([path], "auto", None, connection=connection, rows=5)
        assert columns_of([path], connection=connection) == ("timestamp", "user_id", "event", "extra")
    assert described.unmapped == ("extra",)
    assert events.num_rows == 5 and rejects.num_rows == 5
