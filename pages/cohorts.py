"""Cohorts: groups of shoppers under a name, made here or from any picture, that every page answers to.

A product manager or merchandiser asks
1. which groups do we follow, and how large is each → the list, with each rule in words; look at one alone on
   every page, keep its shoppers, rename, change or delete it;
2. what sets one apart from everybody else, or from another → shares side by side where they differ beyond
   chance, its key numbers, and how far two, or all of them, overlap;
3. who did this but not that → conditions that join.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.analyses import Answer
from core.charts.cohort import no_traits, overlaps, traits
from core.charts.numbers import exact, written
from core.errors import CartscapeError
from core.scope import Scope
from core.store import Document
from pages.parts import ask, cohort_form, cohort_maker, page, state, states, tables
from pages.parts.chart_frame import Export, frame, plot, style

EVERYBODY = "Everybody else"
#: How often the form took a cohort over, and the name that was typed last for one.
_TAKEN, _TYPED = "_cohort_taken", "_cohort_typed"


def main() -> None:
    """Draw the page."""
    page.toolbar("Cohorts", choose_measure=False, instead=_about)
    cohort_maker.said()
    answer = ask.ask("cohort", state.scope())
    names = answer.table["name"].to_pylist()
    if names:
        left, right = st.columns([4, 5], gap="small")
        with left:
            _list(answer)
            if len(names) > 2:
                _overlaps()
            cohort_form.form()
        with right:
            _one(names)
    else:
        states.notice(
            "No cohort has been saved with this log yet. Make one below, or click a bar of a funnel.",
            ":material/group:",
        )
        cohort_form.form()


def _about() -> None:
    st.caption("Cohorts belong to the whole log; what sets them apart is told within the scope above.")


def _list(answer: Answer) -> None:
    shown = answer.table.select(["name", "shoppers", "share", "rule", "fixed"])
    key = f"cohort_list_{abs(hash(tuple(shown['name'].to_pylist()))):x}"  # other rows: other ticks

    def draw() -> None:
        event = st.dataframe(
            shown, key=key, hide_index=True, on_select="rerun", selection_mode="multi-row",
            height=tables.height_of(shown.num_rows, 420), placeholder="–",
            column_config={
                "name": st.column_config.TextColumn("Cohort", width=140),
                "shoppers": st.column_config.NumberColumn("Shoppers", format="localized", width=70),
                "share": st.column_config.NumberColumn("Of all", format="percent", width=60),
                "rule": st.column_config.TextColumn("Who", width=260),
                "fixed": st.column_config.CheckboxColumn("Fixed", width=50),
            },
        )  # fmt: skip
        chosen = [answer.table["name"][i].as_py() for i in event["selection"]["rows"]]
        _actions(chosen)

    frame(
        "cohort_list", answer, ask.command("cohort", state.scope()), draw, Export(),
        hint="Tick cohorts to look at them, save their shoppers, change or delete them.",
    )  # fmt: skip


def _actions(chosen: list[str]) -> None:
    off = not chosen
    with st.container(horizontal=True, gap="small", key="cohort_actions"):
        st.button(
            "Look at them alone", icon=":material/filter_alt:", key="cohort_look", disabled=off,
            on_click=state.change_scope, kwargs={"cohorts": tuple(chosen)},
        )  # fmt: skip
        st.download_button(
            "Shoppers as CSV", data=lambda: ask.cohort_csv(chosen), file_name="cartscape-cohort.csv",
            mime="text/csv", icon=":material/download:", key="cohort_csv", disabled=off, on_click="ignore",
            help="Pseudonyms, one a line, with the cohorts that each is in",
        )  # fmt: skip
        _change(chosen)
        with st.popover("Delete", icon=":material/delete:", disabled=off):
            st.markdown(states.plain(f"Delete {', '.join(chosen)}? It cannot be brought back."))
            st.button(
                "Delete for good", type="primary", key="cohort_delete", on_click=_delete, args=(chosen,)
            )


def _change(chosen: list[str]) -> None:
    """Another name for the one that is ticked, or its conditions in the form below."""
    one = chosen[0] if len(chosen) == 1 else ""
    # Another key is another popover: once the form has the cohort, it no longer stands before it.
    key = f"cohort_change_{st.session_state.get(_TAKEN, 0)}"
    with st.popover("Change", icon=":material/edit:", disabled=not one, key=key, help="Tick one cohort"):
        if not one:
            return
        document = ask.store().cohorts.get(one)
        name_key = f"cohort_rename_{one}"
        # What was typed and refused stands there still, to be mended.
        typed, name = st.session_state.get(_TYPED, (one, one))
        st.session_state.setdefault(name_key, name if typed == one else one)
        st.text_input("Name", key=name_key)
        st.button("Rename", key="cohort_rename", on_click=_rename, args=(one, name_key, document.revision))
        st.button(
            "Change its conditions", key="cohort_edit", on_click=_edit, args=(document,),
            help="In the form below the list",
        )  # fmt: skip


def _rename(name: str, key: str, seen: int) -> None:
    to = str(st.session_state[key]).strip()
    if to == name:
        return
    state.state().changed = True
    st.session_state[_TYPED] = name, to
    try:
        ask.rename_cohort(name, to, seen)
    except CartscapeError as error:
        st.session_state["_cohort_said"] = (False, str(error))
        return
    st.session_state["_cohort_said"] = (True, f"“{name}” is called “{to}” now.")
    state.change_scope(cohorts=tuple(to if n == name else n for n in state.scope().cohorts))
    for word in ("cohort_mine", "cohort_other"):
        if state.text(word) == name:
            state.set_text(word, to)


def _edit(document: Document) -> None:
    state.state().changed = True
    st.session_state[_TAKEN] = st.session_state.get(_TAKEN, 0) + 1
    if not cohort_form.edit(document):
        sentence = (
            f"“{document.name}” was made from a picture, and the form cannot write its rule; make it anew "
            "from there, or join it with conditions as “Another cohort”."
        )
        st.session_state["_cohort_said"] = (False, sentence)


def _delete(chosen: list[str]) -> None:
    gone: list[str] = []
    failed = ""
    for name in chosen:
        try:
            ask.delete_cohort(name)
        except CartscapeError as error:
            failed = str(error)
            break
        gone.append(name)
    deleted = f"Deleted {', '.join(gone)}. " if gone else ""
    st.session_state["_cohort_said"] = (not failed, f"{deleted}{failed}".strip())
    state.state().changed = True  # the page around the list says it, and lists what is left
    state.change_scope(cohorts=tuple(n for n in state.scope().cohorts if n not in gone))


def _one(names: list[str]) -> None:
    with st.container(horizontal=True, gap="small", key="cohort_pair"):
        mine = _pick("cohort_mine", "Cohort", names)
        other = _pick("cohort_other", "Against", [EVERYBODY, *(n for n in names if n != mine)])
    against = "" if other == EVERYBODY else other
    options = {"name": mine} | ({"against": against} if against else {})
    try:
        answer = ask.ask("cohort", state.scope(), **options)
    except CartscapeError as error:
        states.notice(str(error))
        return
    figure = traits(answer.table, mine, other.lower() if other == EVERYBODY else other, style())
    nothing = no_traits(answer.table, ask.store().k)

    def draw() -> None:
        _numbers(mine, against)
        if nothing:
            st.markdown(nothing)
            return
        plot(figure, "cohort_traits", answer.title, alt=f"Shares of {mine} beside those of {other.lower()}.")

    frame(
        "cohort_traits", answer, ask.command("cohort", state.scope(), **options), draw,
        Export() if nothing else Export(figure),
        hint=_overlap(answer.table.to_pylist(), against),
    )  # fmt: skip


def _overlaps() -> None:
    answer = ask.ask("overlap", Scope())
    figure = overlaps(answer.table, style())

    def draw() -> None:
        plot(figure, "cohort_overlaps", answer.title, alt=f"Matrix of {answer.of}: who is in two of them.")

    frame(
        "cohort_overlaps", answer, ask.command("overlap", Scope()), draw, Export(figure),
        hint="Per cent of the cohort at the left who are in the one above.",
    )  # fmt: skip


def _pick(word: str, label: str, names: list[str]) -> str:
    """A choice by name, kept in the address."""
    now = state.text(word)
    st.session_state[word] = now if now in names else names[0]
    st.selectbox(
        label, names, key=word, label_visibility="collapsed", width=240,
        on_change=lambda: state.set_text(word, st.session_state[word]),
    )  # fmt: skip
    return str(st.session_state[word])


def _numbers(mine: str, against: str) -> None:
    """Key numbers of the cohort beside those of the other, or of all."""
    scope = replace(state.scope(), compare="off", cohorts=())
    here = _overview(replace(scope, cohorts=(mine,)))
    there = _overview(replace(scope, cohorts=(against,)) if against else scope)
    with st.container(horizontal=True, gap="medium", key="cohort_numbers"):
        for name in ("shoppers", "sessions", "conversion", "revenue", "per_shopper"):
            row, other = here[name], there[name]
            if row["value"] is not None:
                st.metric(
                    row["label"], written(row["value"], row["unit"], ask.currency()),
                    delta=written(other["value"], row["unit"], ask.currency()), delta_color="off",
                    delta_arrow="off", delta_description=against or "all", help=page.meaning(name),
                )  # fmt: skip


def _overview(scope: Any) -> dict[str, Any]:
    return {row["measure"]: row for row in ask.ask("overview", scope).table.to_pylist()}


def _overlap(rows: list[dict[str, Any]], against: str) -> str:
    if not against:
        return "Only what differs beyond chance is drawn; the table has all."
    mine, other, both = (row["shoppers"] for row in rows[:3])
    if both is None or not mine or not other:
        return "Too few shoppers are in both to say how many."
    return (
        f"In the whole log {exact(both, 'count')} shoppers are in both: "
        f"{written(both / mine, 'share')} of the first, {written(both / other, 'share')} of the second."
    )


main()
