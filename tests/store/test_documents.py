"""Documents that people keep with a log, under two editors at once."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pyarrow as pa
import pytest

from core.errors import CartscapeError, WrongCall
from core.store import Documents


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path / "cohorts", "cohort")


def test_what_is_saved_is_there(documents: Documents) -> None:
    name = "看" * 200
    documents.save(name, {"rule": 1})
    documents.save("b / ../c", {"rule": 2}, table=pa.table({"user_id": ["u"]}))
    assert [d.name for d in documents.all()] == ["b / ../c", name]
    assert documents.get(name).body == {"rule": 1}
    assert documents.table(documents.get("b / ../c"))["user_id"].to_pylist() == ["u"]


def test_a_second_editor_is_told_and_nothing_is_lost(documents: Documents) -> None:
    first = documents.save("x", {"rule": 1})
    documents.save("x", {"rule": 2}, seen=first.revision)
    with pytest.raises(CartscapeError, match="changed by somebody else"):
        documents.save("x", {"rule": 3}, seen=first.revision)
    with pytest.raises(CartscapeError, match="is a cohort 'x' already"):
        documents.save("x", {"rule": 4})
    with pytest.raises(CartscapeError, match="changed by somebody else"):
        documents.delete("x", first.revision)
    assert documents.get("x").body == {"rule": 2}
    documents.delete("x", 2)
    with pytest.raises(CartscapeError, match="deleted by somebody else"):
        documents.save("x", {"rule": 5}, seen=2)
    with pytest.raises(WrongCall, match="There is no cohort 'x'"):
        documents.get("x")


def test_tables_go_with_their_document(documents: Documents) -> None:
    documents.save("x", {}, table=pa.table({"a": [1]}))
    documents.save("x", {}, seen=1, table=pa.table({"a": [2]}))
    assert len(list(documents.folder.glob("*.parquet"))) == 1
    documents.delete("x", 2)
    assert not list(documents.folder.glob("*.parquet"))


def test_a_document_takes_another_name_with_its_table(documents: Documents) -> None:
    saved = documents.save("old", {"a": 1}, table=pa.table({"x": [1, 2]}))
    with pytest.raises(CartscapeError, match="was changed by somebody else"):
        documents.rename("old", "new", saved.revision + 1)
    assert [d.name for d in documents.all()] == ["old"]
    documents.save("taken", {})
    with pytest.raises(CartscapeError, match="'taken' already"):
        documents.rename("old", "taken", saved.revision)
    documents.rename("old", "new", saved.revision)
    assert [d.name for d in documents.all()] == ["new", "taken"]
    assert documents.table(documents.get("new")).to_pydict() == {"x": [1, 2]}


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_names_that_cannot_be_are_sentences(documents: Documents, name: str) -> None:
    with pytest.raises(WrongCall, match="needs a name"):
        documents.save(name, {})


def test_a_damaged_document_is_a_sentence(documents: Documents) -> None:
    documents.save("x", {})
    next(documents.folder.glob("*.json")).write_text("{")
    with pytest.raises(CartscapeError, match="is damaged"):
        documents.all()


def _add(folder: Path, wins: int) -> None:
    """Add one to a shared count, again and again until `wins` savings got through."""
    documents = Documents(folder, "cohort")
    while wins:
        now = documents.get("count")
        try:
            documents.save("count", {"n": now.body["n"] + 1}, seen=now.revision)
            wins -= 1
        except CartscapeError:
            continue


def test_two_processes_never_overwrite_each_other(documents: Documents) -> None:
    documents.save("count", {"n": 0})
    start = multiprocessing.get_context("spawn")
    editors = [start.Process(target=_add, args=(documents.folder, 8)) for _ in range(2)]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(60)
    assert documents.get("count").body == {"n": 16}
    assert json.loads(next(documents.folder.glob("*.json")).read_text())["revision"] == 17
