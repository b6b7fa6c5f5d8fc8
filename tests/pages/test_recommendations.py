"""The recommendations page: two lists, what moved them, and why; all that is chosen stays in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.journeys import encoding
from core.recommender import item_models
from core.recommender.models import TrainOptions, job_of, train_model
from core.recommender.versions import open_version
from core.scope import Scope
from core.store import Store
from tests.analyses import search_oracle
from tests.pages.conftest import Open, commands
from tests.pages.test_pages import said, whole


@pytest.fixture
def store(pages_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The sample with a model."""
    monkeypatch.setattr(item_models, "MOST_DENSE", 100)
    with search_oracle.encoded():
        found = Store.open(pages_home / "sample")
        train_model(found, TrainOptions(event="click", days=20))
        yield found


def test_a_model_is_trained_from_the_page(
    app: Open, pages_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_models, "MOST_DENSE", 100)
    found = Store.open(pages_home / "sample")
    monkeypatch.setattr(encoding, "missing_in", lambda *_asked: (0, 1))
    with search_oracle.encoded():
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


def opened(app: Open, **words: str) -> AppTest:
    return whole(app("recommendations", store="sample", **words))


def test_two_lists_and_why(app: Open, store: Store) -> None:
    test = opened(app, a_region="Minnesota", b_region="Florida", b_at="2026-01-10T18:00")
    answer = ANALYSES["what-if"].run(
        store, Scope(), region="Minnesota", b_region="Florida", b_at="2026-01-10T18:00"
    )
    assert [command.split()[4] for command in commands(test)] == ["what-if", "recommended", "what-if"]
    assert answer.of in said(test).replace("\\", "")
    why = next(box for box in test.selectbox if box.label.startswith("Why"))
    assert why.options == answer.table["title"].to_pylist()
    assert "not an experiment" in said(test)
    chosen = {box.key: box.value for box in test.selectbox}
    assert chosen["choice_b_region"] == "Florida" and chosen["choice_b_at"] == "2026-01-10T18:00"
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
