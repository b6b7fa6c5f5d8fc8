"""Training, keeping and asking a model, from the command line as well; bad input is a sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender import long_lists, models, training
from core.recommender.audit import audit
from core.recommender.evaluation import EvaluateOptions, evaluate
from core.recommender.features import FEATURES
from core.recommender.interactions import Interactions, task
from core.recommender.models import TrainOptions, open_model, told_log, train_model
from core.recommender.moment import Asked
from core.recommender.reasons import REASONS
from core.recommender.recommend import TRIED_PRICE, recommend
from core.recommender.scorer import Examples
from core.recommender.versions import About, open_version, promote, promoted, save, versions
from core.scope import Scope
from core.store import Store
from tests.quick_models import CLICKS


def ids(store: Store, **words: str) -> list[str]:
    return [str(row["item_id"]) for row in rows(store, **words)]


def rows(store: Store, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ANALYSES["recommended"].run(store, Scope(), **words).table.to_pylist()
    return found


def shopper_of(store: Store) -> str:
    """Who clicks most."""
    found = store.cursor().execute(
        "SELECT user_id FROM log WHERE event = 'click' GROUP BY ALL ORDER BY count(*) DESC, user_id LIMIT 1"
    )
    return str(found.fetchall()[0][0])


def test_a_model_is_kept_with_its_numbers(trained: Store) -> None:
    version = versions(trained)[0]
    assert version.number == 1 == promoted(trained)
    assert version.about.event == "click" and version.data == trained.fingerprint
    assert 0 < version.about.metrics["ndcg@10"] < version.about.metrics["hr@10"] <= 1
    assert open_model(trained).version == version


def test_a_model_asks_as_it_learnt(trained: Store) -> None:
    """Places and times are drawn to what is usual as they were for what it learnt from."""
    model = open_model(trained)
    kept = json.loads((model.version.folder / models.PRIORS_FILE).read_bytes())
    assert model.ground.priors._asdict() == model.past.lifts.priors._asdict() == kept


def test_what_is_held_out_does_not_choose_how_places_are_told(
    trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[float] = []

    def settled(ground: training.Ground, end: float) -> training.Ground:
        ends.append(end)
        raise CartscapeError("enough")

    monkeypatch.setattr(training.Ground, "settled", settled)
    every = Interactions.of(open_paths(trained), "click")
    test = task(every, CLICKS.days)
    for asks in (
        lambda: train_model(trained, CLICKS),
        lambda: evaluate(trained, EvaluateOptions(event="click", days="20", model="scorer")),
        lambda: long_lists.measure(trained),
    ):
        with pytest.raises(CartscapeError, match="enough"):
            asks()
    before = task(every, CLICKS.days, until=test.end)
    assert ends == [test.end, test.end, before.end]


@pytest.mark.parametrize("file", [models.PRIORS_FILE, models.SCORER_FILE])
@pytest.mark.parametrize("content", [None, b"", b"abc", b"null", b"{}", b"[1]", b'{"a": 1}'])
def test_a_model_that_cannot_be_read_is_a_sentence(
    trained: Store, file: str, content: bytes | None, tmp_path: Path
) -> None:
    version = versions(trained)[0]
    folder = shutil.copytree(version.folder, tmp_path / "model")
    path = folder / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CartscapeError, match="by another version of Cartscape; train"):
        models._opened(trained, replace(version, folder=folder))


def test_a_list_has_reasons_that_sum_to_its_scores(trained: Store) -> None:
    for row in rows(trained, shopper=shopper_of(trained)):
        adds = sum(float(row[f"adds_{name.replace(' ', '_')}"]) for name in REASONS)
        assert adds + float(row["usual"]) == pytest.approx(row["score"], abs=1e-3)
        assert row["chance"] == pytest.approx(1 / (1 + np.exp(-float(row["score"]))))
        assert row["reason"] and row["sources"]


def test_new_items_alone_and_in_order(trained: Store) -> None:
    shopper = shopper_of(trained)
    found = rows(trained, shopper=shopper, n="50")
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, key=lambda score: -float(score))
    had = trained.cursor().execute(
        "SELECT DISTINCT item_id FROM log WHERE user_id = ? AND event = 'click'", [shopper]
    )
    assert not {row["item_id"] for row in found} & {item for (item,) in had.fetchall()}


def test_what_is_out_of_stock_is_never_shown(trained: Store) -> None:
    first = ids(trained)
    gone = ids(trained, out=",".join(first[:4]))
    assert not set(first[:4]) & set(gone)
    assert gone[: len(first) - 4] == first[4:]


def test_a_path_made_by_hand_moves_the_list(trained: Store) -> None:
    item = ids(trained, n="40")[-1]
    assert ids(trained, path=f"view:{item}, click:{item}") != ids(trained)
    assert item not in ids(trained, path=f"click:{item}", n="100")


def test_what_if_tells_what_moved_and_why(trained: Store) -> None:
    first, second = ids(trained)[:2]
    answer = ANALYSES["what-if"].run(trained, Scope(), b_out=first)
    row = next(row for row in answer.table.to_pylist() if row["item_id"] == second)
    assert (row["place_a"], row["place_b"], row["moved"]) == (2, 1, 1)
    gone = next(row for row in answer.table.to_pylist() if row["item_id"] == first)
    assert gone["place_a"] == 1 and gone["place_b"] is None and gone["moved"] is None
    assert "B differs in stock" in answer.of
    dear = ANALYSES["what-if"].run(trained, Scope(), b_price=f"{first}=100000")
    row = next(row for row in dear.table.to_pylist() if row["item_id"] == first)
    assert row["price_b"] == 100000 and row["change"] != 0
    changes = [row[f"change_{name.replace(' ', '_')}"] for name in REASONS]
    assert sum(changes) == pytest.approx(row["change"])
    assert TRIED_PRICE in dear.notes and TRIED_PRICE not in answer.notes
    with_path = ANALYSES["what-if"].run(trained, Scope(), shopper=shopper_of(trained), b_path=f"view:{first}")
    assert with_path.of.endswith("B differs in shopper, path")
    same = ANALYSES["what-if"].run(trained, Scope())
    assert all(row["moved"] == 0 and row["because"] is None for row in same.table.to_pylist())


def test_the_hour_and_the_place_move_the_scores(trained: Store) -> None:
    base = {row["item_id"]: row["score"] for row in rows(trained, n="100")}
    for words in ({"at": "2025-06-07T21:00"}, {"region": "Florida"}, {"lat": "27.9", "lon": "-82.4"}):
        moved = {row["item_id"]: row["score"] for row in rows(trained, n="100", **words)}
        assert any(moved[item] != base[item] for item in moved.keys() & base.keys())


def test_a_phrase_asks_for_what_is_near_to_it(trained: Store) -> None:
    answer = ANALYSES["recommended"].run(trained, Scope(), phrase="garden hose")
    assert any("Garden Hose" in title for title in answer.table["title"].to_pylist())
    assert "nearest to what is looked for" in answer.notes[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"shopper": "nobody at all"}, "no shopper 'nobody at all'"),
        ({"path": "click:P0"}, "no item 'P0'"),
        ({"path": "P0"}, "EVENT:ITEM"),
        ({"path": "dance:P0"}, "no event 'dance'"),
        ({"out": "P0"}, "no item 'P0'"),
        ({"price": "P0"}, "ITEM=NUMBER"),
        ({"price": "P0=-1"}, "price='-1'"),
        ({"at": "2025-06-07T25:00"}, "hours go from 00 to 23"),
        ({"lat": "95", "lon": "0"}, "from -90 to 90"),
        ({"lat": "10"}, "both lat= and lon="),
        ({"region": "Atlantis"}, "region='Atlantis' is not in this log"),
        ({"device": "abacus"}, "device='abacus' is not in this log"),
        ({"n": "0"}, "n='0'"),
        ({"n": "nan"}, "n='nan'"),
        ({"n": "2.5"}, "n='2.5' must be a whole number from 1 to 100"),
        ({"price": "P1=0"}, "price='0' of P1 must be a number above 0 and not above 1,000,000,000,000"),
    ],
)
def test_odd_words_are_a_sentence(trained: Store, words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        rows(trained, **words)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"items": "wobble"}, "items='wobble' is not known"), ({"days": 0.0}, "days=0 must be above 0")],
)
def test_wrong_options_are_told_before_texts_are_asked_for(
    sample_store: Store, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], sentence: str
) -> None:
    def unread(_: Store) -> None:
        raise AssertionError("texts were asked for")

    monkeypatch.setattr(training, "item_vectors", unread)
    with pytest.raises(WrongCall, match=sentence):
        train_model(sample_store, TrainOptions(event="click", **options))


def test_a_place_in_the_sea_is_said(trained: Store) -> None:
    answer = ANALYSES["recommended"].run(trained, Scope(), lat="30", lon="-50")
    assert answer.table.num_rows == 10
    assert "Nobody of this log is within 100 km" in answer.notes[0]


def test_one_shopper_is_not_looked_at_on_shared_data(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = shopper_of(trained)
    monkeypatch.setattr(Store, "k", 10)
    with pytest.raises(WrongCall, match="shared data"):
        rows(trained, shopper=shopper)


def test_a_model_that_does_not_fit_is_not_served(trained: Store, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(trained.path, folder)
    store = Store.open(folder)
    about = next(folder.rglob("version.json"))
    told = json.loads(about.read_text())
    about.write_text(json.dumps(told | {"about": told["about"] | {"encoder": "x"}}))
    with pytest.raises(CartscapeError, match="another encoder"):
        open_model(store)
    about.write_text(json.dumps(told))
    file = next(folder.rglob("scorer.pt"))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CartscapeError, match=r"scorer\.pt"):
        open_model(store)


def test_the_items_of_a_log_are_counted_whether_or_not_an_event_has_none(
    sample_store: Store, online_retail_store: Store
) -> None:
    for store in (sample_store, online_retail_store):
        (count,) = store.cursor().execute("SELECT count(DISTINCT item_id) FROM log").fetchone() or (0,)
        assert told_log(store, 0.0)["items"] == count


def test_the_same_seed_trains_the_same_model(trained: Store, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(trained.path, folder)
    store = Store.open(folder)
    first, again = (train_model(store, CLICKS) for _ in range(2))
    assert again.number == 3 and again.about.metrics == first.about.metrics
    one, two = (recommend(store, open_model(store, number), Asked()) for number in (2, 3))
    np.testing.assert_array_equal(one.scores, two.scores)


def rows_of_models(store: Store) -> dict[int, Any]:
    """What is wrong with each version, as `show models` says it."""
    found = ANALYSES["models"].run(store, Scope()).table.to_pylist()
    return {row["number"]: row["problem"] for row in found}


def test_a_model_takes_the_place_of_one_that_cannot_serve_alone(trained: Store, tmp_path: Path) -> None:
    store = Store.open(shutil.copytree(trained.path, tmp_path / "again"))
    first = open_version(store)
    files = {name: (first.folder / name).read_bytes() for name in first.files}

    def kept(about: About) -> int:
        return models.keep(store, CLICKS, files, about).number

    assert kept(first.about) == 2 and promoted(store) == 1  # left to people
    promote(store, save(store, files, replace(first.about, encoder="another")).number)
    assert kept(first.about) == 4 and promoted(store) == 3  # in another process it may serve
    promote(store, save(store, files, replace(first.about, form="of another year")).number)
    assert kept(first.about) == 6 == promoted(store)
    change = audit(store).changes[-1]
    assert (change.by, change.why) == ("training", "version 5 could not serve any more")
    path = open_version(store, 6).folder / models.PRIORS_FILE
    path.write_bytes(b" " * path.stat().st_size)  # seen by what is in it alone
    assert "not what was saved" in rows_of_models(store)[6] and rows_of_models(store)[4] is None
    assert kept(first.about) == 7 == promoted(store)


def test_the_command_line(trained: Store, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["recommend", "--store", str(trained.path)]
    assert main([*call, "--n", "3", "--region", "Florida", "--at", "2025-06-07T21:00"]) == 0
    told = capsys.readouterr()
    assert [row["place"] for row in json.loads(told.out)] == [1, 2, 3]
    assert "the estimated chance of a click" in told.err
    assert main([*call, "--n", "many"]) == 2
    assert main(["train", "--store", str(trained.path), "--option", "days=soon"]) == 2
    assert "must be a number" in capsys.readouterr().err
    assert main(["train", "--store", str(trained.path), "--option", "seed=-1"]) == 2
    assert "seed=-1 must be 0 or more" in capsys.readouterr().err
    assert main(["train", "--store", str(trained.path), "--option", "event=dance"]) == 1
    assert "no event 'dance'" in capsys.readouterr().err


def test_a_log_without_a_model_says_how_to_train_one(sample_store: Store) -> None:
    with pytest.raises(CartscapeError, match="python -m core train --store"):
        rows(sample_store)


def test_training_beside_the_pages_is_seen_and_cancelled(trained: Store) -> None:
    job = models.begin(trained, CLICKS)
    assert models.job_of(trained) is job and models.begin(trained, CLICKS) is job
    job.cancel()
    job.join(120)
    assert not job.running and "cancelled; no model was kept" in job.sentence
    assert len(versions(trained)) == 1


def test_one_item_alone_is_a_sentence() -> None:
    taken = np.ones(3, np.float32)
    ground = SimpleNamespace()
    with pytest.MonkeyPatch.context() as patch:
        drawn = Examples(np.zeros((3, len(FEATURES)), np.float32), taken, taken)
        patch.setattr(training, "task", lambda *_args, **_more: None)
        patch.setattr(training, "_drawn", lambda *_args: drawn)
        ground.every, ground.priors = None, ()
        with pytest.raises(CartscapeError, match="nothing to choose between"):
            training.moments(ground, SimpleNamespace(masked=False, end=0.0), 30.0)  # type: ignore[arg-type]


def test_known_and_new_shoppers_are_parts_of_all_who_are_tested(trained: Store) -> None:
    its = open_model(trained).version.about.metrics
    some = its["tested_known"] + its["tested_new"]
    assert its["tested_known"] > 0 < its["tested_new"] and some <= its["tested"]
    for name in ("ndcg@10_{}", "ndcg@10_{}_popular"):
        theirs = sum(its[f"tested_{part}"] * its[name.format(part)] for part in ("known", "new"))
        whole = its["tested"] * its[name.format("").replace("__", "_").rstrip("_")]
        assert theirs - 1e-6 <= whole <= theirs + its["tested"] - some + 1e-6
