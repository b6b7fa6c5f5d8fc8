"""One look for every picture: ink, paper, colour scales, and the Plotly template made of them.

The scales keep their order for readers with any colour vision: sequential ones run in lightness,
diverging ones run between orange and blue, and the categorical one is spaced in lightness as well
as hue. `.streamlit/config.toml` carries the same colours for the page around the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import plotly.graph_objects as go
import plotly.io as pio

FONT = '"Source Sans", "Source Sans 3", "Segoe UI", "Helvetica Neue", Arial, sans-serif'


@dataclass(frozen=True)
class Look:
    """The colours of one theme. Scales are lists of hex colours from low to high."""

    name: str
    paper: str  # behind a picture
    panel: str  # behind a group of controls
    ink: str  # text
    muted: str  # secondary text, the compared period
    grid: str  # lines that only help reading
    accent: str  # the chosen period, the selection
    band: str  # expected range, as rgba
    up: str
    down: str
    flag: str  # a mark that must be seen: an anomaly, the current hour
    empty: str  # a cell without data
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]  # low (down) to high (up), neutral in the middle
    categorical: tuple[str, ...]


LIGHT = Look(
    name="light",
    paper="#fbfaf7",
    panel="#f2f0ea",
    ink="#1f2a2e",
    muted="#667174",
    grid="#e4e1d8",
    accent="#0f6e7a",
    band="rgba(15,110,122,0.13)",
    up="#0b6a88",
    down="#b9500f",
    flag="#b3261e",
    empty="#dedfdb",
    sequential=("#f0eee2", "#cfe1d2", "#97c8b9", "#55a5a4", "#217c8a", "#14566f", "#142f4c"),
    diverging=("#8a3606", "#cf6a21", "#efb585", "#eeece5", "#9ccbd6", "#3a8fa8", "#0a4f6b"),
    categorical=(
        "#0f6e7a",
        "#d9772b",
        "#6f559e",
        "#b8961f",
        "#3f7fcf",
        "#b34a75",
        "#5f7d32",
        "#7c8589",
    ),
)

DARK = Look(
    name="dark",
    paper="#12181b",
    panel="#1a2327",
    ink="#e7eae7",
    muted="#94a1a4",
    grid="#2a3539",
    accent="#57bdb8",
    band="rgba(87,189,184,0.16)",
    up="#62b6d6",
    down="#ee9a55",
    flag="#ff7b6b",
    empty="#303b40",
    sequential=("#1c2a31", "#1d4656", "#226b7d", "#3d9594", "#79bd9f", "#bfdda6", "#f8f5c6"),
    diverging=("#f4a35c", "#c56a25", "#74431f", "#2a3337", "#1f5468", "#3d93b3", "#8bd0ea"),
    categorical=(
        "#57bdb8",
        "#ee9a55",
        "#a88fd6",
        "#d8bd4f",
        "#7db0f0",
        "#dd85ab",
        "#9bbd68",
        "#9aa5a8",
    ),
)


def look(name: str | None) -> Look:
    """The look named light or dark; light where the theme is unknown."""
    return DARK if name == "dark" else LIGHT


def scale(colours: tuple[str, ...]) -> list[tuple[float, str]]:
    """Colours as a Plotly colour scale, evenly spaced."""
    last = len(colours) - 1
    return [(i / last, colour) for i, colour in enumerate(colours)]


def dressed(figure: go.Figure, style: Look, height: int) -> go.Figure:
    """The figure in the house's clothes: fonts, margins, grid, hover label; `height` in pixels.

    All of it but the height is a template, so that what a picture sets itself comes first. Titles are left
    out, as the frame around a picture carries them.
    """
    figure.layout.template = _clothes(style)
    figure.layout.height = height
    return figure


@cache
def _clothes(style: Look) -> go.layout.Template:
    """What all pictures wear; once, as it takes Plotly fifty milliseconds to check."""
    small = {"size": 12, "color": style.muted}
    axis = {
        "gridcolor": style.grid,
        "zerolinecolor": style.grid,
        "linecolor": style.grid,
        "tickfont": small,
        "title": {"font": small},
        "automargin": True,
    }
    house = go.layout.Template(pio.templates["plotly"])
    house.layout.update(
        {
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 2},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": style.ink},
            "colorway": style.categorical,
            "hoverlabel": {
                "bgcolor": style.panel,
                "bordercolor": style.grid,
                "font": {"family": FONT, "size": 13, "color": style.ink},
                "align": "left",
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "bgcolor": "rgba(0,0,0,0)",
                "font": small,
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": style.muted,
                "activecolor": style.accent,
                "orientation": "h",
            },
        }
    )
    return house


def colour_bar(style: Look, title: str, **more: object) -> dict[str, object]:
    """The legend of a colour scale: thin, beside the picture, with its title on top."""
    return {
        "title": {"text": title, "side": "top", "font": {"size": 12, "color": style.muted}},
        "tickfont": {"size": 11, "color": style.muted},
        "thickness": 10,
        "len": 0.9,
        "outlinewidth": 0,
        "x": 1.01,
        **more,
    }
