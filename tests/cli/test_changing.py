"""Rules and versions changed from the command line: JSON, exit codes, who and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.recommender.audit import audit, os_user
from core.recommender.rule_book import RuleBook
from core.recommender.versions import About, bytes_of, measured_path, promoted, save, versions
from core.scope import Scope
from core.store import Store


@pytest.fixture
def store(sample_store: Store, copied: Callable[[Store], Store]) -> Store:
    return copied(sample_store)


@pytest.fixture
def call(store: Store, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """A function that runs a command: its JSON, or, where it fails, its exit code and last line."""

    def run(*words: str, why: str | None = "a test") -> Any:
        code = main([*words, "--store", str(store.path), *(["--why", why] if why is not None else [])])
        told = capsys.readouterr()
        return json.loads(told.out) if code == 0 else (code, told.err.splitlines()[-1])

    return run


def test_a_rule_is_written_changed_switched_and_removed(store: Store, call: Callable[..., Any]) -> None:
    made = call("rules", "add", "Few", "--kind", "at_most", "--most", "2", "--by", "Ann", why="variety")
    assert made | {"saved": ""} == {
        "name": "Few", "on": True, "kind": "at_most", "rule": "at most 2 of a brand", "region": None,
        "start": None, "end": None, "revision": 1, "saved": "",
    }  # fmt: skip
    changed = call("rules", "change", "Few", "--each", "category", "--region", "Ohio", "--from", "2025-06-01")
    assert changed["rule"] == "at most 2 of a category in Ohio from 2025-06-01" and changed["revision"] == 2
    off = call("rules", "off", "Few")
    known = len(audit(store).changes)
    assert call("rules", "off", "Few") == off and len(audit(store).changes) == known  # it was off already
    assert off["on"] is False and call("rules", "on", "Few")["on"] is True
    back = call("rules", "change", "Few", "--region", "", "--from", "", "--most", "3")
    assert (back["rule"], back["start"]) == ("at most 3 of a category", None)
    other = call("rules", "change", "Few", "--kind", "boost", "--category", "Shoes", "--factor", "0.5")
    assert other["rule"] == "lower the category Shoes: odds × 0.5"
    assert call("rules", "change", "Few", "--category", "Coffee & Tea")["rule"].startswith(
        "lower the category Coffee"
    )
    assert call("rules", "remove", "Few") == {"removed": "Few"}
    assert RuleBook(store).rules() == ()
    told = audit(store).changes
    assert (told[0].by, told[0].why) == ("Ann", "variety")
    assert {(change.by, change.why) for change in told[1:]} == {(os_user(), "a test")}
    assert [change.what for change in told].count("rule changed") == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "x"), "A rule needs --kind"),
        (("add", "x", "--kind", "maybe"), "kind='maybe' is not known; it takes parity, boost, never"),
        (("add", "x", "--kind", "never"), "names nothing; it takes one item or category or brand"),
        (("add", "x", "--kind", "never", "--factor", "2"), "A rule of never has no factor; it takes item,"),
        (("add", "x", "--kind", "in_stock", "--item", "P1"), "takes nothing but a region and dates"),
        (("add", "x", "--kind", "boost", "--category", "Shoes"), "A rule of boost needs factor="),
        (("add", "x", "--kind", "boost", "--brand", "x", "--factor", "two"), "factor='two' is not a number"),
        (("add", "x", "--kind", "boost", "--category", "Shoes", "--factor", "0"), "factor of 0"),
        (("add", "x", "--kind", "at_most", "--most", "1.5"), "most='1.5' is not a whole number"),
        (("add", "x", "--kind", "always", "--item", "P0"), "the item 'P0', which this log does not have"),
        (("add", "x", "--kind", "in_stock", "--region", "Atlantis"), "the region 'Atlantis', which"),
        (("add", "x", "--kind", "in_stock", "--from", "June"), "from='June' is not a day such as"),
        (("add", "x", "--kind", "in_stock", "--from", "2025-06-02", "--to", "2025-06-01"), "swap the"),
        (("add", " ", "--kind", "in_stock"), "A rule needs a name of 1 to 200 letters"),
        (("remove", "x"), "There is no rule 'x' in this log; none has been saved yet"),
        (("off", "x", "--kind", "never"), "rules off takes no --kind; leave it out"),
        (("dance", "x"), "invalid choice: 'dance'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(
    store: Store, call: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    code, line = call("rules", *words)
    assert code == 2 and said in line
    assert audit(store).changes == ()


def test_versions_are_promoted_and_rolled_back(store: Store, call: Callable[..., Any]) -> None:
    assert call("rollback") == (
        2, "There is no version that was promoted before the present one; promote the one that you want.",
    )  # fmt: skip
    for _ in range(2):
        save(store, {"a": b"1"}, About("click"))
    assert call("promote", "1", "--by", "Ann", why="first")["promoted"] == 1
    two = call("promote", "2")
    assert (two["promoted"], two["before"]) == (2, 1) and promoted(store) == 2
    back = call("rollback", "--by", "Bob", why="worse")
    assert (back["promoted"], back["before"]) == (1, 2) and promoted(store) == 1
    assert [(c.by, c.why) for c in audit(store).changes] == [
        ("Ann", "first"), (os_user(), "a test"), ("Bob", "worse"),
    ]  # fmt: skip
    code, line = call("promote", "9")
    assert code == 2 and "There is no version 9 of the model in this store; there are 1, 2." in line
    assert call("promote", "two")[0] == 2


def test_a_version_that_cannot_serve_says_so_when_it_is_promoted(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    save(store, {"a": b"1"}, About("click"))
    assert main(["promote", "1", "--store", str(store.path), "--why", "a test"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["promoted"] == 1
    assert told.err == "Version 1 of the model was made by another version of Cartscape; train again.\n"


def test_a_version_that_is_not_in_use_is_deleted(store: Store, call: Callable[..., Any]) -> None:
    for _ in range(2):
        save(store, {"a": b"1" * 2_000}, About("click"))
    call("promote", "2")
    measured_path(store, 1, 1).parent.mkdir()
    measured_path(store, 1, 1).write_bytes(b"1" * 500)
    code, line = call("delete", "2")
    assert code == 2 and "Version 2 of the model is promoted; promote another or roll back" in line
    size = bytes_of(store, 1)
    assert size > 2_500
    assert call("delete", "1", "--by", "Ann", why="old") == {"deleted": 1, "bytes": size, "promoted": 2}
    assert [v.number for v in versions(store)] == [2] and not measured_path(store, 1, 1).exists()
    last = audit(store).changes[-1]
    assert (last.what, last.name, last.by, last.why) == ("model deleted", "1", "Ann", "old")
    row = ANALYSES["audit"].run(store, Scope()).table.to_pylist()[0]
    assert row["told"].endswith(f" UTC, {size / 1e3:.1f} kB")
    assert call("delete", "1")[0] == 2


def test_a_change_needs_a_reason(store: Store, call: Callable[..., Any]) -> None:
    for words in (
        ("rules", "add", "x", "--kind", "in_stock"),
        ("promote", "1"),
        ("rollback",),
        ("delete", "1"),
    ):
        code, line = call(*words, why=None)
        assert code == 2 and "--why" in line
        assert call(*words, why=" ") == (2, "--why is empty; say why, for the audit list.")
    assert audit(store).changes == ()
