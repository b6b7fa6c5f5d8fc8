"""Fairness of a model end to end: measured from the command line, kept, printed again, hidden where few."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.cli import main
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender import parity as core_parity
from core.recommender.catalogue import open_catalogue
from core.recommender.fairness import Small
from core.recommender.groups import EVERYBODY
from core.recommender.long_lists import NotMeasured, begin, job_of, measured
from core.recommender.models import open_model
from core.recommender.moment import Asked
from core.recommender.preview import lists_of
from core.recommender.recommend import recommend
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import AtMost, Parity, Rule
from core.recommender.ruled_many import ManyRules
from core.recommender.versions import versions
from core.scope import Scope
from core.store import Store
from tests.quick_models import quick_models
from tests.recommender.test_preview import names_of


@pytest.fixture(scope="module")
def measuring(
    trained_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, bytes, str]]:
    """A copy of the sample with a model that the command has measured, and what it printed and told."""
    with quick_models():
        folder = tmp_path_factory.mktemp("fairness") / "sample"
        store = Store.open(shutil.copytree(trained_store.path, folder))
        with pytest.raises(NotMeasured, match="--option by=fairness"):
            asked(store)
        printed, told = io.BytesIO(), io.StringIO()
        output = io.TextIOWrapper(printed)
        with redirect_stdout(output), redirect_stderr(told):
            assert main(command(store)) == 0
        yield store, printed.getvalue(), told.getvalue()


def command(store: Store) -> list[str]:
    return ["evaluate", "--store", str(store.path), "--option", "by=fairness"]


@pytest.fixture
def trained(measuring: tuple[Store, bytes, str]) -> Store:
    """That copy."""
    return measuring[0]


def asked(store: Store, name: str = "fairness", **options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ANALYSES[name].run(store, Scope(), **options).table.to_pylist()
    return found


def test_the_whole_is_what_the_model_was_measured_to_be(trained: Store) -> None:
    rows = {(row["by"], row["group"]): row for row in asked(trained)}
    everybody = rows[EVERYBODY, EVERYBODY]
    metrics = versions(trained)[0].about.metrics
    assert everybody["ndcg@10"] == pytest.approx(metrics["ndcg@10"])
    assert everybody["shoppers"] == metrics["tested"]
    small, other = rows["items", "small brands"], rows["items", "other brands"]
    assert everybody["exposure"] == pytest.approx(small["exposure"]) == pytest.approx(1 - other["exposure"])
    assert small["takes"] + other["takes"] == pytest.approx(1) == small["catalogue"] + other["catalogue"]


def test_a_rule_of_parity_serves_the_step_that_the_curve_chose(
    trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, kept = open_model(trained), measured(trained)
    small = Small.among(open_catalogue(trained), kept.test[0].train).small
    (step,) = (row for row in asked(trained, "fairness-curve", give_up="30") if row["chosen"])
    assert step["weight"] != 0
    did = "raised" if step["weight"] > 0 else "lowered"
    book, question, many = RuleBook(trained), Asked(region="Ohio", n=10), 60
    alone = recommend(trained, model, replace(question, n=100))
    book.save(Rule("small", Parity(30.0)))
    try:
        found = recommend(trained, model, replace(question, n=many))
        order = np.argsort(-(alone.chances + step["weight"] * small[alone.items]), kind="stable")
        expected = alone.items[order].tolist()
        assert found.items.tolist() == expected[:many]
        assert expected[:many] != alone.items[:many].tolist()
        told = {effect.item for effect in found.ruled.effects if effect.did == did}
        seen = {*expected[:many], *alone.items[:many].tolist()}
        assert told and small[list(told)].all() and told <= seen
        chance_of = dict(zip(alone.items.tolist(), alone.chances.tolist(), strict=True))
        np.testing.assert_allclose(found.chances, [chance_of[item] for item in found.items], rtol=1e-4)
        book.save(Rule("few", AtMost(2, "category")))
        counts, few = Counter[str](), []
        for item in expected:
            counts[category := str(open_catalogue(trained).category[item])] += 1
            few += [item] * (counts[category] <= 2)
        assert recommend(trained, model, question).items.tolist() == few[:10]
        shoppers = np.unique(model.ground.world.acts.row)[::500]
        rules = ManyRules.of(trained, question, model.ground.world.regions)
        (lists,) = lists_of(model, model.past, [question], shoppers, [rules])
        names = names_of(trained)
        for items, shopper in zip(lists.items, shoppers.tolist(), strict=True):
            own = recommend(trained, model, replace(question, shopper=names[shopper]))
            np.testing.assert_array_equal(items, own.items)

        def unmeasured(_store: Store) -> None:
            raise NotMeasured("not yet")

        monkeypatch.setattr(core_parity, "measured", unmeasured)
        core_parity._known.clear()
        again = recommend(trained, model, question)
        assert "The rule 'small' does nothing: what parity costs was not measured" in " ".join(again.notes)
    finally:
        for kept_rule in book.all():
            book.delete(kept_rule.rule.name, kept_rule.revision)


def test_exposure_and_quality_of_groups_are_those_of_plain_loops(trained: Store) -> None:
    test, long = measured(trained).test
    brand = {row["item_id"]: row["brand"] for row in trained.table("items").to_pylist()}
    items = open_paths(trained).items.tolist()
    takes: dict[str, int] = dict.fromkeys(brand.values(), 0)
    for item in test.train.item.tolist():
        takes[brand[items[item]]] += 1
    small = set(sorted(takes, key=lambda name: (takes[name], name))[: len(takes) // 2])
    many = [len(set(test.train.item[test.train.shopper == shopper].tolist())) for shopper in test.shoppers]
    found = {row["group"]: row for row in asked(trained) if row["by"] == "history"}
    theirs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in found}
    for row, taken in enumerate(many):
        met = test.met[test.shoppers[row]].nnz
        name = "1 – 5 items" if taken <= 5 else "6 – 20 items" if taken <= 20 else "21 or more items"
        name = name if taken else "took nothing yet" if met else "new to the shop"
        wanted = set(test.wanted[row].indices.tolist())
        listed = [item for item in long.items[row, :10].tolist() if item >= 0]
        seen = sum(1 / math.log2(n + 2) for n, item in enumerate(listed) if brand[items[item]] in small)
        every = sum(1 / math.log2(n + 2) for n in range(len(listed)))
        gain = sum(1 / math.log2(n + 2) for n, item in enumerate(listed) if item in wanted)
        theirs[name].append(
            (seen, every, gain / sum(1 / math.log2(n + 2) for n in range(min(10, len(wanted)))))
        )
    assert len([name for name in theirs if theirs[name]]) > 1
    whole = [ndcg for its in theirs.values() for *_, ndcg in its]
    for name, its in theirs.items():
        if its:
            mean = sum(ndcg for *_, ndcg in its) / len(its)
            assert found[name]["shoppers"] == len(its)
            assert (found[name]["takes"] is None) == (name in ("took nothing yet", "new to the shop"))
            assert found[name]["exposure"] == pytest.approx(
                sum(s for s, *_ in its) / sum(e for _, e, _ in its)
            )
            assert found[name]["ndcg@10"] == pytest.approx(mean)
            rest = (sum(whole) - sum(ndcg for *_, ndcg in its)) / (len(whole) - len(its))
            assert found[name]["gap"] == pytest.approx(mean - rest)
            assert found[name]["gap_low"] <= found[name]["gap"] <= found[name]["gap_high"]


def test_the_curve_goes_from_the_lists_as_they_are_to_parity(trained: Store) -> None:
    rows = asked(trained, "fairness-curve", give_up="100", towards="catalogue")
    assert [row["step"] for row in rows] == list(range(11))
    first, last = rows[0], rows[-1]
    assert first["weight"] == first["lost"] == first["past_lost"] == 0
    assert last["chosen"] and last["past_exposure"] == pytest.approx(last["target"], abs=0.02)
    exposures = [row["exposure"] for row in rows]
    assert exposures == sorted(exposures, reverse=last["weight"] < 0)
    for row in rows:
        assert row["lost"] == pytest.approx(1 - row["ndcg@10"] / first["ndcg@10"])
        assert row["lost_low"] <= row["lost"] <= row["lost_high"]
    none = asked(trained, "fairness-curve", give_up="0", towards="catalogue")
    kept = max(row["step"] for row in none if row["chosen"])
    assert all(row["past_lost"] <= 0 for row in none[: kept + 1])
    again = {row["group"]: row for row in asked(trained, give_up="100", towards="catalogue")}
    assert again["small brands"]["exposure"] == pytest.approx(last["exposure"])


def test_the_command_measures_and_prints(
    measuring: tuple[Store, bytes, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store, printed, told = measuring
    assert json.loads(printed)[0]["group"] == "small brands" and "version 1 of the model" in told
    assert main([*command(store), "--option", "seeds=2"]) == 2
    assert "takes no other option" in capsys.readouterr().err


def test_small_groups_are_hidden_on_shared_data(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {row["group"]: row["shoppers"] for row in asked(trained) if row["by"] == "region"}
    few = {group for group, shoppers in shown.items() if shoppers < 25}
    assert few
    monkeypatch.setattr(Store, "k", 25)
    rows = [row for row in asked(trained) if row["by"] == "region"]
    hidden = {row["group"] for row in rows if row["shoppers"] is None}
    assert few <= hidden and sum(shown[group] for group in hidden) >= 25
    for row in rows:
        if row["group"] in hidden:
            assert {row[name] for name in ("exposure", "ndcg@10", "gap", "takes", "ratio")} == {None}
    monkeypatch.setattr(Store, "k", 10_000)
    with pytest.raises(CartscapeError, match="Fewer than 10000 shoppers"):
        asked(trained)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"give_up": "much"}, "from 0 to 100"),
        ({"give_up": "nan"}, "from 0 to 100"),
        ({"give_up": "101"}, "from 0 to 100"),
        ({"towards": "equality"}, "it takes takes, catalogue"),
        ({"version": "first"}, "number of a version"),
        ({"version": "7"}, "no version 7"),
    ],
)
def test_bad_words_are_a_sentence(trained: Store, words: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        asked(trained, "fairness-curve", **words)


def test_what_is_cut_short_is_measured_again(trained: Store) -> None:
    before = asked(trained)
    (path,) = (trained.path / "fairness").glob("*.npz")
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(NotMeasured):
        asked(trained)
    job = begin(trained)
    assert job is job_of(trained)
    job.join(300)
    assert not job.sentence and asked(trained) == before
