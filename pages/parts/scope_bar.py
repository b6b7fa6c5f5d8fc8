"""The scope bar: one row for all pages that says what is shown, and changes it.

Every control is set from the scope before it is drawn and writes back to it when touched, so that
a link, a click in a picture and the bar itself can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from core.charts.numbers import compact
from core.errors import CartscapeError
from core.scope import Scope, span_words
from pages.parts import ask, dates, state

#: Field of the scope → (its name, icon, field of the `facets` table).
FACETS = {
    "regions": ("Regions", ":material/public:", "region"),
    "categories": ("Categories", ":material/category:", "category"),
    "events": ("Events", ":material/bolt:", "event"),
    "devices": ("Devices", ":material/devices:", "device"),
}
#: Fields of the scope that narrow it, in the order of their chips.
NARROWING = ("regions", "cells", "categories", "events", "devices", "hours", "cohorts")
#: Chips of one field beyond this are gathered in one.
CHIPS = 4
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def scope_bar() -> None:
    """Draw the bar and the chips under it."""
    first, last = ask.span()
    scope = state.scope().within(first, last)
    with st.container(key="scope_bar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="scope_row"):
            _store_menu()
            _dates(scope, first, last)
            _compare(scope)
            facets = ask.ask("facets", Scope()).table.to_pylist()
            for field_name in FACETS:
                _facet(scope, field_name, facets)
            _cohorts(scope)
            if _narrowed(scope):
                st.button(
                    "Reset",
                    key="scope_reset",
                    icon=":material/restart_alt:",
                    type="tertiary",
                    help="Back to the last days of the whole log",
                    on_click=state.set_scope,
                    args=(dates.default_scope(*ask.busy_span()),),
                )
        _chips(scope)
        if uneven := dates.uneven_words(scope, first):
            st.caption(f":material/warning: {uneven}")


def _store_menu() -> None:
    """Which log is shown; only where there is more than one."""
    names = ask.filled()
    now = state.state().store
    if len(names) < 2:
        return
    with st.popover(str(now), icon=":material/database:", help="The log that is shown"):
        st.session_state["scope_store"] = now
        st.radio(
            "Log",
            names,
            key="scope_store",
            on_change=lambda: state.set_store(st.session_state["scope_store"]),
        )


def _dates(scope: Scope, first: date, last: date) -> None:
    assert scope.start and scope.end
    with st.popover(
        span_words(scope.start, scope.end),
        icon=":material/calendar_month:",
        help="Days shown, local to each place",
    ):
        for name, (start, end) in dates.presets(first, last).items():
            st.button(
                name,
                key=f"scope_preset_{name}",
                type="primary" if (start, end) == (scope.start, scope.end) else "tertiary",
                width="stretch",
                on_click=state.change_scope,
                kwargs={"start": start, "end": end},
            )
        _range_input("From – to", "scope_dates", (scope.start, scope.end), (first, last), _take_dates)
        st.caption(f"The log runs from {span_words(first, last)}.")


def _take_dates(start: date, end: date) -> None:
    state.change_scope(start=start, end=end)


def _compare(scope: Scope) -> None:
    words = dates.compared_words(scope)
    with st.popover(
        f"vs {words}" if words else "Compare",
        icon=":material/compare_arrows:",
        help="What the numbers are compared with",
    ):
        names = dates.compare_names(scope)
        st.session_state["scope_compare"] = scope.compare
        st.radio(
            "Compare with",
            list(names),
            format_func=lambda word: names[word],
            key="scope_compare",
            on_change=lambda: state.change_scope(compare=st.session_state["scope_compare"]),
        )
        other = scope.compared()
        start, end = (other.start, other.end) if other else (scope.start, scope.end)
        assert start and end
        _range_input("Or with these days", "scope_compare_dates", (start, end), None, _take_compare)


def _take_compare(start: date, end: date) -> None:
    state.change_scope(compare=f"{start.isoformat()}..{end.isoformat()}")


def _range_input(
    label: str,
    key: str,
    value: tuple[date, date],
    within: tuple[date, date] | None,
    take: Callable[[date, date], None],
) -> None:
    """A range of days that is taken once both its ends are chosen."""
    before = st.session_state.get(key)
    if not (isinstance(before, tuple) and len(before) == 1):  # half chosen: leave it alone
        st.session_state[key] = value

    def chosen() -> None:
        picked = st.session_state[key]
        if len(picked) == 2:
            take(*picked)

    least, most = within or (None, None)
    st.date_input(
        label,
        key=key,
        on_change=chosen,
        format="YYYY-MM-DD",
        min_value=min(least, value[0]) if least else None,
        max_value=max(most, value[1]) if most else None,
    )


def _facet(scope: Scope, field_name: str, facets: Sequence[dict[str, object]]) -> None:
    several, icon, word = FACETS[field_name]
    found = {str(row["value"]): row for row in facets if row["field"] == word}
    chosen: tuple[str, ...] = getattr(scope, field_name)
    options = list(dict.fromkeys([*found, *chosen]))
    if len(options) < 2 and not chosen:
        return  # one value or none filters nothing
    label = several if not chosen else chosen[0] if len(chosen) == 1 else f"{len(chosen)} {several.lower()}"
    key = f"scope_{field_name}"
    with st.popover(label, icon=icon, help=f"{several} shown"):
        st.session_state[key] = list(chosen)
        st.multiselect(
            several,
            options,
            key=key,
            format_func=lambda value: _with_count(value, found),
            placeholder=f"All {len(found)}",
            on_change=lambda: state.change_scope(**{field_name: tuple(st.session_state[key])}),
            width=320,
        )


def _cohorts(scope: Scope) -> None:
    """Which saved cohorts are shown, and saving whoever is in the scope as another."""
    names = [document.name for document in ask.store().cohorts.all()]
    one_or_many = scope.cohorts[0] if len(scope.cohorts) == 1 else f"{len(scope.cohorts)} cohorts"
    label = one_or_many if scope.cohorts else "Cohorts"
    with st.popover(label, icon=":material/group:", help="Saved cohorts shown; save this scope as one"):
        if names:
            st.session_state["scope_cohorts"] = list(scope.cohorts)
            st.multiselect(
                "Shoppers in any of", names, key="scope_cohorts", placeholder="Everybody", width=320,
                on_change=lambda: state.change_scope(cohorts=tuple(st.session_state["scope_cohorts"])),
            )  # fmt: skip
        st.text_input("Everybody in this scope, as a cohort", key="scope_cohort_name", placeholder="A name")
        st.button("Save", key="scope_cohort_save", on_click=_save_scope, args=(scope,))
        if found := st.session_state.pop("_scope_cohort_said", None):
            (st.success if found[0] else st.error)(found[1])


def _save_scope(scope: Scope) -> None:
    name = str(st.session_state["scope_cohort_name"]).strip()
    try:
        ask.save_cohort(name, {"of": "scope", "scope": scope.words()})
    except CartscapeError as error:
        st.session_state["_scope_cohort_said"] = (False, str(error))
        return
    st.session_state["scope_cohort_name"] = ""
    st.session_state["_scope_cohort_said"] = (True, f"Saved “{name}”.")


def _with_count(value: str, found: dict[str, dict[str, object]]) -> str:
    row = found.get(value)
    return (
        value if row is None or row["events"] is None else f"{value} · {compact(float(str(row['events'])))}"
    )


def _narrowed(scope: Scope) -> bool:
    return any(getattr(scope, name) for name in NARROWING)


def _chips(scope: Scope) -> None:
    """What narrows the log, each a click from being dropped."""
    if not _narrowed(scope):
        return
    with st.container(horizontal=True, gap="xsmall", key="scope_chips", vertical_alignment="center"):
        for field_name in NARROWING:
            values: tuple[str, ...] = getattr(scope, field_name)
            if len(values) > CHIPS:
                _chip(field_name, f"{len(values)} {_several(field_name)}", ())
                continue
            for value in values:
                _chip(
                    field_name, _chip_label(field_name, value), tuple(v for v in values if v != value), value
                )


def _chip(field_name: str, label: str, rest: tuple[str, ...], value: str = "all") -> None:
    st.button(
        label,
        key=f"chip_{field_name}_{value}",
        icon=":material/close:",
        icon_position="right",
        help="Drop this filter",
        on_click=state.change_scope,
        kwargs={field_name: rest},
    )


def _several(field_name: str) -> str:
    several = {"cells": "cells of the map", "hours": "hours of the week", "cohorts": "cohorts"}
    return several.get(field_name) or FACETS[field_name][0].lower()


def _chip_label(field_name: str, value: str) -> str:
    if field_name == "hours":
        day, hour = value.split(".")
        return f"{DAYS[int(day) - 1]} {int(hour):02d} h"
    if field_name == "cells":
        return f"Cell {value.rstrip('f')}"
    return value
