"""Training, keeping and asking a model of shown lists; bad input is a sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.recommender import evaluation, shown
from core.recommender.evaluation import EvaluateOptions
from core.recommender.models import TrainOptions, open_model, train_model
from core.recommender.shown import evaluate_shown
from core.recommender.shown_features import GROUPS
from core.recommender.shown_models import FILE, REASONS, open_shown
from core.recommender.shown_scorer import ShownOptions, fit
from core.recommender.versions import versions
from core.scope import Scope
from core.store import Store
from tests.analyses import search_oracle

LISTS = TrainOptions(event="click", items="shown")


@pytest.fixture(scope="module")
def trained(sample_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A copy of the sample with a model of its lists, of few of them and quickly fitted."""
    folder = tmp_path_factory.mktemp("lists") / "sample"
    shutil.copytree(sample_store.path, folder)
    with search_oracle.encoded(), pytest.MonkeyPatch.context() as patch:
        quick(patch)
        store = Store.open(folder)
        train_model(store, LISTS)
        yield store


def quick(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shown, "MOST_LEARNT", 400)
    for module in ("shown", "shown_models"):
        patch.setattr(
            f"core.recommender.{module}.fit",
            lambda lists, asked: fit(
                lists, ShownOptions(epochs=2, members=2, width=8, seed=asked.seed, without=asked.without)
            ),
        )


@pytest.fixture(scope="module")
def listed(trained: Store) -> list[str]:
    """Items of a list that was shown."""
    found = trained.cursor().execute("SELECT shown FROM log WHERE len(shown) > 5 ORDER BY event_id LIMIT 1")
    return list(dict.fromkeys(found.fetchall()[0][0]))[:6]


def rows(store: Store, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ANALYSES["recommended"].run(store, Scope(), **words).table.to_pylist()
    return found


def test_a_model_is_kept_with_its_numbers(trained: Store) -> None:
    version = versions(trained)[0]
    metrics = version.about.metrics
    assert version.about.settings["items"] == "shown" and version.about.event == "click"
    assert 0 < metrics["hr@1"] < metrics["mrr"] < metrics["hr@5"] <= metrics["hr@10"] <= 1
    assert metrics["learnt"] == 400 and metrics["tested"] > 100
    assert open_shown(trained)[0] == version


def test_a_list_that_is_given_is_ordered_with_reasons(trained: Store, listed: list[str]) -> None:
    found = rows(trained, shown=",".join(listed), path=f"view:{listed[4]}, view:{listed[4]}")
    assert sorted(row["item_id"] for row in found) == sorted(listed)
    assert [row["place"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert all(listed[row["stood"] - 1] == row["item_id"] for row in found)
    assert sum(row["chance"] for row in found) == pytest.approx(1)
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, reverse=True)
    for row in found:
        adds = sum(float(row[f"adds_{name}"]) for name in REASONS)
        assert adds + float(row["usual"]) == pytest.approx(row["score"], abs=1e-3)
    words = np.log([row["chance"] for row in found])
    assert words - words[0] == pytest.approx(np.array(scores) - scores[0], abs=1e-6)


def test_what_is_the_same_of_all_items_is_no_reason(trained: Store, listed: list[str]) -> None:
    found = rows(trained, shown=",".join(listed))  # nothing was looked at, and no price is given
    reasons = {reason for row in found for reason in row["reason"].split(", ")}
    assert not {GROUPS[name] for name in ("seen", "taken", "beside", "shown", "habit")} & reasons


def test_the_path_and_a_price_move_the_scores(trained: Store, listed: list[str]) -> None:
    plain = {row["item_id"]: row for row in rows(trained, shown=",".join(listed))}
    after = {r["item_id"]: r for r in rows(trained, shown=",".join(listed), path=f"click:{listed[2]}")}
    assert plain[listed[2]]["adds_seen"] != after[listed[2]]["adds_seen"]
    dear = rows(trained, shown=",".join(listed), price=f"{listed[0]}=99999,{listed[1]}=1")
    assert {r["item_id"]: r["adds_price"] for r in dear} != {i: r["adds_price"] for i, r in plain.items()}


def test_an_item_that_nobody_knows_is_said(trained: Store, listed: list[str]) -> None:
    answer = ANALYSES["recommended"].run(trained, Scope(), shown=f"{listed[0]},nonsense")
    assert "1 of the 2 items, nonsense, are in neither the log nor the catalogue" in answer.notes[0]
    assert "2 items shown to nobody in particular" in answer.of


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"shown": "a"}, "a list of 2 to 100 items with commas between; this one has 1"),
        ({"shown": "a,b,a"}, "names 'a' twice"),
        ({"shown": "a,b", "shopper": "u"}, "shopper=… says nothing about a list"),
        ({"shown": "a,b", "n": "3"}, "n=… says nothing about a list"),
        ({"shown": "a,b", "path": "view"}, "path='view' is not of the form EVENT:ITEM"),
        ({"shown": "a,b", "path": "gaze:a"}, "no event 'gaze' in this log"),
        ({"shown": "a,b", "path": ",".join(["view:a"] * 201)}, "takes 200 steps at most"),
        ({"shown": "a,b", "price": "a"}, "not of the form ITEM=NUMBER"),
        ({"shown": "a,b", "price": "a=0"}, "with a number above 0"),
        ({"shown": "a,b", "price": "c=5"}, "names 'c', which is not in the list"),
    ],
)
def test_words_that_fit_nothing(trained: Store, words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        rows(trained, **words)


def test_a_model_of_another_kind_is_told_from_it(trained: Store) -> None:
    with pytest.raises(CartscapeError, match="orders lists that are shown and recommends nothing by itself"):
        rows(trained)
    with pytest.raises(CartscapeError, match="orders lists that are shown"):
        open_model(trained)


def test_a_model_whose_file_is_another_is_not_opened(
    trained: Store, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = open_shown(trained)[0]
    path = version.folder / FILE
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-10])
        with pytest.raises(CartscapeError, match="is damaged: its file shown"):
            rows(trained, shown=",".join(listed))
    finally:
        path.write_bytes(whole)
    monkeypatch.setattr("core.recommender.shown_scorer.MADE_FOR", ["other"])
    with pytest.raises(CartscapeError, match="made by another version of Cartscape; train again"):
        rows(trained, shown=",".join(listed))


def test_the_command_line_trains_and_orders(
    trained: Store, listed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(trained.path)
    assert main(["recommend", "--store", store, "--shown", ",".join(listed), "--path", "view:x"]) == 0
    out = capsys.readouterr()
    assert [row["place"] for row in json.loads(out.out)] == [1, 2, 3, 4, 5, 6]
    assert "an estimate of the model" in out.err
    assert main(["train", "--store", store, "--option", "items=shown", "--option", "event=gaze"]) == 1
    assert "names what was shown beside 'gaze' in 0 sessions" in capsys.readouterr().err


def test_scorers_stand_beside_peers(trained: Store) -> None:
    table, of = evaluate_shown(trained, "click", without="words", seeds="2")
    found = table.to_pylist()
    scorers = [row for row in found if row["model"] == "scorer"]
    assert [json.loads(row["settings"])["without"] for row in scorers] == ["words"] * 2
    assert {json.loads(row["settings"])["seed"] for row in scorers} == {0, 1}
    assert [row["mrr"] for row in found] == sorted((row["mrr"] for row in found), reverse=True)
    peers = [row for row in found if row["model"] != "scorer"]
    best = max(peers, key=lambda row: float(row["mrr"]))
    assert best["lead"] == 0 == best["lead_low"] == best["lead_high"]
    for row in found:
        assert row["lead"] == pytest.approx(row["mrr"] - best["mrr"])
        assert row["lead_low"] <= row["lead"] <= row["lead_high"]
    assert "of its session" in of


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"model": "magic"}, "model='magic' is not known for lists"),
        ({"without": "place of birth"}, f"it takes each, {', '.join(GROUPS)}"),
        ({"seeds": "0"}, "seeds='0' must be a number from 1 to 9"),
    ],
)
def test_words_of_an_evaluation_that_are_not_known(
    trained: Store, words: dict[str, str], sentence: str
) -> None:
    with pytest.raises(WrongCall, match=sentence):
        evaluation.evaluate(trained, EvaluateOptions(event="click", items="shown", **words))
