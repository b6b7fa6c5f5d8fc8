"""What the visitor looks at, kept in the session and written to the URL in the same words.

The scope's words are those of `Scope.words()`; beside them stand `store` and the few words of the
view (which measure, which map). A pasted link restores all of them; a page switch, which empties
the address, keeps them, since they are written again on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from core.charts.journeys import COLOURS
from core.errors import WrongCall
from core.scope import KEYS, Scope

#: Words of the view → what each may be; the first is the default and stays out of the URL.
VIEW: dict[str, tuple[str, ...]] = {
    "measure": ("events", "shoppers", "sessions", "conversion", "revenue", "basket", "per_shopper"),
    "mode": ("absolute", "change", "hotspots"),
    "maps": ("one", "two", "playback"),
    "second": ("revenue", "events", "shoppers", "sessions", "conversion", "basket", "per_shopper"),
    "columns": ("off", "on"),
    "resolution": ("auto", "3", "4", "5", "6", "7", "8", "9"),
    "step": ("day", "week"),
    "by": ("region", "category", "device"),
    "order": ("ordered", "strict", "any"),
    "entry": ("any", "first", "start", "last"),
    "unit": ("shopper", "session"),
    "hold": ("nothing", "item", "category"),
    "nodes": ("event", "category", "page"),
    "collapse": ("no", "yes"),
    "split": ("region", "device", "category", "channel", "cohort"),
    "where": ("groups", "map"),
    "times": ("all", "groups", "course"),
    "value": ("first", "last", "each"),
    "told": ("plain", "paths"),
    "anchor": ("start", "end", "after", "before", "around"),
    "depth": ("5", "2", "3", "4", "6", "7", "8", "9", "10"),
    "top": ("8", "5", "12", "20"),
    "ways": ("matrix", "graph"),
    "per": ("count", "share", "per_path"),
    "period": ("auto", "hour", "day", "week", "month"),
    "returns": ("on", "after"),
    "relative": ("first", "previous"),
    "cohorts": ("first", "every"),
    "groups": ("none", "region", "category", "device", "cohort"),
    "colour": ("auto", *COLOURS),
    "detail": ("3", "1", "2", "4", "5"),
    "dims": ("2", "3"),
    "drawn": ("20000", "5000", "50000", "100000"),
    "drift": ("week", "period"),
    "found": ("both", "items", "queries"),
    "whom": ("region", "category", "device", "week"),
    "shade": ("count", "lift"),
    "towards": ("takes", "catalogue"),
    "give_up": ("5", "1", "2", "10", "20"),
    "searches": ("unmet", "all"),
    "why": ("score", "words", "takers", "change"),
    "part": ("list", "map", "cohort", "next"),
    "lead": ("category", "item"),
    "rank": ("above", "most"),
    "side": ("a", "b"),
    "drawn_shoppers": ("500", "1000", "4000"),
    "told_by": ("page", "category", "event"),
    "within": ("10", "5", "20", "50"),
}
#: Free words of the view, such as names of events; empty is the default and stays out of the URL.
TEXT: tuple[str, ...] = (
    "steps",
    "window",
    "exclude",
    "hide",
    "group",
    "between",
    "cohort_mine",
    "cohort_other",
    "start",
    "back",
    "at",
    "pattern",
    "against",
    "prefix",
    "support",
    "need",
    "lost",
    "weights",
    "lasso",
    "cluster",
    "beside",
    "whose",
    "did",
    "listed",
    "model",
    "expect",
    "walked",
    "goal",
    *(
        f"{side}_{word}"
        for side in ("a", "b")
        for word in ("region", "point", "at", "month", "device", "phrase", "price", "out", "rules")
    ),
)

_KEY = "_cartscape"


@dataclass
class State:
    """One visitor's session."""

    scope: Scope | None = None  # None until a store gives the default dates
    store: str | None = None
    view: dict[str, str] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)  # the URL as we left it
    notices: list[str] = field(default_factory=list)  # sentences about the link, until the next choice
    version: int = 0  # counts changes of the scope; part of the keys of charts that must forget a click
    changed: bool = False  # the scope changed in a fragment: the whole page must answer
    page: str = ""  # path of the page that is shown
    goto: str | None = None  # path of the page to go to


def state() -> State:
    """The state of this session."""
    return st.session_state.setdefault(_KEY, State())


def scope() -> Scope:
    """The scope that every page answers to."""
    chosen = state().scope
    assert chosen is not None, "the shell sets the scope before a page runs"
    return chosen


def set_scope(new: Scope) -> None:
    """Take a new scope; pages answer to it from the next run on."""
    now = state()
    if new == now.scope:
        return
    now.scope, now.changed, now.notices = new, True, []
    now.version += 1


def change_scope(**fields: Any) -> None:
    """Replace some fields of the scope."""
    set_scope(replace(scope(), **fields))


def set_store(name: str | None) -> None:
    """Switch to another store; its dates and names differ, so the scope and all free words start anew."""
    now = state()
    if name != now.store:
        now.store, now.scope, now.changed, now.notices = name, None, True, []
        now.view = {word: value for word, value in now.view.items() if word not in TEXT}
        now.version += 1


def view(word: str) -> str:
    """The chosen value of a word of the view."""
    return state().view.get(word, VIEW[word][0])


def set_view(word: str, value: str) -> None:
    """Choose a value for a word of the view."""
    state().view[word] = value


def text(word: str) -> str:
    """A free word of the view as it was last written."""
    return state().view.get(word, "")


def set_text(word: str, value: str) -> None:
    """Write a free word of the view."""
    state().view[word] = value


def chooser(word: str) -> tuple[str, Callable[[], None]]:
    """Key and callback of a widget that chooses a word of the view.

    The widget is set from the state before it is drawn, so that a link or a page switch restores it.
    """
    key = f"view_{word}"
    st.session_state[key] = view(word)

    def chosen() -> None:
        value = st.session_state[key]
        if value is not None:  # a second click on a segment clears it; the choice stays
            set_view(word, str(value))

    return key, chosen


def read_url() -> None:
    """Take over what the URL says, if somebody else than `write_url` wrote it."""
    now = state()
    told = {key: st.query_params.get_all(key) for key in st.query_params}
    if not told or told == now.written:
        return
    now.notices = []
    now.written = told
    for key in told:
        if key not in (*KEYS, *VIEW, *TEXT, "store"):
            now.notices.append(
                f"The link has a word that is not known, {key!r}, and it was left out; "
                f"a scope is written with {', '.join(KEYS)}."
            )
    if told.get("store"):
        now.store = told["store"][0]
    _take(told)


def take(told: Mapping[str, list[str]]) -> None:
    """Show what words say, as if they came by a link: the scope, and a view that is as usual but for them."""
    now = state()
    now.notices = []
    now.view = {}
    _take(told)


def _take(told: Mapping[str, list[str]]) -> None:
    now = state()
    for word, allowed in VIEW.items():
        for value in told.get(word, [])[:1]:
            if value in allowed:
                now.view[word] = value
            else:
                now.notices.append(
                    f"The link says {word}={value!r}, which was left out; it takes {', '.join(allowed)}."
                )
    now.view |= {word: told[word][0] for word in TEXT if told.get(word)}
    parsed = _parsed({key: told[key] for key in KEYS if key in told}, now.notices)
    if parsed != now.scope:
        now.scope = parsed if parsed != Scope() else None
        now.version += 1


def words() -> dict[str, list[str]]:
    """What is shown, as the URL says it."""
    now = state()
    found: dict[str, list[str]] = {}
    if now.store:
        found["store"] = [now.store]
    if now.scope:
        found |= now.scope.words()
    found |= {w: [now.view[w]] for w in VIEW if now.view.get(w, VIEW[w][0]) != VIEW[w][0]}
    return found | {word: [text(word)] for word in TEXT if text(word)}


def write_url() -> None:
    """Make the URL say what is shown."""
    now = state()
    said = words()
    there = {key: st.query_params.get_all(key) for key in st.query_params}
    if said != there:
        st.query_params.from_dict(said)
    now.written = said
    now.changed = False


def scope_words() -> str:
    """The scope as a person would copy it: from=2025-06-03 to=2025-06-30 region=Ohio."""
    return " ".join(f"{key}={value}" for key, values in scope().words().items() for value in values)


def _parsed(words: Mapping[str, list[str]], notices: list[str]) -> Scope:
    """The scope of a link; a word that cannot be read is left out with a sentence."""
    good: dict[str, list[str]] = {}
    for key, values in words.items():
        try:
            Scope.parse({key: values})
            good[key] = values
        except WrongCall as wrong:
            notices.append(f"{wrong} That part of the link was left out.")
    try:
        return Scope.parse(good)
    except WrongCall as wrong:
        notices.append(f"{wrong} The dates of the link were left out.")
        return Scope.parse({key: v for key, v in good.items() if key not in ("from", "to")})
