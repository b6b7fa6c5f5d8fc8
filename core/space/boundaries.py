"""Shapes of states and countries: which map suits a place, and which region a point or a word means."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, box, mapping, shape
from shapely.geometry.base import BaseGeometry

from core.errors import CartscapeError, WrongCall

FOLDER = Path(__file__).parents[2] / "data" / "boundaries"

US, BRAZIL, COUNTRIES, LAKES = "us-states", "br-states", "countries", "lakes"
#: The maps, the most detailed first: a point takes the first that covers it.
MAPS = (US, BRAZIL, COUNTRIES)
#: The maps of states, and the country that each divides.
_COUNTRY_OF = {US: "United States", BRAZIL: "Brazil"}
ATTRIBUTION = {
    US: "US Census Bureau",
    BRAZIL: "Natural Earth",
    COUNTRIES: "Natural Earth",
    LAKES: "Natural Earth",
}

#: A simplified coast cuts off some piers and beaches: a point this near, in degrees, still belongs.
NEAR = 0.25

#: Tolerances of drawings in degrees, the finest first.
_DETAILS = (0.01, 0.03, 0.06, 0.1, 0.2, 0.4)

#: South, west, north, east in degrees.
Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]

_ALIASES = {
    "usa": "United States", "us of america": "United States", "united states of america": "United States",
    "america": "United States", "uk": "United Kingdom", "great britain": "United Kingdom",
    "england": "United Kingdom", "scotland": "United Kingdom", "wales": "United Kingdom",
    "eire": "Ireland", "republic of ireland": "Ireland", "rsa": "South Africa", "uae": "United Arab Emirates",
    "holland": "Netherlands", "czech republic": "Czechia", "turkiye": "Turkey", "korea": "South Korea",
    "republic of korea": "South Korea", "russian federation": "Russia", "viet nam": "Vietnam",
    "ivory coast": "Côte d'Ivoire", "burma": "Myanmar", "cape verde": "Cabo Verde", "swaziland": "Eswatini",
    "brasil": "Brazil", "deutschland": "Germany", "espana": "Spain", "macedonia": "North Macedonia",
    "washington dc": "District of Columbia", "washington d c": "District of Columbia",
    "d c": "District of Columbia", "hong kong sar": "Hong Kong", "macau": "Macao",
}  # fmt: skip


@dataclass(frozen=True)
class Region:
    """One state or country: its full English name, its codes, and its shape in WGS84 degrees."""

    name: str
    codes: tuple[str, ...]
    geometry: BaseGeometry

    @property
    def bounds(self) -> Box:
        """Return the south, west, north and east edge."""
        west, south, east, north = self.geometry.bounds
        return south, west, north, east


@dataclass(frozen=True)
class BaseMap:
    """The regions of one file of shapes, in the order of their names."""

    name: str
    regions: tuple[Region, ...]

    @cached_property
    def by_word(self) -> dict[str, Region]:
        """Return normalised name or code → region."""
        words = {_normal(code): region for region in self.regions for code in region.codes}
        words |= {_normal(region.name): region for region in self.regions}
        names = {region.name: region for region in self.regions}
        return words | {alias: names[name] for alias, name in _ALIASES.items() if name in names}

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Return the spatial index over the regions, in their order."""
        return shapely.STRtree([region.geometry for region in self.regions])

    def match(self, word: str) -> Region | None:
        """Return the region that a name, an abbreviation or an ISO code means, whatever its case."""
        return self.by_word.get(_normal(word))


@lru_cache(maxsize=len(ATTRIBUTION))
def load(name: str) -> BaseMap:
    """Read one of `MAPS`, or `LAKES`; kept for the life of the process."""
    if name not in ATTRIBUTION:
        raise WrongCall(f"There is no map {name!r}; there are {', '.join(MAPS)}.")
    path = FOLDER / f"{name}.geojson"
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    except (OSError, ValueError, KeyError) as error:
        raise CartscapeError(f"The base map {path} cannot be read ({error}); restore it.") from error
    regions = []
    for feature in features:
        about = feature["properties"]
        codes = tuple(about[key] for key in ("abbr", "iso2", "iso3") if key in about)
        regions.append(Region(about["name"], codes, shape(feature["geometry"])))
    return BaseMap(name, tuple(regions))


def regions_at(lat: Floats, lon: Floats) -> list[str | None]:
    """Return the name of the state (US, Brazil) or country at each point; None at sea or unknown.

    `lat` and `lon` are arrays of one length in WGS84 degrees; NaN gives None. A point off a coast
    belongs to the nearest region within `NEAR` degrees.
    """
    names: NDArray[np.object_] = np.full(len(lat), "", dtype=object)
    points = shapely.points(lon, lat)
    left = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    for name in _COUNTRY_OF:
        names[left] = _covering(name, points[left])
        left = left[names[left] == ""]
    # The country comes before a state nearby: Windsor in Ontario is a river's width from Michigan.
    names[left] = _covering(COUNTRIES, points[left])
    off = left[names[left] == ""]
    names[off] = _nearest(COUNTRIES, points[off])
    for name, country in _COUNTRY_OF.items():
        todo = left[(names[left] == country) | (names[left] == "")]
        state = _nearest(name, points[todo])
        names[todo] = np.where(state == "", names[todo], state)
    return [name or None for name in names.tolist()]


def _covering(name: str, points: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the name of the map's region that covers each point, or ""."""
    return _labelled(name, len(points), load(name).tree.query(points, predicate="intersects"))


def _nearest(name: str, points: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the name of the map's region that is nearest to each point and within `NEAR`, or ""."""
    found = load(name).tree.query_nearest(points, max_distance=NEAR, all_matches=False)
    return _labelled(name, len(points), found)


def _labelled(name: str, count: int, found: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the region's name at each of `count` points; `found` are the numbers of points and regions."""
    names: NDArray[np.object_] = np.full(count, "", dtype=object)
    names[found[0]] = np.array([region.name for region in load(name).regions], dtype=object)[found[1]]
    return names


def map_for_words(words: Iterable[str]) -> str | None:
    """Return the map that knows most of these region names or codes; None if none knows half."""
    words = list(dict.fromkeys(words))
    if not words:
        return None
    known = {name: sum(load(name).match(word) is not None for word in words) for name in MAPS}
    best = max(MAPS, key=lambda name: known[name])
    return best if known[best] * 2 >= len(words) else None


def map_for_extent(south: float, west: float, north: float, east: float) -> str:
    """Return the map whose regions make sense of a box: states inside the US or Brazil, else countries."""
    area = box(west, south, east, north)
    for name, country in _COUNTRY_OF.items():
        region = load(COUNTRIES).match(country)
        if region is not None and _share_inside(area, region.geometry) > 0.3:
            return name
    return COUNTRIES


def _share_inside(area: BaseGeometry, country: BaseGeometry) -> float:
    if area.area == 0:
        return float(area.distance(country) <= NEAR)
    return float((area & country).area / area.area)


def drawing(name: str, window: Box, pixels: int = 1000) -> dict[str, Any]:
    """Return a map as GeoJSON, as detailed as a picture of the window needs and no more.

    `window` is south, west, north, east, shown on `pixels` along its longer side. What lies outside
    is kept, much coarser, for a reader who drags the map away. Each feature has the property `name`.
    """
    south, west, north, east = window
    pixel = max(east - west, north - south) / pixels
    detail = max((t for t in _DETAILS if t <= 1.5 * pixel), default=_DETAILS[0])
    fine, coarse = _thinned(name, detail), _thinned(name, _DETAILS[-1])
    area = box(west, south, east, north)
    features = []
    for region, near, far in zip(load(name).regions, fine, coarse, strict=True):
        outline = near if area.intersects(region.geometry.envelope) else far
        features.append({"type": "Feature", "properties": {"name": region.name}, "geometry": outline})
    return {"type": "FeatureCollection", "features": features}


def labels(
    south: float, west: float, north: float, east: float, most: int = 60
) -> list[tuple[str, float, float]]:
    """Return short names of the largest regions in a box and where to write them, latitude and longitude.

    States are named by their abbreviation, countries in full; regions too small for a word are left out.
    """
    name = map_for_extent(south, west, north, east)
    area = box(west, south, east, north)
    found = []
    for region in load(name).regions:
        seen = _largest(region.geometry & area) if area.intersects(region.geometry.envelope) else None
        word = region.name if name == COUNTRIES else region.codes[0]
        if seen is None:
            continue
        left, _, right, _ = seen.bounds
        # A letter takes about 1/130 of the width of the map.
        if (right - left) > len(word) * (east - west) / 130:
            at = seen.representative_point()
            found.append((float(seen.area), (word, at.y, at.x)))
    return [label for _, label in sorted(found, reverse=True)[:most]]


def _largest(geometry: BaseGeometry) -> BaseGeometry | None:
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return max(parts, key=lambda part: float(part.area), default=None)


@lru_cache(maxsize=16)
def _thinned(name: str, tolerance: float) -> list[dict[str, Any]]:
    """Return each region's GeoJSON geometry, simplified in degrees, islets smaller than a dot left out."""
    shapes = shapely.coverage_simplify([region.geometry for region in load(name).regions], tolerance)
    outlines = []
    for geometry in shapes:
        parts = list(getattr(geometry, "geoms", [geometry]))
        largest = max(parts, key=lambda part: float(part.area))
        kept = [p for p in parts if p is largest or p.area > 4 * tolerance**2]
        outlines.append(_rounded(mapping(MultiPolygon(kept)), 2 if tolerance >= 0.1 else 3))
    return outlines


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item, decimals) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, decimals) for item in value]
    return round(value, decimals) if isinstance(value, float) else value


def _normal(word: str) -> str:
    """Lower case, without accents, punctuation or a leading "the"."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())
    return plain.removeprefix("the ").replace("saint ", "st ")
