"""What stands around every page: the navigation, the store, the scope bar, and the first start.

Runs on every click, before the page. It reads the URL, sees to it that there is a store with its marts
built, draws the scope bar, runs the page, and writes the URL.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parents[1]
if sys.path[0] != str(ROOT):  # before this folder, whose data.py is not the package `data`
    sys.path.insert(0, str(ROOT))

from core.garbage import settle_imports  # noqa: E402
from pages.parts import (  # noqa: E402
    ask,
    chart_frame,
    dates,
    first_start,
    state,
    states,
    style_sheet,
    theme_watch,
    warm,
)
from pages.parts.scope_bar import scope_bar  # noqa: E402

PAGES = Path(__file__).parent


def main() -> None:
    """One run of the app."""
    st.set_page_config(page_title="Cartscape", page_icon=str(PAGES / "parts" / "icon.png"), layout="wide")
    style_sheet.put(chart_frame.style())
    theme_watch.put()
    st.logo((PAGES / "parts" / "logo.svg").read_text(), size="small")
    data = st.Page(PAGES / "data.py", title="Data", icon=":material/database:", url_path="data")
    pages = [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/dashboard:", default=True),
        st.Page(PAGES / "demand_map.py", title="Demand map", icon=":material/map:", url_path="map"),
        st.Page(PAGES / "when.py", title="When", icon=":material/schedule:", url_path="when"),
        st.Page(PAGES / "funnel.py", title="Funnel", icon=":material/filter_alt:", url_path="funnel"),
        st.Page(PAGES / "paths.py", title="Paths", icon=":material/route:", url_path="paths"),
        st.Page(
            PAGES / "retention.py", title="Retention", icon=":material/event_repeat:", url_path="retention"
        ),
        st.Page(PAGES / "cohorts.py", title="Cohorts", icon=":material/group:", url_path="cohorts"),
        st.Page(
            PAGES / "clusters.py", title="Path clusters", icon=":material/bubble_chart:", url_path="clusters"
        ),
        st.Page(
            PAGES / "search.py", title="Search by meaning", icon=":material/manage_search:", url_path="search"
        ),
        st.Page(
            PAGES / "recommendations.py", title="Recommendations", icon=":material/recommend:",
            url_path="recommendations",
        ),
        st.Page(PAGES / "models.py", title="Models", icon=":material/model_training:", url_path="models"),
        data,
    ]  # fmt: skip
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · Cartscape")
    now = state.state()
    now.page, goto, now.goto = page.url_path, now.goto, None
    if goto is not None and goto != page.url_path:
        st.switch_page(next((p for p in pages if p.url_path == goto), pages[0]))
    chart_frame.begin_page()
    try:
        state.read_url()
        if first_start.is_due():
            first_start.make_sample()
        if _choose_store():
            first_start.build_marts()
            warm.begin(ask.store())
            warm.resume(ask.store().path)
            _begin_scope()
            state.write_url()
            _notices()
            scope_bar()
            if page.title != data.title and ask.is_empty(state.scope()):
                states.nothing_here()
                return
        elif page.title != data.title:
            st.switch_page(data)
        _damages()
        page.run()
        _damages()
    except Exception as error:  # a page never shows a traceback
        states.failure(error)
    settle_imports()


def _first(names: list[str]) -> str:
    """The log that opens where none is named."""
    return "sample" if "sample" in names else names[0]


def _choose_store() -> bool:
    """Take the store that the link names, else the first that can be read; False where none can."""
    now = state.state()
    good = ask.filled()
    if now.store and now.store not in good:
        broken = next((info for info in ask.stores() if info.name == now.store), None)
        why = broken.error if broken and broken.error else f"There is no log named {now.store!r} here."
        now.store, now.scope = None, None
        now.notices.append(f"{why} {f'{_first(good)!r} is shown instead.' if good else ''}")
    if not now.store and good:
        now.store = _first(good)
    return now.store is not None


def _begin_scope() -> None:
    """Dates for a scope that has none, so that the URL and the commands name them."""
    now = state.state()
    default = dates.default_scope(*ask.busy_span())
    if now.scope is not None and now.scope.cohorts:
        known = {document.name for document in ask.store().cohorts.all()}
        for name in now.scope.cohorts:
            if name not in known:
                now.notices.append(f"There is no cohort {name!r} in this log (any more); it was left out.")
        now.scope = replace(now.scope, cohorts=tuple(n for n in now.scope.cohorts if n in known))
    if now.scope is None:
        now.scope = default
    elif now.scope.start is None and now.scope.end is None:
        now.scope = now.scope.within(*(d for d in (default.start, default.end) if d))


def _notices() -> None:
    for sentence in state.state().notices:
        st.warning(sentence, icon=":material/link_off:")


def _damages() -> None:
    """Tell what was found damaged since the visitor came, once."""
    found = ask.damages()
    for sentence in found[st.session_state.setdefault("_damages", len(found)) :]:
        st.toast(states.plain(sentence), icon=":material/healing:", duration="long")
    st.session_state["_damages"] = len(found)


main()
