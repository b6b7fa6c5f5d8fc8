"""What is near a text in meaning, and by whom it is looked for: against plain pandas over the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.analyses import ANALYSES
from core.analyses.meaning import meaning_of
from core.analyses.proportions import wilson
from core.analyses.similar import FLOOR, rule_of
from core.encoder import open_vectors
from core.errors import CartscapeError, WrongCall
from core.journeys import texts
from core.paths import open_cohorts
from core.paths.cohort_words import words
from core.scope import Scope
from core.sources import open_source
from core.store import Store
from tests import oracle
from tests.analyses import search_oracle as truth
from tests.analyses.search_oracle import SPRING, K, log_of

TEXT = "waterproof hiking boots"


@pytest.fixture(autouse=True)
def model() -> Iterator[truth.CountedWords]:
    with truth.encoded() as stand_in:
        yield stand_in


def asked(store: Store, scope: Scope, text: str = TEXT, **options: str) -> list[dict[str, Any]]:
    return truth.rows_of(ANALYSES["similar"].run(store, scope, text=text, **options))


def counted(rows: pd.DataFrame, found: list[dict[str, Any]]) -> pd.DataFrame:
    """The log's rows that are of what counts."""
    items = {row["id"] for row in found if row["kind"] == "item" and row["counted"]}
    queries = {row["id"] for row in found if row["kind"] == "query" and row["counted"]}
    return rows[rows.item_id.isin(items) | (rows.search & rows["query"].isin(queries))]


@pytest.mark.parametrize("scope", [Scope(), SPRING], ids=["whole", "spring"])
def test_the_nearest_come_first_and_their_counts_are_those_of_pandas(
    sample_store: Store, scope: Scope
) -> None:
    its, rows = meaning_of(sample_store), oracle.within(log_of(sample_store.path), scope)
    found = asked(sample_store, scope, of="both", top="15")
    wanted = truth.vector(TEXT)
    written = its.texts.texts
    for kind, names, codes, of in (
        ("item", its.paths.items, its.items, its.texts.of_item),
        ("query", its.paths.queries, its.queries, its.texts.of_query),
    ):
        near = {names[c]: float(truth.vector(written[of[c]]) @ wanted) for c in codes}
        mine = [row for row in found if row["kind"] == kind]
        best = sorted(near.values(), reverse=True)
        best = [value for value in best if value >= best[14] - 1e-5]  # and all that are as near as the last
        assert [row["similarity"] for row in mine] == pytest.approx(best, abs=1e-5)
        assert all(row["similarity"] == pytest.approx(near[row["id"]], abs=1e-5) for row in mine)
        assert all(row["counted"] == (row["similarity"] >= FLOOR * best[0]) for row in mine)
    for row in found:
        part = rows[rows.item_id == row["id"]] if row["kind"] == "item" else (
            rows[rows.search & (rows["query"] == row["id"])]
        )  # fmt: skip
        assert (row["shoppers"], row["sessions"], row["events"]) == (
            part.user_id.nunique(), part.session_id.nunique(), len(part),
        )  # fmt: skip
        bought = int((part.event == "purchase").sum())
        assert row["purchases"] == (bought if row["kind"] == "item" else None)


def test_rows_say_what_the_shop_says_of_an_item(sample_store: Store) -> None:
    items = {row["item_id"]: row for row in sample_store.table("items").to_pylist()}
    for row in asked(sample_store, Scope()):
        known = items[row["id"]]
        assert (row["title"], row["category"]) == (known["title"], known["category"])
        assert row["price"] == pytest.approx(float(known["price"]))


@pytest.mark.parametrize("by", ["region", "device", "category", "week", "hour", "cell"])
@pytest.mark.parametrize("scope", [Scope(), SPRING], ids=["whole", "spring"])
def test_whom_it_is_looked_for_by_is_what_pandas_says(sample_store: Store, scope: Scope, by: str) -> None:
    rows = oracle.within(log_of(sample_store.path), scope)
    mine = counted(rows, asked(sample_store, scope, of="both"))
    got = asked(sample_store, scope, of="both", by=by)
    if by == "cell":
        assert sum(row["events"] for row in got) == len(mine[mine.cell.notna()])
        assert all(row["region"] and row["lat"] for row in got)
        return
    keys = ["weekday", "hour"] if by == "hour" else [by]
    every = rows.groupby(keys, observed=True).user_id.nunique()
    here = mine.groupby(keys, observed=True).user_id.nunique()
    events = mine.groupby(keys, observed=True).size()
    usual = here.sum() / every.sum()
    assert len(got) == (168 if by == "hour" else len(here))
    for row in got:
        key: Any = tuple(row[k] for k in keys) if by == "hour" else row[by]
        key = pd.Timestamp(key) if by == "week" else key
        assert (row["shoppers"], row["events"]) == (here.get(key, 0), events.get(key, 0))
        assert row["of_shoppers"] == every.get(key, 0)
        if row["of_shoppers"]:
            assert row["share"] == pytest.approx(row["shoppers"] / row["of_shoppers"])
            assert row["lift"] == pytest.approx(row["share"] / usual)
            low, high = wilson(np.array(row["shoppers"]), np.array(row["of_shoppers"]))
            assert (row["low"], row["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
            assert row["lift_low"] == pytest.approx(float(low) / usual)


def test_a_groups_shoppers_are_those_of_the_other_pages(sample_store: Store) -> None:
    regions = truth.rows_of(ANALYSES["regions"].run(sample_store, SPRING))
    there = {row["region"]: row["shoppers"] for row in regions}
    for row in asked(sample_store, SPRING, of="both", by="region"):
        assert row["of_shoppers"] == there[row["region"]]


@pytest.mark.parametrize("kind", ["item", "query"])
def test_a_row_can_be_kept_as_a_cohort_of_as_many(sample_store: Store, kind: str) -> None:
    cohorts = open_cohorts(sample_store)
    found = asked(sample_store, SPRING, of="both")
    for row in [row for row in found if row["kind"] == kind][:4]:
        assert cohorts.find(rule_of(sample_store, SPRING, [(kind, row["id"])])).sum() == row["shoppers"]


def test_all_that_counts_can_be_kept_too(sample_store: Store) -> None:
    found = asked(sample_store, SPRING, of="both")
    rule = rule_of(sample_store, SPRING, [(row["kind"], row["id"]) for row in found if row["counted"]])
    rows = oracle.within(log_of(sample_store.path), SPRING)
    assert open_cohorts(sample_store).find(rule).sum() == counted(rows, found).user_id.nunique()
    assert words(rule).startswith("looked at P") and "searched for" in words(rule)


def test_small_groups_are_hidden(trivago_store: Store) -> None:
    log = log_of(trivago_store.path)
    people = log[log.search].groupby("query").user_id.nunique()
    found = asked(trivago_store, Scope(), "London, United Kingdom", of="both", top="200")
    for row in found:
        if row["kind"] == "query":  # a search that few typed is not even named
            assert people[row["id"]] >= K
        assert row["shoppers"] is None or not 0 < row["shoppers"] < K
        assert row["purchases"] is None  # a log without purchases
    assert any(row["shoppers"] is None for row in found)
    for by in ("region", "hour", "device", "week", "category"):
        for row in asked(trivago_store, Scope(), "London, United Kingdom", of="both", by=by):
            if row["shoppers"] is not None:
                assert row["shoppers"] == 0 or row["shoppers"] >= K
                rest = row["of_shoppers"] - row["shoppers"]
                assert rest == 0 or rest >= K


def test_what_no_item_is_like_is_said(sample_store: Store) -> None:
    answer = ANALYSES["similar"].run(sample_store, Scope(), text="防水登山鞋", of="items")
    assert answer.table.num_rows == 20
    assert any(note.startswith("No item is much like it: the nearest has") for note in answer.notes)
    good = ANALYSES["similar"].run(sample_store, Scope(), text=answer.table["title"][0].as_py())
    assert not any("No item is much like it" in note for note in good.notes)


def test_a_long_text_is_read_from_its_beginning(sample_store: Store) -> None:
    answer = ANALYSES["similar"].run(sample_store, Scope(), text="word " * 10_000)
    assert (
        "Of the text's 10,000 words only the first 256 were read: the encoder takes no more." in answer.notes
    )
    assert "…" in answer.of


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"text": ""}, "text= is empty"),
        ({"text": " \n "}, "text= is empty"),
        ({"text": "x", "of": "people"}, "items, queries or both"),
        ({"text": "x", "by": "channel"}, "region, cell, device, hour, category, week"),
        ({"text": "x", "top": "501"}, "number from 1 to 500"),
    ],
)
def test_a_wrong_call_is_a_sentence(sample_store: Store, options: dict[str, str], says: str) -> None:
    with pytest.raises(WrongCall, match=says):
        ANALYSES["similar"].run(sample_store, Scope(), **options)


def test_texts_that_are_not_encoded_are_counted_and_the_command_is_named(sample_store: Store) -> None:
    missing = meaning_of(sample_store).wanted.size
    with truth.encoded(known=False), pytest.raises(CartscapeError) as said:
        asked(sample_store, Scope())
    assert f"{missing:,} of {missing:,} texts" in str(said.value)
    assert f"python -m core encode --store {sample_store.path}" in str(said.value)


def test_a_log_of_searches_alone_or_of_nothing(tmp_path: Path, home: Path) -> None:
    rows = [f"2025-03-0{1 + i % 9} 10:00:{i:02},u{i % 12},search,red shoes" for i in range(40)]
    searched = loaded(tmp_path / "searched", ["ts,user_id,event,query", *rows])
    with pytest.raises(CartscapeError, match="no items with a text"):
        asked(searched, Scope(), "red")
    (row,) = asked(searched, Scope(), "red", of="both")
    assert (row["id"], row["shoppers"], row["events"]) == ("red shoes", 12, 40)
    (row,) = truth.rows_of(ANALYSES["unmet"].run(searched, Scope()))
    assert (row["query"], row["followed"], row["similarity"]) == ("red shoes", 0, None)
    nothing = loaded(tmp_path / "nothing", ["ts,user_id,event", "2025-03-01 10:00:00,u1,view"])
    for of in ("items", "queries", "both"):
        with pytest.raises(CartscapeError, match="nothing to compare a text with"):
            asked(nothing, Scope(), "red", of=of)


def test_what_nobody_looked_for_is_not_called_hidden(tmp_path: Path, home: Path) -> None:
    """Others were there in numbers too small to show, who did not look for it."""
    rows = [f"2025-03-01 10:00:{i:02},u{i},search,red shoes" for i in range(12)]
    rows += [f"2025-03-0{2 + i % 2} 1{i % 8}:00:{i:02},u{i},view," for i in range(12)]
    store = loaded(tmp_path / "looked", ["ts,user_id,event,query", *rows])

    def notes(**words: str) -> tuple[str, ...]:
        return ANALYSES["similar"].run(store, Scope.parse(words), text="red", of="both", by="hour").notes

    assert notes(**{"from": "2025-03-02"}) == ("Nobody in this scope looked for what is found.",)
    whole = notes()
    assert len(whole) == 1 and "not shown: they have fewer than 10 shoppers" in whole[0]


def test_of_items_that_are_alike_none_is_left_out_and_those_looked_at_come_first(
    tmp_path: Path, home: Path
) -> None:
    """A log that knows only categories: whoever looks at any garden tool looks for garden tools."""
    rows = [f"2025-02-01 10:{i // 60:02}:{i % 60:02},u{i % 7},view,a{i:03},Garden tools" for i in range(90)]
    rows += [f"2025-03-01 10:00:{i:02},v{i},view,z{i % 2},Garden tools" for i in range(30)]
    rows += [f"2025-03-01 11:00:{i:02},w{i},view,other,Toys" for i in range(20)]
    store = loaded(tmp_path / "alike", ["ts,user_id,event,item_id,category", *rows])
    march = Scope.parse({"from": "2025-03-01"})
    found = asked(store, march, "garden tools", top="5")
    assert len(found) == 92 and {row["category"] for row in found} == {"Garden tools"}
    assert [(row["id"], row["shoppers"]) for row in found[:3]] == [("z0", 15), ("z1", 15), ("a000", 0)]
    weeks = asked(store, march, "garden tools", by="week", top="5")
    assert [row["shoppers"] for row in weeks] == [30]


def test_an_item_without_a_title_is_as_near_as_its_category(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people wrote of it may bring it nearer, never push it away."""
    monkeypatch.setattr(texts, "_reviews", lambda *_: {"i0": "came late, the box was broken"})
    rows = [f"2025-03-01 10:00:{i:02},u{i},review,i{i % 2},Garden tools" for i in range(24)]
    its = meaning_of(loaded(tmp_path / "told", ["ts,user_id,event,item_id,category", *rows]))
    assert its.texts.texts[its.texts.of_item[its.items[0]]].startswith("Garden tools. came late")
    near = its.nearness(its.items, truth.vector("garden tools"))
    assert near == pytest.approx([1.0, 1.0], abs=1e-6)
    late = its.nearness(its.items, truth.vector("late broken box"))
    assert late[0] > 0.5 > late[1]


def test_what_only_reviews_tell_of_names_no_cluster(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_reviews", lambda *_: {"i0": "came late", "i1": "very good"})
    rows = [f"2025-03-01 10:00:{i:02},u{i},review,i{i % 2},{('', 'Toys')[i % 2]}" for i in range(24)]
    its = meaning_of(loaded(tmp_path / "only", ["ts,user_id,event,item_id,category", *rows]))
    labels = {its.title(code): its.texts.labels[its.texts.of_item[code]] for code in its.items.tolist()}
    assert labels == {"came late · i0": "", "Toys · i1": "Toys"}


def test_the_model_itself_knows_what_a_text_means(tmp_path: Path, home: Path) -> None:
    """No word in common: the encoder that comes along tells what is near."""
    did = ["search,,,rain coat", "view,i1,Waterproof jackets,", "view,i2,Hoses,", "search,,,sprinkler"]
    rows = [f"2025-03-01 10:{n:02}:{m:02},u{m},{what}" for n, what in enumerate(did) for m in range(12)]
    store = loaded(tmp_path / "small", ["ts,user_id,event,item_id,category,query", *rows])
    with truth.encoded(stand_in=open_vectors()):
        its = meaning_of(store)  # so few texts are encoded as they are asked for
        assert not open_vectors().known(its.texts.texts).any()
        found = asked(store, Scope(), "something to keep dry in a downpour", of="both")
    assert [row["id"] for row in found] == ["i1", "i2", "rain coat", "sprinkler"]
    assert found[0]["similarity"] > found[1]["similarity"] + 0.1


def loaded(path: Path, lines: list[str]) -> Store:
    path.mkdir()
    (path / "log.csv").write_text("\n".join(lines))
    store = Store.create(path / path.name)
    store.append(open_source([path / "log.csv"], connection=store.cursor()))
    return Store.open(store.path)
