"""The command line as scripts use it: another process, its output, its exit code, its last words."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.cli import main
from core.store import Store
from tests.conftest import ROOT

Done = subprocess.CompletedProcess[bytes]


def call(*words: object, before: Callable[[], None] | None = None, cwd: Path = ROOT) -> Done:
    """Run `python -m core` with these words."""
    command = [sys.executable, "-m", "core", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=before,
        timeout=300,
        check=False,
    )


def here(*words: object, out: pytest.CaptureFixture[bytes]) -> Done:
    """The same within this process, which spares the start of another one."""
    out.readouterr()
    code = main([str(word) for word in words])
    said = out.readouterr()
    return Done([str(word) for word in words], code, said.out, said.err)


def last_words(done: Done) -> str:
    """The last line on standard error; there is no traceback above it."""
    text = done.stderr.decode()
    assert "Traceback" not in text, text
    return text.strip().splitlines()[-1]


def failed(done: Done, code: int, *expected: str) -> None:
    """The call failed with this code, printed nothing, and said why in one sentence with these words."""
    words = last_words(done)
    assert (done.returncode, done.stdout) == (code, b""), words
    assert words.endswith("."), words
    for part in expected:
        assert part.lower() in words.lower(), words


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred events of sixty shoppers in Ohio: half on a Monday morning, half a day later."""
    path = tmp_path_factory.mktemp("log") / "log.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["timestamp", "visitorid", "event", "itemid", "category", "price", "quantity", "region"]
        )
        for i in range(600):
            moment = f"2025-03-{3 + i // 300:02} {9 + i % 3:02}:{i % 60:02}:{i // 60:02}"
            event = ("view", "view", "cart", "purchase")[i % 4]
            rows.writerow([moment, f"u{i % 60}", event, f"i{i % 20}", "Shoes", "12.50", "2", "Ohio"])
    return path


@pytest.fixture(scope="module")
def loaded(log: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A store of that log, and the call that made it."""
    store = tmp_path_factory.mktemp("stores") / "small"
    return store, call("ingest", log, "--store", store)


def test_ingest_prints_one_json_object(loaded: tuple[Path, Done]) -> None:
    _, done = loaded
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    assert done.stdout.count(b"\n") == 1
    assert (report["rows_read"], report["stored"], report["duplicate"]) == (600, 600, 0)
    assert report["rejected"] == {}
    assert b"%" in done.stderr, "progress goes to standard error"


def test_the_same_file_again_stores_nothing(
    loaded: tuple[Path, Done], log: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    done = here("ingest", log, "--store", loaded[0], out=capfdbinary)
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    assert (report["rows_read"], report["stored"], report["duplicate"]) == (600, 0, 600)


def test_show_as_json_csv_and_parquet_agree(
    loaded: tuple[Path, Done], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store, _ = loaded
    scope = ["--scope", "from=2025-03-04", "--scope", "event=view", "--scope", "event=cart"]
    as_json = here("show", "hours", "--store", store, *scope, out=capfdbinary)
    as_csv = here("show", "hours", "--store", store, *scope, "--output", "csv", out=capfdbinary)
    as_parquet = here("show", "hours", "--store", store, *scope, "--output", "parquet", out=capfdbinary)
    to_file = here(
        "show",
        "hours",
        "--store",
        store,
        *scope,
        "--output",
        "parquet",
        "--to",
        tmp_path / "h.parquet",
        out=capfdbinary,
    )
    assert [d.returncode for d in (as_json, as_csv, as_parquet, to_file)] == [0, 0, 0, 0], as_json.stderr
    rows = json.loads(as_json.stdout)
    table = pq.read_table(pa.BufferReader(as_parquet.stdout))
    assert table == pq.read_table(tmp_path / "h.parquet")
    assert to_file.stdout == b""
    assert sum(row["events"] for row in rows) == 225
    assert {row["weekday"] for row in rows if row["events"]} == {2}
    assert table.column("events").to_pylist() == [row["events"] for row in rows]
    read = list(csv.DictReader(io.StringIO(as_csv.stdout.decode())))
    assert [int(row["events"]) for row in read] == [row["events"] for row in rows]
    assert list(read[0]) == list(rows[0]) == table.column_names
    assert b"of" in table.schema.metadata
    assert as_json.stderr, "what the numbers are of"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["region=Nowhere"], ["The log has no region 'Nowhere'."]),
        (["region=ohoi", "region=Ohio"], ["The log has no region 'ohoi'; nearest is Ohio."]),
        (["category=shoe"], ["The log has no category 'shoe'; nearest is Shoes."]),
        (["event=views"], ["The log has no event 'views'; nearest is view."]),
        (["device=mobile"], ["The log has no device 'mobile'."]),
        (
            ["from=2025-03-04", "to=2025-03-09", "compare=off"],
            ["5 of the 6 days of the scope, 4–9 Mar 2025, lie outside the log, 3–4 Mar 2025: they hold no"],
        ),
        (
            ["from=2024-03-04", "to=2024-03-05"],
            ["The scope, 4–5 Mar 2024, lies outside the log, 3–4 Mar 2025: it holds no events."],
        ),
        (
            ["from=2025-03-04", "compare=2025-02-01..2025-03-03"],
            ["30 of the 31 days of the compared period, 1 Feb – 3 Mar 2025, lie outside the log"],
        ),
        (["region=Ohio", "from=2025-03-04", "event=view"], []),
    ],
)
def test_what_the_log_does_not_hold_is_said(
    words: list[str],
    expected: list[str],
    loaded: tuple[Path, Done],
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    scope = [part for word in words for part in ("--scope", word)]
    done = here("show", "overview", "--store", loaded[0], *scope, out=capfdbinary)
    said = done.stderr.decode()
    assert done.returncode == 0 and json.loads(done.stdout)
    assert all(sentence in said for sentence in expected), said
    if not expected:
        assert "The log has no" not in said and "outside" not in said


def test_build_after_the_marts_are_lost(
    loaded: tuple[Path, Done], copied: Callable[[Store], Store], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store = copied(Store.open(loaded[0]))
    for file in store.marts_dir.glob("*.json"):
        file.unlink()
    assert here("build", "--store", store.path, out=capfdbinary).returncode == 0
    assert here("show", "overview", "--store", store.path, out=capfdbinary).returncode == 0


def test_a_sample_is_the_same_twice(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    words = [["sample", "--store", tmp_path / n, "--events", "20_000", "--seed", 3] for n in ("a", "b")]
    made = [call(*words[0]), here(*words[1], out=capfdbinary)]  # each process hashes texts in its own way
    assert [done.returncode for done in made] == [0, 0], made[0].stderr.decode()
    reports = [json.loads(done.stdout) for done in made]
    assert reports[0]["stored"] == reports[1]["stored"] > 15_000
    stores = [Store.open(tmp_path / n) for n in ("a", "b")]
    assert list(stores[0].months) == list(stores[1].months)
    for month, file in stores[0].months.items():
        assert pq.read_table(file) == pq.read_table(stores[1].months[month])


def test_a_reader_that_leaves_early_hears_no_complaint(loaded: tuple[Path, Done]) -> None:
    shell = f"{sys.executable} -m core show calendar --store {loaded[0]} | head -c 1"
    done = subprocess.run(["bash", "-c", shell], cwd=ROOT, capture_output=True, check=False)
    assert done.stdout == b"["
    assert b"rror" not in done.stderr
    assert b"Broken" not in done.stderr


def test_stopping_is_a_sentence(tmp_path: Path) -> None:
    store = tmp_path / "s"
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "sample", "--store", store, "--events", "2_000_000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    first = process.stderr.readline()  # it works by now
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=120)[1]
    assert process.returncode == 130, first + rest
    assert b"Traceback" not in rest
    assert rest.decode().strip().splitlines()[-1].startswith("Stopped.")


def test_what_needs_seconds_to_import_waits_until_it_is_needed() -> None:
    code = "import sys, core.cli.commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    slow = {"torch", "transformers", "sklearn", "umap", "faiss", "scipy.stats", "streamlit"}
    assert not slow & set(done.stdout.split())


# -- what cannot be done ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["required", "--help"]),
        (["frobnicate"], ["frobnicate"]),
        (["show", "overview"], ["--store"]),
        (["show", "overview", "--store", "{store}", "--scope", "colour=red"], ["colour", "category"]),
        (["show", "overview", "--store", "{store}", "--scope", "region"], ["KEY=VALUE"]),
        (["show", "overview", "--store", "{store}", "--scope", "from=yesterday"], ["2025-03-28"]),
        (["show", "horoscope", "--store", "{store}"], ["horoscope", "overview", "demand"]),
        (["show", "hours", "--store", "{store}", "--option", "colour=red"], ["colour", "by"]),
        (["show", "hours", "--store", "{store}", "--option", "by=colour"], ["colour"]),
        (["show", "hours", "--store", "{store}", "--output", "xlsx"], ["xlsx"]),
        (["show", "hours", "--store", "{store}", "--to", "{tmp}/none/x.csv"], ["There is no folder", "none"]),
        (["sample", "--store", "{tmp}/s", "--events", "many"], ["many", "50_000_000"]),
        (["sample", "--store", "{tmp}/s", "--events", "0"], ["above zero"]),
        (["sample", "--store", "{store}"], ["holds a log already"]),
        (["ingest", "{tmp}/nowhere.csv", "--store", "{tmp}/s"], ["nowhere.csv", "does not exist"]),
        (["ingest", "{log}", "--store", "{tmp}/s", "--format", "excel"], ["excel"]),
        (["ingest", "{log}", "--store", "{tmp}/s", "--map", "price"], ["FIELD=COLUMN"]),
        (["ingest", "{log}", "--store", "{tmp}/s", "--map", "price=cost"], ["cost"]),
        (["ingest", "{log}", "--store", "{tmp}/s", "--map", "colour=event"], ["colour"]),
        (["ingest", "{log}", "--store", "{tmp}/s", "--tz", "Mars/Olympus"], ["Mars/Olympus"]),
    ],
)
def test_a_wrong_call(
    words: list[str],
    expected: list[str],
    loaded: tuple[Path, Done],
    log: Path,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    filled = [word.format(store=loaded[0], tmp=tmp_path, log=log) for word in words]
    failed(here(*filled, out=capfdbinary), 2, *expected)
    assert list(tmp_path.iterdir()) == [], "a wrong call leaves nothing behind"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["log.csv", "empty"]),
        (b"timestamp,visitorid,event\n", ["log.csv"]),
        (b"timestamp~visitorid~event\n2025-03-03 09:00:00~u1~view\n" * 9, ["log.csv"]),
        (bytes(range(256)) * 64, ["log.csv"]),
        (b"\x00\xff\xfe" * 5000, ["log.csv"]),
        (b"visitorid,event\nu1,view\n", ["time"]),
        (b"timestamp,event\n2025-03-03 09:00:00,view\n", ["user"]),
    ],
    ids=["empty", "header", "separator", "bytes", "binary", "no-time", "no-user"],
)
def test_a_file_that_is_no_log(
    content: bytes, expected: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(content)
    done = here("ingest", source, "--store", tmp_path / "store", out=capfdbinary)
    assert done.returncode in (1, 2)
    failed(done, done.returncode, *expected)
    assert not (tmp_path / "store").exists(), "a load that gave nothing leaves no store behind"


def test_a_log_whose_rows_are_all_bad_keeps_them_as_rejects(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = tmp_path / "bad.csv"
    source.write_text("timestamp,visitorid,event\n" + "soon,u1,view\n2025-03-03 09:00:00,,view\n" * 20)
    done = here("ingest", source, "--store", tmp_path / "store", out=capfdbinary)
    words = last_words(done)
    assert done.returncode == 1, words
    assert "None of the 40 rows" in words
    report = json.loads(done.stdout)
    assert sum(report["rejected"].values()) == report["rows_read"] == 40
    rejects = Store.open(tmp_path / "store").cursor().sql("FROM rejects").fetchall()
    assert len(rejects) == 40


def test_a_store_that_is_none(tmp_path: Path, log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "manifest.json").write_text("{")
    for name in ("file", "empty", "torn", "missing"):
        done = here("show", "overview", "--store", tmp_path / name, out=capfdbinary)
        assert done.returncode in (1, 2)
        failed(done, done.returncode, name)
    for name in ("file", "torn"):
        done = here("ingest", log, "--store", tmp_path / name, out=capfdbinary)
        assert done.returncode in (1, 2)
        failed(done, done.returncode, name)


def test_a_full_disk_is_a_sentence_and_leaves_the_store_whole(
    copied: Callable[[Store], Store],
    loaded: tuple[Path, Done],
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    store = copied(Store.open(loaded[0]))
    source = tmp_path / "more.csv"
    lines = (f"2025-04-01 09:00:00,u{i},view,{os.urandom(16).hex()}\n" for i in range(20_000))
    source.write_text("timestamp,visitorid,event,itemid\n" + "".join(lines))

    def small_disk() -> None:
        # A file of this process may not grow beyond this: what a full disk says, without one.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    failed(call("ingest", source, "--store", store.path, before=small_disk), 1, "full")
    again = Store.open(store.path)
    assert again.fingerprint == store.fingerprint
    assert here("show", "overview", "--store", store.path, out=capfdbinary).returncode == 0
    report = json.loads(here("ingest", source, "--store", store.path, out=capfdbinary).stdout)
    assert (report["stored"], report["duplicate"]) == (20_000, 0)


def test_a_full_disk_under_the_answer(
    loaded: tuple[Path, Done], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    done = here("show", "calendar", "--store", loaded[0], "--to", "/dev/full", out=capfdbinary)
    failed(done, 1, "/dev/full", "full")


def test_a_second_writer_is_told_who_writes(
    loaded: tuple[Path, Done], log: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with Store.open(loaded[0]).writing():
        done = call("ingest", log, "--store", loaded[0])
        failed(done, 1, str(os.getpid()))
        assert here("show", "overview", "--store", loaded[0], out=capfdbinary).returncode == 0, (
            "readers go on"
        )


def test_a_failure_that_nobody_foresaw_is_a_sentence_too(
    loaded: tuple[Path, Done], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(Store, "open", lambda _: 1 // 0)
    done = here("show", "overview", "--store", loaded[0], out=capfdbinary)
    failed(done, 1, "ZeroDivisionError", "--debug")


def test_ctrl_c_within_a_query_is_a_stop(
    loaded: tuple[Path, Done], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """DuckDB turns the signal into an error of its own, at once or as the query ends."""

    def asked(_: object) -> None:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        duckdb.connect().execute("SELECT sum(hash(range) % 7) FROM range(500_000_000)")

    monkeypatch.setattr(Store, "open", asked)
    done = here("show", "overview", "--store", loaded[0], out=capfdbinary)
    assert (done.returncode, last_words(done).startswith("Stopped.")) == (130, True)


def test_debug_shows_where(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    done = here("show", "overview", "--store", tmp_path / "missing", "--debug", out=capfdbinary)
    assert b"Traceback" in done.stderr
    assert done.returncode in (1, 2)
