"""The journal: what was answered is kept, what is kept counts once, whenever and wherever a process dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from core.errors import CartscapeError
from core.events import EVENTS
from core.sources import open_source
from core.store import Store
from core.store.journal import Journal, Place
from core.store.posted import Poster, Refused
from tests.store.killed_journal import EVENT

ROOT = Path(__file__).parents[2]


def event(minute: int, user: str = "u1", **more: Any) -> dict[str, Any]:
    at = f"2025-03-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
    return {"ts": at, "user_id": user, "event": "view", "item_id": "i1"} | more


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Store:
    """A store of three events."""
    file = tmp_path / "log.csv"
    file.write_text(
        "ts,user_id,event,item_id\n2025-03-01T00:00:00Z,u1,view,i1\n"
        "2025-03-01T00:01:00Z,u1,cart,i1\n2025-02-01T00:00:00Z,u2,view,i2\n"
    )
    store = Store.create(tmp_path / "shop")
    store.append(open_source([file], connection=store.cursor()))
    return store


def ids(store: Store) -> list[int]:
    return [row[0] for row in store.refresh().cursor().execute("SELECT event_id FROM events").fetchall()]


def journalled(store: Store) -> list[int]:
    found = store.journal.read(Place(store.refresh().taken_in + 1))
    return [number for record in found for number in record.rows["event_id"].to_pylist()]


def test_what_is_posted_is_stored_as_a_file_of_it_would_be(tmp_path: Path, store: Store) -> None:
    rich: dict[str, Any] = {
        "session_id": "s9", "category": "Shoes", "price": 19.99, "quantity": 2, "currency": "usd",
        "lat": 40.0, "lon": -83.0, "device": "mobile", "shown": ["i1", "i2"], "tz": "America/New_York",
    }  # fmt: skip
    posted = [event(5, **rich), event(6, "u3", event="Add to cart"), event(7, event="search", query="boots")]
    found = Poster(store.path).post(posted)
    assert (found.stored, found.duplicate, found.rejected) == (3, 0, ())
    report = store.absorb()
    assert report is not None and (report.stored, report.duplicate, report.format) == (3, 0, "api")

    file = tmp_path / "same.jsonl"
    # A file's fields are those of its first lines.
    file.write_text("\n".join(json.dumps(dict.fromkeys(posted[0] | posted[2]) | one) for one in posted))
    other = Store.create(tmp_path / "other")
    other.append(open_source([tmp_path / "log.csv"], connection=other.cursor()))
    other.append(open_source([file], format="events", connection=other.cursor()))
    columns = ", ".join(EVENTS.names)
    query = f"SELECT {columns} FROM events ORDER BY event_id"
    assert store.cursor().execute(query).fetchall() == other.cursor().execute(query).fetchall()
    assert store.absorb() is None and len(store.reports) == 2


def test_duplicates_count_once(store: Store) -> None:
    poster = Poster(store.path)
    again = poster.post([event(0), event(9), event(9), event(1, event="cart")])
    assert (again.stored, again.duplicate) == (1, 3)
    assert poster.post([event(9)]).duplicate == 1
    assert Poster(store.path).post([event(9), event(10)]).duplicate == 1  # another process
    store.absorb()
    assert poster.post([event(9), event(10), event(0)]).duplicate == 3  # the months hold them now
    assert store.events == 5 and len(set(ids(store))) == 5


def test_what_does_not_fit_is_told_and_kept_among_the_rejects(store: Store) -> None:
    posted: list[Any] = [
        event(3, "u-secret", lat=95.0, lon=1.0),
        Refused("price: Input should be a number", "u-secret", '{"price": "x"}'),
        event(4),
        event(5, ts="yesterday"),
        event(5, ts="2999-01-01T00:00:00Z"),
    ]
    found = Poster(store.path).post(posted)
    assert found.stored == 1
    assert found.rejected == (
        (1, "latitude out of range"), (2, "price: Input should be a number"),
        (4, "unreadable time"), (5, "future date"),
    )  # fmt: skip
    store.absorb()
    kept = store.cursor().execute("SELECT line, reason, user_id, row FROM rejects ORDER BY line").fetchall()
    assert [(line, reason) for line, reason, *_ in kept] == list(found.rejected)
    assert kept[0][2] == store.secret.pseudonym("u-secret")
    assert "u-secret" not in str(kept)
    assert b"u-secret" not in b"".join(p.read_bytes() for p in (store.path / "journal").glob("*.log"))


def test_a_load_takes_the_journal_in_first(tmp_path: Path, store: Store) -> None:
    Poster(store.path).post([event(20), event(21)])
    file = tmp_path / "more.csv"
    file.write_text(
        "ts,user_id,event,item_id\n2025-03-01T00:20:00Z,u1,view,i1\n2025-03-01T00:30:00Z,u1,view,i1\n"
    )
    report = store.append(open_source([file], format="events", connection=store.cursor()))
    assert (report.stored, report.duplicate) == (1, 1)
    assert store.events == 6 and not journalled(store)


def test_only_rejects_are_a_load_too(store: Store) -> None:
    Poster(store.path).post([event(3, ts="")])
    report = store.absorb()
    assert report is not None and report.rejected == {"missing time": 1}
    assert store.absorb() is None


def test_segments_stay_for_readers_of_the_generation_before(store: Store) -> None:
    place = Place(store.taken_in + 1)
    writer = Store.open(store.path)
    Poster(store.path).post([event(1, "a")])
    writer.absorb()
    assert sum(r.rows.num_rows for r in store.journal.read(place)) == 1  # of a generation ago
    Poster(store.path).post([event(2, "a")])
    assert sum(r.rows.num_rows for r in store.journal.read(place)) == 1
    writer.absorb()
    Poster(store.path).post([event(3, "a")])
    writer.absorb()
    assert len(store.journal.segments()) <= 3
    assert len(set(ids(store))) == 6


def test_writers_at_once_lose_nothing(store: Store) -> None:
    """Four writers and one that takes in, all at once."""
    posters = [Poster(store.path) for _ in range(4)]

    def write(number: int) -> None:
        for minute in range(6):
            posters[number].post([event(minute, f"w{number}"), event(minute, "same")])

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    writer = Store.open(store.path)
    while any(thread.is_alive() for thread in threads):
        writer.absorb()
    writer.absorb()
    assert Counter(ids(store)).most_common(1)[0][1] == 1
    assert len(ids(store)) == 3 + 4 * 6 + 6


@pytest.mark.parametrize("moment", ["before", "half", "written", "made"])
def test_a_killed_call_is_kept_whole_or_not_at_all(store: Store, moment: str) -> None:
    Poster(store.path).post([event(1, "a")])
    assert _killed(store.path, "post", moment) == -signal.SIGKILL
    kept = moment in ("written", "made")
    assert len(journalled(store)) == 1 + kept
    # Whoever got no answer calls again; and others go on.
    again = Poster(store.path).post([EVENT, event(2, "a")])
    assert (again.stored, again.duplicate) == (2 - kept, kept)
    store.absorb()
    assert len(ids(store)) == len(set(ids(store))) == 6


@pytest.mark.parametrize("moment", ["closed", "staged", "merged", "saved", "made"])
def test_taking_in_that_is_killed_neither_loses_nor_doubles(store: Store, moment: str) -> None:
    Poster(store.path).post([event(1, "a"), EVENT])
    assert _killed(store.path, "absorb", moment) == -signal.SIGKILL
    done = moment in ("saved", "made")
    now = store.refresh()
    assert len(ids(now)) == 3 + 2 * done
    assert len(journalled(now)) == 2 * (not done)
    assert Poster(store.path).post([EVENT, event(2, "a")]).duplicate == 1
    now.absorb()
    assert len(ids(now)) == len(set(ids(now))) == 6
    assert not journalled(now)


def _killed(path: Path, deed: str, moment: str) -> int:
    call = [sys.executable, "-m", "tests.store.killed_journal", str(path), deed, moment]
    return subprocess.run(call, cwd=ROOT, env=os.environ.copy(), check=False).returncode


@tried(max_examples=40)
@given(cut=st.integers(0, 10_000), noise=st.binary(max_size=60))
def test_what_was_cut_short_is_no_record(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    """Whatever lies behind the last whole record counts for nothing, and is written over."""
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder / "journal")
    tables = [pa.table({"a": [number]}) for number in range(3)]
    for table in tables:
        journal.append(table, table, 0)
    path = journal.path(1)
    content = path.read_bytes()
    size = len(content) // 3
    whole = min(cut % len(content) // size, 3)
    path.write_bytes(content[: cut % len(content)] + noise)

    def kept() -> list[int]:
        return [record.rows["a"][0].as_py() for record in Journal(folder / "journal").read(Place(1))]

    assert kept() == list(range(whole))
    Journal(folder / "journal").append(pa.table({"a": [9]}), tables[0], 0)
    assert kept() == [*range(whole), 9]


def test_a_full_disk_is_a_sentence_and_keeps_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    poster = Poster(store.path)
    poster.post([event(1, "a")])

    def full(handle: int, content: bytes, at: int, _write: Any = os.pwrite) -> int:
        _write(handle, content[:10], at)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(CartscapeError, match="is full"):
        poster.post([event(2, "a")])
    monkeypatch.undo()
    assert len(journalled(store)) == 1
    assert poster.post([event(2, "a")]).stored == 1
