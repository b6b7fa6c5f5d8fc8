"""What a page says when there is nothing to draw: one sentence, and what to do about it."""

from __future__ import annotations

import logging
import re
import secrets

import streamlit as st

from core.errors import CartscapeError
from pages.parts import ask, state

log = logging.getLogger("cartscape")

#: What would be read as emphasis, code, a strike or a formula.
_ACTIVE = re.compile(r"[\\`*~$]|(?<!\w)_|_(?!\w)")


def plain(text: str) -> str:
    """A text that people or data have written, so that Markdown shows it as it is."""
    return _ACTIVE.sub(r"\\\g<0>", text)


def notice(sentence: str, icon: str = ":material/info:") -> None:
    """A quiet line where a picture would stand."""
    with st.container(border=True):
        st.markdown(f"{icon} {sentence}")


def nothing_here() -> None:
    """The scope leaves nothing to draw: too few shoppers, or nothing; says what the log does not have."""
    if ask.is_hidden(state.scope()):
        notice(
            f"There are events in this scope, but what tells of fewer than {ask.store().k} shoppers is "
            "hidden, and so is what would give them away by subtraction. Widen the dates, or drop a filter "
            "in the bar above.",
            ":material/visibility_off:",
        )
        return
    missing = " ".join(ask.missing(state.scope()))
    notice(
        f"Nothing in the log fits this scope. {missing} Widen the dates, or drop a filter in the bar above.",
        ":material/search_off:",
    )


def failure(error: Exception) -> bool:
    """Show a failure as a sentence; anything unexpected is logged under an id that the page names.

    Returns True: the default traceback stays away. Serves as `on_script_error` of the app.
    """
    if isinstance(error, CartscapeError):
        st.error(str(error), icon=":material/error:")
        return True
    reference = secrets.token_hex(4)
    log.error("Unexpected failure %s", reference, exc_info=error)
    st.error(
        f"This page could not be drawn. The reason is in the server's log under {reference}; "
        "the rest of the app works on.",
        icon=":material/error:",
    )
    return True
