"""What lies under the cells: land, lakes and borders, as detailed as the view needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.charts.look import Look
from core.charts.map_view import View
from core.space.boundaries import ATTRIBUTION, COUNTRIES, LAKES, drawing, map_for_extent

#: Pixels that tell one border from the next; the land around mapped states needs fewer.
FINE, BACKDROP = 1000, 150


@dataclass(frozen=True)
class Sheet:
    """One layer of the base map: GeoJSON, and its fill and line as hex colours, None for none."""

    name: str
    shapes: dict[str, Any]
    fill: str | None
    line: str | None


def base_map(view: View, style: Look) -> tuple[Sheet, ...]:
    """The sheets under the cells, the lowest first: land, lakes, and states where the view has their map."""
    window = view.box()
    states = map_for_extent(*window)
    around = states != COUNTRIES
    land = Sheet("land", drawing(COUNTRIES, window, BACKDROP if around else FINE), style.panel, border(style))
    lakes = Sheet("lakes", drawing(LAKES, window, FINE // 2), style.paper, None)
    if not around:
        return land, lakes
    return land, lakes, Sheet("states", drawing(states, window, FINE), style.panel, border(style))


def borders(view: View, style: Look) -> Sheet:
    """The most detailed borders without their land, to lie thinly over the cells of a full map."""
    window = view.box()
    return Sheet("borders", drawing(map_for_extent(*window), window, FINE), None, border(style))


def attribution(view: View) -> str:
    """Whose shapes a picture of the view shows."""
    origins = dict.fromkeys(ATTRIBUTION[name] for name in (map_for_extent(*view.box()), COUNTRIES))
    return f"Borders: {', '.join(origins)}. Hexagons: H3."


def border(style: Look) -> str:
    """The colour of borders, between the grid's and the secondary text's."""
    return mixed(style.grid, style.muted, 0.35)


def mixed(one: str, other: str, share: float) -> str:
    """A hex colour that is `share` of the other and the rest of the one."""
    parts = (round((1 - share) * a + share * b) for a, b in zip(rgb(one), rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def rgb(colour: str) -> list[int]:
    """A hex colour as three numbers."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
