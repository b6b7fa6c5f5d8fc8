"""Cells of a map before they are drawn: a colour class, a legend, and words for the tooltip.

The deck of the page and the picture of the export are both drawn from a `CellLayer`, so they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.charts.look import Look
from core.charts.numbers import Unit, change, exact, written
from core.space.hotspots import KINDS

Mode = Literal["value", "change"]
Floats = NDArray[np.float64]

#: Classes end at these quantiles: the few strongest cells stand out from the many weak ones.
QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.97)
#: Steps of a change, as factors: a rise by a half mirrors a fall by a third, doubling mirrors halving.
CHANGE_STEPS = (1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
#: Changes reach the next step of the scale at about these quantiles.
CHANGE_QUANTILES = (0.2, 0.55, 0.85)
#: Standard errors within which a change may be chance (95 %).
CHANCE = 1.96


@dataclass(frozen=True)
class Legend:
    """What the colours mean: a title, one colour and label a class, and a line of small print."""

    title: str
    entries: tuple[tuple[str, str], ...]
    note: str = ""
    ordered: bool = True  # steps of one scale, rather than names


@dataclass(frozen=True)
class CellLayer:
    """Cells ready to draw. All arrays have one entry a cell, in the order of the table."""

    cells: tuple[str, ...]  # H3 addresses
    lat: Floats
    lon: Floats
    classes: NDArray[np.int64]  # index into the legend's entries
    height: Floats  # 0–1, for columns
    text: tuple[tuple[str, ...], ...]  # place, value, compared, base: lines of the tooltip
    legend: Legend
    breaks: tuple[float, ...] = ()  # between the classes of a value; pass on to keep one scale


def demand_layer(
    table: pa.Table,
    measure: str,
    label: str,
    unit: Unit,
    style: Look,
    *,
    mode: Mode = "value",
    currency: str | None = None,
    breaks: Sequence[float] = (),
) -> CellLayer:
    """Cells of the `demand` table, coloured by the measure or by its change against the compared period.

    `breaks` are those of another layer of the same mode, for frames of a playback or two maps on one
    scale. Cells without the number asked for take the last class, "no value". A change that the
    cell's few shoppers could show by chance is drawn neutral: its factor lies within 1.96 standard
    errors, taken as √(1/n + 1/n') for n and n' shoppers, the least that such a number varies.
    """
    values = _numbers(table, measure)
    previous = _numbers(table, f"previous_{measure}")
    relative = _relative(values, previous)
    if mode == "change":
        factor = _factor(relative)
        clear = np.where(_may_be_chance(table, factor), 1.0, factor)
        ends = tuple(breaks) or change_breaks(clear)
        classes, entries = _change_classes(clear, ends, style)
        title = f"Change of {_lower(label)}"
        note = "against the compared period; neutral where it may be chance (95 %, by the number of shoppers)"
    else:
        ends = tuple(breaks) or value_breaks(values, whole=unit == "count")
        classes, entries = _value_classes(values, ends, style, unit, currency)
        title, note = label, "the lower classes hold a quarter of the cells each, the highest 3 %"
    missing = np.isnan(relative if mode == "change" else values)
    if missing.any():
        classes[missing] = len(entries)
        entries += ((style.empty, "nothing to compare" if mode == "change" else "no value"),)
    text = tuple(
        (
            _place(region, cell),
            f"{label}: {exact(_known(value), unit, currency)}",
            _compared(before, step, unit, currency),
            base,
        )
        for region, cell, value, before, step, base in zip(
            table["region"].to_pylist(),
            table["cell"].to_pylist(),
            values.tolist(),
            previous.tolist(),
            relative.tolist(),
            _bases(table, measure),
            strict=True,
        )
    )
    return CellLayer(
        cells=tuple(table["cell"].to_pylist()),
        lat=_numbers(table, "lat"),
        lon=_numbers(table, "lon"),
        classes=classes,
        height=_heights(values),
        text=text,
        legend=Legend(title, entries, note),
        breaks=ends,
    )


def hotspot_layer(
    table: pa.Table, label: str, unit: Unit, style: Look, *, currency: str | None = None
) -> CellLayer:
    """Cells of the `hotspots` table, coloured by kind; the legend counts the cells of each kind."""
    kinds = table["kind"].to_pylist()
    present = [kind for kind in KINDS if kind in set(kinds)]
    place = {kind: i for i, kind in enumerate(present)}
    colours = kind_colours(style)
    counts = {kind: kinds.count(kind) for kind in present}
    values = _numbers(table, "value")
    text = tuple(
        (
            _place(region, cell),
            kind_label(kind),
            f"{label}: {exact(_known(value), unit, currency)}",
            f"Gi* {z:+.1f}, trend {trend:+.1f}".replace("-", "−"),
        )
        for region, cell, kind, value, z, trend in zip(
            table["region"].to_pylist(),
            table["cell"].to_pylist(),
            kinds,
            values.tolist(),
            np.nan_to_num(_numbers(table, "z")).tolist(),
            np.nan_to_num(_numbers(table, "trend")).tolist(),
            strict=True,
        )
    )
    entries = tuple((colours[kind], f"{kind_label(kind)} ({counts[kind]:,})") for kind in present)
    note = "Getis-Ord Gi* over space and time, 5 % false-discovery rate"
    return CellLayer(
        cells=tuple(table["cell"].to_pylist()),
        lat=_numbers(table, "lat"),
        lon=_numbers(table, "lon"),
        classes=np.array([place[kind] for kind in kinds], dtype=np.int64),
        height=_heights(values),
        text=text,
        legend=Legend(f"Hot spots of {_lower(label)}", entries, note, ordered=False),
    )


def only(layer: CellLayer, cells: Sequence[str]) -> CellLayer:
    """The layer with these cells alone."""
    wanted = set(cells)
    kept = [i for i, cell in enumerate(layer.cells) if cell in wanted]
    return replace(
        layer,
        cells=tuple(layer.cells[i] for i in kept),
        lat=layer.lat[kept],
        lon=layer.lon[kept],
        classes=layer.classes[kept],
        height=layer.height[kept],
        text=tuple(layer.text[i] for i in kept),
    )


def kind_label(kind: str) -> str:
    """A kind of hot spot as the legend writes it."""
    if kind == "none":
        return "No pattern"
    cold, space, name = kind.rpartition(" ")
    return (
        f"{name.capitalize()} {'cold' if cold else 'hot'} spot" if space else f"{kind.capitalize()} hot spot"
    )


def kind_colours(style: Look) -> dict[str, str]:
    """The colour of each kind: hot ones warm, cold ones cool, stronger against the paper when stronger."""
    if style.name == "dark":
        hot = ("#ff74b1", "#ff5b3a", "#dc6a2e", "#a8622f", "#806338", "#67614f")
        cold = ("#b9a4ff", "#74b7ff", "#468bd0", "#356594", "#2d5068", "#4b5a66")
    else:
        hot = ("#cf2a6e", "#7d1a17", "#c4511d", "#eaa45f", "#f0d28c", "#ab9f86")
        cold = ("#6045c2", "#16336e", "#3470b2", "#83b4da", "#bcdbe5", "#8a97a5")
    return dict(zip(KINDS, (*hot, *cold, style.empty), strict=True))


def value_breaks(values: Floats, *, whole: bool) -> tuple[float, ...]:
    """Ends of the classes of a measure: round numbers near its quantiles, each once, ascending."""
    there = values[np.isfinite(values)]
    if not there.size:
        return ()
    ends = [_rounded(float(q), whole) for q in np.quantile(there, QUANTILES)]
    low, high = float(there.min()), float(there.max())
    return tuple(sorted({end for end in ends if low < end <= high}))


def change_breaks(factor: Floats) -> tuple[float, ...]:
    """Ends of the classes of a change as factors over 1; those of falls are their inverses."""
    sizes = np.exp(np.abs(np.log(factor[np.isfinite(factor) & (factor > 0)])))
    sizes = sizes[sizes > 1.001]
    if not sizes.size:
        return (1.1, 1.5, 2.0)
    near = np.abs(np.subtract.outer(np.quantile(sizes, CHANGE_QUANTILES), CHANGE_STEPS)).argmin(axis=1)
    return tuple(CHANGE_STEPS[i] for i in sorted(set(near.tolist())))


def _value_classes(
    values: Floats, ends: Sequence[float], style: Look, unit: Unit, currency: str | None
) -> tuple[NDArray[np.int64], tuple[tuple[str, str], ...]]:
    classes = np.searchsorted(ends, values, side="right").astype(np.int64)
    words = [written(end, unit, currency) for end in ends]
    if words:
        between = [f"{a} – {b}" for a, b in pairwise(words)]
        labels = [f"< {words[0]}", *between, f"≥ {words[-1]}"]
    else:
        there = values[np.isfinite(values)]
        labels = [written(float(there[0]), unit, currency) if there.size else "no value"]
    # The palest step of the scale is the colour of the land.
    steps = style.sequential[1:]
    colours = [steps[round(i)] for i in np.linspace(0, len(steps) - 1, len(labels))]
    return classes, tuple(zip(colours if len(labels) > 1 else [steps[2]], labels, strict=True))


def _change_classes(
    factor: Floats, ends: Sequence[float], style: Look
) -> tuple[NDArray[np.int64], tuple[tuple[str, str], ...]]:
    below = [1 / end for end in reversed(ends)]
    classes = np.searchsorted([*below, *ends], factor, side="right").astype(np.int64)
    rises = [change(end - 1) for end in ends]
    falls = [change(low - 1) for low in below]
    labels = [
        f"below {falls[0]}",
        *(f"{a} to {b}" for a, b in pairwise(falls)),
        f"{falls[-1]} to {rises[0]}",
        *(f"{a} to {b}" for a, b in pairwise(rises)),
        f"over {rises[-1]}",
    ]
    half = len(style.diverging) // 2
    steps = [round(i) for i in np.linspace(1, half, len(ends))] if len(ends) > 1 else [half]
    down = [style.diverging[half - i] for i in reversed(steps)]
    up = [style.diverging[half + i] for i in steps]
    return classes, tuple(zip([*down, style.diverging[half], *up], labels, strict=True))


def _factor(relative: Floats) -> Floats:
    """Return value ÷ previous, at least 0: a number that turned negative fell as far as one can."""
    return np.maximum(relative + 1, 0.0)


def _may_be_chance(table: pa.Table, factor: Floats) -> NDArray[np.bool_]:
    now, before = _numbers(table, "shoppers"), _numbers(table, "previous_shoppers")
    known = np.isfinite(now) & np.isfinite(before)
    # Half a shopper more on both sides keeps the factor finite where one side has none.
    now, before = np.where(known, now, 0) + 0.5, np.where(known, before, 0) + 0.5
    usable = np.isfinite(factor) & (factor > 0)
    size = np.where(usable, np.abs(np.log(np.where(usable, factor, 1.0))), np.abs(np.log(now / before)))
    return known & (size < CHANCE * np.sqrt(1 / now + 1 / before))


def _relative(values: Floats, previous: Floats) -> Floats:
    """Return value ÷ previous − 1: −1 where it went quiet, ±∞ from nothing, 0 from nothing to nothing."""
    out = np.full(len(values), np.nan)
    np.divide(values - previous, np.abs(previous), out=out, where=previous != 0)
    from_nothing = previous == 0
    out[from_nothing] = np.where(values == 0, 0.0, np.sign(values) * np.inf)[from_nothing]
    return out


def _heights(values: Floats) -> Floats:
    """Heights 0–1 in proportion to the value; the top 0.5 % share the tallest, so that one does not rule."""
    there = np.clip(np.nan_to_num(values), 0, None)
    top = float(np.quantile(there, 0.995)) if there.size else 0.0
    top = top or float(there.max(initial=0.0)) or 1.0
    return np.minimum(there / top, 1.0)


def _bases(table: pa.Table, measure: str) -> list[str]:
    """What each number is of: the cell's events, sessions and shoppers, other than the measure itself."""
    columns = [
        name for name in ("events", "sessions", "shoppers") if name != measure and name in table.column_names
    ]
    counts = [table[name].to_pylist() for name in columns]
    return [
        ", ".join(
            f"{written(n, 'count')} {name}" for name, n in zip(columns, row, strict=True) if n is not None
        )
        for row in zip(*counts, strict=True)
    ] or [""] * table.num_rows


def _compared(before: float, relative: float, unit: Unit, currency: str | None) -> str:
    if np.isnan(before):
        return ""
    step = change(relative) if np.isfinite(relative) else "new"
    return f"Compared: {exact(before, unit, currency)} ({step})"


def _place(region: str | None, cell: str) -> str:
    return region or cell


def _numbers(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.array(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _rounded(value: float, whole: bool) -> float:
    """The value to two significant digits; a whole number where the values are counts."""
    if value == 0:
        return 0.0
    places = 1 - int(np.floor(np.log10(abs(value))))
    return float(round(value, min(places, 0) if whole else places))


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
