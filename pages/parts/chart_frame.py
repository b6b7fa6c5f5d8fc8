"""The frame of a picture: what it says and of what, its notes, its table, its exports, its command.

A frame is a fragment: opening its table redraws the frame alone. A click in its picture that changes
the scope redraws the page, since every other picture answers to the scope as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from core.analyses import Answer
from core.charts.look import Look, look
from core.charts.page_html import Part, table_csv
from pages.parts import ask, state, tables
from pages.parts.states import plain

_PARTS = "_parts_of_the_page"
_SAID = "_notes_said_on_the_page"


@dataclass(frozen=True)
class Export:
    """How a picture leaves the page: a Plotly figure, or an SVG and a PNG made when asked for."""

    figure: go.Figure | None = None
    svg: Callable[[], str] | None = None
    png: Callable[[], bytes] | None = None


def style() -> Look:
    """The look of the visitor's theme."""
    return look(st.context.theme.type)


def begin_page() -> None:
    """Forget the frames of the page before; the export gathers those drawn from here on."""
    st.session_state[_PARTS] = {}
    st.session_state[_SAID] = {}


def parts() -> dict[str, Part]:
    """The frames drawn on this page so far, by key. The export reads it when it is clicked."""
    gathered: dict[str, Part] = st.session_state.setdefault(_PARTS, {})
    return gathered


def frame(
    key: str,
    answer: Answer,
    command: str,
    draw: Callable[[], None],
    export: Export,
    *,
    title: str | None = None,
    hint: str = "",
) -> None:
    """Draw one picture in its frame.

    `draw` puts the picture (or "view as table" is on and the answer's table stands in its place);
    `hint` says what a click in it does.
    """
    title = title or answer.title
    parts()[key] = Part(
        title, answer.of, answer.notes, answer.table, export.figure, export.svg, command, ask.currency()
    )
    _frame(key, answer, command, draw, export, title, [*_fresh(key, answer), hint])


def _fresh(key: str, answer: Answer) -> list[str]:
    """The notes that no other frame of this page says."""
    sayers: dict[str, str] = st.session_state.setdefault(_SAID, {})
    return [note for note in answer.notes if sayers.setdefault(note, key) == key]


@st.fragment
def _frame(
    key: str,
    answer: Answer,
    command: str,
    draw: Callable[[], None],
    export: Export,
    title: str,
    said: list[str],
) -> None:
    if state.state().changed:  # a click in this frame: the whole page answers
        st.rerun()
    with st.container(border=True, key=f"frame_{key}", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{key}"):
            st.markdown(f"**{plain(title)}**", width="stretch")
            as_table = _menu(key, answer, command, export, title)
        if as_table:
            tables.show(answer.table, key=f"table_{key}")
        else:
            draw()
        st.caption(plain(" ".join(filter(None, [f"{answer.of}.", *said]))))


def _menu(key: str, answer: Answer, command: str, export: Export, title: str) -> bool:
    """The menu of a frame; returns whether the table is shown in place of the picture."""
    with st.popover(
        "", icon=":material/more_horiz:", type="tertiary", key=f"menu_{key}", help="Table, export, command"
    ):
        as_table = st.toggle("View as table", key=f"as_table_{key}")
        st.download_button(
            "Table as CSV",
            data=lambda: table_csv(answer.table),
            file_name=file_name(title, "csv"),
            mime="text/csv",
            icon=":material/table:",
            key=f"csv_{key}",
            on_click="ignore",
            width="stretch",
        )
        if export.png:
            st.download_button(
                "Picture as PNG",
                data=export.png,
                file_name=file_name(title, "png"),
                mime="image/png",
                icon=":material/image:",
                key=f"png_{key}",
                on_click="ignore",
                width="stretch",
            )
        elif export.figure is not None:
            st.caption("Picture as PNG: the camera in the picture's upper right corner.")
        st.caption("The same numbers without a browser:")
        st.code(command, language="bash", wrap_lines=True)
    return as_table


def plot(
    figure: go.Figure,
    key: str,
    title: str,
    alt: str,
    on_select: Callable[[], None] | Literal["rerun"] | None = None,
    modes: tuple[Literal["points", "box"], ...] = ("points",),
    *,
    height: Literal["content", "stretch"] = "content",
) -> Any:
    """Put a Plotly figure with the house's buttons, file name and alternative text; what is selected in it.

    It is as high as it says, or stretches to what its frame leaves it.
    """
    config: dict[str, Any] = {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {
            "format": "png",
            "filename": PurePath(file_name(title, "png")).stem,
            "scale": 2,
        },
        "scrollZoom": False,
        "doubleClick": "reset",
    }
    if on_select is None:
        st.plotly_chart(figure, key=key, theme=None, config=config, alt=alt, height=height)
        return None
    return st.plotly_chart(
            figure, key=key, theme=None, config=config, alt=alt, height=height, on_select=on_select,
            selection_mode=modes,
        )  # fmt: skip


def file_name(title: str, ending: str) -> str:
    """A file name that says what is inside: cartscape-sample-revenue-by-hour-of-the-week.csv."""
    words = "".join(c if c.isalnum() else " " for c in f"{ask.store().name} {title}".lower()).split()
    return f"cartscape-{'-'.join(words)[:80]}.{ending}"
