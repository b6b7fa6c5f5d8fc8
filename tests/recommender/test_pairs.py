"""Pairs against a plain reading of the log: nothing of a text is of its moment or later."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from core import marts
from core.analyses import ANALYSES
from core.cli import main, progress
from core.errors import CartscapeError, WrongCall
from core.journeys.texts import log_texts
from core.paths import open_paths
from core.paths.log import PathLog
from core.recommender.pairs import OTHER, PairOptions, draw, pairs_of
from core.scope import Scope
from core.sources import open_source
from core.store import Store

CLICKS = PairOptions(event="click", pairs=300, tested=60, history=3, within="ever")


def events_of(paths: PathLog, shopper: int) -> Iterator[tuple[int, str, int, int]]:
    """Second, event, item and search of each event of a shopper."""
    for at in range(int(paths["start"][shopper]), int(paths["start"][shopper + 1])):
        kind = paths.kinds[0][paths["kind"][at]]
        yield int(paths["second"][at]), str(kind), int(paths["item"][at]), int(paths["query"][at])


def test_every_pair_is_what_the_log_says(sample_store: Store) -> None:
    paths = open_paths(sample_store)
    drawn, words = draw(sample_store, paths, CLICKS, 1)
    data = pairs_of(sample_store, CLICKS, 1)
    for part, its in drawn.parts.items():
        made = getattr(data, part)
        assert len(made) == its.item.size > 20
        for row in range(len(made)):
            shopper, item = int(its.shopper[row]), int(its.item[row])
            events = list(events_of(paths, shopper))
            moment = min(second for second, _, it, _ in events if it == item)
            taken = min(second for second, event, it, _ in events if it == item and event == "click")
            assert (moment, taken) == (its.moment[row], its.second[row])
            before = [
                words.of_item[it] if words.of_item[it] >= 0 else words.of_query[query]
                for second, _, it, query in events
                if second < moment and (words.of_item[it] >= 0 or words.of_query[query] >= 0)
            ]
            newest = list(dict.fromkeys(reversed(before[-8 * CLICKS.history :])))[: CLICKS.history]
            assert made.anchors[row] == "; ".join(words.labels[text] for text in newest)
            assert data.catalogue[made.labels[row]] == words.texts[words.of_item[item]]
            said = {words.texts[text] for text in newest}
            assert {data.catalogue[i] for i in made.known[row] if i >= 0} == said & set(data.catalogue)
            assert made.labels[row] not in made.known[row]
            assert made.groups[row] == shopper


@pytest.mark.parametrize("log", ["sample", "invoices"])
def test_every_pair_of_a_visit_is_what_the_log_says(log: str, sample_store: Store, invoices: Store) -> None:
    """An anchor is of one visit, up to the moment; of the moment itself, of other lines than the item's."""
    store, options = (
        (sample_store, replace(CLICKS, within="visit"))
        if log == "sample"
        else (invoices, PairOptions(pairs=300, tested=60))
    )
    paths = open_paths(store)
    drawn, words = draw(store, paths, options, 1)
    data = pairs_of(store, options, 1)
    several = 0
    for part, its in drawn.parts.items():
        made = getattr(data, part)
        for row in range(len(made)):
            met = int(its.met[row])
            shopper, item, moment = int(its.shopper[row]), int(its.item[row]), int(its.moment[row])
            first = min(second for second, _, it, _ in events_of(paths, shopper) if it == item)
            assert paths["item"][met] == item and first == moment == paths["second"][met]
            low, high = int(paths["start"][shopper]), int(paths["start"][shopper + 1])
            visit = [
                at for at in range(low, high)
                if at != met and paths["session"][at] == paths["session"][met]
                and paths["second"][at] <= moment
            ]  # fmt: skip
            could = {
                words.labels[words.of_item[paths["item"][at]]]
                if words.of_item[paths["item"][at]] >= 0
                else words.labels[words.of_query[paths["query"][at]]]
                for at in visit
            }
            told = made.anchors[row].split("; ")
            assert 1 <= len(told) <= options.history and set(told) <= could
            assert made.labels[row] not in made.known[row]
            several += len(told) > 1
    assert several > 20


def test_lines_of_an_invoice_are_put_into_an_order_by_the_seed(invoices: Store) -> None:
    """In the log they go by the item's code, which must not tell which comes next."""
    paths = open_paths(invoices)
    drawn, _ = draw(invoices, paths, PairOptions(pairs=3_000, tested=60), 1)
    data = pairs_of(invoices, PairOptions(pairs=3_000, tested=60), 1)
    told = data.train.known[:, 0] >= 0
    later = (data.train.labels[told] > data.train.known[told, 0]).mean()
    assert 0.35 < later < 0.65
    assert np.unique(drawn.train.item).size > 20
    with pytest.raises(WrongCall, match="within='week' is not known; it takes visit, ever"):
        PairOptions(within="week")


@pytest.fixture(scope="module")
def invoices(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A log of invoices: the lines of each bear one second."""
    folder = tmp_path_factory.mktemp("invoices")
    drawn = np.random.default_rng(5)
    with (folder / "log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ts", "user_id", "event", "item_id", "title"])
        for day in range(1, 28):
            for shopper in drawn.permutation(40)[:25]:
                for item in drawn.permutation(60)[:6]:
                    rows.writerow(
                        [
                            f"2025-03-{day:02} 10:{shopper:02}:00",
                            f"u{shopper}",
                            "purchase",
                            f"i{item:02}",
                            f"thing {item}",
                        ]
                    )
    store = Store.create(folder / "invoices")
    store.append(open_source([folder / "log.csv"], connection=store.cursor()))
    marts.build(store.refresh())
    return Store.open(folder / "invoices")


def test_parts_follow_one_another_in_time(sample_store: Store) -> None:
    paths = open_paths(sample_store)
    drawn, _ = draw(sample_store, paths, CLICKS, 1)
    first, last = drawn.borders
    assert drawn.train.second.max() < first <= drawn.validation.moment.min()
    assert drawn.validation.second.max() < last <= drawn.test.moment.min()
    for its in drawn.parts.values():
        assert (its.moment <= its.second).all()


def test_searches_of_later_are_not_learnt_from(sample_store: Store) -> None:
    """A search that is first made after the training time is in no text without labels."""
    paths = open_paths(sample_store)
    drawn, words = draw(sample_store, paths, CLICKS, 1)
    data = pairs_of(sample_store, CLICKS, 1)
    early = {
        words.texts[words.of_query[query]]
        for query in np.unique(paths["query"][paths["second"] < drawn.borders[0]])
        if words.of_query[query] >= 0
    }
    late = {text for code in range(paths.queries.size) if words.of_query[code] >= 0
            for text in [words.texts[words.of_query[code]]]} - early - set(data.catalogue)  # fmt: skip
    assert late
    assert set(data.unlabelled) == early | set(data.catalogue)


def test_reviews_of_later_are_no_words(olist_store: Store) -> None:
    paths = open_paths(olist_store)
    middle = paths.first_second + int(np.quantile(paths["second"], 0.5))
    reviews = olist_store.table("reviews").to_pylist()
    late = [r for r in reviews if r["text"] and r["item_id"] and r["ts"].timestamp() >= middle + 86_400]
    assert late
    now, then = log_texts(olist_store, paths), log_texts(olist_store, paths, before=middle)
    assert set(now.texts) != set(then.texts)
    written = " ".join(then.texts)
    long = [" ".join(r["text"].split()) for r in late if len(r["text"]) > 120][:200]
    early = " ".join(
        " ".join(r["text"].split()) for r in reviews if r["text"] and r["ts"].timestamp() < middle
    )
    assert long and not [text for text in long if text in written and text not in early]


def test_equal_seeds_draw_equal_pairs(sample_store: Store) -> None:
    one, same, other = (pairs_of(sample_store, CLICKS, seed).digest() for seed in (1, 1, 2))
    assert one == same != other


def test_small_categories_are_told_as_one(sample_store: Store) -> None:
    paths = open_paths(sample_store)
    many = pairs_of(sample_store, CLICKS, 1).class_names
    before = paths.k
    paths.k = 6
    try:
        data = pairs_of(sample_store, CLICKS, 1)
    finally:
        paths.k = before
    assert OTHER in data.class_names and len(data.class_names) < len(many)
    for part in (data.train, data.validation, data.test):
        for number in range(len(data.class_names)):
            assert np.unique(part.groups[part.classes == number]).size >= 6


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        ({"event": "dance"}, CartscapeError, "no event 'dance' with an item"),
        ({"pairs": 1}, WrongCall, "pairs=1 is too few"),
        ({"event": "return"}, CartscapeError, "event= that more shoppers do"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    words: dict[str, object], kind: type[Exception], sentence: str, sample_store: Store
) -> None:
    with pytest.raises(kind, match=sentence):
        pairs_of(sample_store, PairOptions(**words))  # type: ignore[arg-type]


def test_the_command_tunes_and_finds_it_done(
    invoices: Store,
    copied: Callable[[Store], Store],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0)  # every step is told, however soon it comes
    store = copied(invoices)  # whose items are few to encode
    words = {
        "event": "purchase",
        "within": "visit",
        "pairs": "48",
        "tested": "40",
        "batch": "16",
        "tokens": "8",
        "checks": "1",
    }
    call = ["tune", "--store", str(store.path)]
    for name, value in words.items():
        call += ["--option", f"{name}={value}"]
    assert main(call) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["steps"] == 3 and 0.01 < found["share_trained"] < 0.02
    assert {"hr@10", "ndcg@10", "mrr"} == set(found["after"]["test"])
    assert "step 1 of 3" in told.err
    (run,) = ANALYSES["tunings"].run(store, Scope()).table.to_pylist()
    assert (
        run["hr@10"] == found["after"]["test"]["hr@10"] and json.loads(run["settings"])["within"] == "visit"
    )
    assert main(call) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert main([*call, "--option", "colour=red"]) == 2
    assert "colour=… is not known here; it takes method, " in capsys.readouterr().err
    assert main([*call, "--option", "epochs=two"]) == 2
    assert "epochs='two' is no whole number." in capsys.readouterr().err
