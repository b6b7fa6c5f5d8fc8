"""The page of path clusters without a browser: what it asks for, shows and keeps."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.journeys import MapOptions, encoding, kept_maps, open_map
from core.journeys.given_names import give_name
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from tests.analyses.search_oracle import CountedWords
from tests.pages.conftest import Open, commands

WHOLE = {"from": "2025-01-01", "to": "2025-06-30"}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> CountedWords:
    """Texts are alike by the words that they share: no model is needed."""
    stand_in = CountedWords()
    stand_in.encoder.card.fingerprint = "counted words of pages"
    for module in (kept_maps, encoding, import_module("core.analyses.journeys")):
        monkeypatch.setattr(module, "open_vectors", lambda: stand_in)
    return stand_in


def said(test: AppTest) -> str:
    return " ".join(element.value for element in (*test.markdown, *test.caption))


@pytest.mark.usefixtures("model")
def test_clusters_are_listed_and_one_is_told_of_in_full(app: Open) -> None:
    test = app("clusters", cluster="1", **WHOLE)
    assert not test.exception
    assert test.dataframe[0].value["share"].iloc[0] == max(test.dataframe[0].value["share"])
    asked = commands(test)
    for name in (
        "journeys",
        "clusters",
        "cluster-traits",
        "cluster-paths",
        "cluster-drift",
        "funnel",
        "hours",
    ):
        assert any(f"show {name} " in command for command in asked), name
    assert "have a path here" in said(test)
    assert [metric.label for metric in test.metric][:2] == ["Neighbours kept", "Found again"]


@pytest.mark.usefixtures("model")
def test_a_cluster_becomes_a_cohort_of_the_same_shoppers(app: Open, pages_home: Path) -> None:
    test = app("clusters", cluster="2", **WHOLE)
    count = int(test.dataframe[0].value["shoppers"].iloc[1])
    assert f"**{count:,} shoppers** have a path here" in said(test)
    test.text_input(key="cohort_name_journeys_2").set_value("Second kind").run()
    test.button(key="cohort_save_journeys_2").click().run()
    store = Store.open(pages_home / "sample")
    assert store.cohorts.get("Second kind").body["fixed"]
    assert int(open_cohorts(store).members("Second kind").sum()) == count


@pytest.mark.usefixtures("model")
def test_a_name_that_was_given_is_shown(app: Open, pages_home: Path) -> None:
    scope = Scope.parse(WHOLE)
    give_name(open_map(Store.open(pages_home / "sample"), scope, MapOptions()), 0, "Our regulars")
    assert app("clusters", **WHOLE).dataframe[0].value["name"].iloc[0] == "Our regulars"


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"cluster": "99"}, "cluster='99', which was left out; this map has clusters 1 to"),
        ({"cluster": "1", "beside": "abc"}, "beside='abc', which was left out"),
        ({"weights": "1,1"}, "a number for each of what, when, where, how"),
        ({"weights": "a lot,1,1,1"}, "is no weight"),
        ({"weights": "0,0,0,0"}, "at least one must count"),
    ],
)
def test_a_word_of_the_link_that_fits_nothing_is_said(
    app: Open, words: dict[str, str], sentence: str
) -> None:
    test = app("clusters", **words, **WHOLE)
    assert not test.exception and len(test.dataframe[0].value) > 1
    # Marks that would be Markdown are escaped.
    assert sentence in " ".join(warning.value for warning in test.warning).replace("\\", "")


@pytest.mark.usefixtures("model")
def test_weights_beyond_the_sliders_are_drawn(app: Open) -> None:
    test = app("clusters", weights="5,1,1,1", **WHOLE)
    assert not test.exception and not test.error and not test.warning
    assert test.slider(key="weight_what").value == 5


@pytest.mark.usefixtures("model")
def test_another_map_forgets_the_cluster_and_another_picture_does_not(app: Open) -> None:
    test = app("clusters", cluster="2", beside="1", **WHOLE)
    assert "#### 2 · " in said(test)
    test.segmented_control(key="view_dims").set_value("3").run()
    assert "#### 2 · " in said(test) and not test.exception  # the same clusters, drawn in depth
    test.selectbox(key="view_detail").set_value("5").run()
    assert "Tick a kind" in said(test) and "#### 2 · " not in said(test)
    assert not test.warning and not test.exception


@pytest.mark.usefixtures("model")
def test_words_light_up_the_paths_near_to_them(app: Open) -> None:
    test = app("clusters", need="coffee", colour="nearness", **WHOLE)
    assert not test.exception
    assert any("text=coffee" in command for command in commands(test) if "show journeys" in command)


def test_what_is_not_encoded_is_offered(app: Open, model: CountedWords) -> None:
    model._known, model.encoder.card.fingerprint = False, "nothing known"
    model.encoder.describe = lambda: "counted words"
    test = app("clusters", **WHOLE)
    assert "are not encoded yet" in said(test) and test.button(key="encode")
    without = app("clusters", weights="0,1,0.25,0.5", **WHOLE)  # when, where and how need no words
    assert len(without.dataframe[0].value) > 1


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"region": "Wyoming", "from": "2025-03-01", "to": "2025-03-02"}, "needs 30 paths"),
        ({"weights": "a,b", **WHOLE}, ""),
        ({"cluster": "77", **WHOLE}, "Tick a kind"),
    ],
)
def test_what_cannot_be_mapped_is_a_sentence(app: Open, words: dict[str, str], sentence: str) -> None:
    test = app("clusters", **words)
    assert not test.exception and sentence in said(test)


@pytest.mark.usefixtures("model")
def test_a_log_without_words_is_mapped_by_the_rest(app: Open) -> None:
    test = app("clusters", store="bare")
    assert not test.exception
    assert "has words, so they are compared by when, where and how" in said(test)
