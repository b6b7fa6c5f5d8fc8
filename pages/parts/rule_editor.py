"""Writing rules on a page: which one, what it does, where and when, and who says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import streamlit as st

from core.errors import CartscapeError
from core.events import NONE
from core.recommender.catalogue import open_catalogue
from core.recommender.rule_book import Kept, RuleBook
from core.recommender.rule_kinds import TAKES, TRAITS, Rule, does_of, words_of
from pages.parts import ask, changes, state, states

#: What the kinds are called, in the order in which people look for them.
KINDS = {
    "never": "Never show", "always": "Always show", "boost": "Raise or lower",
    "in_stock": "Only what is in stock", "at_most": "At most so many of each",
    "parity": "Parity for small brands",
}  # fmt: skip
NEW = "A new rule"
EVERYWHERE = "Everywhere"
_SEEN, _OF = "_rule_seen", "_rule_of"
_KEY = "rule"


def editor() -> None:
    """The whole form: a rule to change, or a new one."""
    try:
        names = [kept.rule.name for kept in RuleBook(ask.store()).all()]
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    with st.container(border=True, key="frame_rule_form"):
        st.markdown("**Write a rule**")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="rule_head"):
            _which(names)
            which = st.session_state["rule_which"]
            st.text_input(
                "Its name", key="rule_name", width=220, disabled=which != NEW, placeholder="Few of a brand"
            )
            st.selectbox(
                "What it does", list(KINDS), key="rule_kind", format_func=KINDS.__getitem__, width=220
            )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="rule_does"):
            _does(st.session_state["rule_kind"])
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="rule_holds"):
            _choose("region", "Where", ["", *_labels("region")], 190, lambda name: name or EVERYWHERE)
            st.date_input("From", None, key="rule_from", width=150)
            st.date_input("To", None, key="rule_to", width=150)
            changes.who_and_why(_KEY)
        with st.container(horizontal=True, gap="small", key="rule_buttons"):
            _buttons("" if which == NEW else which)
        changes.said(_KEY)


def _which(names: list[str]) -> None:
    offered = [NEW, *names]
    if st.session_state.get("rule_which") not in offered:
        st.session_state["rule_which"] = NEW
        _fill()
    st.selectbox("Rule", offered, key="rule_which", width=220, on_change=_fill)


def _fill() -> None:
    """Put the chosen rule into the fields, or what is usual for a new one."""
    which = st.session_state.get("rule_which", NEW)
    for word in {word for takes in TAKES.values() for word in takes} | {"about", "region", "from", "to"}:
        st.session_state.pop(f"rule_{word}", None)
    try:
        kept = None if which == NEW else RuleBook(ask.store()).get(which)
    except CartscapeError:  # deleted meanwhile: the list says so
        kept = None
    st.session_state[_SEEN], st.session_state[_OF] = (kept.revision if kept else 0), kept
    st.session_state["rule_name"] = kept.rule.name if kept else ""
    st.session_state["rule_kind"] = kept.rule.kind if kept else next(iter(KINDS))
    if kept:
        _fill_with(kept)


def _fill_with(kept: Kept) -> None:
    rule = kept.rule
    numbers = {"place": int, "most": int, "factor": float, "give_up": float}
    for word, text in words_of(rule.does).items():
        st.session_state[f"rule_{word}"] = numbers.get(word, str)(text)
        if word in ("item", *TRAITS):
            st.session_state["rule_about"] = word
    st.session_state.update({"rule_region": rule.region, "rule_from": rule.start, "rule_to": rule.end})


def _does(kind: str) -> None:
    """The fields of a kind."""
    about = [word for word in ("item", *TRAITS) if word in TAKES[kind]]
    if len(about) > 1:
        _choose("about", "About", about, 130, str.capitalize)
    if about:
        _value(st.session_state["rule_about"] if len(about) > 1 else about[0])
    if "place" in TAKES[kind]:
        st.number_input(
            "At place", 0, 100, key="rule_place", width=120, help="0: where it stands, or the end"
        )
    if "factor" in TAKES[kind]:
        st.session_state.setdefault("rule_factor", 2.0)
        st.number_input(
            "Times the odds", 0.001, 1000.0, key="rule_factor", width=140, format="%g",
            help="Above 1 raises, below 1 lowers",
        )  # fmt: skip
    if "most" in TAKES[kind]:
        st.number_input("At most", 1, 100, key="rule_most", width=120)
        _choose("each", "Of each", ["brand", "category"], 130, str.capitalize)
    if "give_up" in TAKES[kind]:
        st.session_state.setdefault("rule_give_up", 5.0)
        st.number_input("Give up at most", 0.0, 100.0, key="rule_give_up", width=150, format="%g %%")
        st.caption("Per cent of ndcg@10 on the days before, by the curve above; it does nothing unmeasured.")
    if kind == "in_stock":
        st.caption("As the table of stock counted last by the day; what it did not count is not in stock.")


def _value(what: str) -> None:
    if what == "item":
        titles = ask.items()
        _choose("item", "Item", list(titles), 420, lambda item: titles.get(item, item))
    elif what == "category":
        _choose("category", "Category", _labels("category"), 260, str)
    else:
        brands = sorted(open_catalogue(ask.store()).values["brand"])
        _choose("brand", "Brand", brands, 260, str)


def _choose(word: str, label: str, offered: list[str], width: int, called: Callable[[str], str]) -> None:
    key = f"rule_{word}"
    there = st.session_state.get(key)
    if there is not None and there not in offered:
        if word in ("about", "each"):  # left by another kind
            st.session_state[key] = offered[0]
        else:  # a rule may name what the log does not have any more
            offered = [*offered, there]
    if not offered:
        st.caption(f"No item of this log has a {word}.")
        return
    usual = 0 if word in ("about", "each", "region") else None
    st.selectbox(label, offered, usual, key=key, format_func=called, width=width, placeholder="Choose one")


def _labels(name: str) -> list[str]:
    return sorted(label for label in ask.labels(name) if label != NONE)


def _buttons(which: str) -> None:
    st.button("Save", type="primary", icon=":material/save:", key="rule_save", on_click=_save)
    if not which:
        return
    seen, kept = st.session_state[_SEEN], st.session_state[_OF]
    on = bool(kept and kept.rule.on)
    st.button(
        "Switch off" if on else "Switch on", key="rule_switch", on_click=_after,
        args=(changes.switch_rule, which, not on, seen),
        icon=":material/toggle_off:" if on else ":material/toggle_on:",
    )  # fmt: skip
    st.button(
        "Delete", icon=":material/delete:", key="rule_delete", on_click=_after,
        args=(changes.delete_rule, which, seen),
    )  # fmt: skip
    st.button("See the list", icon=":material/recommend:", key="rule_see", type="tertiary", on_click=_see)


def _see() -> None:
    state.state().goto = "recommendations"


def _save() -> None:
    rule = _rule()
    if changes.save_rule(_KEY, rule, st.session_state[_SEEN]):
        st.session_state["rule_which"] = str(st.session_state["rule_name"]).strip()
        _fill()


def _after(change: Callable[..., bool], *args: Any) -> None:
    if change(_KEY, *args):
        _fill()


def _rule() -> Callable[[], Rule]:
    """What the fields say; raises `WrongCall` when it is called, where they cannot be a rule."""
    now: dict[str, Any] = {str(key): value for key, value in st.session_state.items()}
    kind, kept = now["rule_kind"], now.get(_OF)
    about = [word for word in ("item", *TRAITS) if word in TAKES[kind]]
    named = now.get("rule_about") if len(about) > 1 else next(iter(about), None)
    takes = [word for word in TAKES[kind] if word not in about or word == named]
    words = {word: str(now[f"rule_{word}"]) for word in takes if now.get(f"rule_{word}") is not None}
    start: date | None = now.get("rule_from")

    def made() -> Rule:
        return Rule(
            now["rule_name"], does_of(kind, words), kept.rule.on if kept else True,
            now.get("rule_region") or "", start, now.get("rule_to"),
        )  # fmt: skip

    return made
