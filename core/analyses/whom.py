"""Whom a part of the log's events is of: a group's share of them against all groups', with its interval.

Shared by the analyses that ask who looks for something. A shopper counts in every group that they are in.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.demand import need_places, pick_resolution, place_cells
from core.analyses.proportions import false_discovery, two_shares, wilson
from core.analyses.tables import column, ratio
from core.errors import WrongCall
from core.marts import Cube
from core.marts.dimensions import table_of
from core.marts.privacy import hide_small
from core.paths import PathLog
from core.scope import OFF, Scope

#: What a question may be parted by, and the axes of the cube that it means.
SPLITS = {
    "region": ("region",), "cell": ("cell",), "device": ("device",), "hour": ("weekday", "hour"),
    "category": ("category",), "week": ("week",),
}  # fmt: skip
_FIELDS = {"region": "regions", "category": "categories", "device": "devices"}
_COLUMN = {"places": "place", "means": "mean", "kinds": "kind", "hours": "hour"}

#: A map by itself is as fine as leaves most of those who are asked about in cells with LEAST of them, else
#: it is noise; and a step coarser than can just be told apart, so that its colours can be compared. Where
#: small groups are hidden it may be coarser still, so that anything is left to show.
FINEST, COARSE, COARSEST, LEAST, MOST = 5, 2, 1, 8, 0.6


def need_split(by: str, allowed: tuple[str, ...]) -> None:
    """Raises `WrongCall` for a split that is not among those allowed; empty is none."""
    if by and by not in allowed:
        raise WrongCall(f"by={by!r} is not known; it takes {', '.join(allowed)}, or nothing.")


def narrowed(scope: Scope, by: str, value: str) -> Scope:
    """The scope narrowed to one group of a split by region, category, device or week (its first day)."""
    if by != "week":
        fields: dict[str, Any] = {_FIELDS[by]: (value,)}
        return replace(scope, **fields)
    first = date.fromisoformat(value)
    last = first + timedelta(days=6)
    return replace(
        scope, start=max(scope.start or first, first), end=min(scope.end or last, last), compare=OFF
    )


class Groups:
    """The groups of a split within a scope that has its dates."""

    def __init__(self, cube: Cube, scope: Scope, by: str, resolution: int = 0) -> None:
        self.cube, self.by, self.resolution = cube, by, resolution
        self.scope = replace(scope, compare=OFF)
        self.axes = tuple(cube.dimensions.axis(name, self.scope, resolution) for name in SPLITS[by])
        self.shape = tuple(len(axis.labels) for axis in self.axes)
        self.size = int(np.prod(self.shape))

    def of(self, paths: PathLog, events: np.ndarray) -> np.ndarray:
        """The group of each event: int64[events], −1 where it has none."""
        out = np.zeros(events.size, np.int64)
        for axis, length in zip(self.axes, self.shape, strict=True):
            code = axis.codes[paths[_COLUMN[table_of(axis.name)]][events]]
            out = np.where((out < 0) | (code < 0), -1, out * length + code)
        return out

    def everybody(self) -> tuple[np.ndarray, np.ndarray]:
        """Shoppers of each group, whatever they did, and which groups may not be shown: int64, bool."""
        found = self.cube.ask(self.scope, SPLITS[self.by], resolution=self.resolution)
        alone = self.cube.ask(self.scope, SPLITS[self.by], resolution=self.resolution, protect=False)
        return alone.shoppers[0].ravel().astype(np.int64), found.hidden[0].ravel()

    def columns(self) -> dict[str, pa.Array]:
        """The labels of the groups."""
        at = np.unravel_index(np.arange(self.size), self.shape)
        return {
            axis.name: axis.labels.take(pa.array(index)) for axis, index in zip(self.axes, at, strict=True)
        }

    def placed(self, table: pa.Table) -> pa.Table:
        """The table with the place of each cell, where the groups are cells."""
        return place_cells(self.cube, table, self.resolution) if self.by == "cell" else table


def groups_of(
    cube: Cube, scope: Scope, by: str, resolution: str | int, paths: PathLog, events: np.ndarray,
    who: np.ndarray,
) -> Groups:  # fmt: skip
    """The groups of a split; cells as fine as the events asked about fill them, or as asked.

    `who` is the shopper of each event. Raises a sentence where the log has no places.
    """
    if by != "cell":
        return Groups(cube, scope, by)
    need_places(cube)
    if str(resolution) != "auto":
        return Groups(cube, scope, by, pick_resolution(cube, scope, resolution))
    finest = min(FINEST, pick_resolution(cube, scope, resolution) - 1)
    coarsest = COARSE if cube.k <= 1 else COARSEST
    for coarser in range(max(finest, coarsest), coarsest - 1, -1):
        groups = Groups(cube, scope, by, coarser)
        code = groups.of(paths, events)
        held = distinct(code[code >= 0], who[code >= 0], groups.size)
        if held[held >= max(LEAST, cube.k)].sum() >= MOST * held.sum():
            break
    return groups


def distinct(at: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """How many different values each of `size` places has: int64[size]."""
    most = int(values.max()) + 1 if values.size else 1
    pairs = np.unique(at.astype(np.int64) * most + values.astype(np.int64))
    return np.bincount(pairs // most, minlength=size)


def hidden_parts(part: np.ndarray, whole: np.ndarray, also: np.ndarray, k: int) -> np.ndarray:
    """Which groups may not be shown: neither those who did it nor those who did not may be few. A shopper may
    be in several.
    """
    rest = whole - part
    return hide_small(part, k, also=also | ((rest > 0) & (rest < k)), overlapping=True)


def shares(part: np.ndarray, whole: np.ndarray, hidden: np.ndarray) -> dict[str, pa.Array]:
    """Columns share with low and high (Wilson's 95 % interval), lift with its own, and beyond_chance.

    The lift is the share against that of all groups together, which is taken as exact. Chance is judged
    by a group against all others (two proportions, Benjamini-Hochberg 5 %).
    """
    seen = ~hidden
    all_part, all_whole = float(part.sum()), float(whole.sum())
    usual = all_part / all_whole if all_whole else float("nan")
    share = np.where(seen, ratio(part.astype(float), whole.astype(float)), np.nan)
    low, high = (np.where(np.isfinite(share), end, np.nan) for end in wilson(part, whole))
    p = two_shares(part, whole, all_part - part, all_whole - whole)
    q = false_discovery(np.where(np.isfinite(share), p, np.nan))
    lift = {
        name: column(values / usual if usual > 0 else values * np.nan)
        for name, values in (("lift", share), ("lift_low", low), ("lift_high", high))
    }
    known = np.isfinite(q)
    return {
        "share": column(share), "low": column(low), "high": column(high), **lift,
        "beyond_chance": pa.array(known & (np.nan_to_num(q, nan=1.0) < 0.05), mask=~known),
    }  # fmt: skip
