"""Views under a name: a page with its scope and options, saved with the log, listed on the start page."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from core.errors import CartscapeError
from core.store import Document
from pages.parts import ask, state


def save_menu() -> None:
    """A name for what is shown now."""
    with st.popover("Save view", icon=":material/bookmark_add:", type="tertiary", key="save_view"):
        st.text_input("Name of this view", key="view_name", placeholder="Weekly checkout review")
        st.button("Save", key="view_save", type="primary", on_click=_save)
        st.caption("It keeps the page, the scope and the options.")
        _link(state.state().page, state.words())


def listed() -> None:
    """The saved views, each a click away; nothing where there is none."""
    views = ask.store().saved_views.all()
    if not views:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="saved_views"):
        st.markdown(":material/bookmarks:", width="content")
        for view in views:
            st.button(
                view.name, key=f"open_view_{view.name}", type="secondary", on_click=_open, args=(view,),
                help=_about(view),
            )  # fmt: skip
        with st.popover("", icon=":material/edit:", type="tertiary", help="Links to share; delete"):
            for view in views:
                _link(view.body["page"], view.body["words"] | {"store": [ask.store().name]}, view.name)
                st.button(
                    f"Delete {view.name}", icon=":material/delete:", key=f"delete_view_{view.name}",
                    type="tertiary", on_click=_delete, args=(view,),
                )  # fmt: skip


def _link(page: str, words: dict[str, list[str]], name: str = "this view") -> None:
    """The address of a view, with a button that copies it."""
    host = urlsplit(st.context.url or "http://localhost:8501")
    base = host.path.removesuffix("/").removesuffix(f"/{state.state().page}")
    st.caption(f"Link to {name}")
    st.code(
        urlunsplit((host.scheme, host.netloc, f"{base}/{page}", urlencode(words, doseq=True), "")),
        language=None,
    )  # fmt: skip


def said() -> None:
    """What the last saving gave, once."""
    if sentence := st.session_state.pop("_view_said", None):
        st.toast(sentence)


def _about(view: Document) -> str:
    words = " ".join(f"{k}={v}" for k, values in view.body["words"].items() for v in values if k != "store")
    return f"{view.body['page'] or 'overview'}: {words}"


def _save() -> None:
    now = state.state()
    name = str(st.session_state["view_name"])
    words = {key: values for key, values in state.words().items() if key != "store"}
    try:
        ask.store().saved_views.save(name, {"page": now.page, "words": words})
    except CartscapeError as error:
        st.session_state["_view_said"] = str(error)
        return
    st.session_state["view_name"] = ""
    st.session_state["_view_said"] = f"Saved the view “{name.strip()}”; the overview lists it."


def _open(view: Document) -> None:
    state.take(view.body["words"])
    state.state().goto = view.body["page"]


def _delete(view: Document) -> None:
    try:
        ask.store().saved_views.delete(view.name, view.revision)
    except CartscapeError as error:
        st.session_state["_view_said"] = str(error)
