"""Searches that lead to no item: counts as plain lists have them, and the planted ones found again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.analyses import ANALYSES
from core.analyses.meaning import meaning_of, same_words, weighted_quantile
from core.analyses.proportions import wilson
from core.analyses.unmet import NOT_CLICKED, NOTHING_LIKE_IT, rule_of
from core.errors import CartscapeError, WrongCall
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from data.sample import STORIES
from tests import oracle
from tests.analyses import search_oracle as truth
from tests.analyses.search_oracle import SPRING, K, log_of

PLANTED = STORIES["unmet demand"].truth["queries"]
FOUR_DAYS = Scope.parse({"from": "2018-11-07", "to": "2018-11-08", "compare": "off"})


@pytest.fixture(autouse=True)
def model() -> Iterator[truth.CountedWords]:
    with truth.encoded() as stand_in:
        yield stand_in


@pytest.fixture
def bare() -> Iterator[None]:
    with truth.encoded(known=False):
        yield


def asked(store: Store, scope: Scope, **options: str) -> list[dict[str, Any]]:
    return truth.rows_of(ANALYSES["unmet"].run(store, scope, **options))


def grouped(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Query in the same words → searches, followed, bought, shoppers, and shoppers of either outcome."""
    every: dict[str, list[Any]] = defaultdict(list)
    for row in rows.itertuples():
        every[same_words(str(row.query))].append(row)
    return {
        key: {
            "searches": len(its),
            "followed": sum(row.followed for row in its),
            "bought": sum(row.bought for row in its),
            "shoppers": len({row.user_id for row in its}),
            "who_followed": len({row.user_id for row in its if row.followed}),
            "who_lost": len({row.user_id for row in its if not row.followed}),
            "who_bought": len({row.user_id for row in its if row.bought}),
            "spellings": len({row.query for row in its}),
        }
        for key, its in every.items()
    }


def few(*counts: int) -> bool:
    return any(0 < count < K for count in counts)


@pytest.mark.parametrize(
    ("name", "scope"), [("sample", SPRING), ("trivago", FOUR_DAYS), ("trivago", Scope())]
)
@pytest.mark.usefixtures("bare")
def test_counts_are_those_of_plain_lists(name: str, scope: Scope, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    log = log_of(store.path)
    rows = oracle.within(log, scope)
    want = grouped(rows[rows.search])
    whole = log[log.search]
    usual, k = whole.followed.mean(), store.k
    rows_shown = asked(store, scope, top="5000")
    got = {same_words(row["query"]): row for row in rows_shown}
    small = {key for key, its in want.items() if 0 < its["shoppers"] < k}
    # Beside the small ones, one more may be hidden that subtraction would tell of.
    assert set(want) - small >= set(got) and len(set(want) - small) <= len(got) + 1
    assert len(got) == len(rows_shown) >= 5
    p = {key: stats.binom.cdf(its["followed"], its["searches"], usual / 2) for key, its in want.items()}
    q = dict(zip(p, stats.false_discovery_control(list(p.values())), strict=True))
    for key, row in got.items():
        its = want[key]
        assert (row["searches"], row["shoppers"]) == (its["searches"], its["shoppers"])
        assert row["unmet"] == (q[key] < 0.05)
        hides = k > 1 and few(its["who_followed"], its["who_lost"])
        share = None if hides else its["followed"] / its["searches"]
        assert row["followed"] == (None if hides else pytest.approx(share))
        assert row["unmet_searches"] == (None if hides else its["searches"] - its["followed"])
        if not hides:
            low, high = wilson(np.array(its["followed"]), np.array(its["searches"]))
            assert (row["low"], row["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
        if name == "trivago":
            assert row["bought"] is None  # a log without purchases
        else:
            assert row["bought"] == pytest.approx(its["bought"] / its["searches"])
        assert row["similarity"] is row["usual"] is row["best_item"] is row["why"] is None


def test_the_planted_searches_are_found_and_no_others(sample_store: Store) -> None:
    """Precision and recall are 1, on 60,000 events; with a twentieth of that, none would be sure."""
    rows = asked(sample_store, Scope(), top="5000")
    found = {row["query"] for row in rows if row["unmet"]}
    assert len(found & set(PLANTED)) / len(PLANTED) == 1, "recall"
    assert len(found & set(PLANTED)) / len(found) == 1, "precision"
    assert [row["unmet"] for row in rows[:5]] == [True] * 4 + [False]  # they come first
    assert all(row["followed"] == 0 and row["unmet_searches"] == row["searches"] for row in rows[:4])


def test_where_they_are_planted_is_where_they_stand_out(sample_store: Store) -> None:
    query = "hurricane storm shutters"
    rows = {row["region"]: row for row in asked(sample_store, Scope(), by="region", query=query)}
    wanted = [rows[region] for region in PLANTED[query] if region in rows]
    assert rows["Florida"]["beyond_chance"] and rows["Florida"]["lift_low"] > 1.5
    assert min(row["lift"] for row in wanted) > 1
    everywhere = asked(sample_store, Scope(), by="region")
    assert max(everywhere, key=lambda row: row["unmet_searches"])["region"] == "Florida"


@pytest.mark.parametrize(("scope", "query"), [(Scope(), ""), (SPRING, "tire snow chains")])
def test_where_counts_are_those_of_pandas(sample_store: Store, scope: Scope, query: str) -> None:
    rows = oracle.within(log_of(sample_store.path), scope)
    rows = rows[rows.search]
    flagged = {row["query"] for row in asked(sample_store, scope, top="5000") if row["unmet"]}
    lost = rows[~rows.followed & rows["query"].isin([query] if query else list(flagged))]
    got = {row["region"]: row for row in asked(sample_store, scope, by="region", query=query)}
    every = rows.groupby("region", observed=True)
    total = len(lost) / len(rows)
    assert set(got) == set(rows.region.unique())
    for region, its in every:
        row, mine = got[region], lost[lost.region == region]
        assert (row["shoppers"], row["unmet_searches"]) == (mine.user_id.nunique(), len(mine))
        assert row["searches"] == len(its)
        assert row["share"] == pytest.approx(len(mine) / len(its))
        assert row["lift"] == pytest.approx(len(mine) / len(its) / total)
        assert row["low"] <= row["share"] <= row["high"]
    cells = asked(sample_store, scope, by="cell", query=query)
    assert sum(row["unmet_searches"] for row in cells) == len(lost)
    assert {"cell", "lat", "lon", "region"} <= set(cells[0])


def test_small_groups_are_hidden_with_what_would_tell_of_them(trivago_store: Store) -> None:
    log = log_of(trivago_store.path)
    rows = asked(trivago_store, Scope(), by="region", query="New York, USA")
    lost = log[log.search & ~log.followed & (log["query"] == "New York, USA")]
    people = lost.groupby("region", observed=True).user_id.nunique()
    shown = {row["region"]: row["shoppers"] for row in rows}
    assert all(count == 0 or count >= K for count in shown.values())
    assert all(shown[region] == people.get(region, 0) for region in shown)
    assert all(row["shoppers"] >= K for row in asked(trivago_store, Scope(), top="5000"))


def test_the_nearest_item_is_the_one_with_the_largest_cosine(sample_store: Store) -> None:
    its = meaning_of(sample_store)
    items = {its.paths.items[c]: truth.vector(its.texts.texts[its.texts.of_item[c]]) for c in its.items}
    rows = asked(sample_store, Scope(), top="40")
    for row in rows:
        near = {item: float(vector @ truth.vector(row["query"])) for item, vector in items.items()}
        assert row["similarity"] == pytest.approx(max(near.values()), abs=1e-5)
        assert near[row["best_item"]] == pytest.approx(row["similarity"], abs=1e-5)
    assert len({row["usual"] for row in rows}) == 1
    assert all(row["why"] in ((NOTHING_LIKE_IT, NOT_CLICKED) if row["unmet"] else (None,)) for row in rows)


def test_what_is_usual_is_told_by_the_searches_that_lead_to_an_item(sample_store: Store) -> None:
    its, log = meaning_of(sample_store), log_of(sample_store.path)
    followed = log[log.search & log.followed]["query"].value_counts()
    groups, like = its.spellings(), its.likeness()
    assert like is not None
    similarity = {
        q: like.similarity[groups.of[c]] for c, q in enumerate(its.paths.queries) if groups.of[c] >= 0
    }
    every = np.sort(np.repeat([similarity[q] for q in followed.index], followed.to_numpy()))
    assert like.usual == every[int(np.ceil(len(every) * 0.5)) - 1]
    assert like.fence == every[int(np.ceil(len(every) * 0.05)) - 1]
    assert np.isnan(weighted_quantile(np.ones(2), np.zeros(2), 0.5))


def test_searches_in_other_words_are_one_under_the_most_frequent(sample_store: Store) -> None:
    its = meaning_of(sample_store)
    groups, counts = its.spellings(), its.usual.tally.searches
    by_words: dict[str, set[int]] = defaultdict(set)
    for code in its.queries.tolist():
        by_words[same_words(its.paths.queries[code])].add(int(groups.of[code]))
        lead = int(groups.lead[groups.of[code]])
        assert (-counts[lead], its.paths.queries[lead]) <= (-counts[code], its.paths.queries[code])
        near = truth.vector(its.paths.queries[code]) @ truth.vector(its.paths.queries[lead])
        assert (
            near >= 0.92 - 1e-6
            or same_words(its.paths.queries[code]) == same_words(its.paths.queries[lead])
            or (
                groups.count[groups.of[code]] > 2  # near a spelling of the lead in the same words
            )
        )
    assert all(len(found) == 1 for found in by_words.values())
    assert groups.count.sum() == its.queries.size
    assert same_words("Boots, red") == same_words("red BOOTS")
    assert same_words("?!") == "?!"


@pytest.mark.parametrize("query", ["tire snow chains", "Snow TIRE chains"])
def test_everybody_who_searched_can_be_kept(sample_store: Store, query: str) -> None:
    (row,) = asked(sample_store, SPRING, query=query)
    rule = rule_of(sample_store, SPRING, query)
    assert row["query"] == "tire snow chains"
    assert open_cohorts(sample_store).find(rule).sum() == row["shoppers"]


def test_several_spellings_are_kept_together(sample_store: Store) -> None:
    row = next(r for r in asked(sample_store, Scope(), top="5000") if r["spellings"] > 1)
    rule = rule_of(sample_store, Scope(), row["query"])
    assert len(rule["queries"]) == row["spellings"]
    assert open_cohorts(sample_store).find(rule).sum() == row["shoppers"]


def test_what_follows_is_looked_for_beyond_the_scope(sample_store: Store) -> None:
    alone = asked(sample_store, Scope(events=("search",)), top="100")
    assert alone == asked(sample_store, Scope(), top="100")


def test_a_scope_without_searches_is_said(sample_store: Store) -> None:
    answer = ANALYSES["unmet"].run(sample_store, Scope(categories=("Shoes",)))
    assert answer.table.num_rows == 0
    assert (
        answer.notes[0]
        == "Nobody searched within this scope. Searches have no category: choose none to see them."
    )


@pytest.mark.parametrize("name", ["olist", "online_retail"])
def test_a_log_without_searches_says_so(name: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{name}_store")
    with pytest.raises(CartscapeError, match=r"has no searches.*--map query=COLUMN"):
        ANALYSES["unmet"].run(store, Scope())


@pytest.mark.usefixtures("bare")
def test_without_vectors_it_says_what_is_missing_and_answers(sample_store: Store) -> None:
    answer = ANALYSES["unmet"].run(sample_store, Scope())
    assert any("are not encoded yet; press Encode" in note for note in answer.notes)
    assert {row["query"] for row in truth.rows_of(answer) if row["unmet"]} == set(PLANTED)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"by": "device"}, "it takes region, cell"),
        ({"top": "0"}, "number from 1"),
        ({"query": "nobody would type this"}, "too few to show, searched for"),
    ],
)
def test_a_wrong_call_is_a_sentence(sample_store: Store, options: dict[str, str], says: str) -> None:
    with pytest.raises(WrongCall, match=says):
        ANALYSES["unmet"].run(sample_store, Scope(), **options)
