"""The page Cohorts and saved views: made, used, told apart, deleted, and safe under two editors."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
from streamlit.testing.v1 import AppTest

from core.analyses import ANALYSES
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store
from tests.pages.conftest import SHELL, Open

SPAN = {"store": "sample", "from_": "2025-05-01", "to": "2025-06-15"}
CART = {"of": "did", "event": "cart"}


def said(test: AppTest) -> str:
    elements = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success]
    return "\n".join(str(e.value) for e in elements)


def press(test: AppTest, start: str) -> AppTest:
    next(button for button in test.button if str(button.key).startswith(start)).click()
    return test.run()


def stored(home: Path) -> Store:
    return Store.open(home / "sample")


def test_a_cohort_of_the_form_narrows_every_page(app: Open, pages_home: Path) -> None:
    test = app("cohorts", **SPAN)
    assert "No cohort has been saved" in said(test)
    test.selectbox(key="condition_event_0").select("cart").run()
    name = next(box for box in test.text_input if str(box.key).startswith("cohort_name_form"))
    name.input("Cart people").run()
    press(test, "cohort_use_form")
    assert "Saved the cohort “Cart people”" in said(test)
    assert test.query_params["cohort"] == "Cart people"
    store = stored(pages_home)
    test.switch_page(str(SHELL.parent / "overview.py")).run()
    scope = Scope.parse({"from": SPAN["from_"], "to": SPAN["to"], "cohort": "Cart people"})
    rows = ANALYSES["overview"].run(store, scope).table.to_pylist()
    want = next(row["value"] for row in rows if row["measure"] == "shoppers")
    shown = next(metric for metric in test.metric if metric.label == "Shoppers")
    assert shown.value == f"{want / 1000:.2f}k" or shown.value == f"{want:,.0f}"
    assert want == open_cohorts(store).find({"of": "and", "rules": [
        CART, {"of": "scope", "scope": {"from": SPAN["from_"], "to": SPAN["to"]}}]}).sum()  # fmt: skip


def test_a_condition_in_the_middle_is_dropped_and_the_name_stays(app: Open) -> None:
    test = app("cohorts", **SPAN)
    assert not [group for group in test.button_group if group.key == "condition_join"]
    for _ in range(2):
        press(test, "condition_add")
    for i, event in enumerate(("view", "cart", "purchase")):
        test.selectbox(key=f"condition_event_{i}").select(event).run()
    test.text_input(key="cohort_name_form").input("Mine").run()
    press(test, "condition_drop_1")
    events = [box.value for box in test.selectbox if str(box.key).startswith("condition_event_")]
    assert events == ["view", "purchase"]
    assert test.text_input(key="cohort_name_form").value == "Mine"
    press(test, "condition_add")
    assert len([b for b in test.selectbox if str(b.key).startswith("condition_event_")]) == 3


def test_a_condition_holds_in_the_picked_cells(app: Open, pages_home: Path) -> None:
    store = stored(pages_home)
    cells = ANALYSES["demand"].run(store, Scope(compare="off"), resolution="4").table
    cell = cells["cell"][0].as_py()
    test = app("cohorts", **SPAN, cell=cell)
    test.selectbox(key="condition_event_0").select("cart").run()
    test.checkbox(key="condition_cells_0").check().run()
    rule = {**CART, "scope": {"cell": cell}, "times": 1, "days": 0}
    count = int(open_cohorts(store).find(rule).sum())
    assert 0 < count < open_cohorts(store).find(CART).sum()
    assert f"**{count:,} shopper{'s' if count > 1 else ''}**" in said(test)


def test_two_cohorts_are_held_side_by_side(app: Open, pages_home: Path) -> None:
    cohorts = open_cohorts(stored(pages_home))
    cohorts.save("Cart", CART)
    cohorts.save("Buyers", {"of": "did", "event": "purchase"})
    test = app("cohorts", **SPAN, cohort_mine="Cart", cohort_other="Buyers")
    assert not test.exception and not test.error
    both = (cohorts.members("Cart") & cohorts.members("Buyers")).sum()
    assert f"{both:,} shoppers are in both" in said(test)


def test_a_cohort_that_refers_to_itself_is_a_sentence(app: Open, pages_home: Path) -> None:
    store = stored(pages_home)
    open_cohorts(store).save("a", CART)
    store.cohorts.save("a", {"rule": {"of": "cohort", "name": "a"}, "fixed": False}, seen=1)
    test = app("cohorts", **SPAN)
    assert not test.exception
    assert "refers to itself" in said(test)
    narrowed = app("overview", **SPAN, cohort="a")
    assert not narrowed.exception and "refers to itself" in said(narrowed)


def test_a_cohort_of_nobody_leaves_nothing_and_breaks_nothing(app: Open, pages_home: Path) -> None:
    """It had members when it was saved; a rule may mean nobody once another cohort changed."""
    open_cohorts(stored(pages_home)).save("Nobody", {"of": "did", "event": "view", "times": 10_000})
    for page in ("overview", "map", "funnel", "retention"):
        test = app(page, **SPAN, cohort="Nobody")
        assert not test.exception and not test.error
        assert "Nothing in the log fits" in said(test)
    test = app("cohorts", **SPAN)
    assert "“Nobody” has fewer than" in said(test)


def test_a_second_editor_is_told(app: Open, pages_home: Path) -> None:
    open_cohorts(stored(pages_home)).save("Taken", CART)
    test = app("cohorts", **SPAN)
    name = next(box for box in test.text_input if str(box.key).startswith("cohort_name_form"))
    name.input("Taken").run()
    press(test, "cohort_save_form")
    assert "There is a cohort 'Taken' already" in said(test)


def test_a_view_is_saved_listed_opened_and_deleted(app: Open, pages_home: Path) -> None:
    test = app("funnel", **SPAN, steps="view,cart", order="strict", region="Ohio")
    test.text_input(key="view_name").input("Weekly").run()
    press(test, "view_save")
    body = stored(pages_home).saved_views.get("Weekly").body
    assert body["page"] == "funnel" and body["words"]["steps"] == ["view,cart"]
    start = app("overview", store="sample")
    press(start, "open_view_Weekly")
    assert start.query_params["steps"] == "view,cart" and start.query_params["region"] == "Ohio"
    assert start.query_params["order"] == "strict" and start.query_params["from"] == "2025-05-01"
    back = app("overview", store="sample")
    press(back, "delete_view_Weekly")
    assert not stored(pages_home).saved_views.all()


def test_a_cohort_is_renamed_wherever_it_is_named(app: Open, pages_home: Path) -> None:
    cohorts = open_cohorts(stored(pages_home))
    cohorts.save("Cart", CART)
    cohorts.save("Kept", {"of": "and", "rules": [{"of": "cohort", "name": "Cart"}, CART]}, fixed=True)
    words = {"cohort": ["Cart"], "cohort_mine": ["Cart"], "against": ["cohort:Cart"]}
    stored(pages_home).saved_views.save("Weekly", {"page": "funnel", "words": words})
    before = {name: cohorts.members(name).sum() for name in ("Cart", "Kept")}
    renamed = cohorts.rename("Cart", "Put into a cart", 1)
    assert renamed.name == "Put into a cart"
    assert [d.name for d in stored(pages_home).cohorts.all()] == ["Kept", "Put into a cart"]
    again = open_cohorts(stored(pages_home))
    assert again.members("Put into a cart").sum() == before["Cart"]
    assert again.members("Kept").sum() == before["Kept"]
    assert again.find(stored(pages_home).cohorts.get("Kept").body["rule"]).sum() == before["Kept"]
    assert stored(pages_home).saved_views.get("Weekly").body["words"] == {
        "cohort": ["Put into a cart"], "cohort_mine": ["Put into a cart"],
        "against": ["cohort:Put into a cart"],
    }  # fmt: skip


def test_the_form_writes_what_it_reads(app: Open, pages_home: Path) -> None:
    """A cohort that is changed in the form and saved again means who it meant."""
    cohorts = open_cohorts(stored(pages_home))
    rule = {
        "of": "or",
        "rules": [
            {"of": "not", "rules": [{"of": "rfm", "recency": [1, 3], "frequency": [2, 5], "money": [1, 5]}]},
            {**CART, "times": 2, "days": 30, "scope": {"region": ["Ohio"]}},
        ],
    }
    document = cohorts.save("Mixed", rule)
    test = app("cohorts", **SPAN)
    # What a tick and a click on “Change its conditions” leave in the session; a table cannot be ticked here.
    test.session_state["_cohort_edited"] = document
    test.session_state["_conditions"] = [0, 1]
    for key, value in (
        ("join", "or"), ("kind_0", "How well they buy"), ("not_0", "do not"), ("recency_0", (1, 3)),
        ("frequency_0", (2, 5)), ("money_0", (1, 5)), ("kind_1", "What they did"), ("event_1", "cart"),
        ("times_1", 2), ("days_1", 30), ("regions_1", ["Ohio"]), ("not_1", "do"),
    ):  # fmt: skip
        test.session_state[f"condition_{key}"] = value
    test.session_state["cohort_name_form"] = "Mixed"
    test.run()
    assert "Change “Mixed”" in said(test)
    press(test, "cohort_save_form")
    assert "Saved the cohort “Mixed”" in said(test)
    saved = stored(pages_home).cohorts.get("Mixed")
    assert saved.revision == 2 and saved.body["rule"] == rule
    assert "Make a cohort" in said(test)


def test_several_cohorts_overlap_as_sets_do(app: Open, pages_home: Path) -> None:
    store = stored(pages_home)
    cohorts = open_cohorts(store)
    for name in ("view", "cart", "purchase"):
        cohorts.save(name, {"of": "did", "event": name, "times": 3})
    test = app("cohorts", **SPAN)
    assert not test.exception and not test.error
    assert "How far the cohorts overlap" in said(test)
    rows = ANALYSES["overlap"].run(store, Scope()).table.to_pylist()
    assert len(rows) == 6
    for row in rows:
        one, other = (set(np.flatnonzero(cohorts.members(row[key]))) for key in ("first", "second"))
        assert row["both"] == len(one & other) > 0
        assert row["of_first"] == len(one & other) / len(one)
        assert row["jaccard"] == len(one & other) / len(one | other)


def test_a_view_has_a_link_to_copy(app: Open, pages_home: Path) -> None:
    test = app("funnel", **SPAN, steps="view,cart", region="Ohio")
    link = next(block.value for block in test.code if block.value.startswith("http"))
    address, words = link.split("?")
    assert address.endswith("/funnel")
    assert parse_qs(words) == {
        "store": ["sample"], "from": ["2025-05-01"], "to": ["2025-06-15"], "region": ["Ohio"],
        "steps": ["view,cart"],
    }  # fmt: skip


def test_a_picture_of_cohorts_follows_a_change_of_one(app: Open, pages_home: Path) -> None:
    """Splits and overlaps name cohorts that the scope does not: no answer outlives a change."""
    cohorts = open_cohorts(stored(pages_home))
    for name in ("one", "two", "three"):
        cohorts.save(name, CART)
    assert not app("cohorts", **SPAN).exception
    cohorts.rename("one", "another", 1)
    test = app("cohorts", **SPAN)
    shown = [frame.value for frame in test.dataframe]
    assert not test.exception and shown
    toggle = next(t for t in test.toggle if t.key == "as_table_cohort_overlaps")
    toggle.set_value(True).run()
    names = {name for frame in test.dataframe for column in frame.value if "first" in str(column).lower()
             for name in frame.value[column]}  # fmt: skip
    assert "another" in names and "one" not in names


def test_a_name_is_shown_as_it_is_written(app: Open, pages_home: Path) -> None:
    open_cohorts(stored(pages_home)).save("**bold** `code` $1$ a_b", CART)
    test = app("cohorts", **SPAN)
    assert r"What sets “\*\*bold\*\* \`code\` \$1\$ a_b” apart" in said(test)
