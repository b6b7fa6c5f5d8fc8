"""The picture of journeys: UMAP over a neighbour graph that was built once.

Source: McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation and Projection" (umap-learn).
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import scipy.sparse

from core.journeys.neighbours import Neighbours

MIN_DISTANCE = 0.1
#: Rounds of the layout by number of paths: enough that more change trustworthiness by less than 0.005.
EPOCHS = ((10_000, 100), (30_000, 60), (10**9, 30))
NEGATIVES = 5


def fuzzy_graph(near: Neighbours) -> scipy.sparse.coo_matrix:
    """UMAP's graph of memberships over the neighbours: float32[paths, paths], symmetric."""
    from umap.umap_ import fuzzy_simplicial_set

    graph, _, _ = fuzzy_simplicial_set(
        np.empty((len(near.indices), 1), np.float32), near.indices.shape[1], np.random.RandomState(0),
        "euclidean", knn_indices=near.indices, knn_dists=near.distances,
    )  # fmt: skip
    return graph.tocoo()


def project(
    graph: scipy.sparse.coo_matrix,
    h: np.ndarray,
    dimensions: int = 2,
    seed: int = 0,
    epochs: int | None = None,
) -> np.ndarray:
    """Where each path lies in the picture: float32[paths, dimensions]; the same for the same seed.

    Begins with the first principal components, which the columns of `h` are in order.
    """
    from umap.umap_ import simplicial_set_embedding

    n = len(h)
    rng = np.random.RandomState(seed)
    start: np.ndarray = h[:, :dimensions].astype(np.float64)
    if start.shape[1] < dimensions:
        start = np.pad(start, ((0, 0), (0, dimensions - start.shape[1])))
    spread = np.abs(start).max(axis=0)
    start = start / np.where(spread > 0, spread, 1) * 10
    start = start + rng.normal(scale=0.0001, size=start.shape)
    a, b = _curve()
    rounds = epochs or next(rounds for most, rounds in EPOCHS if n <= most)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba, on reflected sets
        placed, _ = simplicial_set_embedding(
            h, graph.copy(), dimensions, 1.0, a, b, 1.0, NEGATIVES, rounds, start.astype(np.float32), rng,
            "euclidean", {}, False, {}, False, parallel=False,
        )  # fmt: skip
    return np.asarray(placed, np.float32)


def place(near: Neighbours, placed: np.ndarray) -> np.ndarray:
    """Where paths lie that were not fitted: float32[rows, dimensions]; `near` are their nearest fitted ones.

    Each stands at the mean of its nearest fitted paths, weighed by their memberships, as UMAP begins its
    own placing of new points.
    """
    excess = near.distances - near.distances[:, :1]
    scale = np.maximum(excess.mean(axis=1, keepdims=True), 1e-12)
    weight = np.exp(-excess / scale)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weight, placed[near.indices]).astype(np.float32)


@cache
def _curve() -> tuple[float, float]:
    from umap.umap_ import find_ab_params

    a, b = find_ab_params(1.0, MIN_DISTANCE)
    return float(a), float(b)
