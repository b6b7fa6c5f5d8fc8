"""The page Funnel: the numbers of the analysis, the editor, and sentences for what cannot be asked."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.paths import open_cohorts
from core.paths.steps import MOST_STEPS
from core.scope import Scope
from core.store import Store
from tests.pages.conftest import Open, commands

SPAN = {"store": "sample", "from_": "2025-05-01", "to": "2025-06-15"}


def said(test: AppTest) -> str:
    return "\n".join(str(e.value) for e in [*test.markdown, *test.caption, *test.error, *test.warning])


def steps_in(test: AppTest) -> list[str]:
    return [str(box.value) for box in test.selectbox if str(box.key).startswith("step_event_")]


def press(test: AppTest, key: str) -> AppTest:
    next(button for button in test.button if button.key == key).click()
    return test.run()


@pytest.mark.parametrize(
    "words",
    [
        {"steps": "view,cart[device=mobile],purchase", "window": "7d"},
        {"steps": "view,cart,purchase", "order": "strict", "unit": "session"},
        {"steps": "view,wishlist?,purchase", "exclude": "support@1-3", "hold": "category"},
        {"steps": "cart,view", "order": "any", "window": "2h"},
    ],
)
def test_a_link_gives_the_analysis_of_its_words(
    app: Open, sample_store: Store, words: dict[str, str]
) -> None:
    test = app("funnel", **SPAN, **words)
    assert not test.exception and not test.error
    scope = Scope.parse({"from": SPAN["from_"], "to": SPAN["to"]})
    answer = ANALYSES["funnel"].run(sample_store, scope, **words)
    assert answer.title in said(test) and answer.of in said(test)
    named = " ".join(commands(test))
    for word, value in words.items():
        assert f"{word}={value}" in named.replace("'", "")


def test_steps_move_leave_and_come(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart,purchase")
    assert steps_in(test) == ["view", "cart", "purchase"]
    assert steps_in(press(test, "step_Later_0")) == ["cart", "view", "purchase"]
    assert steps_in(press(test, "step_Earlier_2")) == ["cart", "purchase", "view"]
    assert steps_in(press(test, "step_drop_1")) == ["cart", "view"]
    assert len(steps_in(press(test, "step_add"))) == 3
    press(test, "step_reset")
    assert "steps" not in test.query_params
    test.selectbox(key="step_event_0").select("search").run()
    assert test.query_params["steps"].startswith("search,")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"steps": "view,teleport"}, "Step 2 never happens"),
        ({"steps": "view,view"}, "are the same"),
        ({"steps": "view,cart", "window": "0d"}, "leaves no time"),
        ({"steps": "view,,cart"}, "cannot be read"),
        ({"steps": "view,cart", "group": "/[/=>x", "told": "paths"}, "no regular expression"),
        ({"steps": "view,cart", "exclude": "x@3-9"}, "names steps"),
        ({"steps": ",".join(["view"] * 21)}, "20 steps at most"),
        ({"cohort": "Nobody knows"}, "There is no cohort 'Nobody knows'"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence_and_the_page_stays(
    app: Open, words: dict[str, str], sentence: str
) -> None:
    test = app("funnel", **SPAN, **words)
    assert not test.exception
    assert sentence in said(test)
    assert any(str(button.key) == "step_add" for button in test.button)


def test_twenty_steps_draw(app: Open) -> None:
    test = app("funnel", **SPAN, steps=",".join(["view", "*"] * (MOST_STEPS // 2)))
    assert not test.exception and len(steps_in(test)) == MOST_STEPS


def test_the_suggested_steps_stay_when_the_scope_keeps_some_events(app: Open) -> None:
    """The scope alone would suggest another funnel; bars, labels and groups would then not match."""
    steps = steps_in(app("funnel", **SPAN))
    assert len(steps) > 2
    test = app("funnel", **SPAN, event=steps[:2])
    assert not test.exception and not test.error
    assert steps_in(test) == steps
    assert f"Funnel: {steps[0]} → {steps[-1]}" in said(test)
    funnels = [code for code in commands(test) if "show funnel" in code]
    assert funnels and all(f"steps={','.join(steps)}" in command for command in funnels)


def test_two_steps_that_were_dropped_are_no_longer_asked_about(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart,purchase", between="2-3")
    assert "Time from cart to purchase" in said(test)
    press(test, "step_drop_2")
    assert not test.error and "Time from view to cart" in said(test)
    assert "between" not in " ".join(commands(test))


def test_a_log_without_sessions_says_so_and_offers_no_split_that_it_lacks(app: Open) -> None:
    test = app("funnel", store="bare", steps="view,cart", unit="session", split="device")
    assert not test.exception and not test.error
    assert "The log has no sessions" in said(test)
    assert "Device" not in [option for group in test.button_group for option in group.options]


def test_a_day_goes_by_the_hour(app: Open) -> None:
    test = app("funnel", store="sample", from_="2025-05-14", to="2025-05-14", steps="view,cart")
    assert not test.exception and not test.error
    assert "Conversion from view to cart by hour" in said(test)
    test = app("funnel", store="sample", from_="2025-05-14", to="2025-05-15", steps="view,cart")
    assert "Conversion from view to cart by day" in said(test)


@pytest.mark.parametrize("where", ["groups", "map"])
def test_groups_and_map_draw(app: Open, where: str) -> None:
    test = app("funnel", **SPAN, steps="view,cart", where=where, split="device")
    assert not test.exception and not test.error
    assert re.search("by cell" if where == "map" else "Reach cart", said(test))


@pytest.mark.parametrize(("times", "words"), [("groups", "by device"), ("course", "by day")])
def test_times_are_told_by_group_and_over_time(
    app: Open, sample_store: Store, times: str, words: str
) -> None:
    test = app("funnel", **SPAN, steps="view,cart", times=times, split="device")
    assert not test.exception and not test.error
    assert f"Time from view to cart {words}" in said(test)
    named = [command for command in commands(test) if "show funnel-time" in command]
    assert named and all(f"by={words.split()[1]}" in command for command in named)


def test_times_of_cohorts_are_told_side_by_side(app: Open, pages_home: Path) -> None:
    store = Store.open(pages_home / "sample")
    open_cohorts(store).save("Cart", {"of": "did", "event": "cart"})
    test = app("funnel", **SPAN, steps="view,cart", times="groups", split="cohort")
    assert not test.exception and not test.error
    scope = Scope.parse({"from": SPAN["from_"], "to": SPAN["to"]})
    rows = ANALYSES["funnel-time"].run(store, scope, steps="view,cart", by="cohort").table.to_pylist()
    assert [row["cohort"] for row in rows] == ["(everybody)", "Cart"]
    alone = ANALYSES["funnel-time"].run(store, replace(scope, cohorts=("Cart",)), steps="view,cart")
    assert rows[1]["p90"] == alone.table["p90"][0].as_py()


def test_how_paths_are_told_changes_no_funnel_unseen(app: Open) -> None:
    words = {"steps": "view,cart", "nodes": "category", "hide": "cart*"}
    plain = app("funnel", **SPAN, **words)
    assert not plain.error and "never happens" not in said(plain)
    assert not [b for b in plain.button if b.key == "funnel_told"]
    told = app("funnel", **SPAN, **words, told="paths")
    assert "Step 2 never happens" in said(told)
    press(told, "funnel_told")
    assert "never happens" not in said(told) and "told" not in told.query_params


def test_a_step_is_made_optional_and_the_ends_never_are(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart,purchase")
    assert [test.checkbox(key=f"step_optional_{i}").disabled for i in range(3)] == [True, False, True]
    test.checkbox(key="step_optional_1").check().run()
    assert test.query_params["steps"] == "view,cart?,purchase"
    press(test, "step_Earlier_1")
    assert test.query_params["steps"] == "cart,view,purchase"


def test_a_narrowing_that_cannot_be_read_says_so(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart")
    test.text_input(key="step_narrow_0").input("colour=red").run()
    assert "colour" in said(test) and test.query_params["steps"] == "view,cart"


def test_any_two_steps_can_be_asked_about(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart,checkout,purchase", between="2-4")
    assert "Time from cart to purchase" in said(test)
    assert len(test.selectbox(key="funnel_between").options) == 6
    test.selectbox(key="funnel_between").select("1-3").run()
    assert "Time from view to checkout" in said(test) and test.query_params["between"] == "1-3"


def test_groups_are_of_any_steps_value(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,cart", split="device", value="last")
    assert "by device at the last step reached" in said(test)
    assert any("value=last" in code.value and "by=device" in code.value for code in test.code)


def test_a_funnel_that_nobody_finishes_has_no_drivers(app: Open) -> None:
    test = app("funnel", **SPAN, steps="view,teleport")
    assert "Nobody converted, so nothing can go with it." in said(test)


def test_another_log_starts_with_steps_of_its_own(app: Open) -> None:
    test = app("funnel", **SPAN, steps="checkout,purchase")
    test.radio(key="scope_store").set_value("bare").run()
    assert not test.exception and "never happens" not in said(test)
    assert "steps" not in test.query_params


@pytest.mark.parametrize(("period", "word"), [("auto", "day"), ("week", "week"), ("month", "month")])
def test_the_trend_goes_by_the_chosen_time(app: Open, period: str, word: str) -> None:
    test = app("funnel", **SPAN, steps="view,cart", period=period)
    assert f"Conversion from view to cart by {word}" in said(test)
