"""The card of a model: what it tells, what it hides on shared data, and what old or damaged versions say."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.analyses import ANALYSES
from core.errors import WrongCall
from core.recommender import audit
from core.recommender.audit import Author
from core.recommender.card import told
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import AtMost, Rule
from core.recommender.versions import About, Version, promote, promoted, rollback, save, serving
from core.scope import Scope
from core.store import Store
from tests.store.fakes import TableReader, busy_log

LOG = {
    "events": 900, "shoppers": 60, "items": 40, "first_day": "2025-01-01", "last_day": "2025-03-31",
    "held_from": "2025-03-02",
}  # fmt: skip
METRICS = {
    "ndcg@10": 0.25, "hr@10": 0.5, "mrr": 0.2, "tested": 40.0, "learnt": 5_000.0, "ndcg@10_popular": 0.1,
    "ndcg@10_chance": 0.02, "hr@10_popular": 0.25, "hr@10_chance": 0.05,
}  # fmt: skip
CURVE = [{"epoch": float(e), "learning": 0.5 - e / 10, "validation": 0.6 - e / 10} for e in range(3)]
ABOUT = About(
    "click", "items", "encoder", "form", METRICS, {"event": "click", "days": 30.0, "items": "new", "seed": 0},
    curve=CURVE, learnt_from=LOG,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "shop")
    store.append(TableReader(busy_log(50)))
    return store


def card(store: Store, **words: str) -> dict[str, dict[str, Any]]:
    rows = ANALYSES["model-card"].run(store, Scope(), **words).table.to_pylist()
    assert len({(row["section"], row["name"]) for row in rows}) == len(rows)
    return {row["name"]: row for row in rows}


def version_of(about: About) -> Version:
    return Version(1, Path("nowhere"), about=about)


def test_a_card_tells_what_serves_since_when_by_whom_and_how_good_it_is(store: Store) -> None:
    save(store, {"a": b"1"}, ABOUT)
    save(store, {"a": b"1"}, replace(ABOUT, metrics=METRICS | {"ndcg@10": 0.3}))
    promote(store, 1, Author("Ann", "the first"))
    found = card(store)
    assert (found["Version"]["value"], found["Version"]["note"]) == ("1", "in use")
    assert found["In use since"]["note"] == "by Ann: the first"
    assert found["In use since"]["value"] == audit.audit(store).changes[-1].at[:16].replace("T", " ") + " UTC"
    assert found["Gives the chance of"]["value"] == "click of an item new to the shopper within 30 days"
    assert found["NDCG@10"]["value"] == "0.2500"
    assert found["NDCG@10"]["note"] == (
        "what was popular in the 30 days before 0.1000 (× 2.5), a list in no order 0.0200 (× 12.5)"
    )
    assert found["Events"]["value"] == "900" and found["Days"]["value"] == "2025-01-01 – 2025-03-31"
    assert found["Log"]["note"] == "the log as it is now"
    assert found["Rules"]["value"].startswith("No rules")
    other = card(store, number="2")
    assert other["Version"]["note"] == "not in use" and "In use since" not in other
    store.append(TableReader(busy_log(50, seed=9)))
    assert card(store)["Log"]["note"] == "the log has changed since"


@pytest.mark.parametrize(
    ("known", "new", "shown"), [(28.0, 12.0, True), (31.0, 9.0, False), (25.0, 12.0, False)]
)
def test_known_and_new_shoppers_are_told_apart_where_all_parts_are_large(
    known: float, new: float, shown: bool
) -> None:
    """Of 40: whoever is in neither part is one, too."""
    parts = {"tested_known": known, "tested_new": new, "ndcg@10_known": 0.3, "ndcg@10_new": 0.1}
    parts |= {"ndcg@10_known_popular": 0.1, "ndcg@10_new_popular": 0.05}
    its = version_of(replace(ABOUT, metrics=METRICS | parts))
    assert (set(parts) <= set(told(its, 10).metrics)) == shown
    assert set(METRICS) <= set(told(its, 10).metrics)
    assert shown or not set(parts) & set(told(its, 10).metrics)
    assert set(parts) <= set(told(its, 1).metrics)


@pytest.mark.parametrize(
    ("without", "told_of"), [("nothing", "nothing"), ("age, next step", "how new it is, what comes next")]
)
def test_a_card_tells_what_a_model_does_not_go_by(store: Store, without: str, told_of: str) -> None:
    save(store, {"a": b"1"}, replace(ABOUT, settings=ABOUT.settings | {"without": without}))
    promote(store, 1, Author("Ann", "the first"))
    row = card(store)["left out"]
    assert row["value"] == told_of and (row["note"] is None) == (without == "nothing")
    assert "without" not in card(store)


def test_a_card_tells_of_new_shoppers(store: Store) -> None:
    parts = {"tested_new": 12.0, "ndcg@10_new": 0.1, "ndcg@10_new_popular": 0.05}
    save(store, {"a": b"1"}, replace(ABOUT, metrics=METRICS | parts))
    promote(store, 1, Author("Ann", "the first"))
    row = card(store)["NDCG@10, new shoppers"]
    assert row["value"] == "0.1000" and row["note"] == (
        "12 who had done nothing with an item before; what was popular in the 30 days before 0.0500"
    )


def test_who_promoted_and_why_stays_with_what_is_in_use(store: Store) -> None:
    assert serving(store) is None
    for _ in range(2):
        save(store, {"a": b"1"}, ABOUT)
    promote(store, 1, Author(" Ann ", " first "))
    promote(store, 2, Author("Bob", "better"))
    change = serving(store)
    assert change is not None and (change.by, change.why, change.name) == ("Bob", "better", "2")
    rollback(store, Author("Ann", "worse on mobile"))
    change = serving(store)
    assert change is not None and (change.by, change.why, change.what) == (
        "Ann", "worse on mobile", "model rolled back",
    )  # fmt: skip
    first, *_, last = reversed(ANALYSES["audit"].run(store, Scope()).table.to_pylist())
    assert (first["by"], first["why"], first["told"]) == ("Ann", "first", "version 1")
    assert last["told"] == "version 2 → version 1" and promoted(store) == 1


def test_an_author_that_no_line_can_hold_is_a_sentence_and_changes_nothing(store: Store) -> None:
    save(store, {"a": b"1"}, ABOUT)
    for author in (Author("a" * 101, "x"), Author("a", "line\nbreak"), Author("a", "w" * 1_001)):
        with pytest.raises(WrongCall, match="letters at most, without line breaks"):
            promote(store, 1, author)
    assert promoted(store) is None and audit.audit(store).changes == ()


def test_changes_that_were_told_before_anybody_said_who_are_read(store: Store) -> None:
    save(store, {"a": b"1"}, ABOUT)
    promote(store, 1, Author("Ann", "x"))
    file = store.path / "audit" / "changes.jsonl"
    line = json.loads(file.read_text())
    del line["by"], line["why"]
    file.write_text(json.dumps(line) + "\n")
    assert card(store)["In use since"]["note"] == "by somebody who did not say"
    (row,) = ANALYSES["audit"].run(store, Scope()).table.to_pylist()
    assert row["by"] is None and row["why"] is None


def test_rules_are_told_in_the_audit_list_as_what_they_were_and_are(sample_store: Store, copied: Any) -> None:
    store = copied(sample_store)
    book = RuleBook(store)
    made = book.save(Rule("few", AtMost(1)), 0, Author("Ann", "variety"))
    changed = book.save(Rule("few", AtMost(2)), made.revision, Author("Bob", "too strict"))
    book.delete("few", changed.revision, Author("Ann", "over"))
    told_rows = ANALYSES["audit"].run(store, Scope()).table.to_pylist()
    assert [(row["what"], row["told"], row["by"], row["why"]) for row in told_rows] == [
        ("rule deleted", "at most 2 of a brand", "Ann", "over"),
        ("rule changed", "at most 1 of a brand → at most 2 of a brand", "Bob", "too strict"),
        ("rule made", "at most 1 of a brand", "Ann", "variety"),
    ]


@pytest.mark.parametrize(
    ("tested", "shoppers", "k", "metrics", "count"),
    [
        (40, 60, 1, True, True), (3, 60, 1, True, True), (40, 60, 10, True, True), (9, 60, 10, False, False),
        (10, 60, 10, True, True), (55, 60, 10, True, False),  # the five others would be told by subtraction
        (60, 60, 10, True, True), (8, 9, 10, False, False),
    ],
)  # fmt: skip
def test_on_shared_data_nothing_is_told_of_few_shoppers(
    tested: int, shoppers: int, k: int, metrics: bool, count: bool
) -> None:
    about = replace(
        ABOUT, metrics=METRICS | {"tested": float(tested)}, learnt_from=LOG | {"shoppers": shoppers}
    )
    found = told(version_of(about), k)
    assert ("ndcg@10" in found.metrics, "tested" in found.metrics) == (metrics, count)
    assert bool(found.curve) == metrics and bool(found.hidden) != metrics
    assert found.learnt_from["shoppers"] == (None if shoppers < k else shoppers)


def test_the_pages_tables_keep_to_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, {"a": b"1"}, replace(ABOUT, metrics=METRICS | {"tested": 7.0}))
    promote(store, 1)
    monkeypatch.setattr(Store, "k", 10)
    hidden = "held against fewer than 10 shoppers"
    for name in ("model-card", "model-curve", "models-compared", "models"):
        answer = ANALYSES[name].run(store, Scope())
        assert any(hidden in note for note in answer.notes)
        assert "0.25" not in json.dumps(answer.table.to_pylist()) and "0.6" not in str(
            answer.table.to_pylist()
        )
    assert "nobody is looked at alone" in card(store)["Privacy"]["value"]


def test_a_curve_is_drawn_from_what_was_kept_and_old_versions_say_so(store: Store) -> None:
    save(store, {"a": b"1"}, ABOUT)
    save(store, {"a": b"1"}, replace(ABOUT, curve=[], learnt_from={}))
    answer = ANALYSES["model-curve"].run(store, Scope(), number="1")
    assert answer.table.to_pylist() == [
        {"epoch": e, "learning": pytest.approx(0.5 - e / 10), "validation": pytest.approx(0.6 - e / 10)}
        for e in range(3)
    ]
    old = ANALYSES["model-curve"].run(store, Scope(), number="2")
    assert old.table.num_rows == 0 and "trained before curves were kept; train again" in old.notes[0]
    held = card(store, number="2")["What it held"]
    assert held["note"] == "kept of models that recommend, by newer versions"


def test_versions_stand_side_by_side(store: Store) -> None:
    for number in range(6):
        save(store, {"a": b"1"}, replace(ABOUT, metrics=METRICS | {"ndcg@10": number / 10}))
    promote(store, 1)
    answer = ANALYSES["models-compared"].run(store, Scope())
    assert answer.table.column_names == ["section", "name", "v6", "v5", "v4", "v3", "v1"]
    rows = {row["name"]: row for row in answer.table.to_pylist()}
    assert (rows["NDCG@10"]["v6"], rows["NDCG@10"]["v1"]) == ("0.5000", "0.0000")
    assert rows["Version"]["v1"] == "1, in use" and rows["Version"]["v6"] == "6"
    two = ANALYSES["models-compared"].run(store, Scope(), numbers="2, 5")
    assert two.table.column_names == ["section", "name", "v2", "v5"]


@pytest.mark.parametrize(
    ("number", "said"),
    [("", "No version of the model is in use"), ("9", "no version '9'"), ("x", "no version 'x'")],
)
def test_a_version_that_there_is_not_is_a_sentence(store: Store, number: str, said: str) -> None:
    with pytest.raises(WrongCall, match="There is no model of this log yet; train one"):
        card(store, number=number)
    save(store, {"a": b"1"}, ABOUT)
    with pytest.raises(WrongCall, match=said):
        card(store, number=number)


def test_a_damaged_version_has_a_card_that_says_so(store: Store) -> None:
    save(store, {"a": b"1"}, ABOUT)
    promote(store, 1)
    os.truncate(store.path / "models" / "000001" / "version.json", 3)
    answer = ANALYSES["model-card"].run(store, Scope())
    assert "Version 1 of the model is damaged" in answer.notes[0]
