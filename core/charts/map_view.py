"""Web Mercator: which part of the world a map shows, and where a place lies on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.space.boundaries import Box

Floats = NDArray[np.float64]

#: Width of the world in pixels at zoom 0, as deck.gl and MapLibre have it.
TILE = 512
#: Web Mercator ends here, where the world is a square.
LAST_LATITUDE = 85.05
CLOSEST = 12.0
#: Cells farther out than this share on either side do not stretch the view.
TRIM = 0.02


@dataclass(frozen=True)
class View:
    """A north-up map: its centre in degrees, its zoom, and its size in CSS pixels."""

    lat: float
    lon: float
    zoom: float
    width: int
    height: int

    def project(self, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
        """The pixels right of and below the upper left corner."""
        x, y = mercator(lat, lon)
        x0, y0 = mercator(np.array([self.lat]), np.array([self.lon]))
        size = TILE * 2**self.zoom
        return (x - x0) * size + self.width / 2, (y - y0) * size + self.height / 2

    def box(self, margin: float = 0.0) -> Box:
        """The degrees shown, south, west, north, east, widened by a share of the size on each side."""
        size = TILE * 2**self.zoom
        x, y = mercator(np.array([self.lat]), np.array([self.lon]))
        half_x, half_y = (side * (0.5 + margin) / size for side in (self.width, self.height))
        south, north = (_latitude(float(y[0]) + sign * half_y) for sign in (1, -1))
        west, east = ((float(x[0]) + sign * half_x - 0.5) * 360 for sign in (-1, 1))
        return south, west, north, east


def mercator(lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    """Shares of the world's width, from its upper left corner."""
    phi = np.radians(np.clip(lat, -LAST_LATITUDE, LAST_LATITUDE))
    return lon / 360 + 0.5, 0.5 - np.log(np.tan(math.pi / 4 + phi / 2)) / (2 * math.pi)


def fit_view(lat: Floats, lon: Floats, width: int = 760, height: int = 520, padding: int = 20) -> View:
    """The view that holds the places, in degrees; a few far from all others may lie outside.

    `width` is better too small than too large: a wider map shows more around the places. No place at
    all gives the world. Places on both sides of longitude 180° stay together.
    """
    known = np.isfinite(lat) & np.isfinite(lon)
    lat, lon = lat[known], _together(lon[known])
    if not lat.size:
        return View(25.0, 0.0, math.log2(width / TILE), width, height)
    near = _near(lat) & _near(lon)
    south, north = float(lat[near].min()), float(lat[near].max())
    west, east = float(lon[near].min()), float(lon[near].max())
    x, y = mercator(np.array([south, north]), np.array([west, east]))
    span_x, span_y = max(float(np.ptp(x)), 1e-9), max(float(np.ptp(y)), 1e-9)
    scale = min((width - 2 * padding) / span_x, (height - 2 * padding) / span_y)
    zoom = min(max(math.log2(scale / TILE), 0.0), CLOSEST)
    middle = (float(x.mean()) - 0.5) * 360
    return View(
        round(_latitude(float(y.mean())), 4),
        round((middle + 180) % 360 - 180, 4),
        round(zoom, 3),
        width,
        height,
    )


def _together(lon: Floats) -> Floats:
    """Longitudes moved by whole turns so that the widest empty stretch lies outside them."""
    if lon.size < 2:
        return lon
    ordered = np.sort(lon % 360)
    gaps = np.diff(ordered, append=ordered[0] + 360)
    first = ordered[(int(np.argmax(gaps)) + 1) % len(ordered)]
    return (lon - first) % 360 + first


def _near(values: Floats) -> NDArray[np.bool_]:
    """Which values lie inside the middle ones, or at most a fifth of their span outside."""
    low, high = np.quantile(values, [TRIM, 1 - TRIM])
    reach = 0.2 * (high - low)
    return np.asarray((values >= low - reach) & (values <= high + reach))


def _latitude(y: float) -> float:
    """The latitude at a share of the world's height from its upper edge."""
    return math.degrees(2 * math.atan(math.exp((0.5 - y) * 2 * math.pi)) - math.pi / 2)
