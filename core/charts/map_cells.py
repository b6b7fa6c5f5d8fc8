"""Cells of a map before they are drawn: a colour class, a legend, and words for the tooltip.

The deck of the page and the picture of the export are both drawn from a `CellLayer`, so they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.charts.look import Look
from core.charts.map_scale import (
    change_breaks,
    change_classes,
    kind_colours,
    kind_label,
    quiet,
    value_breaks,
    value_classes,
)
from core.charts.numbers import Unit, change, exact, written
from core.space.hotspots import KINDS

Mode = Literal["value", "change"]
Floats = NDArray[np.float64]

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
    captions: tuple[str, ...]  # before each of those lines
    legend: Legend
    breaks: tuple[float, ...] = ()  # between the classes of a value; pass on to keep one scale

    def note(self, i: int) -> str:
        """The tooltip of the cell at `i` as plain text."""
        lines = zip(self.captions, self.text[i], strict=True)
        return "\n".join(caption + text for caption, text in lines if text)


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
        classes, entries = change_classes(clear, ends, style)
        title = f"Change of {_lower(label)}"
        note = "against the compared period; neutral where it may be chance (95 %, by the number of shoppers)"
    else:
        ends = tuple(breaks) or value_breaks(values, whole=unit == "count")
        classes, entries = value_classes(values, ends, style, unit, currency)
        title, note = label, "about 25, 50, 75, 90 and 97 % of the cells lie below the steps"
    missing = np.isnan(relative if mode == "change" else values)
    if missing.any():
        classes[missing] = len(entries)
        entries += ((quiet(style), "nothing to compare" if mode == "change" else "no value"),)
    text = tuple(
        (
            _place(region, cell),
            exact(_known(value), unit, currency),
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
        captions=("", f"{label}: ", "Compared: ", ""),
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
            exact(_known(value), unit, currency),
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
    note = "Getis-Ord Gi* over space and time; at most about 5 % of the marks are chance"
    return CellLayer(
        cells=tuple(table["cell"].to_pylist()),
        lat=_numbers(table, "lat"),
        lon=_numbers(table, "lon"),
        classes=np.array([place[kind] for kind in kinds], dtype=np.int64),
        height=_heights(values),
        text=text,
        captions=("", "", f"{label}: ", ""),
        legend=Legend(f"Hot spots of {_lower(label)}", entries, note, ordered=False),
    )


def _factor(relative: Floats) -> Floats:
    """Return value ÷ previous, at least 0: a number that turned negative fell as far as one can."""
    return np.maximum(relative + 1, 0.0)


def _may_be_chance(table: pa.Table, factor: Floats) -> NDArray[np.bool_]:
    """Which changes lie within the standard errors of their shoppers; none where shoppers are unknown.

    A number that came from nothing or fell to it is taken for its shoppers coming or leaving.
    """
    now, before = _numbers(table, "shoppers"), _numbers(table, "previous_shoppers")
    known = np.isfinite(now) & np.isfinite(before)
    # Half a shopper more on both sides keeps the factor finite where one side has none.
    now = np.where(known & (factor > 0), now, 0) + 0.5
    before = np.where(known & np.isfinite(factor), before, 0) + 0.5
    ordinary = (factor > 0) & np.isfinite(factor)
    size = np.abs(np.log(np.where(ordinary, factor, now / before)))
    return np.asarray(known & (size < CHANCE * np.sqrt(1 / now + 1 / before)))


def _relative(values: Floats, previous: Floats) -> Floats:
    """Return value ÷ previous − 1: −1 where it went quiet, ±∞ from nothing, 0 from nothing to nothing."""
    out = np.full(len(values), np.nan)
    np.divide(values - previous, np.abs(previous), out=out, where=previous != 0)
    from_nothing = previous == 0
    out[from_nothing] = np.where(values == 0, 0.0, np.copysign(np.inf, values))[from_nothing]
    return out


def _heights(values: Floats) -> Floats:
    """Heights 0–1 in proportion to the value; the top 0.5 % share the tallest, so that one does not rule."""
    there = np.clip(np.nan_to_num(values), 0, None)
    top = float(np.quantile(there, 0.995)) if there.size else 0.0
    top = top or float(there.max(initial=0.0)) or 1.0
    return np.minimum(there / top, 1.0)


def _bases(table: pa.Table, measure: str) -> list[str]:
    """What each number is of: the cell's events, sessions and shoppers, less the measure itself."""
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
    return f"{exact(before, unit, currency)} ({step})"


def _place(region: str | None, cell: str) -> str:
    return region or cell


def _numbers(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.array(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
