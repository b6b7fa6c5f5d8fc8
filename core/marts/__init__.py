"""Heavy builds: small tables made once from the log, from which every page answers."""

from core.marts.builder import build
from core.marts.cube import CHOICES, Cube
from core.marts.groups import Groups
from core.marts.manifest import MartsManifest

__all__ = ["CHOICES", "Cube", "Groups", "MartsManifest", "build"]
