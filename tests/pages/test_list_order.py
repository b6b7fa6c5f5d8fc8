"""The page Recommendations with a model of lists: a list of the log, put in order; one written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.recommender.models import train_model
from core.scope import Scope
from core.store import Store
from pages.parts import ask, list_order
from tests.analyses import search_oracle
from tests.pages.conftest import Open, commands
from tests.pages.test_pages import said, whole
from tests.recommender.test_shown_models import LISTS, quick


@pytest.fixture
def store(pages_home: Path) -> Iterator[Store]:
    """The sample with a model of lists in use."""
    with search_oracle.encoded(), pytest.MonkeyPatch.context() as patch:
        quick(patch)
        store = Store.open(pages_home / "sample")
        train_model(store, LISTS)
        yield store


def opened(app: Open, **words: str) -> AppTest:
    return whole(app("recommendations", store="sample", **words))


def test_a_list_of_the_log_is_put_in_order_and_changed(app: Open, store: Store) -> None:
    test = opened(app)
    assert "Choose a list above" in said(test) and not commands(test)
    row = ANALYSES["shown-lists"].run(store, Scope(), event="click").table.to_pylist()[3]
    test.selectbox(key="list_of_log").select(3).run()
    shown = ",".join(row["shown"])
    assert test.query_params["listed"] in (shown, [shown])
    answer = ANALYSES["recommended"].run(
        store, Scope(), shown=shown, path=",".join(row["path"]), device=row["device"],
        price=list_order._words(row)["a_price"],
    )  # fmt: skip
    its = next(one for one in answer.table.to_pylist() if one["item_id"] == row["taken"])
    assert its["stood"] == row["stood"]
    would = "there too" if its["stood"] == its["place"] else f"at place {its['place']}"
    assert f"What was taken stood at place {row['stood']}, and would stand {would}" in said(test)
    assert [command.split()[4] for command in commands(test)] == ["recommended", "recommended"]
    drawn = json.loads(test.get("plotly_chart")[0].proto.spec)
    assert any("taken" in note["text"] for note in drawn["layout"]["annotations"])
    # Another path of the same list: what was taken stays told, and the list of the log is chosen no more.
    test.text_input(key="text_did").input(f"view:{row['shown'][-1]}").run()
    assert test.selectbox(key="list_of_log").value is None and "What was taken stood" in said(test)


def test_a_list_written_by_hand_and_what_cannot_be_read(app: Open, store: Store) -> None:
    test = opened(app, listed="P10017, P59732, P10017")
    assert "names 'P10017' twice; name each item once" in said(test).replace("\\", "")
    test.text_input(key="text_listed").input("P10017, P59732").run()
    assert "would stand first of 2; it stood at place" in said(test)
    test.text_input(key="text_a_price").input("P59732=free").run()
    assert "is not of the form ITEM=NUMBER" in said(test).replace("\\", "")
    test = opened(app, part="cohort")
    assert "The model in use puts lists in order" in said(test)


def test_the_page_models_describes_a_model_of_lists(app: Open, store: Store) -> None:
    test = whole(app("models", store="sample"))
    words = said(test).replace("\\", "")
    assert "click for each item of a list that is shown" in words and "as it was shown" in words
    assert "puts lists in order, of which no curve is kept" in words and "Proposing items" in words
    assert not any(button.key == "measure" for button in test.button) and "Write a rule" not in words
    assert [command.split()[4] for command in commands(test)] == ["model-card", "models-compared", "audit"]


def test_on_shared_data_no_list_of_the_log_is_offered(
    app: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "k", 10)
    assert "On shared data no session's list can be chosen" in said(opened(app))
    test = opened(app, listed="P10017, P59732")
    assert all(box.key != "list_of_log" for box in test.selectbox) and commands(test)


def test_an_order_of_lists_is_offered_where_the_log_has_some(
    app: Open, trained_page: Store, bare_store: Store
) -> None:
    test = whole(app("models", store="sample"))
    assert "Order of lists shown" in test.selectbox(key="train_items").options
    assert not ask._has_lists(bare_store, bare_store.fingerprint)
