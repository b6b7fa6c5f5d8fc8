"""A flat picture of shapes and words, written as SVG or PNG without a browser."""

from __future__ import annotations

import html
import importlib.util
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.charts.look import FONT
from core.charts.map_base import rgb

Floats = NDArray[np.float64]

#: Pixels of the PNG per pixel of the picture, and samples per pixel of the PNG along a side.
SCALE, SAMPLES = 2, 2


@dataclass(frozen=True)
class Shape:
    """A polygon: rings of [corners, 2] pixels, the first its outline and the others its holes."""

    rings: tuple[Floats, ...]
    fill: str | None  # hex colour
    line: str | None
    width: float = 1.0
    opacity: float = 1.0
    note: str = ""  # shown on hover, SVG only


@dataclass(frozen=True)
class Word:
    """A line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: int
    colour: str
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"
    halo: str = ""  # hex colour around the letters, where they lie on other colours


@dataclass(frozen=True)
class Picture:
    """Shapes inside a frame (their origin is its upper left corner), marks and words anywhere."""

    width: int
    height: int
    paper: str
    frame: tuple[float, float, float, float]  # left, top, width, height
    title: str
    shapes: tuple[Shape, ...]
    marks: tuple[Shape, ...]
    words: tuple[Word, ...]


def svg(picture: Picture) -> str:
    """The picture as one SVG element, with its title for readers who do not see it."""
    left, top, wide, high = picture.frame
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" '
        f'width="{picture.width}" height="{picture.height}" role="img" '
        f'aria-label="{html.escape(picture.title)}">'
        f'<rect width="100%" height="100%" fill="{picture.paper}"/>'
        # A nested SVG clips what it holds, without an id that could meet another picture's on a page.
        f'<svg x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}">{_paths(picture.shapes)}</svg>'
        f"{_paths(picture.marks)}{''.join(map(_text, picture.words))}</svg>"
    )


def png(picture: Picture) -> bytes:
    """The picture as a PNG of `SCALE` times its size; shapes are smoothed, words drawn sharp."""
    left, top, wide, high = picture.frame
    zoom = SCALE * SAMPLES
    inside = Image.new("RGB", (round(wide * zoom), round(high * zoom)), picture.paper)
    _draw(inside, picture.shapes, zoom)
    whole = Image.new("RGB", (picture.width * SCALE, picture.height * SCALE), picture.paper)
    whole.paste(inside.reduce(SAMPLES), (round(left * SCALE), round(top * SCALE)))
    _draw(whole, picture.marks, SCALE)
    pen = ImageDraw.Draw(whole)
    for word in picture.words:
        pen.text(
            (word.x * SCALE, word.y * SCALE),
            word.text,
            font=_font(word.size * SCALE, word.bold),
            fill=word.colour,
            anchor={"start": "ls", "middle": "ms", "end": "rs"}[word.anchor],
            stroke_width=SCALE if word.halo else 0,
            stroke_fill=word.halo or None,
        )
    out = io.BytesIO()
    whole.save(out, "PNG", optimize=True)
    return out.getvalue()


def width_of(text: str, size: int, *, bold: bool = False) -> float:
    """The width of a line of text in pixels."""
    return float(_font(size, bold).getlength(text))


def _paths(shapes: Iterable[Shape]) -> str:
    """Neighbouring shapes of one look share a path, unless each has a note of its own."""
    out = []
    for look, alike in groupby(shapes, key=lambda s: (s.fill, s.line, s.width, s.opacity, s.note)):
        fill, line, width, opacity, note = look
        stroke = f' stroke="{line}" stroke-width="{width:g}"' if line else ""
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        steps = "".join(_ring(ring) for shape in alike for ring in shape.rings)
        hover = f"<title>{html.escape(note)}</title>" if note else ""
        end = f">{hover}</path>" if hover else "/>"
        out.append(f'<path fill="{fill or "none"}"{stroke}{faint} fill-rule="evenodd" d="{steps}"{end}')
    return "".join(out)


def _ring(ring: Floats) -> str:
    """A closed ring to a tenth of a pixel, without corners that fall together."""
    points = np.round(ring, 1)
    kept = np.append(True, np.any(points[1:] != points[:-1], axis=1))
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points[kept].tolist()) + "Z"


def _text(word: Word) -> str:
    weight = ' font-weight="600"' if word.bold else ""
    halo = f' stroke="{word.halo}" stroke-width="2" paint-order="stroke"' if word.halo else ""
    family = html.escape(FONT)
    return (
        f'<text x="{word.x:.1f}" y="{word.y:.1f}" font-family="{family}" font-size="{word.size}" '
        f'fill="{word.colour}" text-anchor="{word.anchor}"{weight}{halo}>{html.escape(word.text)}</text>'
    )


def _draw(image: Image.Image, shapes: Iterable[Shape], zoom: float) -> None:
    pen = ImageDraw.Draw(image, "RGBA")
    for shape in shapes:
        alpha = round(255 * shape.opacity)
        rings = [(ring * zoom).ravel().tolist() for ring in shape.rings]
        if shape.fill:
            # Holes are filled by what lies in them, drawn by its own shape.
            pen.polygon(rings[0], fill=(*rgb(shape.fill), alpha))
        if shape.line:
            for ring in rings:
                closed = ring + ring[:2]
                pen.line(closed, fill=(*rgb(shape.line), alpha), width=round(shape.width * zoom))


@lru_cache(maxsize=32)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The page's own font, which comes with Streamlit; else DejaVu, else Pillow's."""
    found = importlib.util.find_spec("streamlit")
    folder = Path(found.origin).parent / "static/static/media" if found and found.origin else None
    for path in sorted(folder.glob("SourceSansVF-Upright*.woff2")) if folder else []:
        try:
            font = ImageFont.truetype(str(path), size)
            font.set_variation_by_axes([600 if bold else 400])
        except OSError:  # a FreeType without WOFF2 or variable fonts
            continue
        return font
    try:
        return ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
