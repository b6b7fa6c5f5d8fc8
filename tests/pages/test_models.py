"""The page Models: what serves, changed with a reason; a rule is written, and the lists follow it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.recommender.audit import audit
from core.recommender.catalogue import open_catalogue
from core.recommender.models import SCORER_FILE
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import AtMost, Boost, Never, Rule
from core.recommender.titles import titled
from core.recommender.versions import Version, bytes_of, open_version, promote, promoted, save, versions
from core.store import Store
from tests.pages.conftest import PAGES, SHELL, Open, commands
from tests.pages.test_pages import said, whole


def files_of(version: Version) -> dict[str, bytes]:
    return {name: (version.folder / name).read_bytes() for name in version.files}


@pytest.fixture
def store(trained_page: Store) -> Store:
    """The sample with two versions, the first in use."""
    first = open_version(trained_page)
    save(trained_page, files_of(first), replace(first.about, note="the same again", curve=[]))
    return trained_page


def opened(app: Open, **words: str) -> AppTest:
    return whole(app("models", store="sample", **words))


def signed(test: AppTest, form: str, by: str = "Ann", why: str = "a test") -> AppTest:
    test.text_input(key=f"{form}_by").input(by)
    test.text_input(key=f"{form}_why").input(why)
    return test


def listed(test: AppTest) -> list[str]:
    """The items of the lists on the page Recommendations, best of B first."""
    test.switch_page(str(SHELL.parent / PAGES["recommendations"])).run()
    whole(test)
    return list(next(box for box in test.selectbox if box.label.startswith("Why")).options)


def test_what_serves_stands_at_the_top(app: Open, store: Store) -> None:
    test = opened(app)
    words = said(test).replace("\\", "")
    about = open_version(store).about
    assert "**Version 1**" in words and "by training: the first model of this log" in words
    assert f"**{about.metrics['ndcg@10']:.4f}**" in words and "what was popular in the 30 days" in words
    assert "click of an item new to the shopper within 20 days" in words
    assert [command.split()[4] for command in commands(test)] == [
        "model-card", "model-curve", "models-compared", "audit",
    ]  # fmt: skip
    assert test.button(key="promote").disabled


def test_a_version_is_promoted_and_rolled_back_with_a_reason(app: Open, store: Store) -> None:
    test = opened(app)
    test.selectbox(key="model_choice").select("2").run()
    assert test.query_params["model"] in ("2", ["2"])
    assert "trained before curves were kept" in said(test)
    test.button(key="promote").click().run()
    assert [error.value for error in test.error] == ["Say who you are and why: both go into the audit list."]
    assert promoted(store) == 1
    signed(test, "promotion", why="better on mobile").button(key="promote").click().run()
    whole(test)
    assert promoted(store) == 2 and "**Version 2**" in said(test)
    change = audit(store).changes[-1]
    assert (change.by, change.why) == ("Ann", "better on mobile")
    assert (
        test.text_input(key="promotion_by").value == "Ann" and not test.text_input(key="promotion_why").value
    )
    signed(test, "promotion", why="worse").button(key="rollback").click().run()
    whole(test)
    assert promoted(store) == 1 and "by Ann: worse" in said(test)
    assert test.button(key="rollback").disabled


def test_what_is_wrong_stands_where_it_is_seen(app: Open, store: Store) -> None:
    test = opened(app)
    assert test.button(key="rollback").disabled  # no version was in use before
    promote(store, 2)
    test = opened(app)
    test.button(key="rollback").click().run()
    assert [error.value for error in test.error] == ["Say who you are and why: both go into the audit list."]
    promote(store, 1)
    path = open_version(store).folder / SCORER_FILE
    path.write_bytes(path.read_bytes()[:100])
    test = opened(app)
    assert f"Version 1 of the model is damaged: its file {SCORER_FILE} has 100 of" in said(test).replace(
        "\\", ""
    )


def test_a_version_that_cannot_serve_is_not_promoted(app: Open, store: Store) -> None:
    first = open_version(store)
    save(store, files_of(first), replace(first.about, form="of another year"))
    button = opened(app, model="3").button(key="promote")
    assert button.disabled and "made by another version of Cartscape; train again" in button.help
    assert not opened(app, model="2").button(key="promote").disabled
    promote(store, 3)  # as from the command line, where an encoder may be another one
    promote(store, 1)
    button = opened(app).button(key="rollback")
    assert button.disabled and "made by another version of Cartscape; train again" in button.help


def test_another_model_is_offered_as_the_one_in_use_was_trained(app: Open, store: Store) -> None:
    """Here and where lists would be, had the one in use not been trained elsewhere."""
    first = open_version(store)
    about = replace(first.about, form="", settings=first.about.settings | {"items": "any", "days": 0.4})
    promote(store, save(store, files_of(first), about).number)
    for page in ("models", "recommendations"):
        test = whole(app(page, store="sample"))
        asked = test.selectbox(key="train_event").value, test.selectbox(key="train_items").value
        assert asked == ("click", "any") and test.number_input(key="train_days").value == 1


def test_a_version_is_deleted_with_a_reason(app: Open, store: Store) -> None:
    test = opened(app, model="1")
    assert promoted(store) == 1
    assert test.button(key="delete").label == "Delete version 1"
    test = opened(app, model="2")
    size = bytes_of(store, 2)
    assert f"Version 2 and its {size / 1e3:.1f} kB on the disk" in said(test)
    test.button(key="delete").click().run()
    assert "Say who you are and why" in test.error[0].value
    signed(test, "promotion").button(key="delete").click().run()
    assert [box.value for box in whole(test).success] == ["Version 2 is deleted."]
    assert [version.number for version in versions(store)] == [1] and audit(store).changes[-1].by == "Ann"
    test = opened(app, model="1")
    signed(test, "promotion").button(key="delete").click().run()
    assert "Version 1 of the model is promoted" in test.error[0].value


def test_a_rule_is_written_and_the_list_follows_it(app: Open, store: Store) -> None:
    before = listed(opened(app))
    test = opened(app)
    item = next(item for item, title in titled(store).items() if title == before[0])
    test.text_input(key="rule_name").input("Not this one")
    test.selectbox(key="rule_item").select(item)
    signed(test, "rule", why="recalled").button(key="rule_save").click().run()
    whole(test)
    assert "The rule is saved" in " ".join(box.value for box in test.success)
    assert RuleBook(store).rules() == (Rule("Not this one", Never(item=item)),)
    assert (audit(store).changes[-1].by, audit(store).changes[-1].why) == ("Ann", "recalled")
    assert "rules" in [command.split()[4] for command in commands(test)]
    after = listed(test)
    assert before[0] not in after and after[:9] == before[1:10]
    assert "The rule 'Not this one'" in said(test).replace("\\", "")
    assert "rule-effects" in [command.split()[4] for command in commands(test)]
    test.selectbox(key="choice_b_rules").select("off").run()
    assert next(box for box in test.selectbox if box.label.startswith("Why")).options[:10] == before[:10]

    test = opened(app)
    test.selectbox(key="rule_which").select("Not this one").run()
    signed(test, "rule", why="mended").button(key="rule_delete").click().run()
    whole(test)
    assert RuleBook(store).rules() == () and listed(test) == before


def test_each_kind_has_its_fields_and_is_changed_and_switched(app: Open, store: Store) -> None:
    test = opened(app)
    test.selectbox(key="rule_kind").select("boost").run()
    test.text_input(key="rule_name").input("Shoes up")
    test.selectbox(key="rule_category").select("Shoes")
    test.number_input(key="rule_factor").set_value(3.0)
    test.selectbox(key="rule_region").select("Ohio")
    signed(test, "rule").button(key="rule_save").click().run()
    whole(test)
    (rule,) = RuleBook(store).rules()
    assert rule == Rule("Shoes up", Boost(3.0, category="Shoes"), region="Ohio")
    assert test.selectbox(key="rule_which").value == "Shoes up"
    test.selectbox(key="rule_kind").select("at_most").run()
    test.number_input(key="rule_most").set_value(2)
    signed(test, "rule").button(key="rule_save").click().run()
    whole(test)
    assert RuleBook(store).rules() == (Rule("Shoes up", AtMost(2), region="Ohio"),)
    signed(test, "rule").button(key="rule_switch").click().run()
    whole(test)
    assert not RuleBook(store).rules()[0].on
    for kind in ("always", "in_stock", "never"):
        whole(test.selectbox(key="rule_kind").select(kind).run())


def test_what_cannot_be_is_a_sentence(app: Open, store: Store) -> None:
    test = opened(app)
    test.button(key="rule_save").click().run()
    assert "Say who you are and why" in test.error[0].value
    signed(test, "rule").button(key="rule_save").click().run()
    assert "names nothing; it takes one item or category or brand" in test.error[0].value
    test.selectbox(key="rule_kind").select("in_stock").run()
    signed(test, "rule").button(key="rule_save").click().run()
    assert "A rule needs a name of 1 to 200 letters" in test.error[0].value
    test.text_input(key="rule_name").input("stock")
    signed(test, "rule").button(key="rule_save").click().run()
    whole(test)
    book = RuleBook(store)
    book.switch("stock", False, 1)  # somebody else, meanwhile
    signed(test, "rule").button(key="rule_switch").click().run()
    assert "was changed by somebody else" in test.error[0].value
    assert not book.rules()[0].on


def test_rules_that_leave_nothing_are_a_sentence_on_the_page(app: Open, store: Store) -> None:
    book = RuleBook(store)
    for name in open_catalogue(store).values["category"]:
        book.save(Rule(f"no {name}", Never(category=name)))
    assert "The rules leave nothing to show" in said(whole(app("recommendations", store="sample")))
    test = whole(app("recommendations", store="sample", b_rules="maybe"))
    assert "rules='maybe' is not known; it takes on or off" in said(test).replace("\\", "")


@pytest.mark.usefixtures("pages_home")
def test_without_a_model_rules_are_written_all_the_same(app: Open) -> None:
    test = whole(app("models", store="sample"))
    assert "No rule comes after the model" in said(test) and "Nothing was changed yet" in said(test)
    test.text_input(key="rule_name").input("stock")
    test.selectbox(key="rule_kind").select("in_stock").run()
    signed(test, "rule").button(key="rule_save").click().run()
    whole(test)
    assert [command.split()[4] for command in commands(test)] == ["rules", "audit"]
