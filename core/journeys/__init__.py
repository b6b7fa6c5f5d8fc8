"""The map of journeys: vectors of paths, their picture, their clusters, and names for these."""

from core.journeys.cohort_rule import KIND, chosen_paths
from core.journeys.kept_maps import Opened, fit_of, is_kept, open_map, texts_of
from core.journeys.options import MapOptions
from core.journeys.text_space import NotEncoded

__all__ = [
    "KIND", "MapOptions", "NotEncoded", "Opened", "chosen_paths", "fit_of", "is_kept", "open_map", "texts_of",
]  # fmt: skip
