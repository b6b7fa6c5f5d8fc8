"""The map as a picture of its own: SVG for the exported page, PNG for a slide. Both fetch nothing.

The same shapes and words are laid out once and written in either format. Columns are drawn flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import h3.api.basic_str as h3
import numpy as np
from numpy.typing import NDArray

from core.charts.look import Look
from core.charts.map_base import Sheet, attribution, base_map, borders
from core.charts.map_cells import CellLayer, Legend
from core.charts.map_view import View
from core.charts.picture import Picture, Shape, Word, png, svg, width_of
from core.space.boundaries import Box, labels
from core.space.cells import from_addresses, outlines

Floats = NDArray[np.float64]

#: Up to so many cells carry their tooltip into the SVG; more would make a heavy file.
MOST_TITLES = 4000
#: Pixels between the picture's edge and its words, and between lines of words.
EDGE, LINE = 12, 18


def map_svg(
    layer: CellLayer, view: View, style: Look, *, selected: Sequence[str] = (), title: str = "", of: str = ""
) -> str:
    """The map as one SVG element with its title, legend and attribution; `of` says what it counts."""
    return svg(_laid_out(layer, view, style, selected, title, of))


def map_png(
    layer: CellLayer, view: View, style: Look, *, selected: Sequence[str] = (), title: str = "", of: str = ""
) -> bytes:
    """The same picture as a PNG of twice the view's pixels."""
    return png(_laid_out(layer, view, style, selected, title, of))


def _laid_out(
    layer: CellLayer, view: View, style: Look, selected: Sequence[str], title: str, of: str
) -> Picture:
    head: list[Word] = []
    top = EDGE
    for text, size, colour, bold in ((title, 17, style.ink, True), (of, 12, style.muted, False)):
        if text:
            head.append(Word(EDGE, top + size, text, size, colour, bold=bold))
            top += size + 8
    frame = (0.0, float(top), float(view.width), float(view.height))
    shapes = [
        *(shape for sheet in base_map(view, style) for shape in _sheet(sheet, view)),
        *_cells(layer, view),
        *(replace(shape, opacity=0.45) for shape in _sheet(borders(view, style), view)),
        *_chosen(selected, view, style),
    ]
    names = [_name(label, view, top, style) for label in labels(*view.box())]
    below = top + view.height + LINE
    marks, words, bottom = _legend(layer.legend, view.width, below, style)
    source = Word(view.width - EDGE, bottom + LINE, attribution(view), 11, style.muted, anchor="end")
    return Picture(
        width=view.width,
        height=round(bottom + LINE + EDGE),
        paper=style.paper,
        frame=frame,
        title=title or layer.legend.title,
        shapes=tuple(shapes),
        marks=tuple(marks),
        words=(*head, *names, *words, source),
    )


def _sheet(sheet: Sheet, view: View) -> Iterator[Shape]:
    """The polygons of a sheet near the view, also where the view looks past longitude 180°."""
    window = view.box(margin=0.2)
    for feature in sheet.shapes["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            rings = [np.array(ring, dtype=np.float64) for ring in polygon]
            for turn in (-360.0, 0.0, 360.0):
                moved = [np.add(ring, (turn, 0.0)) for ring in rings]
                if _near(moved[0], window):
                    points = tuple(_points(ring, view) for ring in moved)
                    yield Shape(points, fill=sheet.fill, line=sheet.line)


def _near(ring: Floats, window: Box) -> bool:
    south, west, north, east = window
    (left, low), (right, high) = ring.min(axis=0), ring.max(axis=0)
    return bool(left < east and right > west and low < north and high > south)


def _cells(layer: CellLayer, view: View) -> Iterator[Shape]:
    window = view.box(margin=0.05)
    rings = _rings(layer.cells, view)
    with_titles = len(rings) <= MOST_TITLES
    # By class, so that the writer of the SVG can put many cells into one path.
    for i in np.argsort(layer.classes, kind="stable").tolist():
        if _near(rings[i], window):
            colour = layer.legend.entries[int(layer.classes[i])][0]
            note = layer.note(i) if with_titles else ""
            yield Shape((_points(rings[i], view),), fill=colour, line=None, note=note)


def _chosen(selected: Sequence[str], view: View, style: Look) -> Iterator[Shape]:
    for ring in _rings([cell for cell in selected if h3.is_valid_cell(cell)], view):
        yield Shape((_points(ring, view),), fill=None, line=style.flag, width=2.0)


def _rings(addresses: Sequence[str], view: View) -> list[Floats]:
    """The cells' rings, moved by whole turns to the side of the world that the view shows."""
    rings = outlines(from_addresses(addresses))
    return [np.subtract(ring, (360.0 * round((ring[0, 0] - view.lon) / 360), 0.0)) for ring in rings]


def _points(ring: Floats, view: View) -> Floats:
    return np.column_stack(view.project(ring[:, 1], ring[:, 0]))


def _name(label: tuple[str, float, float], view: View, top: float, style: Look) -> Word:
    text, lat, lon = label
    x, y = view.project(np.array([lat]), np.array([lon]))
    return Word(float(x[0]), float(y[0]) + top + 4, text, 10, style.ink, anchor="middle", halo=style.panel)


def _legend(legend: Legend, width: float, y: float, style: Look) -> tuple[list[Shape], list[Word], float]:
    """Swatches and words in lines as wide as the picture, and the last line's height."""
    marks: list[Shape] = []
    words = [Word(EDGE, y, legend.title, 12, style.ink, bold=True)]
    x = EDGE + width_of(legend.title, 12, bold=True) + 14
    side = 24 if legend.ordered else 11
    for colour, label in legend.entries:
        needed = side + 5 + width_of(label, 12)
        if x + needed > width - EDGE:
            x, y = EDGE, y + LINE
        corners = [(x, y - 10), (x + side, y - 10), (x + side, y), (x, y)]
        marks.append(Shape((np.array(corners, dtype=np.float64),), fill=colour, line=None))
        words.append(Word(x + side + 5, y, label, 12, style.ink))
        x += needed + 14
    if legend.note:
        if x + width_of(legend.note, 12) > width - EDGE:
            x, y = EDGE, y + LINE
        words.append(Word(x, y, legend.note, 12, style.muted))
    return marks, words, y
