"""The pieces of the command line, without a process."""

from __future__ import annotations

import errno
import io
import json
import math
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cli import commands, output, progress
from core.cli.failures import sentence
from core.errors import WrongCall
from core.store import Progress


class Terminal(io.StringIO):
    """Standard error that says it is a terminal, or that it is none."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "x", "/a/b"), "/a/b does not exist; check the path."),
        (PermissionError(errno.EACCES, "x", "/a"), "may not be read or written"),
        (OSError(errno.ENOSPC, "x", "/a/b"), "The disk is full: /a/b"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/a"), "in the way (Is a directory)"),
        (
            duckdb.IOException("IO Error: could not write: No space left on device\n\nmore"),
            "The disk is full",
        ),
        (MemoryError(), "CARTSCAPE_MEMORY_LIMIT"),
        (ZeroDivisionError("division by zero"), "(ZeroDivisionError: division by zero)"),
        (KeyError(), "(KeyError: KeyError)"),
    ],
)
def test_every_failure_is_one_sentence(failure: Exception, words: str) -> None:
    said = sentence(failure)
    assert words in said
    assert "\n" not in said
    assert said.endswith(".")


def test_pairs_gather_values_and_keep_what_follows_the_first_sign() -> None:
    assert commands.pairs(["a=1", "a=2", "b=x=y", "c="], "--x", "K=V") == {
        "a": ["1", "2"],
        "b": ["x=y"],
        "c": [""],
    }
    for wrong in ("a", "=1", ""):
        with pytest.raises(WrongCall, match="K=V"):
            commands.pairs([wrong], "--x", "K=V")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 s"), (12.4, "12 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (9000, "2.5 h")],
)
def test_spans(seconds: float, words: str) -> None:
    assert progress.span(seconds) == words


def test_progress_is_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(True)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.shown() as teller:
        teller.of_load(Progress(0.1, 1000, 1.0, 12.0, "reading"))
        teller.of_build(0.5, "cube")
    assert "cube" in stream.getvalue()
    assert "85 %" in stream.getvalue()


def test_a_load_and_its_build_are_one_bar_that_only_rises() -> None:
    told: list[float] = []
    teller = progress.Teller(lambda _stage, done, _words: told.append(done))
    for done in (0.0, 0.5, 0.4, 1.0):
        teller.of_load(Progress(done, 1000, 1.0, 1.0, "reading"))
    for done in (0.0, 0.5, 1.0):
        teller.of_build(done, "cube")
    assert told == sorted(told) == pytest.approx([0, 0.35, 0.35, 0.7, 0.7, 0.85, 1])


def test_a_build_alone_has_the_whole_bar() -> None:
    told: list[float] = []
    teller = progress.Teller(lambda _stage, done, _words: told.append(done))
    for done in (0.0, 0.5, 1.0):
        teller.of_build(done, "cube")
    assert told == [0, 0.5, 1]


def test_what_is_left_of_a_load_counts_the_build_after_it() -> None:
    told: list[str] = []
    teller = progress.Teller(lambda _stage, _done, words: told.append(words))
    teller.of_load(Progress(0.5, 0, 35.0, 35.0, "reading"))
    assert told == ["35 % · about 65 s left"]


def test_progress_is_a_line_now_and_then_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(False)
    clock = iter([0.0, 1.0, 4.9, 5.1, 30.0])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("core.cli.progress.time.monotonic", lambda: next(clock))
    with progress.shown() as teller:
        for i in range(4):
            teller.of_load(Progress(i / 10, i * 1000, float(i), 12.0, "reading"))
        teller.of_load(Progress(1.0, 9_000, 9.0, 0.0, "saving"))
    assert stream.getvalue().splitlines() == [
        "reading: 0 % · about 17 s left",
        "reading: 21 % · 3,000 rows · about 18 s left",
        "saving: 70 % · 9,000 rows · about 4 s left",
    ]


def test_rows_as_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": [date(2025, 3, 1), None],
            "at": [datetime(2025, 3, 1, 9, tzinfo=UTC), None],
            "value": [math.nan, 0.5],
            "money": pa.array([Decimal("12.50"), Decimal("3.00")], pa.decimal128(18, 4)),
            "spark": [[1.0, math.inf], []],
            "text": ["Zürich", '"quoted"'],
        }
    )
    output.write(table, "json", tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert rows[0] == {
        "day": "2025-03-01",
        "at": "2025-03-01T09:00:00+00:00",
        "value": None,
        "money": 12.5,
        "spark": [1.0, None],
        "text": "Zürich",
    }
    assert rows[1]["money"] == 3
    assert rows[1]["spark"] == []
    output.write(table.slice(0, 0), "json", tmp_path / "none.json")
    assert json.loads((tmp_path / "none.json").read_text()) == []
    output.write(table, "csv", tmp_path / "rows.csv")
    assert '"[1.0, null]"' in (tmp_path / "rows.csv").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["none.json", "rows.csv", "rows.json"]


@given(st.lists(st.fixed_dictionaries({"a": st.integers(-(2**62), 2**62), "b": st.text() | st.none()})))
def test_json_gives_back_what_went_in(rows: list[dict[str, object]]) -> None:
    sink = io.BytesIO()
    output._json(pa.Table.from_pylist(rows, pa.schema({"a": pa.int64(), "b": pa.string()})), sink)
    assert json.loads(sink.getvalue()) == rows
