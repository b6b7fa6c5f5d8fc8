"""Questions of the path log: who went which way, in what order, and who came back."""

from core.paths.log import NOWHERE, PathLog
from core.paths.opened import open_cohorts, open_cube, open_paths

__all__ = ["NOWHERE", "PathLog", "open_cohorts", "open_cube", "open_paths"]
