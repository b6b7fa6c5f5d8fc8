"""The editor of a funnel: its steps in order, how they must follow, and what the log suggests.

What it writes are words of the view, so that a link carries the funnel.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import CartscapeError
from core.paths.steps import ANY, MOST_STEPS, Step, parse_steps, write_steps
from pages.parts import ask, page, state

WINDOWS = {"any": "Any time", "30m": "30 minutes", "2h": "2 hours", "24h": "24 hours", "7d": "7 days",
           "30d": "30 days"}  # fmt: skip
ORDERS = {"ordered": "In order", "strict": "Nothing between", "any": "Any order"}
UNITS = {"shopper": "Shoppers", "session": "Sessions"}
HOLDS = {"nothing": "Any item", "item": "Same item", "category": "Same category"}
ENTRIES = {
    "any": "Any first step", "first": "Only the first one", "start": "Only the path's start",
    "last": "Read back from the last one",
}  # fmt: skip
VALUES = {"first": "Groups at the first step", "last": "At the last reached", "each": "At each step"}
#: How the page Paths tells events; a funnel tells them so too where it was opened from there.
TELLING = ("nodes", "collapse", "hide", "group")
HELP = (
    "Narrow a step by category, item, device, channel or query: `category=Footwear&device=mobile`, "
    "`query=*boots*`."
)


def options() -> dict[str, str]:
    """The funnel's options; what is as usual is left out, but for the steps. Raises a sentence.

    Steps that nobody wrote are named too: the page's are the whole log's, those of an analysis its scope's.
    """
    found = {word: state.text(word) for word in ("exclude", "window")}
    found |= {"steps": state.text("steps") or write_steps(steps())}
    found |= {word: _unusual(word) for word in ("order", "entry", "unit", "hold")}
    if state.view("told") == "paths":
        found |= _telling()
    return {word: value for word, value in found.items() if value}


def _telling() -> dict[str, str]:
    """What of how Paths tells events is not as usual."""
    found = {word: _unusual(word) if word in state.VIEW else state.text(word) for word in TELLING}
    return {word: value for word, value in found.items() if value}


def _unusual(word: str) -> str:
    value = state.view(word)
    return "" if value == state.VIEW[word][0] else value


def steps() -> tuple[Step, ...]:
    """The funnel's steps: as written, else as the log suggests. Raises a sentence."""
    written = state.text("steps")
    return parse_steps(written) if written else ask.suggested()[0]


def editor() -> None:
    """The controls of a funnel, side by side."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="funnel_controls", width="content"
    ):
        try:
            now = steps()
        except CartscapeError:
            now = ()
        with st.popover(
            f"{len(now)} steps", icon=":material/stairs:", help="Steps, their order, suggestions"
        ):
            _steps(now)
        page.choose("order", "How steps follow each other", ORDERS)
        _window()
        page.choose("unit", "What counts", UNITS)
        with st.popover("More", icon=":material/tune:", help="Same item, entry, exclusions"):
            page.choose("hold", "Held the same", HOLDS)
            page.choose("entry", "Where a path may begin", ENTRIES)
            page.choose("value", "Which step's value parts groups", VALUES)
            _text("exclude", "Excluded between steps", "support, or support@1-2")
            _text("hide", "Events left off the path", "browse, banner*", told=True)
            _text("group", "Events under one name", "search=>browse; /^click/=>browse", told=True)
        if state.view("told") == "paths" and _telling():
            st.button(
                "As told on Paths", icon=":material/close:", key="funnel_told", on_click=_tell_plainly,
                help="Events are told as on the page Paths: "
                + ", ".join(f"{word} {value}" for word, value in _telling().items())
                + ". Click to tell them as they are.",
            )  # fmt: skip


def _tell_plainly() -> None:
    state.set_view("told", "plain")
    state.state().changed = True


def _steps(now: tuple[Step, ...]) -> None:
    if sentence := st.session_state.pop("_step_said", None):
        st.error(sentence, icon=":material/error:")
    events = ask.events()
    for i, step in enumerate(now):
        row = st.columns([0.5, 3, 3, 1.6, 0.7, 0.7, 0.7], gap="xsmall", vertical_alignment="center")
        row[0].markdown(f"**{i + 1}**")
        _event(row[1], now, i, [*dict.fromkeys([*events, ANY, step.event])])
        _narrowing(row[2], now, i)
        _optional(row[3], now, i)
        for column, icon, to, hint in (
            (row[4], ":material/arrow_upward:", i - 1, "Earlier"),
            (row[5], ":material/arrow_downward:", i + 1, "Later"),
        ):
            column.button(
                "", icon=icon, key=f"step_{hint}_{i}", help=hint, type="tertiary",
                disabled=not 0 <= to < len(now), on_click=_swap, args=(now, i, to),
            )  # fmt: skip
        row[6].button(
            "", icon=":material/close:", key=f"step_drop_{i}", help="Drop this step", type="tertiary",
            disabled=len(now) < 2, on_click=_take, args=([s for j, s in enumerate(now) if j != i],),
        )  # fmt: skip
    left, right = st.columns(2)
    unused = next((e for e in events if e not in {s.event for s in now}), events[0] if events else ANY)
    left.button(
        "Add a step", icon=":material/add:", disabled=len(now) >= MOST_STEPS, key="step_add",
        on_click=_take, args=([*now, Step(unused)],),
    )  # fmt: skip
    right.button(
        "As the log suggests", icon=":material/lightbulb:", key="step_reset", on_click=_take, args=([],)
    )
    for i, suggestion in enumerate(ask.suggested()):
        st.button(
            " → ".join(s.label for s in suggestion), key=f"suggestion_{i}", type="tertiary",
            icon=":material/auto_awesome:", on_click=_take, args=(list(suggestion),),
        )  # fmt: skip
    _text("steps", "Or written", "view,cart[device=mobile],coupon?,purchase")


def _event(place: DeltaGenerator, now: tuple[Step, ...], i: int, events: list[str]) -> None:
    key = f"step_event_{i}"
    st.session_state[key] = now[i].event
    place.selectbox(
        f"Event of step {i + 1}", events, key=key, label_visibility="collapsed",
        format_func=lambda e: "any event" if e == ANY else e,
        on_change=lambda: _replace(now, i, event=st.session_state[key]),
    )  # fmt: skip


def _narrowing(place: DeltaGenerator, now: tuple[Step, ...], i: int) -> None:
    key = f"step_narrow_{i}"
    bare = str(replace(now[i], event="x", optional=False))
    st.session_state[key] = bare[2:-1] if bare != "x" else ""

    def changed() -> None:
        text = st.session_state[key].strip()
        try:
            _replace(now, i, narrowed=parse_steps(f"x[{text}]" if text else "x")[0].narrowed)
        except CartscapeError as error:
            st.session_state["_step_said"] = str(error)

    place.text_input(
        f"Narrowing of step {i + 1}", key=key, label_visibility="collapsed", on_change=changed,
        placeholder="narrowed by …", help=HELP if i == 0 else None,
    )  # fmt: skip


def _optional(place: DeltaGenerator, now: tuple[Step, ...], i: int) -> None:
    key = f"step_optional_{i}"
    st.session_state[key] = now[i].optional
    place.checkbox(
        "optional", key=key, disabled=not 0 < i < len(now) - 1,
        on_change=lambda: _replace(now, i, optional=st.session_state[key]),
    )  # fmt: skip


def _replace(now: tuple[Step, ...], i: int, **fields: object) -> None:
    changed = list(now)
    changed[i] = replace(changed[i], **fields)  # type: ignore[arg-type]
    _take(changed)


def _swap(now: tuple[Step, ...], i: int, to: int) -> None:
    moved = list(now)
    moved[i], moved[to] = moved[to], moved[i]
    _take(moved)


def _take(new: list[Step]) -> None:
    for end in (0, -1):  # a path has a beginning and an end
        if new:
            new[end] = replace(new[end], optional=False)
    state.set_text("steps", write_steps(tuple(new)) if new else "")


def _window() -> None:
    key = "funnel_window"
    now = state.text("window") or "any"
    st.session_state[key] = now
    st.selectbox(
        "From the first step to the last within", list(dict.fromkeys([*WINDOWS, now])), key=key, width=150,
        format_func=lambda w: WINDOWS.get(w, w), label_visibility="collapsed", accept_new_options=True,
        help="From the first step to the last at most; type another, such as 90m or 3d",
        on_change=lambda: state.set_text("window", "" if st.session_state[key] in (None, "any") else
                                         st.session_state[key]),
    )  # fmt: skip


def _text(word: str, label: str, example: str, *, told: bool = False) -> None:
    """A line to write a free word in; `told` ones are of how paths are told."""
    key = f"text_{word}"
    plain = told and state.view("told") == "plain"
    st.session_state[key] = "" if plain else state.text(word)

    def changed() -> None:
        if plain:  # what else Paths tells in its own way stays there
            for other in TELLING:
                if other in state.VIEW:
                    state.set_view(other, state.VIEW[other][0])
                else:
                    state.set_text(other, "")
            state.set_view("told", "paths")
        state.set_text(word, st.session_state[key].strip())

    st.text_input(label, key=key, placeholder=example, on_change=changed)
