"""Which part of the world the visitor's map shows, told by a script in the page (`map_watch.js`)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.charts.extent import window
from core.charts.map_view import View

_SCRIPT = (Path(__file__).parent / "map_watch.js").read_text()


def seen(key: str, size: tuple[int, int]) -> View | None:
    """The view at which the maps of this page rest; None until one was moved.

    `size` is that for which the page fits its first view; a larger map is moved nearer at once.

    It also keeps all maps of the page on one view. Call it once a page, inside the fragment that
    draws the maps: that fragment runs again when the view has come to rest elsewhere.
    """
    watch = st.components.v2.component("cartscape_map_watch", js=_SCRIPT)
    before = _view(st.session_state.get(key, {}).get("view"))
    told = {"size": size, "window": window(before), "zoom": before.zoom} if before else {"size": size}
    with st.container(key="map_watch"):
        result = watch(key=key, data=told, on_view_change=lambda: None)
    return _view(result.get("view"))


def _view(told: dict[str, float] | None) -> View | None:
    if not told:
        return None
    return View(told["latitude"], told["longitude"], told["zoom"], int(told["width"]), int(told["height"]))
