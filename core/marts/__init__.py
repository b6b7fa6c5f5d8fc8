"""Heavy builds: small tables made once from the log, from which every page answers."""

from core.marts.builder import build
from core.marts.cube import CHOICES, Cube, Groups
from core.marts.opened import open_cube

__all__ = ["CHOICES", "Cube", "Groups", "build", "open_cube"]
