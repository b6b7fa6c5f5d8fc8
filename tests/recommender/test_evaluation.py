"""Evaluation end to end: on the sample, from the command line, and on a real log against known marks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender import evaluation, peers
from core.recommender.evaluation import EvaluateOptions, chosen_parts, evaluate, lists_of
from core.recommender.groups import COLD, EVERYBODY, LOOKED, NEW, hidden_of
from core.recommender.interactions import DAY, Interactions, Task, task
from core.recommender.metrics import LONGEST, of_each, ranked
from core.recommender.peers import ease, item_knn, own_frequency, popular
from core.recommender.scorer import Examples, ScorerOptions
from core.recommender.training import Ground
from core.store import Store
from tests.quick_models import quick_models

pytestmark = pytest.mark.usefixtures("without_ease")

CLICKS = EvaluateOptions(event="click", days="20", model="peers")


@pytest.fixture
def without_ease(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """It takes most of the time; the real log has it."""
    if "sample_store" in request.fixturenames:
        monkeypatch.setattr(peers, "MOST_ITEMS", 0)


def test_everybody_is_made_of_the_groups(sample_store: Store) -> None:
    rows = evaluate(sample_store, replace(CLICKS, by="history"))[0].to_pylist()
    models = {row["model"] for row in rows}
    assert {"item-kNN", "popular here and now"} <= models and len(rows) == 6 * len(models)
    for model in models:
        its = {row["group"]: row for row in rows if row["model"] == model}
        everybody = its.pop(EVERYBODY)
        some = [row for row in its.values() if row["shoppers"]]
        assert its[NEW]["shoppers"] and its[LOOKED]["shoppers"]
        assert sum(row["shoppers"] for row in some) == everybody["shoppers"]
        mean = sum(row["shoppers"] * row["hr@10"] for row in some) / everybody["shoppers"]
        assert everybody["hr@10"] == pytest.approx(mean)
        assert 0 < everybody["diversity"] <= 1
        assert everybody["ndcg@10_low"] <= everybody["ndcg@10"] <= everybody["ndcg@10_high"]


def test_small_groups_are_hidden_on_shared_data(sample_store: Store) -> None:
    paths = open_paths(sample_store)
    shown = evaluate(sample_store, replace(CLICKS, by="region"))[0].to_pylist()
    paths.k = 25
    try:
        rows = evaluate(sample_store, replace(CLICKS, by="region"))[0].to_pylist()
    finally:
        paths.k = 1
    small = {(row["group"], row["model"]) for row in shown if (row["shoppers"] or 0) < 25}
    hidden = {(row["group"], row["model"]) for row in rows if row["shoppers"] is None}
    assert small and small <= hidden
    sizes = {row["group"]: row["shoppers"] for row in shown}
    for model in {row["model"] for row in rows}:
        gone = [sizes[group] for group, its in hidden if its == model and sizes[group]]
        assert len(gone) != 1 and sum(gone) >= 25  # else the total would tell
    assert all(row["hr@10"] is None for row in rows if row["shoppers"] is None)


def test_the_command_prints_rows(sample_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["evaluate", "--store", str(sample_store.path), "--option", "event=click", "--option", "by=age"]
    call += ["--option", "model=peers"]
    assert main(call) == 0
    told = capsys.readouterr()
    rows = json.loads(told.out)
    assert {EVERYBODY} <= {row["group"] for row in rows} and rows[0]["group"] == EVERYBODY
    assert COLD in {row["group"] for row in rows}
    assert "all ranked" in told.err
    assert main([*call, "--option", "colour=red"]) == 2
    assert "it takes event, days, items, by" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        ({"by": "city"}, WrongCall, "it takes history, age, region, hour, device"),
        ({"days": "soon"}, WrongCall, "no number of days"),
        ({"event": "dance"}, CartscapeError, "no event 'dance' with an item"),
        ({"days": "9999"}, CartscapeError, "shorter than 9,999 days"),
        ({"items": "old"}, WrongCall, "it takes new, any"),
        ({"items": "shown", "event": "review", "days": "30"}, CartscapeError, "a column of shown items"),
        ({"items": "shown", "by": "region"}, WrongCall, "takes no by="),
        ({"items": "shown"}, WrongCall, "leave days= out"),
        ({"model": "peers", "without": "price"}, WrongCall, "leave seeds= and without= out"),
    ],
)
def test_bad_words_are_a_sentence(
    sample_store: Store, words: dict[str, str], kind: type[CartscapeError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        evaluate(sample_store, replace(CLICKS, **words))


def with_a_history(of: Task) -> Task:
    known = np.diff(of.train.taken[of.shoppers].indptr) > 0
    return replace(of, shoppers=of.shoppers[known], wanted=of.wanted[known])


def test_known_marks_of_a_real_log_are_met(online_retail_store: Store) -> None:
    """Marks of plain scripts: customers, products with codes of five digits, the last 30 days."""
    paths = open_paths(online_retail_store)
    plain = np.array([len(str(name)) == 5 and str(name).isdigit() for name in paths.items])
    every = Interactions.of(paths)
    every = every.only(plain[every.item])
    new, anything = (with_a_history(task(every, 30, wanted)) for wanted in ("new", "any"))
    marks = [
        (new, popular(new, 7), 0.395, 0.083),
        (new, item_knn(new, 50, 0.0), 0.380, 0.077),
        (new, ease(new, 300.0), 0.479, 0.104),
        (new, ease(new, 300.0, 0.1), 0.498, 0.111),
        (anything, ease(anything, 300.0), 0.741, 0.270),
        (anything, own_frequency(anything), 0.827, 0.324),
    ]
    for of, scorer, hr, ndcg in marks:
        each = of_each(ranked(lists_of(of, scorer), of.wanted))
        assert each["hr@10"].mean() == pytest.approx(hr, abs=0.045)
        assert each["ndcg@10"].mean() == pytest.approx(ndcg, abs=0.04)


def test_those_who_had_taken_something_are_told_together_and_give_nobody_away() -> None:
    """A card tells of all of them: of 453 known, 3 would be left of what a table told of 400 and 50."""
    sizes = {
        EVERYBODY: 965,
        NEW: 500,
        LOOKED: 12,
        "1 – 5 items": 400,
        "6 – 20 items": 50,
        "21 or more items": 3,
    }
    groups: list[Any] = [
        SimpleNamespace(name=name, items=None, wanted_of=lambda _, n=size: (None, np.ones(n, bool)))
        for name, size in sizes.items()
    ]
    hidden = dict(zip(sizes, hidden_of(cast(Task, None), groups, 10), strict=True))
    assert hidden["21 or more items"] and hidden["6 – 20 items"] and not hidden[EVERYBODY]
    assert not any(hidden_of(cast(Task, None), groups, 1))


@pytest.mark.parametrize("best", [(), ("age",), ("age", "next step")])
def test_what_a_scorer_goes_by_is_chosen_on_the_days_before(
    sample_store: Store, best: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scorers that are stand-ins for what they leave out: all lists are empty but those of the best."""
    with quick_models():
        ground = Ground.of(sample_store, "click")
    test = task(ground.every, 20, "new")
    ends: set[float] = set()

    def lists(_: Ground, of: Task, scorers: Sequence[ScorerOptions]) -> list[np.ndarray]:
        ends.add(of.end)
        perfect = np.full((of.shoppers.size, LONGEST), -1)
        perfect[:, 0] = [row.indices[0] for row in of.wanted]
        return [perfect if its.without == best else np.full_like(perfect, -1) for its in scorers]

    parts = [drawn(at) for at in range(3)]
    seen: list[np.ndarray] = []

    def fit(learnt: Examples, options: ScorerOptions) -> ScorerOptions:
        seen.append(learnt.taken)
        return options

    monkeypatch.setattr(evaluation, "fit", fit)
    monkeypatch.setattr(evaluation, "lists_of_scorers", lists)
    assert chosen_parts(ground, test, 20, parts) == best
    # None of the days that are to be foretold; and of what is learnt, none of those that choose.
    assert ends == {test.end - 20 * DAY}
    assert all(np.array_equal(its, np.concatenate([p.taken for p in parts[1:]])) for its in seen)
    monkeypatch.setattr(evaluation, "MOST_PAIRS", 30)
    assert chosen_parts(ground, test, 20, parts) == best and seen[-1].size == 30
    assert chosen_parts(ground, test, 20, parts[:1]) == ()  # too short to tell


def drawn(at: int) -> Examples:
    taken = np.arange(25) % 5 == at
    return Examples(np.zeros((25, 2), np.float32), taken.astype(np.float32), np.ones(25, np.float32))
