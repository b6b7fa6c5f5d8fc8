"""The little that the theme cannot say: spacing, the sticky scope bar, chips."""

from __future__ import annotations

import streamlit as st

from core.charts.look import Look

_CSS = """
<style>
/* dense pages: the bars on top, little air around them */
[data-testid="stMainBlockContainer"] { padding: 4rem 2rem 2rem; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: .6rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-scope_bar) { position: sticky; top: 3.6rem; z-index: 50;
  background: PAPER; }
.st-key-scope_bar { padding: .2rem 0; gap: .3rem; }
.st-key-scope_row, .st-key-toolbar, .st-key-map_controls { row-gap: .4rem; }
.st-key-scope_row button { min-height: 2rem; padding: .1rem .6rem; }
.st-key-scope_chips button { border-radius: 999px; font-size: .85rem; min-height: 1.6rem; padding: 0 .6rem;
  background: ACCENT1a;
  border-color: ACCENT59; }
[class*="st-key-frame_"] { gap: .35rem; padding: .6rem .85rem; }
[class*="st-key-head_"] { flex-wrap: nowrap; }  /* a long title wraps beside its menu */
[class*="st-key-head_"] button { min-height: 1.6rem; padding: 0 .35rem; }
/* frames beside each other end together */
[data-testid="stColumn"] > [data-testid="stVerticalBlock"] { height: 100%; }
[data-testid="stColumn"] > [data-testid="stVerticalBlock"] > [data-testid="stLayoutWrapper"]:last-child {
  flex: 1 1 auto; }
/* a picture's own buttons lie in the picture, not over the menu of its frame */
[class*="st-key-frame_"] [data-testid="stElementToolbar"] { top: .4rem; right: .4rem; }
/* a map takes the height that the window has, where it is what the page is about */
[class*="st-key-frame_map"] :is([data-testid="stElementContainer"], [data-testid="stFullScreenFrame"]):has(
  [data-testid="stDeckGlJsonChart"]), [class*="st-key-frame_map"] [data-testid="stDeckGlJsonChart"] {
  height: max(470px, calc(100vh - 350px)) !important; }
/* the last pictures of the overview take it too, within what reads well */
.st-key-tall :is([data-testid="stElementContainer"], [data-testid="stFullScreenFrame"]):has(
  [data-testid="stPlotlyChart"]), .st-key-tall [data-testid="stPlotlyChart"] {
  height: clamp(296px, calc(100vh - 505px), 620px) !important; flex: none !important; }
/* a card's tables have one width and no borders of empty cells */
.st-key-frame_model_card table { width: 100%; table-layout: fixed; }
.st-key-frame_model_card :is(th, td) { border-width: 0 0 1px 0 !important; padding: .2rem .4rem;
  overflow-wrap: anywhere; }
.st-key-frame_model_card :is(th, td):first-child { width: 27%; }
.st-key-frame_headline strong { font-size: 1.15rem; }
/* scripts take no room */
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-map_watch, .st-key-theme_watch)) {
  position: absolute; width: 0; height: 0; }
[data-testid="stPopoverBody"] [data-testid="stVerticalBlock"] { gap: .5rem; }
[data-testid="stMetric"] { padding: .1rem 0; }
</style>
"""


def put(look: Look) -> None:
    """Put the style sheet into the page, in the colours of the visitor's theme."""
    st.html(_CSS.replace("PAPER", look.paper).replace("ACCENT", look.accent))
