"""Classes of a map: where one colour ends and the next begins, and what the legend says of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.charts.look import Look
from core.charts.map_base import mixed
from core.charts.numbers import Unit, written
from core.space.hotspots import KINDS

Floats = NDArray[np.float64]
#: Colour and label of each class, in order.
Entries = tuple[tuple[str, str], ...]

#: Classes end at these quantiles: the few strongest cells stand out from the many weak ones.
QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.97)
#: Steps of a change, as factors: a rise by a half mirrors a fall by a third, doubling mirrors halving.
CHANGE_STEPS = (1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
#: Changes reach the next step of the scale at about these quantiles.
CHANGE_QUANTILES = (0.05, 0.5, 0.85)


def value_breaks(values: Floats, *, whole: bool) -> tuple[float, ...]:
    """Ends of the classes of a measure: round numbers near its quantiles, each once, ascending."""
    there = values[np.isfinite(values)]
    if not there.size:
        return ()
    ends = [_rounded(float(q), whole) for q in np.quantile(there, QUANTILES)]
    low, high = float(there.min()), float(there.max())
    return tuple(sorted({end for end in ends if low < end <= high}))


def value_classes(
    values: Floats, ends: Sequence[float], style: Look, unit: Unit, currency: str | None
) -> tuple[NDArray[np.int64], Entries]:
    """The class of each value, and the legend; NaN takes the class after the last."""
    words = [written(end, unit, currency) for end in ends]
    if words:
        labels = [f"< {words[0]}", *(f"{a} – {b}" for a, b in pairwise(words)), f"≥ {words[-1]}"]
    else:
        there = values[np.isfinite(values)]
        labels = [written(float(there[0]), unit, currency) if there.size else "no value"]
    # The palest step of the scale is the colour of the land.
    steps = style.sequential[1:]
    colours = [steps[round(i)] for i in np.linspace(0, len(steps) - 1, len(labels))] if words else [steps[2]]
    classes = np.searchsorted(ends, values, side="right").astype(np.int64)
    return classes, tuple(zip(colours, labels, strict=True))


def change_breaks(factor: Floats) -> tuple[float, ...]:
    """Ends of the classes of a change as factors over 1; those of falls are their inverses."""
    sizes = np.exp(np.abs(np.log(factor[np.isfinite(factor) & (factor > 0)])))
    sizes = sizes[sizes > 1.001]
    if not sizes.size:
        return (1.1, 1.5, 2.0)
    near = np.abs(np.subtract.outer(np.quantile(sizes, CHANGE_QUANTILES), CHANGE_STEPS)).argmin(axis=1)
    return tuple(CHANGE_STEPS[i] for i in sorted(set(near.tolist())))


def change_classes(factor: Floats, ends: Sequence[float], style: Look) -> tuple[NDArray[np.int64], Entries]:
    """The class of each factor (1 is no change, 0 a fall to nothing), and the legend; NaN has none."""
    below = [1 / end for end in reversed(ends)]
    up = np.searchsorted(ends, factor, side="right")
    with np.errstate(divide="ignore"):
        down = np.searchsorted(ends, 1 / factor, side="right")
    classes = (len(ends) + up - down).astype(np.int64)
    falls, rises = [_step(low) for low in below], [_step(end) for end in ends]
    labels = [
        f"below {falls[0]}",
        *(f"{a} to {b}" for a, b in pairwise(falls)),
        f"{falls[-1]} to {rises[0]}",
        *(f"{a} to {b}" for a, b in pairwise(rises)),
        f"over {rises[-1]}",
    ]
    half = len(style.diverging) // 2
    steps = [round(i) for i in np.linspace(1, half, len(ends))] if len(ends) > 1 else [half]
    falling = [style.diverging[half - i] for i in reversed(steps)]
    rising = [style.diverging[half + i] for i in steps]
    return classes, tuple(zip([*falling, quiet(style), *rising], labels, strict=True))


def kind_colours(style: Look) -> dict[str, str]:
    """The colour of each kind of hot spot: warm for hot, cool for cold, the strongest least like the land."""
    if style.name == "dark":
        hot = ("#ff74b1", "#ff5b3a", "#dc6a2e", "#a8622f", "#806338", "#67614f")
        cold = ("#b9a4ff", "#74b7ff", "#468bd0", "#356594", "#2d5068", "#4b5a66")
    else:
        hot = ("#cf2a6e", "#7d1a17", "#c4511d", "#eaa45f", "#f0d28c", "#ab9f86")
        cold = ("#6045c2", "#16336e", "#3470b2", "#83b4da", "#bcdbe5", "#8a97a5")
    return dict(zip(KINDS, (*hot, *cold, quiet(style)), strict=True))


def kind_label(kind: str) -> str:
    """A kind of hot spot as the legend writes it."""
    if kind == "none":
        return "No pattern"
    cold, space, name = kind.rpartition(" ")
    return f"{name.capitalize()} {cold} spot" if space else f"{kind.capitalize()} hot spot"


def quiet(style: Look) -> str:
    """The colour of a cell with nothing to say, just visible on the land."""
    return mixed(style.panel, style.muted, 0.18)


def _step(factor: float) -> str:
    change = round((factor - 1) * 100)
    return f"+{change} %" if change >= 0 else f"−{-change} %"


def _rounded(value: float, whole: bool) -> float:
    """The value to two significant digits; a whole number where the values are counts."""
    if value == 0:
        return 0.0
    places = 1 - int(np.floor(np.log10(abs(value))))
    return float(round(value, min(places, 0) if whole else places))
