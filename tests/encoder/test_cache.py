"""The cache gives back what was put in, whatever happens to the process, the disk or a file."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.encoder import Encoder, Vectors, housekeeping, open_vectors, said_of_caches
from core.encoder import vectors as module
from core.encoder.segment import SUFFIX
from core.errors import CartscapeError
from core.settings import settings
from tests.encoder.fakes import DIM, FakeEncoder, numbered, truth, vectors_of

ROOT = Path(__file__).parents[2]

texts = st.lists(st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["", "a", "b"])), max_size=30)


def files(home: Path, fingerprint: str = "fake") -> list[Path]:
    return sorted((home / "vectors" / fingerprint).glob(f"*{SUFFIX}"))


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(texts, max_size=4), asked=texts)
def test_what_was_put_in_comes_out(runs: list[list[str | None]], asked: list[str | None], home: Path) -> None:
    encoder = FakeEncoder(os.urandom(8).hex(), batch=7)
    cache = vectors_of(encoder)
    seen: set[str] = set()
    for run in runs:
        report = cache.encode(run)
        fresh = {text or "" for text in run} - seen
        assert (report.texts, report.distinct) == (len(run), len({text or "" for text in run}))
        assert report.encoded == len(fresh) and report.found == report.distinct - len(fresh)
        seen |= fresh
    for view in (cache, vectors_of(encoder)):
        assert view.known(asked).tolist() == [(text or "") in seen for text in asked]
    assert np.array_equal(cache.of(asked), truth(asked))
    assert cache.known(asked).all()
    assert sorted(encoder.asked) == sorted(seen | {text or "" for text in asked})  # each once


def test_lists_arrays_and_nothing(home: Path) -> None:
    cache = vectors_of(FakeEncoder())
    assert cache.of([]).shape == (0, DIM) and cache.known([]).shape == (0,)
    report = cache.encode([])
    assert (report.texts, report.distinct, report.encoded, report.stopped) == (0, 0, 0, False)
    given = np.array(["a", None, np.nan, "a"], object)
    assert np.array_equal(cache.of(given), truth(["a", "", "", "a"]))
    assert cache.encode(["a"] * 1000).distinct == 1


def test_progress_counts_distinct_missing_texts(home: Path) -> None:
    cache = vectors_of(FakeEncoder(batch=10))
    cache.encode(numbered(20))
    told: list[tuple[int, int]] = []
    report = cache.encode(numbered(50) * 3, told=lambda *now: told.append(now))
    assert told == [(10, 30), (20, 30), (30, 30)]
    assert (report.texts, report.distinct, report.found, report.encoded) == (150, 50, 20, 30)


def test_what_was_done_before_a_stop_stays(home: Path) -> None:
    cache = vectors_of(FakeEncoder(batch=10))
    told: list[int] = []
    report = cache.encode(numbered(100), lambda *now: told.append(now[0]), stop=lambda: len(told) >= 3)
    assert report.stopped and report.encoded == 30
    again = vectors_of(encoder := FakeEncoder())
    rest = again.encode(numbered(100))
    assert (rest.stopped, rest.found, rest.encoded, len(encoder.asked)) == (False, 30, 70, 70)


def test_what_was_done_before_an_error_stays(home: Path) -> None:
    def fail(done: int, of: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    cache = vectors_of(FakeEncoder(batch=10))
    with pytest.raises(KeyboardInterrupt):
        cache.encode(numbered(100), fail)
    assert cache.known(numbered(100)).sum() == 40


def test_vectors_are_on_the_disk_before_the_run_ends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH", 0.0)
    cache, other = (vectors_of(FakeEncoder(batch=10)) for _ in range(2))
    known: list[int] = []
    cache.encode(numbered(50), lambda *_: known.append(int(other.known(numbered(50)).sum())))
    assert known == [10, 20, 30, 40, 50]


def run(*words: object, home: Path) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "tests.encoder.killed", *map(str, words)]
    return subprocess.Popen(call, cwd=ROOT, env={**os.environ, "CARTSCAPE_HOME": str(home)})


@pytest.mark.parametrize("moment", ["named", "half", "merged"])
def test_a_kill_leaves_a_cache_that_can_be_read(moment: str, home: Path) -> None:
    assert run(0, 1_000, moment, home=home).wait() == -signal.SIGKILL
    cache = vectors_of(encoder := FakeEncoder())
    kept = cache.known(numbered(1_000))
    assert kept.sum() == (900 if moment == "merged" else 400)
    assert np.array_equal(cache.of(numbered(1_000)), truth(numbered(1_000)))
    assert len(encoder.asked) == 1_000 - kept.sum()
    assert cache.encode(["x"]).warnings == ()


def test_two_processes_at_once_lose_nothing(home: Path) -> None:
    runs = [run(0, 3_000, "never", home=home), run(1_500, 3_000, "never", home=home)]
    assert [process.wait() for process in runs] == [0, 0]
    cache = vectors_of(encoder := FakeEncoder())
    assert cache.known(numbered(4_500)).all()
    assert np.array_equal(cache.of(numbered(4_500)), truth(numbered(4_500)))
    assert not encoder.asked and not cache.encode(["title 1"]).warnings
    assert len(files(home)) <= 12  # both merged as they went


def test_threads_share_what_is_made(home: Path) -> None:
    wanted = numbered(3_000)
    gate = threading.Event()

    class Slow(FakeEncoder):
        def stream(self, texts, stop=None):
            for part in super().stream(texts, stop):
                gate.set()
                time.sleep(0.002)
                yield part

    cache = vectors_of(encoder := Slow())
    found: list[np.ndarray] = []
    first = threading.Thread(target=lambda: found.append(cache.of(wanted)))
    first.start()
    gate.wait()
    told: list[tuple[int, int]] = []
    report = cache.encode([*wanted, "one more"], lambda *now: told.append(now))
    first.join()
    assert np.array_equal(found[0], truth(wanted))
    assert sorted(encoder.asked) == sorted([*wanted, "one more"])
    assert (report.encoded, report.found, told[-1]) == (1, 3_000, (3_001, 3_001))


def test_many_files_become_few(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH", 0.0)
    cache = vectors_of(FakeEncoder(batch=5))
    cache.encode(numbered(500))
    assert len(files(home)) <= 33
    assert np.array_equal(vectors_of(FakeEncoder()).of(numbered(500)), truth(numbered(500)))


@pytest.fixture
def small(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with room for one MiB of vectors: about twenty thousand of these."""
    monkeypatch.setenv("CARTSCAPE_VECTORS_MB", "1")
    settings.cache_clear()
    return home


def test_the_longest_unused_go_first(small: Path) -> None:
    old, used = vectors_of(FakeEncoder("old")), vectors_of(FakeEncoder("used"))
    old.encode(numbered(4_000))
    used.encode(numbered(4_000))
    for number, file in enumerate([*files(small, "old"), *files(small, "used")]):
        os.utime(file, (1_000_000 + number, 1_000_000 + number))
    used.of(numbered(1))
    cache = vectors_of(FakeEncoder(batch=1_000))
    for start in range(0, 16_000, 4_000):
        cache.encode(numbered(4_000, start))
    assert sum(file.stat().st_size for file in small.rglob(f"*{SUFFIX}")) <= 2**20
    assert not files(small, "old")
    assert files(small, "used")
    assert cache.known(numbered(16_000)).any()


def test_more_than_the_cache_holds_still_comes_out(small: Path) -> None:
    wanted = numbered(40_000)
    cache = vectors_of(FakeEncoder(batch=1_000))
    assert np.array_equal(cache.of(wanted), truth(wanted))
    assert cache.known(wanted).sum() < 40_000


def truncated(content: bytearray) -> bytearray:
    return content[: len(content) // 2]


def at(place: float) -> Callable[[bytearray], bytearray]:
    def flip(content: bytearray) -> bytearray:
        content[int(place * (len(content) - 1))] ^= 16
        return content

    return flip


@pytest.mark.parametrize(
    "damage",
    [truncated, lambda _: bytearray(), lambda c: c + b"more", at(0), at(0.001), at(0.2), at(0.7), at(1)],
    ids=["truncated", "empty", "longer", "magic", "header", "keys", "a vector", "the last byte"],
)
def test_a_damaged_file_is_dropped_made_anew_and_said(
    damage: Callable[[bytearray], bytearray], home: Path
) -> None:
    wanted = numbered(3_000)
    vectors_of(FakeEncoder()).encode(wanted)
    (file,) = files(home)
    file.write_bytes(damage(bytearray(file.read_bytes())))
    cache = vectors_of(FakeEncoder())
    assert np.array_equal(cache.of(wanted), truth(wanted))
    report = cache.encode(wanted)
    assert report.warnings == (f"Damaged vectors were removed and are made anew: the file {file}.",)
    assert not file.exists()
    assert cache.encode(wanted).warnings == ()
    assert np.array_equal(vectors_of(FakeEncoder()).of(wanted), truth(wanted))


def test_what_a_question_found_damaged_is_said_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = numbered(300)
    vectors_of(FakeEncoder()).encode(wanted)
    (file,) = files(home)
    file.write_bytes(at(0.7)(bytearray(file.read_bytes())))
    cache = vectors_of(FakeEncoder())
    monkeypatch.setattr(module, "_opened", {("fake",): cache})
    assert said_of_caches() == ()
    assert np.array_equal(cache.of(wanted), truth(wanted))
    assert said_of_caches() == (f"Damaged vectors were removed and are made anew: the file {file}.",)
    assert said_of_caches() == ()


def test_a_file_of_other_vectors_is_not_taken(home: Path) -> None:
    """A file with another number of dimensions, put there by hand, counts as damaged."""
    cache = vectors_of(FakeEncoder())
    cache.encode(["a"])
    wide = FakeEncoder()
    object.__setattr__(wide.card, "dim", DIM * 2)
    assert not vectors_of(wide).known(["a"]).any()


def test_a_full_disk_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FLUSH", 0.0)
    cache = vectors_of(FakeEncoder(batch=10))
    cache.encode(numbered(20))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("core.encoder.segment.put", full)
    with pytest.raises(CartscapeError) as refused:
        cache.encode(numbered(100))
    assert str(refused.value).startswith(f"The disk that holds {home / 'vectors' / 'fake'} is full")
    assert np.array_equal(cache.of(numbered(100)), truth(numbered(100)))  # only not kept
    (warning,) = cache.encode(numbered(20)).warnings
    assert warning == str(refused.value)
    monkeypatch.undo()
    assert cache.known(numbered(100)).sum() == 20
    assert not list((home / "vectors").rglob("*.part"))


def test_a_home_that_may_not_be_written_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CartscapeError, match="may not be written"):
        vectors_of(FakeEncoder()).encode(["a"])


def test_left_overs_of_the_killed_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_MANY", 1)
    cache = vectors_of(FakeEncoder())
    cache.encode(["a"])
    old, new = (home / "vectors" / "fake" / f".{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (1_000_000, 1_000_000))
    cache.encode(["b"])
    cache.encode(["c"])
    assert new.exists() and not old.exists()


def test_the_real_model_through_the_cache(vectors: Vectors, encoder: Encoder) -> None:
    asked = ["red shoe", "blue lamp", "red shoe", ""]
    direct = encoder.encode(asked)
    assert np.abs(vectors.of(asked) - direct).max() < 1e-3
    assert np.array_equal(vectors.of(asked), Vectors(encoder).of(asked))


def test_one_cache_a_process(home: Path, encoder: Encoder) -> None:
    assert open_vectors(encoder) is open_vectors(encoder) and open_vectors().encoder.card == encoder.card


def test_a_second_run_touches_no_model(home: Path) -> None:
    code = """
import sys
from core.encoder import open_vectors
vectors = open_vectors()
titles = [f"red shoe {n}" for n in range(20)]
report = vectors.encode(titles)
assert vectors.of(titles).shape == (20, 384)
loaded = sorted({"torch", "transformers", "tokenizers", "sentence_transformers"} & set(sys.modules))
print(report.encoded, report.found, *loaded)
"""
    environment = {**os.environ, "CARTSCAPE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    said = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True
        )
        for _ in range(2)
    ]
    assert said[0].stdout.decode().split()[:2] == ["20", "0"]
    assert said[1].stdout.decode().split() == ["0", "20"]


@pytest.mark.parametrize("held", [0, 2**20])
@pytest.mark.parametrize("size", [0, 20_000, 300_000])
def test_a_file_cut_short_under_its_reader_is_made_anew(home: Path, size: int, held: int) -> None:
    call = [sys.executable, "-m", "tests.encoder.cut_short", str(size), str(held)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # through a memory map the system ends the process
    assert "Damaged vectors were removed and are made anew" in done.stdout
