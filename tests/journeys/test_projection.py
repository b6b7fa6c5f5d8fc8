"""The layout of the map: the same on any number of cores, and as good a picture as umap-learn's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from core.journeys import projection
from core.journeys.neighbours import Index
from core.journeys.projection import fuzzy_graph, project
from core.journeys.quality import trustworthiness

GROUPS, EACH = 12, 60


@pytest.fixture(scope="module")
def h() -> np.ndarray:
    """Clouds of paths, their components in order."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(GROUPS, 1, 10)) * 3 + rng.normal(size=(GROUPS, EACH, 10))
    values = values.reshape(-1, 10) - values.mean(axis=(0, 1))
    _, axes = np.linalg.eigh(values.T @ values)
    return np.ascontiguousarray((values @ axes[:, ::-1]).astype(np.float32))


@pytest.fixture(scope="module")
def graph(h: np.ndarray) -> scipy.sparse.coo_matrix:
    return fuzzy_graph(Index(h).graph())


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_picture_does_not_depend_on_the_cores(
    h: np.ndarray, graph: scipy.sparse.coo_matrix, dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = project(graph, h, dimensions, seed=3)

    def one_by_one(ask: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
        return [ask(part) for part in reversed(parts)]

    monkeypatch.setattr(projection, "side_by_side", one_by_one)
    assert (project(graph, h, dimensions, seed=3) == placed).all()
    assert not (project(graph, h, dimensions, seed=4) == placed).all()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_picture_is_as_true_as_that_of_umap_learn(
    h: np.ndarray, graph: scipy.sparse.coo_matrix, dimensions: int
) -> None:
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = UMAP(init="pca", n_components=dimensions, random_state=0).fit_transform(h)
    ours = project(graph, h, dimensions)
    assert trustworthiness(h, ours) > trustworthiness(h, np.asarray(theirs, np.float32)) - 0.01
    centres = ours.reshape(GROUPS, EACH, dimensions).mean(axis=1)
    nearest = ((ours[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == np.repeat(np.arange(GROUPS), EACH)).mean() > 0.95


def test_few_and_equal_paths_have_a_place(h: np.ndarray) -> None:
    few = np.repeat(h[:3, :1], 11, axis=0)
    placed = project(fuzzy_graph(Index(few).graph()), few, 3)
    assert placed.shape == (33, 3) and np.isfinite(placed).all()
