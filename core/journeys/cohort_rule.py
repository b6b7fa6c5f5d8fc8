"""A part of a map of journeys as a cohort's rule, so that every page answers to it.

    {"of": "journeys", "scope": {…}, "options": {…}, "clusters": [0, 3]}      clusters of the map, −1 is noise
    {"of": "journeys", "scope": {…}, "options": {…}, "polygon": [[x, y], …]}  what a lasso holds; of a map in
                                                 three dimensions with its "view", the 4 × 4 projection,
                                                 and "without" the clusters that it passes over

Its members are the shoppers who have a path there.
"""

from __future__ import annotations

import numpy as np

from core.errors import WrongCall
from core.journeys.gathered import shoppers_of
from core.journeys.kept_maps import Opened, open_map
from core.journeys.lasso import even_odd, on_screen
from core.journeys.options import MapOptions
from core.paths import cohort_words, cohorts
from core.paths.cohorts import Cohorts, Rule
from core.scope import Scope

KIND = "journeys"


def chosen_paths(opened: Opened, rule: Rule) -> np.ndarray:
    """Which paths of the map a rule means: bool[paths]."""
    made = opened.map
    if "polygon" in rule:
        corners, view = np.asarray(rule["polygon"], float), rule.get("view", ())
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise WrongCall("A lasso is a list of three or more corners [x, y].")
        deep = made.placed.shape[1] == 3
        if deep != bool(view):
            raise WrongCall("A lasso of a map in three dimensions has its view, one in two has none.")
        placed = made.placed.astype(np.float64)
        within = even_odd(on_screen(placed, view) if deep else placed, corners)
        return within & ~np.isin(made.labels, rule.get("without", ()))
    clusters = [int(c) for c in rule["clusters"]]
    if not clusters or any(not -1 <= c < made.clusters for c in clusters):
        raise WrongCall(
            f"A cohort names cluster {_numbers(clusters)}; the map has clusters 1 to {made.clusters}, and "
            "paths between them. Choose it on the map anew."
        )
    return np.isin(made.labels, clusters)


def _members(found: Cohorts, rule: Rule) -> np.ndarray:
    opened = open_map(found.store, Scope.parse(rule.get("scope", {})), MapOptions(**rule.get("options", {})))
    chosen = chosen_paths(opened, rule)
    return found.from_numbers(shoppers_of(opened.paths, opened.options.unit, opened.map.keys[chosen]))


def _words(rule: Rule) -> str:
    if "polygon" in rule:
        return "in a lasso on the map of journeys"
    return f"in cluster {_numbers([int(c) for c in rule['clusters']])} of the map of journeys"


def _numbers(clusters: list[int]) -> str:
    """Clusters as people count them, from 1."""
    return ", ".join("between clusters" if c == -1 else str(c + 1) for c in clusters) or "none"


cohorts.FINDERS[KIND] = _members
cohort_words.WORDS[KIND] = _words
