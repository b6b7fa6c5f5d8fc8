"""Making a cohort from conditions: what shoppers did, how well they buy, and other cohorts."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import CartscapeError
from core.paths.cohort_words import words
from core.paths.steps import parse_steps
from core.scope import Scope
from core.store import Document
from pages.parts import ask, cohort_maker, state
from pages.parts.states import plain

DID, BOUGHT, COHORT = "What they did", "How well they buy", "Another cohort"
_KEY = "_conditions"

Rule = dict[str, Any]


def form() -> None:
    """The whole form: conditions, how they join, who they mean, and a name to save them under."""
    edited: Document | None = st.session_state.get(cohort_maker.EDITED)
    if edited and edited.name not in {document.name for document in ask.store().cohorts.all()}:
        edited = None  # deleted since, or of another log
    with st.container(border=True, key="frame_cohort_form"):
        _title(edited)
        conditions: list[int] = st.session_state.setdefault(_KEY, [0])
        join = _join() if len(conditions) > 1 else "and"
        rules = []
        for i in conditions:
            try:
                rules.append(_condition(i, len(conditions) > 1))
            except CartscapeError as error:
                st.error(str(error), icon=":material/error:")
                return
        st.button("Add a condition", icon=":material/add:", key="condition_add", on_click=_add)
        rule = rules[0] if len(rules) == 1 else {"of": join, "rules": rules}
        fixed = st.toggle(
            "Keep these shoppers as they are now", key="cohort_fixed",
            help="Otherwise the cohort is worked out anew when the log grows",
        )  # fmt: skip
        cohort_maker.keep(rule, words(rule), "", "form", fixed=fixed, edited=edited)


def _title(edited: Document | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="cohort_form_head"):
        st.markdown(f"**Change “{plain(edited.name)}”**" if edited else "**Make a cohort**", width="stretch")
        if edited:
            st.button("Leave it as it is", key="cohort_form_leave", type="tertiary", on_click=_leave)


def _leave() -> None:
    st.session_state.pop(cohort_maker.EDITED, None)
    for key in [str(key) for key in st.session_state if str(key).startswith("condition_")]:
        del st.session_state[key]
    st.session_state[_KEY] = [0]
    st.session_state["cohort_name_form"] = ""
    st.session_state["cohort_fixed"] = False


def edit(document: Document) -> bool:
    """Take a cohort's rule into the form; False where its conditions are none that the form can write."""
    rule: Rule = document.body["rule"]
    parts = rule["rules"] if rule["of"] in ("and", "or") else [rule]
    found = [_read(part) for part in parts]
    if any(values is None for values in found):
        return False
    _leave()
    st.session_state[_KEY] = list(range(len(parts)))
    st.session_state["condition_join"] = rule["of"] if len(parts) > 1 else "and"
    for i, values in enumerate(found):
        st.session_state.update({f"condition_{key}_{i}": value for key, value in (values or {}).items()})
    st.session_state["cohort_name_form"] = document.name
    st.session_state["cohort_fixed"] = bool(document.body.get("fixed"))
    st.session_state[cohort_maker.EDITED] = document
    return True


def _read(rule: Rule) -> dict[str, Any] | None:
    """The form's values of one condition, by the names of its controls."""
    negated = rule["of"] == "not"
    rule = rule["rules"][0] if negated else rule
    found: dict[str, Any] = {"not": "do not" if negated else "do"}
    if rule["of"] == "cohort":
        return found | {"kind": COHORT, "cohort": rule["name"]}
    if rule["of"] == "rfm":
        scores = {name: tuple(rule.get(name, (1, 5))) for name in ("recency", "frequency", "money")}
        return found | {"kind": BOUGHT} | scores
    if rule["of"] != "did":
        return None
    scope = Scope.parse(rule.get("scope", {}))
    if scope not in (Scope(regions=scope.regions), Scope(regions=scope.regions, cells=state.scope().cells)):
        return None
    return found | {
        "kind": DID, "event": rule["event"], "times": int(rule.get("times", 1)),
        "days": int(rule.get("days") or 0), "regions": list(scope.regions), "cells": bool(scope.cells),
    }  # fmt: skip


def _join() -> str:
    chosen = st.segmented_control(
        "Conditions join", ["and", "or"], default="and", key="condition_join",
        format_func=lambda w: {"and": "All of these", "or": "Any of these"}[w],
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or "and"


def _add() -> None:
    st.session_state[_KEY].append(st.session_state[_KEY][-1] + 1)


def _drop(i: int) -> None:
    st.session_state[_KEY].remove(i)


def _condition(i: int, several: bool) -> Rule:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"condition_{i}"):
        names = [d.name for d in ask.store().cohorts.all()]
        kind = st.selectbox(
            "Condition", [DID, BOUGHT, *([COHORT] if names else [])], key=f"condition_kind_{i}", width=170
        )
        negate = st.selectbox("they", ["do", "do not"], key=f"condition_not_{i}", width=95) == "do not"
        rule = _cohort(i, names) if kind == COHORT else _bought(i) if kind == BOUGHT else _did(i)
        if several:
            st.button(
                "", icon=":material/close:", key=f"condition_drop_{i}", type="tertiary",
                help="Drop this condition", on_click=_drop, args=(i,),
            )  # fmt: skip
    return {"of": "not", "rules": [rule]} if negate else rule


def _did(i: int) -> Rule:
    step = st.selectbox(
        "do what", ask.events(), key=f"condition_event_{i}", width=170, accept_new_options=True,
        help="An event; type to narrow it: view[category=Footwear], search[query=*boots*]",
    )  # fmt: skip
    times = st.number_input("times or more", 1, 10_000, 1, key=f"condition_times_{i}", width=110)
    days = st.number_input(
        "in the last … days", 0, 10_000, 0, key=f"condition_days_{i}", width=120, help="0: the whole log"
    )
    cells = state.scope().cells
    here = bool(cells) and st.checkbox(
        f"in the {len(cells)} picked cells" if len(cells) > 1 else "in the picked cell",
        key=f"condition_cells_{i}", help="The cells of the scope above",
    )  # fmt: skip
    regions = st.multiselect(
        "in", ask.labels("region"), key=f"condition_regions_{i}", width=200, placeholder="anywhere"
    )
    parse_steps(step or "")
    rule: Rule = {"of": "did", "event": step, "times": int(times), "days": int(days)}
    if regions or here:
        rule["scope"] = Scope(regions=tuple(regions), cells=cells if here else ()).words()
    return rule


def _bought(i: int) -> Rule:
    rule: Rule = {"of": "rfm"}
    for name, hint in (
        ("recency", "5: bought last"), ("frequency", "5: buys most often"), ("money", "5: spends most"),
    ):  # fmt: skip
        rule[name] = st.slider(
            name.capitalize(), 1, 5, (1, 5), key=f"condition_{name}_{i}", width=150,
            help=f"Fifths of the buyers; {hint}",
        )  # fmt: skip
    return rule


def _cohort(i: int, names: list[str]) -> Rule:
    return {"of": "cohort", "name": st.selectbox("be in", names, key=f"condition_cohort_{i}", width=240)}
