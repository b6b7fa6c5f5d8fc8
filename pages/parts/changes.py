"""Changing what is recommended from a page: who does it and why, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import CartscapeError, WrongCall
from core.recommender import versions
from core.recommender.audit import Author
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Rule
from pages.parts import ask
from pages.parts.states import plain

_SAID, _BY = "_change_said", "_change_by"


def who_and_why(key: str) -> None:
    """Two fields that every change needs; a name that was typed once stands there again."""
    st.session_state.setdefault(f"{key}_by", st.session_state.get(_BY) or _signed_in())
    st.text_input("Your name", key=f"{key}_by", width=170, placeholder="for the audit list")
    st.text_input("Why", key=f"{key}_why", width="stretch", placeholder="for the audit list")


def _signed_in() -> str:
    """Whom the server knows a visitor to be, where it asks them to sign in."""
    known = st.user.to_dict()
    return str(known.get("name") or known.get("email") or "")


def promote(key: str, number: int) -> None:
    """Put a version to use."""
    _make(
        key, lambda author: versions.promote(ask.store(), number, author), f"Version {number} is in use now."
    )


def rollback(key: str) -> None:
    """Put the version to use again that was so before."""
    _make(key, lambda author: versions.rollback(ask.store(), author), "Rolled back.")


def delete(key: str, number: int) -> None:
    """Delete a version for good."""
    _make(key, lambda author: versions.delete(ask.store(), number, author), f"Version {number} is deleted.")


def save_rule(key: str, rule: Callable[[], Rule], seen: int) -> bool:
    """Save a rule that the editor saw at revision `seen`; whether it was."""
    book = RuleBook(ask.store())
    return _make(
        key, lambda author: book.save(rule(), seen, author), "The rule is saved, and lists follow it."
    )


def switch_rule(key: str, name: str, on: bool, seen: int) -> bool:
    """Switch a rule on or off; whether it was."""
    book = RuleBook(ask.store())
    return _make(
        key, lambda author: book.switch(name, on, seen, author), f"“{name}” is {'on' if on else 'off'} now."
    )


def delete_rule(key: str, name: str, seen: int) -> bool:
    """Delete a rule; whether it was."""
    book = RuleBook(ask.store())
    return _make(key, lambda author: book.delete(name, seen, author), f"“{name}” is deleted.")


def _make(key: str, change: Callable[[Author], object], done: str) -> bool:
    author = Author(*(str(st.session_state[f"{key}_{word}"]).strip() for word in ("by", "why")))
    try:
        if not (author.by and author.why):
            raise WrongCall("Say who you are and why: both go into the audit list.")
        change(author)
    except CartscapeError as error:
        st.session_state[_SAID] = (key, False, str(error))
        return False
    st.session_state[_SAID] = (key, True, done)
    st.session_state[_BY] = author.by
    st.session_state[f"{key}_why"] = ""
    return True


def said(key: str) -> None:
    """What came of the last change by the form `key`, once: to be called where its buttons are."""
    if st.session_state.get(_SAID, ("",))[0] == key:
        _, good, sentence = st.session_state.pop(_SAID)
        (st.success if good else st.error)(
            plain(sentence), icon=":material/check:" if good else ":material/error:"
        )
