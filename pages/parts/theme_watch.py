"""Draws the page anew when the visitor's theme changes under it (`theme_watch.js`)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_SCRIPT = (Path(__file__).parent / "theme_watch.js").read_text()


def put() -> None:
    """Watch the theme of this page; call it once a run."""
    watch = st.components.v2.component("cartscape_theme_watch", js=_SCRIPT)
    with st.container(key="theme_watch"):
        watch(key="theme", data={"drawn": st.context.theme.type}, on_theme_change=lambda: None)
