"""Models kept under numbers: whole or not at all, under two savers, a kill, and a damaged disk."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.errors import CartscapeError, WrongCall
from core.recommender.audit import audit
from core.recommender.matching import form_of
from core.recommender.versions import (
    About,
    Files,
    Version,
    before,
    delete,
    open_version,
    promote,
    promoted,
    rollback,
    save,
    versions,
)
from core.scope import Scope
from core.store import Store
from tests.store.fakes import TableReader, busy_log

ROOT = Path(__file__).parents[2]
CLICKS = About(
    "click", "some items", "an encoder", form_of(False), {"ndcg@10": 0.2}, {"dim": 64}, "first try"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "shop")
    store.append(TableReader(busy_log(50)))
    return store


def numbers(store: Store) -> list[int]:
    return [version.number for version in versions(store)]


def left_aside(store: Store) -> list[str]:
    return [path.name for path in (store.path / "models").iterdir() if path.name.startswith(".")]


def test_what_is_saved_is_there_with_all_that_is_known_of_it(store: Store) -> None:
    assert versions(store) == () and promoted(store) is None

    def write(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.bin").write_bytes(b"abc")

    about = About("click", metrics={"hr@10": np.float32(0.5), "shoppers": np.int64(3)})  # type: ignore[dict-item]
    first = save(store, {"weights": b"w" * 1000, "in/side": b""}, CLICKS)
    second = save(store, write, about)
    assert numbers(store) == [2, 1]
    opened = open_version(store, 1)
    assert opened == first and (opened.folder / "weights").read_bytes() == b"w" * 1000
    assert opened.about == CLICKS and opened.data == store.fingerprint and opened.made.endswith("+00:00")
    assert set(opened.files) == {"weights", "in/side"} and opened.files["weights"][0] == 1000
    assert (open_version(store, 2).folder / "deep" / "a.bin").read_bytes() == b"abc"
    assert second.about.metrics == {"hr@10": 0.5, "shoppers": 3}
    store.append(TableReader(busy_log(50, seed=9)))
    assert open_version(store, 1).data != save(store, {"a": b""}, CLICKS).data


def test_a_save_that_fails_leaves_nothing_and_takes_no_number(store: Store) -> None:
    def dies(folder: Path) -> None:
        (folder / "a").write_bytes(b"1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(store, dies, CLICKS)
    for name in ("../a", "/a", "", "version.json"):
        with pytest.raises(WrongCall, match="cannot be called"):
            save(store, {name: b""}, CLICKS)
    nothing: tuple[Files, ...] = ({}, Path.resolve)  # which writes nothing
    for files in nothing:
        with pytest.raises(WrongCall, match="needs a file"):
            save(store, files, CLICKS)
    assert versions(store) == () and left_aside(store) == []
    assert save(store, {"a": b""}, CLICKS).number == 1


def test_promoting_and_rolling_back_are_told(store: Store) -> None:
    with pytest.raises(WrongCall, match="No version of the model is promoted"):
        open_version(store)
    with pytest.raises(WrongCall, match="no version 1 of the model in this store; none has been saved"):
        promote(store, 1)
    for _ in range(3):
        save(store, {"a": b"1"}, CLICKS)
    with pytest.raises(WrongCall, match="no version that was promoted before"):
        rollback(store)
    with pytest.raises(WrongCall, match=r"no version 9 .* there are 1, 2, 3"):
        promote(store, 9)
    promote(store, 1)
    promote(store, 1)  # it is; nothing to tell
    promote(store, 3)
    assert promoted(store) == open_version(store).number == 3
    assert before(store) == 1
    assert rollback(store).number == promoted(store) == 1
    assert before(store) is None
    with pytest.raises(WrongCall, match="no version that was promoted before"):
        rollback(store)
    promote(store, 2)
    promote(store, 1)
    assert [rollback(store).number, rollback(store).number] == [2, 1]
    told = [(c.what, (c.before or {})["promoted"], (c.after or {})["promoted"]) for c in audit(store).changes]
    assert told == [
        ("model promoted", None, 1), ("model promoted", 1, 3), ("model rolled back", 3, 1),
        ("model promoted", 1, 2), ("model promoted", 2, 1), ("model rolled back", 1, 2),
        ("model rolled back", 2, 1),
    ]  # fmt: skip


def test_one_in_use_whose_folder_is_gone_is_in_use_no_more(store: Store) -> None:
    for _ in range(2):
        save(store, {"w": b"w"}, CLICKS)
    promote(store, 1)
    shutil.rmtree(store.path / "models" / "000001")
    assert promoted(store) is None
    with pytest.raises(WrongCall, match="There is no version 1 of the model in this store; there are 2"):
        open_version(store)
    promote(store, 2)
    assert open_version(store).number == promoted(store) == 2


def test_the_promoted_one_stays_and_numbers_are_given_once(store: Store) -> None:
    for _ in range(3):
        save(store, {"a": b"1"}, CLICKS)
    promote(store, 1)
    promote(store, 2)
    promote(store, 3)
    with pytest.raises(WrongCall, match="Version 3 of the model is promoted; promote another"):
        delete(store, 3)
    delete(store, 2)
    assert rollback(store).number == 1  # over the one that is gone
    delete(store, 3)
    assert numbers(store) == [1] and left_aside(store) == []
    assert save(store, {"a": b"1"}, CLICKS).number == 4
    with pytest.raises(WrongCall, match="no version 3"):
        open_version(store, 3)
    assert [c.what for c in audit(store).changes if c.after is None] == ["model deleted"] * 2


def without(word: str, folder: Path) -> None:
    """Null in place of something that is told of a version."""
    told = json.loads((folder / "version.json").read_bytes())
    (folder / "version.json").write_text(json.dumps(told | {"about": told["about"] | {word: None}}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: os.truncate(folder / "w", 400), "its file w has 400 of 1,000 bytes"),
        (lambda folder: (folder / "w").write_bytes(b"x" * 1000), "its file w is not what was saved"),
        (lambda folder: (folder / "w").unlink(), "its file w cannot be read (No such file"),
        (lambda folder: os.truncate(folder / "version.json", 40), "its version.json cannot be read"),
        (lambda folder: (folder / "version.json").write_text("[]"), "its version.json cannot be read"),
        (partial(without, "metrics"), "its version.json cannot be read"),
        (partial(without, "settings"), "its version.json cannot be read"),
    ],
)
def test_a_damaged_version_is_a_sentence_and_harms_no_other(
    store: Store, harm: Callable[[Path], None], said: str
) -> None:
    for _ in range(2):
        save(store, {"w": b"w" * 1000}, CLICKS)
    promote(store, 1)
    promote(store, 2)
    harm(store.path / "models" / "000001")
    calls: tuple[Callable[[], Version], ...] = (
        lambda: open_version(store, 1), lambda: promote(store, 1), lambda: rollback(store),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(CartscapeError) as caught:
            call()
        assert str(caught.value).startswith(f"Version 1 of the model is damaged: {said}")
        assert "train again" in str(caught.value)
    assert numbers(store) == [2, 1] and open_version(store).number == promoted(store) == 2
    delete(store, 1)
    assert numbers(store) == [2]


def run(store: Store, deed: str, moment: str) -> int:
    call = [sys.executable, "-m", "tests.recommender.killed", str(store.path), deed, moment]
    return subprocess.run(call, cwd=ROOT, env=os.environ.copy(), check=False).returncode


@pytest.mark.parametrize("moment", ["before", "told", "made"])
def test_a_killed_save_leaves_a_whole_version_or_none(store: Store, moment: str) -> None:
    save(store, {"a": b"0"}, CLICKS)
    assert run(store, "model-save", moment) == -signal.SIGKILL
    assert numbers(store) == ([2, 1] if moment == "made" else [1])
    assert all(open_version(store, number) for number in numbers(store))
    assert len(left_aside(store)) == (moment == "told")
    assert save(store, {"a": b"2"}, CLICKS).number == numbers(store)[0]
    assert left_aside(store) == []


@pytest.mark.parametrize("moment", ["half", "told", "made"])
def test_a_killed_deletion_is_told_and_done_or_neither(store: Store, moment: str) -> None:
    for _ in range(2):
        save(store, {"a": b"0"}, CLICKS)
    assert run(store, "model-delete", moment) == -signal.SIGKILL
    assert numbers(store) == ([2, 1] if moment == "half" else [2])
    assert [c.what for c in audit(store).changes] == ([] if moment == "half" else ["model deleted"])
    assert save(store, {"a": b"2"}, CLICKS).number == 3
    folders = {path.name for path in (store.path / "models").iterdir()}
    assert folders == {"000002", "000003"} | ({"000001"} if moment == "half" else set())


def _save(path: Path, times: int) -> None:
    store = Store.open(path)
    for number in range(times):
        save(store, {"who": f"{os.getpid()} {number}".encode()}, CLICKS)


def test_two_processes_save_at_once_while_a_third_holds_the_log(store: Store) -> None:
    start = multiprocessing.get_context("spawn")
    with store.writing():
        savers = [start.Process(target=_save, args=(store.path, 5)) for _ in range(2)]
        for saver in savers:
            saver.start()
        for saver in savers:
            saver.join(120)
    assert numbers(store) == list(range(10, 0, -1)) and left_aside(store) == []
    contents = {(open_version(store, n).folder / "who").read_bytes() for n in numbers(store)}
    assert len(contents) == 10


def test_another_ones_folder_aside_is_left_alone(store: Store) -> None:
    def write(folder: Path) -> None:
        save(store, {"b": b"2"}, CLICKS)  # as another process would meanwhile
        (folder / "a").write_bytes(b"1")

    assert save(store, write, CLICKS).number == 2
    assert set(open_version(store, 2).files) == {"a"} and numbers(store) == [2, 1]


def test_the_headless_twin_prints_versions(sample_store: Store, copied: Callable[[Store], Store]) -> None:
    own = copied(sample_store)
    assert ANALYSES["models"].run(own, Scope()).table.num_rows == 0
    save(own, {"a": b"123"}, CLICKS)
    save(own, {"a": b"1"}, CLICKS)
    promote(own, 1)
    os.truncate(own.path / "models" / "000002" / "version.json", 3)
    answer = ANALYSES["models"].run(own, Scope())
    two, one = answer.table.to_pylist()
    kept = sum(file.stat().st_size for file in (own.path / "models" / "000001").rglob("*"))
    assert (one["number"], one["promoted"], one["event"], one["bytes"]) == (1, True, "click", kept)
    assert json.loads(one["metrics"]) == {"ndcg@10": 0.2} and one["of_this_data"]
    assert "another encoder" in one["problem"]  # than "an encoder"
    assert not two["promoted"] and "Version 2 of the model is damaged" in two["problem"]
    assert answer.notes == (one["problem"], two["problem"]) and answer.of == "2 versions, version 1 promoted"
