"""Several processes and threads on one store: one writes, the others read on."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StoreBusy
from core.sources.reader import Chunk
from core.store import Store
from tests.store.fakes import TableReader, busy_log, source_table

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from core.store import Store
with Store.open(Path(sys.argv[1])).writing():
    print("holding", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_gets_a_sentence_with_who_and_since_when(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "shop")
    call = [sys.executable, "-c", HOLD, str(store.path)]
    holder = subprocess.Popen(
        call, cwd=ROOT, env=os.environ.copy(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"holding\n"
    with pytest.raises(StoreBusy) as caught:
        store.append(TableReader(busy_log(10)))
    assert f"The store shop is being written by process {holder.pid} since 2" in str(caught.value)
    holder.communicate(b"")
    assert store.append(TableReader(busy_log(10))).stored == 10


def test_the_writer_that_holds_the_store_may_append(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with store.writing():
        assert store.append(TableReader(busy_log(10))).stored == 10
        with pytest.raises(StoreBusy):
            Store.open(store.path).append(TableReader(busy_log(10)))
    with store.writing():
        pass


def test_another_thread_does_not_share_the_hold(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    found: list[BaseException] = []

    def write() -> None:
        try:
            store.append(TableReader(busy_log(10)))
        except StoreBusy as error:
            found.append(error)

    with store.writing():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(found) == 1


class Watched(TableReader):
    """Lets somebody look at the store in the middle of the load."""

    look = staticmethod(lambda: None)

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        for chunk in super().chunks(skip):
            self.look()
            yield chunk


def test_readers_go_on_during_a_load_and_move_on_when_they_like(tmp_path: Path) -> None:
    writer = Store.create(tmp_path / "s")
    writer.append(TableReader(busy_log(2_000, seed=1)))
    reader = Store.open(writer.path)

    def count(store: Store) -> int:
        return int(store.cursor().sql("SELECT count(user_id) FROM log").fetchall()[0][0])

    seen: list[int] = []
    load = Watched(busy_log(3_000, seed=2))
    load.look = lambda: seen.append(count(reader.refresh()))
    writer.append(load)
    assert seen == [2_000] * 3
    assert count(writer) == 5_000
    assert reader.refresh() is not reader
    assert count(reader) == 2_000  # its files are kept until the commit after
    assert count(reader.refresh()) == 5_000
    assert writer.refresh() is writer


def test_files_of_the_generation_before_the_last_are_removed(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    generations = []
    for second in range(4):
        store.append(TableReader(source_table(ts=[second * 1_000_000], user_id=["a"])))
        generations.append({Path(p) for p in store.months.values()})
    assert [all(p.exists() for p in files) for files in generations] == [False, False, True, True]


def test_cursors_of_many_threads(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.append(TableReader(busy_log(2_000)))
    found: list[int] = []

    def read() -> None:
        with store.cursor() as cursor:
            found.append(cursor.execute("SELECT count(*) FROM log WHERE user_id > ?", [""]).fetchall()[0][0])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2_000] * 8
