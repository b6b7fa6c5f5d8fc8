"""The page of path clusters without a browser: what it asks for, shows and keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.journeys import MapOptions, encoding, kept_maps, open_map
from core.journeys.given_names import give_name
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from pages.parts import ask
from pages.parts.journey_detail import _about
from pages.parts.journey_map import _making
from tests.analyses.search_oracle import CountedWords
from tests.pages.conftest import Open, commands
from tests.pages.test_scope import address

WHOLE = {"from": "2025-01-01", "to": "2025-06-30"}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> CountedWords:
    """Texts are alike by the words that they share: no model is needed."""
    stand_in = CountedWords()
    stand_in.encoder.card.fingerprint = "counted words of pages"
    analyses = [import_module(f"core.analyses.{name}") for name in ("journeys", "meaning", "phrases")]
    for module in (kept_maps, encoding, *analyses):
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
def test_points_are_coloured_by_what_came_next(app: Open) -> None:
    test = app("clusters", colour="next", unit="session", **WHOLE)
    assert not test.exception
    assert "what the shopper did first after the path" in said(test)


@pytest.mark.usefixtures("model")
def test_words_light_up_the_paths_near_to_them(app: Open) -> None:
    test = app("clusters", need="coffee", colour="nearness", **WHOLE)
    assert not test.exception
    assert any("text=coffee" in command for command in commands(test) if "show journeys" in command)


def test_what_a_visit_finds_damaged_is_said_once(
    app: Open, model: CountedWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    of = model.of

    def damaged(texts: Sequence[str]) -> np.ndarray:
        found.append("A file was damaged; its vectors are made anew.")
        return of(texts)

    def said_of_caches() -> tuple[str, ...]:
        told, found[:] = tuple(dict.fromkeys(found)), []
        return told

    monkeypatch.setattr(ask, "said_of_caches", said_of_caches)
    test = app("clusters", **WHOLE)
    assert not test.toast
    monkeypatch.setattr(model, "of", damaged)
    test.query_params["need"] = "waterproof boots"
    test.run()
    assert [toast.value for toast in test.toast] == ["A file was damaged; its vectors are made anew."]
    assert not app("clusters", **WHOLE).toast  # who comes later is not told


@pytest.mark.usefixtures("model")
def test_a_link_with_words_is_coloured_by_nearness_until_told_otherwise(app: Open) -> None:
    long = "coffee " * 600
    test = app("clusters", need=long.strip(), **WHOLE)
    assert not test.exception and test.selectbox(key="view_colour").value == "nearness"
    caption = next(c.value for c in test.caption if "nearest to" in c.value)
    assert "…”" in caption and caption.count("coffee") < 12
    assert "Of the text's 600 words only the first 256 were read" in caption
    test.selectbox(key="view_colour").select("cluster").run()
    assert address(test)["colour"] == ["cluster"], "which the link must say, as words stand in it"
    again = app("clusters", need="coffee", colour="cluster", **WHOLE)
    assert again.selectbox(key="view_colour").value == "cluster"
    again.text_input(key="journeys_need").set_value("").run()
    assert again.selectbox(key="view_colour").value == "cluster"
    assert app("clusters", **WHOLE).selectbox(key="view_colour").value == "cluster"


EVERYWHERE = "-99_-99_99_-99_99_99_-99_99"


@pytest.mark.usefixtures("model")
def test_a_lasso_of_a_link_is_restored_and_dropped_with_its_map(app: Open) -> None:
    test = app("clusters", lasso=EVERYWHERE, **WHOLE)
    assert not test.exception and not test.warning
    shoppers = test.dataframe[0].value["shoppers"]
    everybody = re.search(r"\*\*([\d,]+) shoppers\*\* have a path here", said(test))
    assert everybody and int(everybody[1].replace(",", "")) >= shoppers.sum()
    without = app("clusters", lasso=f"{EVERYWHERE}~~0", **WHOLE)
    left = int(everybody[1].replace(",", "")) - int(shoppers.iloc[0])
    assert f"**{left:,} shoppers** have a path here" in said(without)
    assert address(test)["lasso"] == [EVERYWHERE]
    test.segmented_control(key="view_unit").select("session").run()
    assert not test.exception and not test.warning
    assert "have a path here" not in said(test) and "lasso" not in address(test)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("lasso", "sentence"),
    [
        ("500_500_501_500_501_501", "The lasso holds no path; draw it again."),
        ("1_2_3", "which was left out. A lasso is written as its corners"),
        ("1_2_3_4_5_6~" + "_".join("1" * 16), "a map with more or fewer dimensions"),
    ],
)
def test_a_lasso_that_holds_nothing_is_a_sentence(app: Open, lasso: str, sentence: str) -> None:
    test = app("clusters", lasso=lasso, **WHOLE)
    assert not test.exception and not test.error
    everything = said(test) + " ".join(warning.value for warning in test.warning)
    assert sentence in everything.replace("\\", "")
    assert "What sets them apart" not in everything


@pytest.mark.usefixtures("model")
def test_shares_of_the_page_are_written_alike(app: Open) -> None:
    test = app("clusters", cluster="1", **WHOLE)
    assert all(metric.value.endswith(" %") for metric in test.metric[:2])
    assert "What sets them apart from everybody else" in said(test)
    assert not re.search(r"\d%", said(test))
    assert "held together by: ." not in said(test).lower()


def test_a_map_that_is_made_says_what_and_how_long() -> None:
    assert _making(0.0, "gathering paths", 0.1) == "Gathering paths · the map is made once, then kept"
    assert _making(0.25, "finding neighbours", 5.0) == "Finding neighbours · about 15 s left"


def test_a_cluster_without_words_is_not_said_to_be_held_together() -> None:
    row = {"cluster": 1, "name": "A", "nearest": 2, "words": ""}
    other = {"cluster": 2, "name": "B", "nearest": None, "words": "tea"}
    assert _about(row, [row, other]).strip() == "Nearest to it is 2 · B."
    assert _about(other, [row, other]) == "Held together by: tea."


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
