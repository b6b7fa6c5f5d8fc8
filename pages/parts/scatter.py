"""A picture of up to a hundred thousand paths as points, drawn by WebGL in the visitor's browser.

The points travel once, as bytes, in two parcels: where they lie and what their paths were, and how they
are coloured. A parcel that has not changed is not sent again (Streamlit refers to a message that the
browser holds), and the browser gives it to its graphics card once. Back come small things only: the
polygon of a lasso, a group, or one point. Who lies in a polygon is worked out here (`inside`), by the
same rule in the same arithmetic as in the browser, so that both count the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.charts.look import Look
from core.journeys.lasso import even_odd, on_screen
from pages.parts import chart_frame

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

NOISE = 255  # the group of a point that is in none
NO_STEP = 255
_NO_TIME = 65_535
#: Seconds travel as uint16 on a logarithmic scale: within .03 %, up to two years.
_PER_LOG = 3_640.0
_HERE = Path(__file__).parent
_TOKENS = "_scatter_cleared"


@dataclass(frozen=True)
class Group:
    """An entry of the legend."""

    label: str
    colour: str  # "#rrggbb"
    count: int | str | None = (
        None  # said beside it, where its points are a sample; else they are counted when drawn
    )


@dataclass(frozen=True, eq=False)
class Points:
    """What is drawn: n points, their groups and the paths behind them."""

    xy: Array  # float32[n, 2] or [n, 3]
    group: Array  # uint8[n], index into `groups`; 255 is noise
    size: Array  # uint8[n], drawn as a radius of 1.5 to 6 pixels, less where it is crowded
    groups: tuple[Group, ...]
    steps: Array  # uint8[n, m], code of each path's first m steps; 255 is none
    minutes: Array  # float32 or uint16[n, m], minutes since the path's first step
    step_names: tuple[str, ...]
    scale: tuple[str, ...] | None = None  # words from low to high where the groups are steps of a measure
    lit: Array | None = None  # bool[n], those that a search found; the others are faded
    lengths: Array | None = None  # how many steps each path has; the tooltip says how many are left out
    noise: str = "In no group"
    noise_count: int | str | None = None  # as the count of a group

    def __post_init__(self) -> None:
        n = len(self.xy)
        if self.xy.ndim != 2 or self.xy.shape[1] not in (2, 3):
            raise ValueError("a point has two or three coordinates")
        if len(self.groups) > NOISE or len(self.step_names) > NO_STEP:
            raise ValueError("there is room for 255 groups and 255 names of steps")
        if self.steps.shape != self.minutes.shape:
            raise ValueError("each step has a time")
        for name in ("group", "size", "steps", "lit", "lengths"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise ValueError(f"{name} has {len(column)} rows for {n} points")


@dataclass(frozen=True)
class Picked:
    """What the visitor picked last."""

    kind: str  # "lasso", "group" or "point"; "nothing" where the visitor cleared what was picked
    polygon: tuple[tuple[float, float], ...] = ()  # of a lasso: in data coordinates, or on the screen in 3-D
    group: int = -1
    point: int = -1
    view: tuple[float, ...] = ()  # of a lasso in 3-D: the 4 x 4 projection to the screen, row by row
    hidden: tuple[int, ...] = ()  # groups that were hidden, which a lasso passes over


def scatter(
    points: Points, key: str, height: int = 560, alt: str = "", look: Look | None = None,
    standing: Picked | None = None,
) -> Picked | None:  # fmt: skip
    """Draw the points; what the visitor has picked among them, until the points are others.

    `standing` is marked as picked where the picture comes anew, as by a link, until something else is. The
    view and what is picked stay across reruns with the same key; new colours, sizes or found points
    leave both alone.
    """
    style = look or chart_frame.style()
    places, colours = _parcels(points)
    of = {"places": places.mark, "groups": f"{places.mark}/{_mark(repr(points.groups).encode())}"}
    token = _tokens().get(key, 0)
    told = {
        "key": key,
        "places": places.mark,
        "colours": colours.mark,
        "of": of,
        "token": token,
        "groups": [[group.label, group.colour, group.count] for group in points.groups],
        "noise": points.noise,
        "noiseCount": points.noise_count,
        "names": list(points.step_names),
        "scale": list(points.scale) if points.scale else None,
        "height": height,
        "alt": alt,
        "look": {"dark": style.name == "dark", "paper": style.paper, "muted": style.muted},
        "picked": _marked(_fresh(st.session_state.get(key), of, token), standing, of, token),
    }
    component = st.components.v2.component("cartscape_scatter", css=_text("scatter.css"), js=_script())
    with st.container(key=f"scatter_{key}", gap=None):
        # The parcels take no room; they are elements of their own, so that each is sent only when it changes.
        component(key=f"{key}_places", data=places.data)
        component(key=f"{key}_colours", data=colours.data)
        result = component(key=key, data=told, on_picked_change=lambda: None)
    fresh = _fresh(result, of, token)
    return _picked(fresh) if fresh else None


def clear(key: str) -> None:
    """Drop what is picked, in the browser as well; call it before the scatter is drawn, as in a callback."""
    _tokens()[key] = _tokens().get(key, 0) + 1


def inside(points: Points, picked: Picked) -> Bools:
    """Which points are picked: in a lasso those within its polygon by the even-odd rule."""
    n = len(points.xy)
    if picked.kind == "group":
        return np.asarray(points.group == picked.group)
    if picked.kind == "point":
        return np.asarray(np.arange(n) == picked.point)
    flat = points.xy.astype(np.float64)
    if points.xy.shape[1] == 3:
        flat = on_screen(flat, picked.view)
    within = even_odd(flat, picked.polygon)
    return within & ~np.isin(points.group, picked.hidden) if picked.hidden else within


@dataclass(frozen=True)
class _Parcel:
    mark: str
    data: bytes


def _parcels(points: Points) -> tuple[_Parcel, _Parcel]:
    minutes = np.asarray(points.minutes, dtype=np.float32)
    code = np.round(np.log1p(np.maximum(minutes, 0) * 60) * _PER_LOG)
    places: dict[str, Array] = {
        "xy": points.xy.astype(np.float32),
        "steps": points.steps.astype(np.uint8),
        "minutes": np.where(np.isfinite(code), np.minimum(code, _NO_TIME - 1), _NO_TIME).astype(np.uint16),
    }
    if points.lengths is not None:
        places["lengths"] = np.minimum(points.lengths, _NO_TIME).astype(np.uint16)
    colours: dict[str, Array] = {"group": points.group.astype(np.uint8), "size": points.size.astype(np.uint8)}
    if points.lit is not None:
        colours["lit"] = points.lit.astype(np.uint8)
    return _pack(places), _pack(colours)


def _pack(arrays: Mapping[str, Array]) -> _Parcel:
    """Arrays one after another, each at a multiple of eight, before them a JSON text that tells which."""
    bodies = [np.ascontiguousarray(array).tobytes() for array in arrays.values()]
    mark = _mark(repr([(name, a.shape) for name, a in arrays.items()]).encode(), *bodies)
    parts, start = [], 0
    for (name, array), body in zip(arrays.items(), bodies, strict=True):
        parts.append([name, array.dtype.name, start, list(array.shape)])
        start += -(-len(body) // 8) * 8
    head = json.dumps({"mark": mark, "parts": parts}).encode()
    head += b" " * (-(len(head) + 4) % 8)
    padded = (body + b"\0" * (-len(body) % 8) for body in bodies)
    return _Parcel(mark, b"".join([len(head).to_bytes(4, "little"), head, *padded]))


def _mark(*bodies: bytes) -> str:
    mark = blake2b(digest_size=8)
    for body in bodies:
        mark.update(body)
    return mark.hexdigest()


def _tokens() -> dict[str, int]:
    """How often each scatter was cleared from here; a pick from before that is void."""
    tokens: dict[str, int] = st.session_state.setdefault(_TOKENS, {})
    return tokens


def _fresh(state: Mapping[str, Any] | None, of: Mapping[str, str], token: int) -> dict[str, Any] | None:
    """What the browser told last, where it is about these points or groups and was not cleared since."""
    told = (state or {}).get("picked")
    if not told or told.get("token") != token:
        return None
    return told if told["of"] == of["groups" if told["kind"] == "group" else "places"] else None


def _marked(
    told: dict[str, Any] | None, standing: Picked | None, of: Mapping[str, str], token: int
) -> dict[str, Any] | None:
    """What the picture marks as picked where the browser draws it for the first time."""
    if told is not None:
        return None if told["kind"] == "nothing" else told
    return asdict(standing) | {"of": of["places"], "token": token} if standing else None


def _picked(told: Mapping[str, Any]) -> Picked:
    return Picked(
        kind=str(told["kind"]),
        polygon=tuple((float(x), float(y)) for x, y in told.get("polygon", ())),
        group=int(told.get("group", -1)),
        point=int(told.get("point", -1)),
        view=tuple(map(float, told.get("view", ()))),
        hidden=tuple(map(int, told.get("hidden", ()))),
    )


def _script() -> str:
    return "".join(map(_text, ("scatter_gl.js", "scatter_view.js", "scatter.js")))


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
