"""The controls of the page Paths: whose paths, how they are told, from where, and against whose."""

from __future__ import annotations

import streamlit as st

from pages.parts import ask, page, state

NODES = {"event": "Events", "category": "With category", "page": "Pages"}
UNITS = {"shopper": "Shoppers", "session": "Sessions"}
ANCHORS = {
    "start": "From their start", "end": "To their end", "after": "After …", "before": "Before …",
    "around": "Around …",
}  # fmt: skip
#: Anchors that need an event.
OF_EVENT = ("after", "before", "around")
DEPTHS = {str(n): f"{n} steps" for n in range(2, 11)}
TOPS = {"5": "5 nodes a step", "8": "8 nodes a step", "12": "12 nodes a step", "20": "20 nodes a step"}
AGAINST = {"": "One group", "compared": "Compared period", "converted": "Bought or not"}


def telling() -> dict[str, str]:
    """How paths are told, as options; what is as usual is left out."""
    found = {word: state.text(word) for word in ("hide", "group", "pattern", "against")}
    for word in ("unit", "nodes", "collapse"):
        value = state.view(word)
        found[word] = "" if value == state.VIEW[word][0] else value
    return {word: value for word, value in found.items() if value}


def anchored() -> dict[str, str]:
    """Where paths are read from, as options."""
    anchor = state.view("anchor")
    found = {"anchor": anchor, "depth": state.view("depth"), "top": state.view("top")}
    if anchor in OF_EVENT:
        found["at"] = state.text("at") or ask.events()[0]
    usual = {"anchor": "start", "depth": "5", "top": "8"}
    return {word: value for word, value in found.items() if usual.get(word) != value}


def back() -> bool:
    """Whether paths are read from their end."""
    return state.view("anchor") in ("end", "before")


def controls() -> None:
    """All of them, side by side."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="paths_controls", width="content"
    ):
        page.choose("anchor", "Where paths are read from", ANCHORS, folded=True)
        if state.view("anchor") in OF_EVENT:
            _at()
        page.choose("nodes", "What a step is called", NODES)
        page.choose("unit", "One path a", UNITS)
        with st.popover("More", icon=":material/tune:", help="Depth, repeats, hidden and grouped events"):
            page.choose("depth", "Depth", DEPTHS, folded=True)
            page.choose("top", "Nodes a step; the rest is “(other)”", TOPS, folded=True)
            st.toggle(
                "Repeats in a row are one", key=_toggle("collapse"), on_change=_toggled, args=("collapse",)
            )
            text("hide", "Hidden", "support, banner*")
            text("group", "Under one name", "search=>browse; /^click/=>browse")
        with st.popover(
            "Pattern" if not state.text("pattern") else "Pattern ✓", icon=":material/regular_expression:",
            help="Only paths that hold a pattern",
        ):  # fmt: skip
            text("pattern", "Only paths with", "cart->[^support]*->purchase")
            st.caption(
                "Names joined by `->`; `.` is any event, `[a|b]` either, `[^a]` any but; `*`, `+`, `?` "
                "repeat; `^` begins the path and `$` ends it."
            )
        _against()


def _at() -> None:
    key = "paths_at"
    now = state.text("at") or ask.events()[0]
    st.session_state[key] = now
    st.selectbox(
        "Event", list(dict.fromkeys([*ask.events(), now])), key=key, width=150, label_visibility="collapsed",
        accept_new_options=True, on_change=lambda: state.set_text("at", st.session_state[key] or ""),
    )  # fmt: skip


def _against() -> None:
    """The second group: the compared period, bought or not, or another region or cohort."""
    now = state.text("against")
    with st.popover(
        "Compare groups" if not now else f"Against: {now[:24]}", icon=":material/difference:",
        help="Every picture then shows what differs beyond chance",
    ):  # fmt: skip
        key = "paths_against"
        st.session_state[key] = now if now in AGAINST else ""
        st.radio(
            "Against", list(AGAINST), key=key, format_func=lambda w: AGAINST[w],
            on_change=lambda: state.set_text("against", st.session_state[key]),
        )  # fmt: skip
        _other_group(now)
        text("against", "Or the same scope in words", "region:Ohio,device:mobile or cohort:Name")


def _other_group(now: str) -> None:
    """One region, device or cohort as the second group, chosen from a list."""
    labels = {field: ask.labels(field) for field in ("region", "device") if ask.differs(field)}
    labels["cohort"] = [document.name for document in ask.store().cohorts.all()]
    offered = {
        f"{field}:{_in_words(label)}": f"{field.capitalize()}: {label}"
        for field, every in labels.items()
        for label in every
    }
    key = "paths_other_group"
    st.session_state[key] = now if now in offered else None
    st.selectbox(
        "Or the same scope of", list(offered), key=key, placeholder="a region, device or cohort",
        format_func=lambda word: offered.get(word, word),
        on_change=lambda: state.set_text("against", st.session_state[key] or ""),
    )  # fmt: skip


def _in_words(label: str) -> str:
    """A value as the words of a scope hold it: in quotes where it has a sign of theirs."""
    if not set(label) & set(',"\\'):
        return label
    escaped = label.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def text(word: str, label: str, example: str) -> None:
    """A free word of the view as a line to write in."""
    key = f"paths_text_{word}"
    st.session_state[key] = state.text(word)
    st.text_input(
        label, key=key, placeholder=example,
        on_change=lambda: state.set_text(word, st.session_state[key].strip()),
    )  # fmt: skip


def _toggle(word: str) -> str:
    key = f"paths_{word}"
    st.session_state[key] = state.view(word) == "yes"
    return key


def _toggled(word: str) -> None:
    state.set_view(word, "yes" if st.session_state[f"paths_{word}"] else "no")
