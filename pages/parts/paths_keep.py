"""Keeping the shoppers behind a piece of a picture of paths, or opening it as a funnel of the same number."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses.top_paths import ARROW
from core.charts.numbers import short
from core.charts.paths import ENDS, OTHER
from core.events import PURCHASE
from core.paths.choices import BEGAN, STOPPED, step_of
from core.paths.pattern import path_pattern, whole_pattern
from core.paths.steps import ANY, Step, write_steps
from pages.parts import ask, cohort_maker, paths_controls, state, states

#: Options of a picture that say how its paths are told.
_TELLING = ("nodes", "hide", "group", "collapse", "unit")
#: More nodes than a level has: none of them is gathered in “(other)”.
_EVERY_NODE = "1000000"

Rule = dict[str, Any]


def node(level: int, source: str, target: str, number: str, options: dict[str, str]) -> None:
    """What can be done with a node of a flow, or with an edge from it to a target."""
    words, step = f"{source} → {target}" if target else source, step_of(level, options.get("anchor", ""))
    if state.view("unit") == "session":
        st.markdown(f"**{number} sessions** go {states.plain(words)} at step {step}")
    rule = _at_level(level, source, options)
    if target:
        rule["target"] = target
    _keep(
        rule, options, f"go {words} at step {step}", f"{words} at step {step}",
        f"{level}_{source}_{target}",
    )  # fmt: skip
    steps = _as_steps(level, source, target)
    if steps:
        st.button(
            "Open as a funnel", icon=":material/filter_alt:", key="open_funnel", on_click=_open_funnel,
            args=(steps,), help="The same number at its last step" if not paths_controls.back() else
            "The same number at its first step",
        )  # fmt: skip
    else:
        st.caption("What is gathered in “(other)”, or ends here, cannot be written as steps of a funnel.")


def cell(step: int, name: str, options: dict[str, str]) -> None:
    """The shoppers who stand in a cell of the step matrix."""
    if name == OTHER:
        st.caption("“(other)” is many events; click one of the others.")
        return
    level = step if options.get("anchor") == "around" else step - 1
    _keep(
        _at_level(level, name, options | {"top": _EVERY_NODE}), options, f"are at {name} at step {step}",
        f"{name} at step {step}", f"cell_{step}_{name}",
    )  # fmt: skip


def edge(source: str, target: str, options: dict[str, str]) -> None:
    """The shoppers who went from one event straight to another, wherever it stands on their path; all who
    did the one where there is no target.
    """
    if OTHER in (source, target):
        st.caption("“(other)” is many events; click what leads from or to one of the others.")
        return
    names = [name for name in (source, target) if name and name not in ENDS]
    words, way = f"{source} → {target}" if target else source, "went" if target else "did"
    pattern = path_pattern(names, from_start=source == BEGAN, to_end=target == STOPPED)
    _keep(_with_pattern(pattern, options), options, f"{way} {words}", words, f"edge_{source}_{target}")


def following(used: list[str], name: str, options: dict[str, str]) -> None:
    """The shoppers who did some events in a row, and then that."""
    ends = name == STOPPED
    begun: list[str | None] = [*used] or [None]
    pattern = path_pattern([*begun, *([] if ends else [name])], to_end=ends)
    before = " → ".join(used) or "any event"
    _keep(
        _with_pattern(pattern, options), options, f"went {before}, then {name}", f"{before}, then {name}",
        f"next_{name}",
    )  # fmt: skip


def whole(row: dict[str, Any], options: dict[str, str]) -> None:
    """The shoppers who took a whole path."""
    if row["rank"] is None:
        st.caption("“(other)” is many paths; tick one of the others.")
        return
    _keep(
        _with_pattern(whole_pattern(row["path"].split(ARROW)), options), options, f"went {row['path']}",
        short(row["path"], 60), f"whole_{row['rank']}",
    )  # fmt: skip


def _at_level(level: int, source: str, options: dict[str, str]) -> Rule:
    told = {word: value for word, value in options.items() if word != "against"}
    return {
        "of": "path", "scope": state.scope().words(), "level": level, "source": source, "options": told,
    }  # fmt: skip


def _with_pattern(pattern: str, options: dict[str, str]) -> Rule:
    told = {word: options[word] for word in _TELLING if word in options}
    return {"of": "pattern", "scope": state.scope().words(), "options": told | {"pattern": pattern}}


def _keep(rule: Rule, options: dict[str, str], words: str, suggestion: str, key: str) -> None:
    """Offers a rule's shoppers. Where the picture is of some paths alone, so is the rule."""
    rules = [rule]
    if rule["of"] == "pattern" and "pattern" in options:
        rules.append(_with_pattern(options["pattern"], options))
    if "pattern" in options:
        words += f", on paths with {options['pattern']}"
    if options.get("against") == "converted":
        rules.append({"of": "did", "event": PURCHASE, "scope": state.scope().words()})
        words, suggestion = f"{words} and buy", f"{suggestion} and buy"
    if len(rules) > 1 and options.get("unit") == "session":
        st.caption(
            "The picture is of some sessions alone, which a cohort of shoppers cannot say; take the pattern "
            "or the comparison off, or tell a path a shopper."
        )
        return
    joined = rule if len(rules) == 1 else {"of": "and", "rules": rules}
    cohort_maker.keep(joined, words, suggestion, key)


def _as_steps(level: int, source: str, target: str) -> tuple[Step, ...]:
    """The strict funnel that counts the same paths; empty where there is none."""
    if {source, target} & {*ENDS, OTHER} or state.text("pattern") or state.text("against") == "converted":
        return ()
    anchor = state.view("anchor")
    at = state.text("at") or ask.events()[0]
    if anchor == "around" or (anchor == "end" and level == 0 and not target):
        return ()
    chain = [Step(ANY)] * level + [Step(source)] + ([Step(target)] if target else [])
    if anchor in ("after", "before") and level:
        chain[0] = Step(at)
    return tuple(chain[::-1]) if paths_controls.back() else tuple(chain)


def _open_funnel(steps: tuple[Step, ...]) -> None:
    state.set_text("steps", write_steps(steps))
    for word in ("window", "exclude", "between"):
        state.set_text(word, "")
    anchor = state.view("anchor")
    state.set_view("told", "paths")
    state.set_view("order", "strict")
    state.set_view("hold", "nothing")
    state.set_view("entry", {"start": "start", "after": "first"}.get(anchor, "last"))
    state.state().goto, state.state().changed = "funnel", True
