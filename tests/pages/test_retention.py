"""The retention page: its numbers, its words in the address, and what it says where it makes no sense."""

from __future__ import annotations

import pytest

from core.analyses import ANALYSES
from core.charts.numbers import written
from core.scope import Scope
from core.store import Store
from tests.pages.conftest import Open, commands
from tests.pages.test_pages import SPAN, said, whole
from tests.pages.test_scope import address


def test_the_answer_is_in_numbers_on_top(app: Open, sample_store: Store) -> None:
    test = whole(app("retention", store="sample", **SPAN))
    assert [metric.label for metric in test.metric] == [
        "Back 1 week later", "Back 4 weeks later", "New", "Returning", "Resurrecting", "Dormant",
    ]  # fmt: skip
    scope = Scope.parse({"from": SPAN["from_"], "to": SPAN["to"]})
    rows = ANALYSES["retention"].run(sample_store, scope).table.to_pylist()
    means = {row["period"]: row["share"] for row in rows if row["cohort"] is None}
    assert [m.value for m in test.metric][:2] == [written(means[n], "share") for n in (1, 4)]
    assert all(metric.delta for metric in test.metric)
    named = sorted(command.split()[4] for command in commands(test))
    assert named == ["lifecycle", "retention", "retention", "retention", "stickiness"]


@pytest.mark.parametrize(
    "words",
    [
        {"period": "day"},
        {"period": "month", "from_": "2025-01-01", "to": "2025-06-30"},
        {"returns": "after", "relative": "previous", "cohorts": "every"},
        {"groups": "region"},
        {"groups": "category"},
        {"groups": "device"},
        {"start": "view[category=Shoes]", "back": "purchase"},
        {"from_": "2025-06-10", "to": "2025-06-12"},
    ],
)
def test_each_option_draws_and_stays_in_the_address(app: Open, words: dict[str, str]) -> None:
    test = whole(app("retention", store="sample", **{**SPAN, **words}))
    assert len(test.metric) >= 4
    assert all(address(test)[key.rstrip("_")] == [value] for key, value in words.items())
    for option, written_as in (("returns", "mode"), ("groups", "by"), ("start", "start"), ("back", "back")):
        if option in words:
            assert any(f"{written_as}={words[option]}" in block.value for block in test.code)


def test_events_are_chosen_from_the_logs_own_or_written(app: Open) -> None:
    test = whole(app("retention", store="sample", **SPAN))
    assert "start" not in address(test)
    before = test.metric[0].value
    choice = test.selectbox(key="text_start")
    assert choice.options[0] == "any event"
    assert "purchase" in choice.options
    choice.set_value("purchase").run()
    assert address(whole(test))["start"] == ["purchase"]
    assert test.metric[0].value != before
    test.selectbox(key="text_start").set_value("*").run()
    assert "start" not in address(whole(test))
    assert test.metric[0].value == before


def test_a_step_that_the_dates_are_too_short_for_is_not_offered(app: Open) -> None:
    test = whole(app("retention", store="sample", period="month", from_="2025-06-03", to="2025-06-30"))
    assert [o for g in test.button_group for o in g.options if o.startswith("By ")][:2] == [
        "By week (usual)", "By day",
    ]  # fmt: skip
    assert "cohorts by the first week" in said(test)


def test_a_day_or_two_are_too_few(app: Open) -> None:
    test = whole(app("retention", store="sample", from_="2025-06-10", to="2025-06-11"))
    assert "These dates hold 2 days: too few to see who comes back. Choose 3 or more above." in said(test)
    assert not test.metric


def test_an_event_that_nobody_does_is_said(app: Open) -> None:
    test = whole(app("retention", store="sample", start="joy", **SPAN))
    assert "Of no cohort is it known" in said(test)
    assert "The log has no “joy”; it has browse" in said(test)
    assert test.selectbox(key="text_start").value == "joy"


def test_events_that_cannot_be_read_are_a_sentence(app: Open) -> None:
    test = app("retention", store="sample", start="view[", **SPAN)
    assert not test.exception
    assert "put a comma between" in " ".join(error.value for error in test.error)
    assert test.selectbox(key="text_start").value == "view["
