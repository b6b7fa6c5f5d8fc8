"""Opening, listing and removing stores; what is damaged is a sentence."""

import errno
import json
import resource
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.errors import CartscapeError, WrongCall
from core.events import EVENTS, SIDE_TABLES
from core.store import Store, list_stores, months, staging
from core.store.files import room_on_disk
from tests.store.fakes import TableReader, busy_log


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "stores" / "shop")
    store.append(TableReader(busy_log(2_000)))
    return store


def test_an_empty_store_has_every_view(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    cursor = store.cursor()
    assert cursor.sql("SELECT * FROM events").columns == EVENTS.names
    assert cursor.sql("SELECT * FROM log").columns == [*EVENTS.names, "local_ts"]
    for name, schema in SIDE_TABLES.items():
        found = cursor.sql(f"SELECT * FROM {name}").to_arrow_table()
        assert found.schema.names == schema.names
        assert [f.type for f in found.schema] == [f.type for f in schema]
    assert cursor.sql("SELECT count(*) FROM rejects").fetchall() == [(0,)]
    assert (store.events, store.days, store.months) == (0, None, {})


def test_a_store_is_opened_as_it_was_written(store: Store) -> None:
    again = Store.open(store.path)
    assert (again.name, again.kind, again.events, again.k) == ("shop", "log", 2_000, 10)
    assert again.fingerprint == store.fingerprint
    assert again.marts_dir == store.path / "marts"
    assert again.days == (store.reports[0].first_day, store.reports[0].last_day)


def test_create_never_takes_over_what_is_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match="holds a store already"):
        Store.create(store.path)
    (store.path / "manifest.json").unlink()
    with pytest.raises(WrongCall, match="holds other files"):
        Store.create(store.path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(WrongCall, match="holds other files"):
        Store.create(file)


def test_create_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "s" / "events").mkdir(parents=True)
    assert Store.create(tmp_path / "s").events == 0


def test_what_is_missing_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match="holds no store"):
        Store.open(tmp_path / "nothing")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(WrongCall, match="is a file"):
        Store.open(file)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe\x00", b'{"version": "x"}']
)
def test_a_damaged_manifest_is_a_sentence(store: Store, content: bytes) -> None:
    (store.path / "manifest.json").write_bytes(content)
    with pytest.raises(CartscapeError, match=r"manifest\.json is damaged") as caught:
        Store.open(store.path)
    assert caught.value.exit_code == 1
    (info,) = list_stores(store.path.parent)
    assert (info.name, info.error) == ("shop", str(caught.value))


def test_a_newer_store_is_a_sentence(store: Store) -> None:
    path = store.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(CartscapeError, match="newer Cartscape"):
        Store.open(store.path)


def test_missing_cut_and_overwritten_files_are_sentences(store: Store) -> None:
    path = Path(store.months["2025-01"])
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(CartscapeError, match="is damaged"):
        Store.open(store.path)
    path.write_bytes(b"\0" * len(content))
    with pytest.raises(CartscapeError, match=r"cannot be read|is damaged"):
        Store.open(store.path)
    path.unlink()
    with pytest.raises(CartscapeError, match=r"lacks its file events/2025-01"):
        Store.open(store.path)


def test_a_load_onto_a_damaged_month_stores_nothing(store: Store) -> None:
    path = Path(store.months["2025-01"])
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = b"\x5a" * (len(content) // 2 - 4)
    path.write_bytes(content)
    before = (store.path / "manifest.json").read_bytes()
    with pytest.raises(CartscapeError, match="is damaged, so nothing was stored"):
        store.append(TableReader(busy_log(500, seed=9)))
    assert (store.path / "manifest.json").read_bytes() == before


def test_a_full_disk_is_a_sentence_and_changes_nothing(store: Store) -> None:
    before = {p: p.read_bytes() for p in store.path.rglob("*") if p.is_file() and p.name != "lock"}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))  # the system refuses to write more to a file
    try:
        with pytest.raises(CartscapeError, match=r"is full, so nothing was stored") as caught:
            store.append(TableReader(busy_log(20_000, seed=9)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 1
    assert {p: p.read_bytes() for p in store.path.rglob("*") if p.is_file() and p.name != "lock"} == before
    assert store.append(TableReader(busy_log(20_000, seed=9))).stored == 20_000


@pytest.mark.parametrize("module", [staging, months])
def test_a_disk_that_fills_up_late_changes_nothing(
    store: Store, module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = store.fingerprint

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "put", full)
    with pytest.raises(CartscapeError, match="is full"):
        store.append(TableReader(busy_log(500, seed=9)))
    assert Store.open(store.path).fingerprint == fingerprint
    monkeypatch.undo()
    assert store.append(TableReader(busy_log(500, seed=9))).stored == 500


def test_a_folder_without_the_right_to_write_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CartscapeError, match="may not be written"), room_on_disk(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "events"))
    with pytest.raises(PermissionError), room_on_disk(tmp_path / "s"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/log.csv")


def test_stores_are_listed_by_name(store: Store) -> None:
    home = store.path.parent
    Store.create(home / "another", kind="sample")
    (home / "secret").touch()
    (home / "folder").mkdir()
    first, last = store.days or ("", "")
    assert [(i.name, i.kind, i.events, i.first_day, i.last_day, i.error) for i in list_stores(home)] == [
        ("another", "sample", 0, None, None, None),
        ("shop", "log", 2_000, first, last, None),
    ]
    assert list_stores(home / "nowhere") == []


def test_a_removed_store_is_gone(store: Store) -> None:
    store.remove()
    assert list(store.path.parent.iterdir()) == []
    with pytest.raises(WrongCall):
        Store.open(store.path)


def test_names_with_quotes_and_spaces(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "Anna's shop; DROP VIEW log")
    store.append(TableReader(busy_log(50)))
    assert store.cursor().sql("SELECT count(*) FROM log").fetchall() == [(50,)]


def test_months_are_plain_parquet(store: Store) -> None:
    for path in store.months.values():
        names = pq.read_schema(path).names
        assert names == [*EVENTS.names, "utc_offset", "session_cut"]
