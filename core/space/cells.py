"""H3 cells as numpy arrays: parents, centres, outlines, neighbours, and which resolution to show.

A cell is a uint64. Its resolution sits in bits 52–55 and its path from the base cell in fifteen
groups of three bits, unused groups all ones; a parent is therefore bit arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.errors import WrongCall
from core.events import CELL_RESOLUTION

Cells = NDArray[np.uint64]
Floats = NDArray[np.float64]

#: Most hexagons a browser draws and drags smoothly; also most that one answer carries.
SCREEN_CAP = 20_000
#: Least width of a hexagon on the screen, in CSS pixels; smaller ones are dust.
LEAST_PIXELS = 6.0
#: Coarsest resolution shown: a hexagon of about 1,100 km across.
COARSEST = 1

_RESOLUTION_BITS = np.uint64(15 << 52)
_SHIFT = np.uint64(52)
_METRES_PER_DEGREE = 111_320.0


def resolutions(cells: Cells) -> NDArray[np.int64]:
    """Return the resolution (0–15) of each cell."""
    return ((cells & _RESOLUTION_BITS) >> _SHIFT).astype(np.int64)


def parents(cells: Cells, resolution: int) -> Cells:
    """Return the cell at `resolution` that holds each cell; itself where it already is of that one.

    Raises `WrongCall` where a cell is coarser than `resolution`, as it has no single child there.
    """
    if not 0 <= resolution <= 15:
        raise WrongCall(f"Resolution {resolution} does not exist; H3 has 0 (coarse) to 15 (fine).")
    cells = np.asarray(cells, dtype=np.uint64)
    if cells.size and (coarsest := int(resolutions(cells).min())) < resolution:
        raise WrongCall(
            f"A cell of resolution {coarsest} has no parent at resolution {resolution}; "
            f"ask for {coarsest} or coarser."
        )
    unused = np.uint64(2 ** (3 * (15 - resolution)) - 1)
    return (cells & ~_RESOLUTION_BITS) | np.uint64(resolution << 52) | unused


def centres(cells: Cells) -> tuple[Floats, Floats]:
    """Return latitude and longitude of each cell's centre, in WGS84 degrees."""
    pairs = np.array([h3.cell_to_latlng(c) for c in cells.tolist()], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def addresses(cells: Cells) -> list[str]:
    """Return each cell as the hexadecimal address used in links, tables and pictures."""
    return [f"{c:x}" for c in np.asarray(cells, dtype=np.uint64).tolist()]


def from_addresses(texts: Iterable[str]) -> Cells:
    """Return the cells of hexadecimal addresses; raises `WrongCall` naming the first that is none."""
    cells = []
    for text in texts:
        try:
            cell = int(text, 16)
        except ValueError:
            cell = 0
        if not 0 <= cell < 2**64 or not h3.is_valid_cell(cell):
            raise WrongCall(f"{text!r} is not an H3 cell; an address looks like 86266e55fffffff.")
        cells.append(cell)
    return np.array(cells, dtype=np.uint64)


def outlines(cells: Cells) -> list[Floats]:
    """Return each cell's ring as [corners, 2] longitude and latitude; 6 corners, 5 for a pentagon.

    A cell across longitude 180° keeps its corners together, so some lie beyond ±180.
    """
    rings = []
    for cell in cells.tolist():
        ring = np.array(h3.cell_to_boundary(cell), dtype=np.float64)[:, ::-1]
        if np.ptp(ring[:, 0]) > 180:
            ring[ring[:, 0] < 0, 0] += 360
        rings.append(ring)
    return rings


def neighbours(cells: Cells, ring: int = 1) -> sparse.csr_array:
    """Return the binary matrix [cells, cells] of pairs at most `ring` steps apart, itself included.

    Steps are counted on the H3 grid, and only cells in the list are neighbours. The cells are
    distinct and of one resolution; `WrongCall` otherwise.
    """
    cells = np.asarray(cells, dtype=np.uint64)
    n = len(cells)
    if n and np.ptp(resolutions(cells)):
        raise WrongCall("Neighbours need cells of one resolution; take their parents at one first.")
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    if n and not np.all(ordered[1:] > ordered[:-1]):
        raise WrongCall("Neighbours need each cell once; sum the values of a repeated cell first.")
    if ring == 0 or not n:
        return sparse.eye_array(n, format="csr")
    disks = [h3.grid_disk(c, ring) for c in cells.tolist()]
    counts = np.fromiter((len(d) for d in disks), dtype=np.int64, count=n)
    found = np.fromiter((c for d in disks for c in d), dtype=np.uint64, count=int(counts.sum()))
    place = np.minimum(np.searchsorted(ordered, found), n - 1)
    present = ordered[place] == found
    rows = np.repeat(np.arange(n), counts)[present]
    columns = order[place[present]]
    ones = np.ones(len(rows), dtype=np.float64)
    return sparse.coo_array((ones, (rows, columns)), shape=(n, n)).tocsr()


def resolution_for(cells: Cells, cap: int = SCREEN_CAP, finest: int = CELL_RESOLUTION) -> int:
    """Return the finest resolution, `finest` at most, at which the cells fall into at most `cap`."""
    for resolution in range(finest, COARSEST, -1):
        cells = np.unique(parents(cells, resolution))
        if len(cells) <= cap:
            return resolution
    return COARSEST


def resolution_for_extent(
    south: float, west: float, north: float, east: float, pixels: int = 1000, least: float = LEAST_PIXELS
) -> int:
    """Return the finest stored resolution whose hexagons are `least` pixels wide on a fitted map.

    The map shows the box of degrees on `pixels` CSS pixels along its longer side.
    """
    middle = math.cos(math.radians((south + north) / 2))
    metres = max((east - west) * middle, north - south, 1e-6) * _METRES_PER_DEGREE
    for resolution in range(CELL_RESOLUTION, COARSEST, -1):
        # The mean distance between opposite sides of a hexagon is √3 times its edge.
        width = math.sqrt(3) * h3.average_hexagon_edge_length(resolution, unit="m")
        if width / (metres / pixels) >= least:
            return resolution
    return COARSEST
