"""The recommendations page: two lists, what moved them, and why; all that is chosen stays in the address."""

from __future__ import annotations

import threading
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.analyses import ANALYSES, preview_lists
from core.analyses.preview_lists import PreviewWords
from core.encoder.attribution import Attribution, Word
from core.journeys import encoding
from core.recommender import word_shares
from core.recommender.leaders import Everywhere, everywhere
from core.recommender.models import job_of
from core.recommender.preview import lists_of
from core.recommender.versions import open_version
from core.scope import Scope
from core.store import Store
from pages.parts.next_step import NOTHING_TO_SHOW
from tests.pages.conftest import Open, commands
from tests.pages.test_pages import said, whole
from tests.quick_models import quick_models


@pytest.fixture
def store(trained_page: Store) -> Store:
    """The sample with a model."""
    return trained_page


def test_a_model_is_trained_from_the_page(
    app: Open, pages_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Store.open(pages_home / "sample")
    monkeypatch.setattr(encoding, "missing_in", lambda *_asked: (0, 1))
    with quick_models():
        test = opened(app)
        assert "No model of this log yet" in said(test)
        test.selectbox(key="train_event").select("click").run()
        test.number_input(key="train_days").set_value(20).run()
        test.button(key="train").click().run()
        job = job_of(found)
        assert job is not None
        job.join(300)
        assert not job.sentence
        version = open_version(found)
        assert version.about.event == "click" and version.about.settings["days"] == 20
        assert commands(whole(test.run()))


def test_before_texts_are_encoded_the_way_to_a_model_is_told(app: Open, pages_home: Path) -> None:
    test = opened(app)
    assert "Two steps make one" in said(test) and "are not encoded yet" in said(test)
    assert "Two steps make one" not in said(app("clusters", store="sample"))


def opened(app: Open, **words: str) -> AppTest:
    return whole(app("recommendations", store="sample", **words))


def test_the_title_says_what_b_changes_and_the_scope_that_it_changes_nothing(app: Open, store: Store) -> None:
    words = {"b_region": "Florida"}
    rows = ANALYSES["what-if"].run(store, Scope(), **words, n="10").table.to_pylist()
    before, after = ([row["item_id"] for row in sorted(
        (row for row in rows if row[place] and row[place] <= 10), key=lambda row: int(row[place])
    )] for place in ("place_a", "place_b"))  # fmt: skip
    new = len(set(after) - set(before))
    moved = sum(item in before and before.index(item) != at for at, item in enumerate(after))
    parts = [f"brings in {new} of 10"] * bool(new) + [f"moves {moved}"] * bool(moved)
    title = (
        f"What we would show: B {' and '.join(parts)}" if parts else "What we would show: the same list in B"
    )
    test = opened(app, **words)
    assert title in said(test) and "Of the whole log" not in said(test)
    assert (
        "What we would show" in said(opened(app))
        and "B " not in said(opened(app)).split("What we would")[1][:12]
    )
    narrowed = opened(app, region="Ohio")
    assert "Of the whole log: the scope above narrows For a cohort" in said(narrowed)
    assert "Of the whole log" not in said(opened(app, region="Ohio", part="next"))


def test_two_lists_and_why(app: Open, store: Store) -> None:
    test = opened(app, a_region="Minnesota", b_region="Florida", b_at="2025-06-29T18:00")
    answer = ANALYSES["what-if"].run(
        store, Scope(), region="Minnesota", b_region="Florida", b_at="2025-06-29T18:00"
    )
    assert [command.split()[4] for command in commands(test)] == ["what-if", "recommended", "what-if"]
    assert answer.of in said(test).replace("\\", "")
    why = next(box for box in test.selectbox if box.label.startswith("Why"))
    assert why.options == answer.table["title"].to_pylist()
    assert "not an experiment" in said(test)
    chosen = {box.key: box.value for box in test.selectbox}
    assert chosen["choice_b_region"] == "Florida" and chosen["choice_b_at"] == "2025-06-29T18:00"
    test.selectbox(key="choice_b_device").select("mobile").run()
    assert test.query_params["b_device"] in ("mobile", ["mobile"])


def test_a_wrong_word_is_a_sentence(app: Open, store: Store) -> None:
    assert "no shopper 'somebody'" in said(opened(app, whose="somebody")).replace("\\", "")
    assert "no item 'P0'" in said(opened(app, b_out="P0")).replace("\\", "")


def test_on_shared_data_nobody_is_looked_at_alone(
    app: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "k", 10)
    test = opened(app)
    assert "Shopper" not in [box.label for box in test.text_input]


def test_of_an_item_its_words_takers_and_what_would_lift_it_are_told(
    app: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = ANALYSES["recommended"].run(store, Scope(), n=2).table["item_id"].to_pylist()
    path = {"did": f"view:{second}"}
    monkeypatch.setattr(
        word_shares, "attribute", lambda *_: Attribution((Word("warm", 0, 0.5), Word("socks", 5, -0.1)), 1, 0)
    )
    test = opened(app, why="words", **path)
    assert [command.split()[4] for command in commands(test)] == ["what-if", "why-words"]
    test = opened(app, why="words")  # of nobody
    assert "Its words say nothing here" in said(test) and len(commands(test)) == 1
    test = opened(app, why="takers", **path)
    assert {"past-buyers", "taken-after"} <= {command.split()[4] for command in commands(test)}
    assert "alike" in said(test)
    monkeypatch.setattr(Store, "k", 2)
    test = opened(app, why="takers", **path)
    assert "past-buyers" not in " ".join(commands(test)) and "alike" not in said(test)
    monkeypatch.undo()


def test_a_change_that_lifts_an_item_is_tried_with_a_click(app: Open, store: Store) -> None:
    test = opened(app, why="change")
    why = next(box for box in test.selectbox if box.label.startswith("Why"))
    why.select(why.options[4]).run()
    titles = ANALYSES["what-if"].run(store, Scope()).table.select(["title", "item_id"]).to_pylist()
    item = next(row["item_id"] for row in titles if row["title"] == why.options[4])
    changes = ANALYSES["smallest-change"].run(store, Scope(), item=item).table.to_pylist()
    told = said(test).replace("\\", "").casefold()
    assert changes and all(row["change"].casefold() in told for row in changes)
    at = next(n for n, row in enumerate(changes) if row["kind"] in ("hour", "place", "device", "price"))
    test.button(key=f"try_{at}").click().run()
    word, _, value = changes[at]["words"][0].partition("=")
    assert test.query_params[f"b_{word}"] in (value, [value])


def test_a_place_of_the_map_stands_until_a_region_is_chosen(app: Open, store: Store) -> None:
    test = opened(app, a_region="Minnesota", b_point="41.88,-87.63")
    options = {"region": "Minnesota", "b_lat": "41.88", "b_lon": "-87.63"}
    assert ANALYSES["what-if"].run(store, Scope(), **options).of in said(test).replace("\\", "")
    assert any(button.label == "At 41.88, -87.63" for button in test.button)
    test.selectbox(key="choice_b_region").select("Florida").run()
    assert "b_point" not in test.query_params


def test_what_leads_where_is_on_the_map_alone(app: Open, store: Store) -> None:
    test = opened(app, part="map", a_at="2025-06-29T18:00", b_device="mobile", rank="above")
    words = {"at": "2025-06-29T18:00", "b_device": "mobile", "what": "category", "rank": "above", "n": "10"}
    answer = ANALYSES["leaders"].run(store, Scope(), **words)
    assert [command.split()[4] for command in commands(test)] == ["leaders"]
    assert answer.of in said(test).replace("\\", "") and "not an experiment" in said(test)
    assert test.select_slider(key="leaders_hour").value == "2025-06-29T18:00"
    test.select_slider(key="leaders_hour").set_value("").run()
    assert "a_at" not in test.query_params


def test_a_model_to_which_places_say_nothing_has_a_sentence_for_a_map(
    app: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*words: Any) -> Everywhere:
        found = everywhere(*words)
        return replace(found, chances=np.where(found.chances > 0, found.anywhere, 0))

    monkeypatch.setattr(import_module("core.analyses.leaders"), "everywhere", silent)
    test = opened(app, part="map", rank="above", a_at="2025-06-28T06:00")
    assert "Places say nothing to this model" in said(test) and not commands(test)


def test_a_cohort_is_previewed_with_its_replay(app: Open, store: Store) -> None:
    test = opened(app, part="cohort", device="mobile", b_region="Ohio")
    words = PreviewWords(shoppers="1000", n="10", b_region="Ohio")
    if job := preview_lists.job_of(store, Scope(devices=("mobile",), compare="off"), words):
        job.join(300)
        test = whole(test.run())
    assert [command.split()[4] for command in commands(test)] == ["preview", "preview"]
    assert all("--scope device=mobile" in command for command in commands(test))
    assert "no experiment" in said(test) and "expected if everybody came" in said(test)
    assert "The preview is of whoever the bar above chooses, on any day." in said(test)
    test.segmented_control(key="preview_kind").set_value("purchase").run()
    assert test.query_params["expect"] in ("purchase", ["purchase"])


def test_a_preview_shows_how_far_it_is_and_can_be_cancelled(
    app: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, make = threading.Event(), lists_of

    def slow(*args: Any) -> Any:
        go.wait(120)
        return make(*args)

    monkeypatch.setattr(preview_lists, "lists_of", slow)
    test = opened(app, part="cohort")
    assert not commands(test) and "before the held-out days" in said(test)
    test.button(key="preview_cancel").click().run()
    go.set()
    job = jobs.job_of(preview_lists._KIND, store.path)
    assert job is not None
    job.join(120)
    assert "The preview was cancelled; nothing was kept." in test.run().error[0].value
    test.button(key="preview_again").click().run()
    job.join(120)
    again = jobs.job_of(preview_lists._KIND, store.path)
    assert again is not None and again is not job
    again.join(300)
    assert [command.split()[4] for command in commands(whole(test.run()))] == ["preview", "preview"]


def test_the_next_step_needs_no_model(app: Open, pages_home: Path) -> None:
    found = Store.open(pages_home / "sample")
    item = str(found.cursor().execute("SELECT mode(item_id) FROM log WHERE event = 'view'").fetchall()[0][0])
    span = {"from_": "2025-01-01", "to": "2025-06-30"}
    test = opened(app, part="next", did=f"view:{item}", **span)
    assert [command.split()[4] for command in commands(test)] == ["next-step"] * 3
    assert NOTHING_TO_SHOW in said(test)  # in place of an empty picture
    test = opened(app, part="next", told_by="event", **span)
    assert len(commands(test)) == 2 and "Choose a path above" in said(test)
    common = test.selectbox(key="next_common")
    common.select(common.options and '"view"->"cart"').run()
    assert "view → cart" in said(test)
    assert "Ways to a purchase need" not in said(test)
    assert "no way leads to one" in said(opened(app, part="next", goal="refund", from_="2025-01-01"))
