"""Why an item: its words, those who took it, and the smallest change, each against the slow truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from core.analyses import ANALYSES, Answer
from core.analyses.why_words import NO_WORDS, SILENT
from core.encoder.attribution import Attribution, Word
from core.errors import CartscapeError, WrongCall
from core.journeys.kept_maps import texts_of
from core.paths import open_cube
from core.recommender import counterfactuals, word_shares
from core.recommender.features import FEATURES
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked, last_days
from core.recommender.reasons import REASONS, shapley, share_of
from core.recommender.recommend import Recommended
from core.recommender.recommend import recommend as plain
from core.scope import Scope
from core.store import Store
from tests import oracle


def ask(name: str, store: Store, **words: str) -> Answer:
    return ANALYSES[name].run(store, Scope(), **words)


def rows(name: str, store: Store, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(name, store, **words).table.to_pylist()
    return found


@pytest.fixture(scope="module")
def some(trained: Store) -> tuple[str, str]:
    """An item that leads, and one far below it that some took, after a look at the first."""
    first = rows("recommended", trained)[0]["item_id"]
    took = trained.cursor().execute(
        "SELECT item_id FROM log WHERE event = 'click' GROUP BY ALL HAVING count(DISTINCT user_id) > 3"
    )
    known = {item for (item,) in took.fetchall()}
    listed = [row["item_id"] for row in rows("recommended", trained, path=f"view:{first}", n="60")]
    return first, next(item for item in listed[30:] if item in known)


@pytest.mark.parametrize("words", [{"path": True}, {"phrase": "waterproof hiking shoes"}])
def test_the_function_that_words_are_told_of_is_what_its_words_add(
    trained: Store, some: tuple[str, str], words: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "path" in words:
        words = {"path": f"view:{some[0]}, view:{some[1]}"}
    its = rows("recommended", trained, n="3", **words)[-1]
    seen: list[float] = []
    space = open_model(trained).ground.space

    def attribute(_card: Any, text: str, worth: Callable[[torch.Tensor], torch.Tensor]) -> Attribution:
        vector = torch.from_numpy(np.asarray(space.vectors.of([text]), np.float32))
        seen.append(float(worth(vector)[0].detach()))
        return Attribution((), seen[0], 0.0)

    monkeypatch.setattr(word_shares, "attribute", attribute)
    ask("why-words", trained, item=its["item_id"], **words)
    assert abs(its["adds_words"]) > 1e-3
    assert seen[0] == pytest.approx(its["adds_words"], abs=2e-3)


def test_where_nothing_was_done_no_word_is_told(trained: Store, some: tuple[str, str]) -> None:
    its = rows("recommended", trained)[0]
    answer = ask("why-words", trained, item=its["item_id"])
    (row,) = answer.table.to_pylist()
    assert row["word"] == NO_WORDS and row["adds"] == pytest.approx(its["adds_words"], abs=1e-4)
    assert answer.notes == (SILENT,)


@pytest.mark.parametrize("group", ["words", "price"])
def test_the_share_of_one_group_is_its_shapley_value_and_has_gradients(trained: Store, group: str) -> None:
    scorer = open_model(trained).scorer
    scaled = np.random.default_rng(3).normal(size=(4, len(FEATURES))).astype(np.float32)
    its = torch.from_numpy(scaled).requires_grad_()
    found = share_of(scorer, its, group)
    assert found.tolist() == pytest.approx(shapley(scorer, scaled)[0][:, [*REASONS].index(group)], abs=1e-4)
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert its.grad is not None and its.grad.abs().sum() > 0


def test_the_strongest_words_are_told_in_the_order_of_the_text(
    trained: Store, some: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, texts = open_model(trained), texts_of(trained)
    code = model.codes[some[0]]
    label = str(texts.labels[texts.of_item[code]])
    words = [Word(f"w{n},", n, n / 10) for n in range(15)]
    words += [Word("W9", 16, 0.05), Word("far", len(label) + 1, 9.0)]
    worth = sum(word.share for word in words) - 0.7
    monkeypatch.setattr(word_shares, "attribute", lambda *_: Attribution(tuple(words), worth, -0.7))
    asked = {"item": some[0], "path": f"view:{some[1]}"}
    found = rows("why-words", trained, **asked)
    assert [row["word"] for row in found] == [
        *(f"w{n}" for n in range(4, 15)), "far", "(other words)", NO_WORDS
    ]  # fmt: skip
    assert sum(row["adds"] for row in found) == pytest.approx(worth)
    assert found[-1]["adds"] == pytest.approx(-0.7)
    twice = next(row for row in found if row["word"] == "w9")
    assert (twice["times"], twice["start"], twice["adds"]) == (2, 9, pytest.approx(0.95))
    shared = Store.open(trained.path)
    monkeypatch.setattr(type(shared), "k", 10)
    found = rows("why-words", shared, **asked)
    assert [row["word"] for row in found[:-1]] == [f"w{n}" for n in range(3, 15)] + ["(other words)"]
    assert found[-2]["adds"] == pytest.approx(0.3 + 9.0)


def before(store: Store, item: str) -> dict[str, pd.DataFrame]:
    """What each taker of an item had done with items before they first took it."""
    log = oracle.whole_log(store)
    log = log[log.item_id.notna()].sort_values("ts", kind="stable")
    took = log[(log.item_id == item) & (log.event == "click")].groupby("user_id").ts.min()
    return {str(user): log[(log.user_id == user) & (log.ts < first)] for user, first in took.items()}


def test_items_met_before_are_counted_by_shopper(trained: Store, some: tuple[str, str]) -> None:
    takers = before(trained, some[1])
    met: dict[str, set[str]] = defaultdict(set)
    for user, its in takers.items():
        for item in its.item_id:
            met[item].add(user)
    met.pop(some[1], None)
    found = rows("taken-after", trained, item=some[1], path=f"view:{some[0]}")
    for row in found:
        assert (row["shoppers"], row["of"]) == (len(met[row["item_id"]]), len(takers))
        assert row["low"] <= row["share"] == row["shoppers"] / row["of"] <= row["high"]
    others = [row["shoppers"] for row in found if not row["asked"]]
    assert others == sorted(map(len, met.values()), reverse=True)[: len(others)] or found[0]["asked"]
    assert others == sorted(others, reverse=True)


def test_on_shared_data_small_counts_and_all_but_a_few_are_left_out(
    trained: Store, some: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows("taken-after", trained, item=some[0])
    shared = Store.open(trained.path)
    k = max(plain[0]["shoppers"], 2)
    monkeypatch.setattr(type(shared), "k", k)
    for row in rows("taken-after", shared, item=some[0]):
        assert row["shoppers"] >= k and row["of"] - row["shoppers"] >= k
    with pytest.raises(WrongCall, match="nobody's path"):
        ask("past-buyers", shared, item=some[0], path=f"view:{some[1]}")
    monkeypatch.setattr(type(shared), "k", 10**6)
    with pytest.raises(CartscapeError, match="Fewer than"):
        ask("taken-after", shared, item=some[0])


def test_the_nearest_takers_are_those_whose_way_was_most_alike(trained: Store, some: tuple[str, str]) -> None:
    ways = before(trained, some[1])
    takers = {user: its for user, its in ways.items() if len(its)}
    # Whose way is asked for again is likest; it is found by its own steps.
    _, way = max(takers.items(), key=lambda pair: len(pair[1]))
    kept = [event for event in way.event if event != "search"]
    path = ", ".join(f"{event}:{item}" for event, item in zip(kept, way.item_id, strict=True))
    found = rows("past-buyers", trained, item=some[1], path=path)
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
    likeness = [row["likeness"] for row in found]
    assert likeness == sorted(likeness, reverse=True) and likeness[0] > 0.8
    model = open_model(trained)
    for row in found:
        assert row["of"] == len(ways)
        assert (row["events"][-1], row["titles"][-1]) == ("click", model.titled[some[1]])
        assert len(row["minutes"]) == len(row["events"]) == len(row["titles"])
        assert row["minutes"] == sorted(row["minutes"])
    with pytest.raises(CartscapeError, match="no path to compare"):
        ask("past-buyers", trained, item=some[1])


def test_nobody_is_likest_to_themselves(trained: Store, some: tuple[str, str]) -> None:
    took = trained.cursor().execute(
        "SELECT user_id FROM log WHERE item_id = ? AND event = 'click' GROUP BY ALL ORDER BY user_id",
        [some[1]],
    )
    names = [name for (name,) in took.fetchall()]
    found = rows("past-buyers", trained, item=some[1], shopper=names[0])
    assert 0 < len(found) < len(names)
    assert all(row["likeness"] < 0.999 for row in found)


def test_each_change_gives_the_place_that_is_told_and_none_of_its_kind_a_better(
    trained: Store, some: tuple[str, str]
) -> None:
    first, later = some
    path = f"view:{first}"

    def place(**words: str) -> int:
        ids = [row["item_id"] for row in rows("recommended", trained, n="100", **({"path": path} | words))]
        return ids.index(later) + 1 if later in ids else 101

    found = rows("smallest-change", trained, item=later, path=path)
    assert {row["kind"] for row in found} >= {"step"}
    for row in found:
        words = dict(pair.split("=", 1) for pair in row["words"])
        assert place(**words) == row["place"] < place() and row["first"] == (row["place"] == 1)
    days = last_days(open_cube(trained).last_day).values()
    hours = [f"{day}T{hour:02d}:00" for day in days for hour in range(0, 24, 3)]
    its = next((row["place"] for row in found if row["kind"] == "hour"), place())
    assert its == min(place(), *(place(at=at) for at in hours))
    places = [row["place"] for row in found]
    assert places == sorted(places)
    again = ask("smallest-change", trained, item=first)
    assert "stands first already" in " ".join(again.notes) and not again.table.num_rows


def test_what_does_not_fit_is_refused_and_not_read_as_nothing_left(trained: Store) -> None:
    first = rows("recommended", trained)[0]["item_id"]
    wrong = (
        {"shopper": "nosuch"}, {"region": "Nowhere"}, {"at": "2025-06-07T25:00"}, {"path": "wink:P10017"},
        {"price": "NOPE=3"}, {"at": "2025-06-07T21:00+05:00"},
    )  # fmt: skip
    for words in wrong:
        with pytest.raises(WrongCall):
            ask("smallest-change", trained, item=first, **words)


def test_another_hour_is_tried_on_the_day_that_is_asked_for(
    trained: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, tried = "2025-03-12T10:00", []

    def recommend(store: Store, model: Model, asked: Asked, deep: int) -> Recommended:
        tried.append(asked.at)
        return plain(store, model, asked, deep)

    item = rows("recommended", trained, at=at)[1]["item_id"]
    monkeypatch.setattr(counterfactuals, "recommend", recommend)
    ask("smallest-change", trained, item=item, at=at)
    days = [f"{day}T{hour:02d}:00" for day in ("2025-03-12", "2025-03-09") for hour in range(0, 24, 3)]
    assert sorted({*tried} - {at}) == sorted({*days} - {"2025-03-12T09:00"})


def test_each_item_above_is_tried_sold_out(trained: Store) -> None:
    listed = [row["item_id"] for row in rows("recommended", trained)]
    found = rows("smallest-change", trained, item=listed[2])
    stock = next(row for row in found if row["kind"] == "stock")
    assert stock["words"] == [f"out={listed[1]}"] and stock["place"] == 2 and not stock["first"]
    out = [row["item_id"] for row in rows("recommended", trained, out=listed[1])]
    assert out.index(listed[2]) + 1 == stock["place"]


def test_what_is_sold_out_in_the_question_is_said_to_be_so(trained: Store) -> None:
    item = rows("recommended", trained)[1]["item_id"]
    answer = ask("smallest-change", trained, item=item, out=item)
    assert not answer.table.num_rows and "sold out here" in answer.of
    assert "It is sold out here" in " ".join(answer.notes)


def test_of_an_item_that_nothing_brings_into_the_list_no_change_is_told(trained: Store) -> None:
    ids = {row["item_id"] for row in rows("recommended", trained, n="100")}
    beyond = [item for item in sorted(open_model(trained).codes) if item not in ids][:2]
    for item in beyond:
        answer = ask("smallest-change", trained, item=item)
        assert "does not stand among the first 100" in answer.of
        assert all(row["place"] is not None for row in answer.table.to_pylist())
        assert answer.table.num_rows or "each item above it sold out" in " ".join(answer.notes)


def test_what_is_asked_is_written_as_it_is_read() -> None:
    words = {
        "path": "view:A, cart:B", "lat": "41.5", "lon": "-87.0", "at": "2026-01-05T18:00", "device": "mobile",
        "phrase": "warm socks", "price": "A=12.5, B=3.0", "out": "C, D", "n": "7",
    }  # fmt: skip
    assert Asked.read(words).write() == words
    assert Asked.read(Asked.read({"shopper": "x", "region": "Ohio"}).write()).region == "Ohio"


def test_an_item_must_be_said(trained: Store) -> None:
    for name in ("why-words", "past-buyers", "taken-after", "smallest-change"):
        with pytest.raises(WrongCall, match="item=ID"):
            ask(name, trained)
        with pytest.raises(WrongCall, match="no item 'P0'"):
            ask(name, trained, item="P0", phrase="shoes")
