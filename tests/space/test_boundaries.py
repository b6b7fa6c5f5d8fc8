"""The shapes are whole, and points, words and boxes find their region."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely

from core.errors import WrongCall
from core.space import boundaries

STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC"
)


@pytest.mark.parametrize("name", [*boundaries.MAPS, boundaries.LAKES])
def test_shapes_are_valid_and_named_once(name: str) -> None:
    regions = boundaries.load(name).regions
    assert all(region.geometry.is_valid and region.geometry.area > 0 for region in regions)
    names = [region.name for region in regions]
    assert names == sorted(set(names))
    bounds = shapely.total_bounds([region.geometry for region in regions])
    assert bounds[0] >= -180
    assert bounds[2] <= 180


def test_every_state_is_there_and_borders_are_shared() -> None:
    us = boundaries.load(boundaries.US)
    codes = {code for region in us.regions for code in region.codes}
    assert set(STATES.split()) <= codes
    assert len(boundaries.load(boundaries.BRAZIL).regions) == 27
    assert shapely.coverage_is_valid([region.geometry for region in us.regions])


def test_the_shapes_stay_small() -> None:
    assert sum(path.stat().st_size for path in boundaries.FOLDER.glob("*.geojson")) < 900_000


def test_points_find_their_region() -> None:
    places = {
        "Ohio": (39.96, -83.0), "California": (37.79, -122.39), "Hawaii": (21.31, -157.86),
        "Alaska": (58.3, -134.42), "Florida": (24.55, -81.78), "New York": (40.70, -74.01),
        "District of Columbia": (38.9, -77.03), "Michigan": (42.33, -83.05), "Canada": (42.30, -83.02),
        "Mexico": (31.74, -106.48), "Texas": (31.77, -106.40), "São Paulo": (-23.55, -46.63),
        "Rio de Janeiro": (-22.91, -43.2), "France": (48.85, 2.35), "Singapore": (1.3, 103.8),
        "Fiji": (-17.8, 178.0), "Russia": (66.5, -172.0), "Germany": (48.14, 11.58),
    }  # fmt: skip
    lat, lon = np.array(list(places.values())).T
    assert boundaries.regions_at(lat, lon) == list(places)


def test_points_off_a_coast_belong_to_the_nearest_shore() -> None:
    off = {
        "Illinois": (41.865, -87.607),  # Chicago, on the lake
        "São Paulo": (-23.983, -46.302),  # Santos, in the harbour
        "Mexico": (32.362, -117.046),  # Rosarito, where California is near too
        "Portugal": (38.69, -9.43),
        None: (37.0, -123.5),
    }
    lat, lon = np.array(list(off.values())).T
    assert boundaries.regions_at(lat, lon) == list(off)


def test_no_place_no_region() -> None:
    found = boundaries.regions_at(np.array([np.nan, 0.0, 40.0]), np.array([-83.0, -30.0, np.nan]))
    assert found == [None, None, None]
    assert boundaries.regions_at(np.array([]), np.array([])) == []


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        (boundaries.US, "OH", "Ohio"),
        (boundaries.US, " ohio ", "Ohio"),
        (boundaries.US, "Washington, D.C.", "District of Columbia"),
        (boundaries.BRAZIL, "SP", "São Paulo"),
        (boundaries.BRAZIL, "sao paulo", "São Paulo"),
        (boundaries.COUNTRIES, "EIRE", "Ireland"),
        (boundaries.COUNTRIES, "USA", "United States"),
        (boundaries.COUNTRIES, "GBR", "United Kingdom"),
        (boundaries.COUNTRIES, "The Netherlands", "Netherlands"),
        (boundaries.COUNTRIES, "Saint Lucia", "Saint Lucia"),
        (boundaries.COUNTRIES, "Unspecified", None),
    ],
)
def test_words_find_their_region(name: str, word: str, expected: str | None) -> None:
    region = boundaries.load(name).match(word)
    assert (region.name if region else None) == expected


def test_the_map_that_suits() -> None:
    assert boundaries.map_for_words(["Ohio", "TX", "(none)"]) == boundaries.US
    assert boundaries.map_for_words(["SP", "RJ", "MG", "PA"]) == boundaries.BRAZIL
    assert boundaries.map_for_words(["France", "EIRE", "Georgia"]) == boundaries.COUNTRIES
    assert boundaries.map_for_words(["north", "south"]) is None
    assert boundaries.map_for_words([]) is None
    assert boundaries.map_for_extent(24, -125, 49, -66) == boundaries.US
    assert boundaries.map_for_extent(39.9, -83.1, 39.9, -83.1) == boundaries.US
    assert boundaries.map_for_extent(-33, -60, 0, -35) == boundaries.BRAZIL
    assert boundaries.map_for_extent(35, -10, 60, 30) == boundaries.COUNTRIES
    with pytest.raises(WrongCall, match="no map 'mars'"):
        boundaries.load("mars")


def test_a_drawing_is_as_detailed_as_its_window() -> None:
    def size(drawn: dict[str, Any], *names: str) -> int:
        return len(
            json.dumps([f for f in drawn["features"] if not names or f["properties"]["name"] in names])
        )

    country = boundaries.drawing(boundaries.US, (24, -125, 49, -66))
    ohio = boundaries.drawing(boundaries.US, (38, -85, 42, -80))
    assert size(country) < 90_000
    assert size(ohio, "Ohio") > size(country, "Ohio")
    assert size(ohio, "California") < size(country, "California")
    assert len(ohio["features"]) == len(country["features"]) == 56
    assert size(boundaries.drawing(boundaries.COUNTRIES, (-60, -180, 80, 180))) < 300_000
