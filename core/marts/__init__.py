"""Heavy builds: small tables made once from the log, from which every page answers."""

from core.marts.builder import build
from core.marts.cube import Cube, Groups, open_cube

__all__ = ["Cube", "Groups", "build", "open_cube"]
