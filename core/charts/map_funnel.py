"""Conversion on the map: which cells lose more, or less, of their shoppers than everywhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.charts.look import Look
from core.charts.map_cells import CellLayer, Legend
from core.charts.numbers import change, exact, written

NAMES = ("half or less", "below", "as everywhere", "above")


def conversion_layer(table: pa.Table, overall: float, who: str, style: Look) -> CellLayer:
    """Cells of the `funnel-map` table against the share `overall`; above or below where the interval is."""
    share, low, high, entered = (
        np.array(table[name].to_pylist(), float) for name in ("conversion", "low", "high", "entered")
    )
    classes = np.where(high < overall, np.where(share <= overall / 2, 0, 1), np.where(low > overall, 3, 2))
    steps = style.diverging
    colours = (steps[0], steps[1], style.empty, steps[5])
    entries = tuple(
        (colour, f"{name} ({int((classes == i).sum()):,})")
        for i, (colour, name) in enumerate(zip(colours, NAMES, strict=True))
    )
    previous = table["previous_conversion"].to_pylist()
    text = tuple(
        (
            region or cell,
            f"{exact(s, 'share')} of {exact(n, 'count')} {who}",
            ""
            if before is None
            else f"{exact(before, 'share')} ({change(s / before - 1 if before else None)})",
            "",
        )
        for region, cell, s, n, before in zip(
            table["region"].to_pylist(), table["cell"].to_pylist(), share, entered, previous, strict=True
        )
    )
    return CellLayer(
        cells=tuple(table["cell"].to_pylist()),
        lat=np.array(table["lat"].to_pylist(), float),
        lon=np.array(table["lon"].to_pylist(), float),
        classes=classes.astype(np.int64),
        height=share,
        text=text,
        captions=("", "", "Compared: ", ""),
        legend=Legend(
            f"Against {written(overall, 'share')} overall", entries,
            "95 % interval of the cell wholly above or below", ordered=False,
        ),
    )  # fmt: skip


def _compared(share: float, before: float | None) -> str:
    if before is None:
        return ""
    return f"{exact(before, 'share')} ({change(share / before - 1 if before else None)})"
