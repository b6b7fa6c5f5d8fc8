"""What leads where: the leaders of A or B on the map at an hour, and what is taken there now."""

from __future__ import annotations

import streamlit as st

from core.analyses import Answer
from core.analyses.leaders import SILENT
from core.charts.leaders import in_a_sentence, in_columns, leaders_layer
from core.charts.map import legend_html, map_deck
from core.charts.map_image import map_png, map_svg
from core.charts.map_view import fit_view
from core.errors import CartscapeError
from core.events import NONE
from core.recommender.models import open_model
from core.scope import Scope
from pages.parts import ask, page, state, states, tables
from pages.parts.chart_frame import Export, frame, style
from pages.parts.week_hours import week_hours

HEIGHT, WIDTH = 430, 1180
LEADS = {"category": "Category", "item": "Item"}
RANKS = {"above": "Most above usual", "most": "Most likely"}
SIDES = {"a": "A", "b": "B"}
ANY_HOUR = "Any hour"


def draw(words: dict[str, str]) -> None:
    """The map; `words` are those of what-if."""
    differs = any(word.startswith("b_") for word in words)
    several = len(set(ask.labels("category")) - {NONE}) > 1
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="leaders_controls"):
        what = page.choose("lead", "What leads", LEADS) if several else "item"
        rank = page.choose("rank", "By what it leads", RANKS)
        side = page.choose("side", "Setting", SIDES) if differs else "a"
        _hour()
    options = words | {"what": what, "rank": rank}
    try:
        answer = ask.ask("leaders", Scope(), **options)
    except CartscapeError as error:
        states.notice(states.plain(str(error)))
        return
    if SILENT in answer.notes and not any(answer.table[f"leader_{side}"].to_pylist()):
        states.notice(states.plain(SILENT))
        return
    command = ask.command("leaders", Scope(), **options)
    title = in_a_sentence(answer.table, side, rank) or answer.title
    if answer.table["cell"].null_count:
        frame(
            "leaders",
            answer,
            command,
            lambda: tables.show(in_columns(answer.table, side, rank), "leaders_table"),
            Export(),
            title=title,
        )
        return
    _map(answer, command, side, rank, title)


def _map(answer: Answer, command: str, side: str, rank: str, title: str) -> None:
    look = style()
    layer, outlined = leaders_layer(answer.table, side, open_model(ask.store()).event, look, rank)
    view = fit_view(layer.lat, layer.lon, WIDTH, HEIGHT)
    deck = map_deck(layer, view, look, selected=outlined)

    def picture() -> None:
        st.pydeck_chart(deck, key="leaders_map", height=HEIGHT, alt=f"Map: {title} {answer.of}.")
        st.html(legend_html(layer.legend, look))

    export = Export(
        svg=lambda: map_svg(layer, view, look, selected=outlined),
        png=lambda: map_png(layer, view, look, selected=outlined, title=title, of=answer.of),
    )
    frame(
        "leaders", answer, command, picture, export, title=title,
        hint="Chances are the model's estimates, not an experiment. Move the hour and see what changes.",
    )  # fmt: skip


def _hour() -> None:
    """The hour of A, and of B where it has none of its own."""
    names = {"": ANY_HOUR, **week_hours()}
    key = "leaders_hour"
    st.session_state[key] = state.text("a_at") if state.text("a_at") in names else ""
    st.select_slider(
        "Hour", list(names), key=key, format_func=names.__getitem__, width=360, label_visibility="collapsed",
        on_change=lambda: state.set_text("a_at", st.session_state[key]),
    )  # fmt: skip
