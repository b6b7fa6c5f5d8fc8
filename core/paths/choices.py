"""The shoppers behind a piece of a picture of paths: a node, an edge, or a pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import WrongCall
from core.paths.log import PathLog
from core.paths.pattern import Pattern, matching_paths
from core.paths.sequences import most_common, sequences
from core.paths.tokens import Naming, titles, tokens
from core.paths.walk import Walk
from core.scope import Scope
from core.store import Store

#: Names of what is no event: the ends of a path, and all nodes that have no row of their own.
BEGAN, STOPPED, OTHER = "(start)", "(end)", "(other)"


def step_of(level: int, anchor: str) -> int:
    """A level as people count it: from 1, but from 0 at the node that paths are read around."""
    return level if anchor == "around" else level + 1


@dataclass(frozen=True)
class Picture:
    """The options of a picture of paths, as the analysis `paths` takes them."""

    nodes: str = "event"
    hide: str = ""
    group: str = ""
    collapse: str = "no"
    unit: str = "shopper"
    anchor: str = "start"
    at: str = ""
    depth: str = "5"
    top: str = "8"
    pattern: str = ""

    def walk(self, store: Store, paths: PathLog, scope: Scope) -> Walk:
        """The paths that the picture is of; `scope` has its dates."""
        naming = Naming.parse(self.nodes, self.hide, self.group, self.collapse)
        names = tokens(paths, naming, titles(store) if naming.nodes == "page" else None)
        walk = Walk.of(paths, scope, naming, self.unit, names)
        return walk.only(matching_paths(walk, Pattern.parse(self.pattern))) if self.pattern else walk


def behind_edge(
    store: Store, paths: PathLog, scope: Scope, picture: Picture, level: int, source: str, target: str = ""
) -> np.ndarray:
    """The shoppers who stand in a node of a level, or go from there to a node of the next: uint32[shoppers].

    Raises `WrongCall` for a node that the level does not have.
    """
    walk = picture.walk(store, paths, scope)
    at = walk.names.find(picture.at) if picture.at else None
    found = sequences(walk, picture.anchor, at, int(picture.depth))
    size = walk.names.labels.size
    chosen, slot = most_common(found.node_counts(), int(picture.top))
    first = int(found.levels[0])
    picked = np.ones(found.paths, bool)
    told = found.tokens
    for n, name in ((level - first, source), (level + 1 - first, target)):
        if not name:
            continue
        if not 0 <= n < told.shape[1]:
            raise WrongCall(
                f"The picture has no level {n + first}; it has {first} to {first + len(chosen) - 1}."
            )
        wanted = _slot(name, walk.names.labels[chosen[n]].tolist(), int(picture.top))
        picked &= slot[n][np.where(told[:, n] < 0, size, told[:, n])] == wanted
    return np.unique(found.shopper[picked])


def _slot(name: str, labels: list[str], top: int) -> int:
    if name == OTHER:
        return top
    if name in (BEGAN, STOPPED):
        return top + 1
    if name not in labels:
        raise WrongCall(f"No node of that level is called {name!r}; there are {', '.join(labels)}.")
    return labels.index(name)


def behind_pattern(store: Store, paths: PathLog, scope: Scope, picture: Picture) -> np.ndarray:
    """The shoppers with a path that holds the picture's pattern: uint32[shoppers]."""
    walk = picture.walk(store, paths, scope)
    return np.unique(sequences(walk, "start", None, 2).shopper)
