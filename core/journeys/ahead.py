"""Compiling what a map of journeys needs before anybody asks for one: half a minute in a cold process."""

from __future__ import annotations

import numpy as np

from core.journeys.gathered import gather
from core.journeys.journey_map import every_part
from core.journeys.kept_maps import filled, texts_of
from core.journeys.neighbours import Index
from core.journeys.parts import leading_transitions
from core.journeys.projection import fuzzy_graph, project
from core.paths import open_paths
from core.scope import OFF, Scope
from core.store import Store

#: Paths and rounds enough to pass through every loop.
_FEW, _ROUNDS = 300, 12


def compile_loops(store: Store) -> None:
    """Pass a few paths of a store through the loops, and random points through UMAP's."""
    paths = open_paths(store)
    told = gather(paths, filled(store, Scope(compare=OFF)))
    few = told.only(np.arange(min(_FEW, len(told))))
    if len(few):
        every_part(few, texts_of(store).rows(paths, few.events), None, leading_transitions(few))
    points = np.random.default_rng(0).normal(size=(_FEW, 8)).astype(np.float32)
    graph = fuzzy_graph(Index(points).graph())
    for dimensions in (2, 3):
        project(graph, points, dimensions, epochs=_ROUNDS)
