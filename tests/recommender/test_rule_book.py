"""Rules kept with a store: under two editors, under a kill at any moment, every change in the audit list."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.recommender.audit import audit, locked, read
from core.recommender.catalogue import open_catalogue
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, AtMost, Boost, InStock, Never, Rule
from core.recommender.versions import About, save, versions
from core.scope import Scope
from core.store import Store, documents

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(sample_store: Store, copied: Callable[[Store], Store]) -> Store:
    return copied(sample_store)


def test_every_change_is_told_with_what_was_and_what_is(store: Store) -> None:
    book = RuleBook(store)
    began = datetime.now(UTC)
    made = book.save(Rule(" Few of a brand ", AtMost(3)))
    changed = book.save(Rule("Few of a brand", AtMost(2)), made.revision)
    off = book.switch("Few of a brand", False, changed.revision)
    on = book.switch("Few of a brand", True, off.revision)
    book.delete("Few of a brand", on.revision)
    assert book.all() == ()
    told = audit(store)
    assert [c.what for c in told.changes] == [
        "rule made", "rule changed", "rule switched off", "rule switched on", "rule deleted",
    ]  # fmt: skip
    assert {c.name for c in told.changes} == {"Few of a brand"} and told.notes == ()
    for before, after in zip(told.changes, told.changes[1:], strict=False):
        assert before.after == after.before
    assert told.changes[0].before is None and told.changes[-1].after is None
    assert (told.changes[1].before or {})["does"] == {"n": 3, "by": "brand"}
    assert (told.changes[1].after or {})["does"] == {"n": 2, "by": "brand"}
    times = [datetime.fromisoformat(c.at) for c in told.changes]
    assert times == sorted(times) and (times[0] - began).total_seconds() > -0.01
    assert all(time.utcoffset() is not None and not time.utcoffset() for time in times)


def test_rules_come_in_the_order_in_which_they_are_applied(store: Store) -> None:
    book = RuleBook(store)
    catalogue = open_catalogue(store)
    category, item = str(catalogue.category[1]), str(catalogue.items[catalogue.items != "(none)"][0])
    for rule in (
        Rule("a", AtMost(2)), Rule("b", Always(item)), Rule("c", Boost(2, category=category)),
        Rule("A", InStock()), Rule("z", Never(item=item), region="Ohio"),
        Rule("B", Boost(3, category=category)),
    ):  # fmt: skip
        book.save(rule)
    assert [rule.name for rule in book.rules()] == ["B", "c", "z", "A", "b", "a"]


def test_a_rule_that_cannot_be_is_neither_kept_nor_told(store: Store) -> None:
    book = RuleBook(store)
    for rule in (Rule("x", AtMost(0)), Rule("x", Never(item="no such")), Rule("  ", AtMost(1))):
        with pytest.raises(WrongCall):
            book.save(rule)
    made = book.save(Rule("x", AtMost(1)))
    for call in (
        lambda: book.save(Rule("x", AtMost(2))),
        lambda: book.save(Rule("x", AtMost(2)), made.revision + 1),
        lambda: book.delete("x", made.revision + 1),
        lambda: book.delete("y", 0),
        lambda: book.switch("y", True, 0),
    ):
        with pytest.raises(CartscapeError):
            call()
    assert [c.what for c in audit(store).changes] == ["rule made"]
    assert book.rules() == (Rule("x", AtMost(1)),)


def test_a_disk_that_fills_leaves_neither_the_change_nor_its_telling(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = RuleBook(store)
    made = book.save(Rule("x", AtMost(1)))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(documents, "write_durably", full)
        with pytest.raises(CartscapeError, match="is full"):
            book.save(Rule("x", AtMost(2)), made.revision)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CartscapeError, match="is full"):
            book.save(Rule("x", AtMost(2)), made.revision)
    assert [c.what for c in audit(store).changes] == ["rule made"]
    assert book.rules() == (Rule("x", AtMost(1)),)
    book.save(Rule("x", AtMost(3)), made.revision)
    assert [c.what for c in audit(store).changes] == ["rule made", "rule changed"]


def run(store: Store, deed: str, moment: str) -> int:
    call = [sys.executable, "-m", "tests.recommender.killed", str(store.path), deed, moment]
    return subprocess.run(call, cwd=ROOT, env=os.environ.copy(), check=False).returncode


@pytest.mark.parametrize(
    ("deed", "moment"),
    [
        ("change", "before"), ("change", "half"), ("change", "told"), ("change", "made"),
        ("save", "told"), ("delete", "told"),
    ],
)  # fmt: skip
def test_whoever_is_killed_leaves_a_change_both_told_and_made_or_neither(
    store: Store, deed: str, moment: str
) -> None:
    book = RuleBook(store)
    if deed != "save":
        book.save(Rule("r", AtMost(1)))
    before, told_before = book.rules(), audit(store).changes

    assert run(store, deed, moment) == -signal.SIGKILL
    after = {"save": (Rule("r", AtMost(1)),), "change": (Rule("r", AtMost(2)),), "delete": ()}[deed]
    happened = moment in ("told", "made")
    assert book.rules() == (after if happened else before)
    told = audit(store)
    assert told.changes[: len(told_before)] == told_before
    assert len(told.changes) == len(told_before) + happened
    assert [note for note in told.notes if "cut short" in note] == list(told.notes)
    assert len(told.notes) == (moment == "half")

    # The next change stands after what was cut short, which stays said.
    book.save(Rule("next", AtMost(5)))
    again = audit(store)
    assert again.changes[:-1] == told.changes and again.changes[-1].name == "next"
    assert again.notes == told.notes
    assert Rule("next", AtMost(5)) in book.rules()


def test_every_way_to_cut_the_last_line_drops_it_and_nothing_else(store: Store) -> None:
    book = RuleBook(store)
    book.save(Rule("a", AtMost(1)))
    file = store.path / "audit" / "changes.jsonl"
    first = file.read_bytes()
    book.save(Rule("bé", AtMost(2)))
    whole = file.read_bytes()
    for size in range(len(first), len(whole)):
        file.write_bytes(whole[:size])
        names = [c.name for c in audit(store).changes]
        # Only its line's end may lack.
        assert names == (["a", "bé"] if size == len(whole) - 1 else ["a"])
        assert len(audit(store).notes) == (len(first) < size < len(whole) - 1)


def test_who_changes_or_reads_waits_for_who_is_changing(store: Store) -> None:
    book = RuleBook(store)
    made = book.save(Rule("r", AtMost(1)))
    deeds: tuple[Callable[[], object], ...] = (
        lambda: book.switch("r", False, made.revision), book.rules, lambda: audit(store),
        lambda: save(store, {"a": b""}, About()), lambda: versions(store),
    )  # fmt: skip
    with locked(store):
        threads = [threading.Thread(target=deed) for deed in deeds]
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
        assert all(thread.is_alive() for thread in threads)
        assert len(read(store).changes) == 1
    for thread in threads:
        thread.join(60)
    assert [rule.on for rule in book.rules()] == [False] and len(versions(store)) == 1


def _add(path: Path, name: str, times: int) -> None:
    """Switch a rule on and off, again and again, and another of one's own."""
    book = RuleBook(Store.open(path))
    mine = book.save(Rule(name, AtMost(1)))
    for number in range(times):
        mine = book.switch(name, bool(number % 2), mine.revision)


def test_two_processes_tell_every_change_once(store: Store) -> None:
    start = multiprocessing.get_context("spawn")
    editors = [start.Process(target=_add, args=(store.path, name, 6)) for name in "ab"]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(120)
    told = audit(store)
    assert told.notes == () and len(told.changes) == 14
    for name in "ab":
        mine = [c for c in told.changes if c.name == name]
        assert [c.seen for c in mine] == list(range(7))
    assert {(k.rule.name, k.revision) for k in RuleBook(store).all()} == {("a", 7), ("b", 7)}


def test_the_headless_twins_print_rules_and_changes(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert ANALYSES["rules"].run(store, Scope()).table.num_rows == 0
    assert ANALYSES["audit"].run(store, Scope()).table.num_rows == 0
    book = RuleBook(store)
    made = book.save(Rule("Few", AtMost(3), region="Ohio"))
    book.switch("Few", False, made.revision)
    (row,) = ANALYSES["rules"].run(store, Scope()).table.to_pylist()
    assert row | {"saved": ""} == {
        "order": 1, "name": "Few", "on": False, "kind": "at_most", "rule": "at most 3 of a brand in Ohio",
        "region": "Ohio", "start": None, "end": None, "revision": 2, "saved": "",
    }  # fmt: skip
    assert main(["show", "rules", "--store", str(store.path)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "Few"
    rows = ANALYSES["audit"].run(store, Scope()).table.to_pylist()
    assert [(r["what"], r["name"]) for r in rows] == [("rule switched off", "Few"), ("rule made", "Few")]
    assert '"on": false' in rows[0]["after"] and rows[1]["before"] is None


def test_stock_is_as_it_was_counted_last(store: Store) -> None:
    """Against the table, row by row."""
    stock = store.table("stock").to_pylist()
    when = sorted({row["day"] for row in stock})[80]  # some have run out by then
    catalogue = open_catalogue(store, when)
    last: dict[str, tuple[object, int]] = {}
    for row in stock:
        if row["day"] <= when and str(row["day"]) >= str(last.get(row["item_id"], ("",))[0]):
            last[row["item_id"]] = (row["day"], row["on_hand"])
    expected = [bool(item in last and last[item][1] > 0) for item in catalogue.items]
    assert catalogue.in_stock is not None
    assert catalogue.in_stock.tolist() == expected
    assert 0 < sum(expected) < sum(item in last for item in catalogue.items)


def test_a_log_without_stock_says_so(trivago_store: Store, copied: Callable[[Store], Store]) -> None:
    store = copied(trivago_store)
    RuleBook(store).save(Rule("Stock", InStock()))
    assert "no table of stock" in ANALYSES["rules"].run(store, Scope()).notes[0]
