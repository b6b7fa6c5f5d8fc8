"""Loads that are killed for real: the last good store stays, and the next run ends as if nothing had been."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.sources.reader import Chunk
from core.store import Store, ingest
from tests.store.fakes import TableReader, busy_log
from tests.store.killed import ROWS, STEP, reader

ROOT = Path(__file__).parents[2]


def run(store: Path, moment: str) -> int:
    call = [sys.executable, "-m", "tests.store.killed", str(store), moment]
    return subprocess.run(call, cwd=ROOT, env=os.environ.copy(), check=False).returncode


@pytest.fixture
def uninterrupted(tmp_path: Path) -> dict[str, str]:
    store = Store.create(tmp_path / "uninterrupted")
    store.append(TableReader(busy_log(500, seed=1)))
    store.append(reader())
    return store.month_fingerprints


class Counting(TableReader):
    """Notes how many chunks the store skipped."""

    skipped = 0

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        self.skipped = skip
        return super().chunks(skip)


@pytest.mark.parametrize(
    "moment", ["reading 1", "reading 9", "sorting 2025-01 1", "sorting 2025-02 1", "saving 1"]
)
def test_a_killed_load_leaves_the_last_good_store_and_resumes(
    tmp_path: Path, uninterrupted: dict[str, str], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    store = Store.create(path)
    store.append(TableReader(busy_log(500, seed=1)))
    before = store.cursor().sql("SELECT * FROM events ORDER BY ALL").fetchall()

    assert run(path, moment) == -signal.SIGKILL
    left = Store.open(path)
    assert left.fingerprint == store.fingerprint
    assert left.cursor().sql("SELECT * FROM events ORDER BY ALL").fetchall() == before

    monkeypatch.setattr(ingest, "STAGED_ROWS", STEP)
    again = Counting(reader().events, step=STEP)
    report = left.append(again)
    assert (report.rows_read, report.stored) == (ROWS, ROWS)
    assert left.month_fingerprints == uninterrupted
    if moment == "reading 9":
        assert again.skipped >= 6  # what was staged was not read again
    files = {p.name for p in (path / "events").iterdir()}
    assert not any(name.startswith(".") for name in files)
    assert not list((path / "staging").iterdir())


def test_a_load_killed_right_after_its_commit_is_stored_once(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    path = tmp_path / "s"
    Store.create(path).append(TableReader(busy_log(500, seed=1)))
    assert run(path, "saved") == -signal.SIGKILL
    left = Store.open(path)
    assert left.month_fingerprints == uninterrupted
    report = left.append(reader())
    assert (report.rows_read, report.stored, report.duplicate) == (ROWS, 0, ROWS)
    assert left.month_fingerprints == uninterrupted


def test_two_processes_that_were_not_killed_agree(tmp_path: Path, uninterrupted: dict[str, str]) -> None:
    path = tmp_path / "s"
    Store.create(path).append(TableReader(busy_log(500, seed=1)))
    assert run(path, "never") == 0
    assert Store.open(path).month_fingerprints == uninterrupted
