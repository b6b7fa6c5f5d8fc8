"""The picture of journeys: UMAP over a neighbour graph that was built once.

Source: McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation and Projection". Graph and curve are
umap-learn's; its layout works on one core where a seed is given, so that ours is `layout_kernel`'s.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import scipy.sparse

from core.journeys import layout_kernel
from core.journeys.neighbours import Neighbours
from core.paths.threads import side_by_side

MIN_DISTANCE = 0.1
#: Rounds of the layout by number of paths: enough that more change trustworthiness by less than 0.005.
EPOCHS = ((10_000, 200), (10**9, 100))
#: Random paths that a path is pushed off from, each time that it is drawn towards another.
REPELLED = 5
#: Parts of the picture that move side by side; always as many, so that it does not depend on the cores.
BLOCKS = 8


def fuzzy_graph(near: Neighbours) -> scipy.sparse.coo_matrix:
    """UMAP's graph of memberships over the neighbours: float32[paths, paths], symmetric."""
    from umap import umap_

    for loop in (umap_.smooth_knn_dist, umap_.compute_membership_strengths):
        loop.enable_caching()  # else each process compiles them for seconds
    graph, _, _ = umap_.fuzzy_simplicial_set(
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
    order = _neighbourly(h, np.arange(len(h)), BLOCKS)
    weights = scipy.sparse.csr_matrix(graph)[order][:, order]
    rounds = epochs or next(rounds for most, rounds in EPOCHS if len(h) <= most)
    rate = (weights.data / weights.data.max()).astype(np.float32)
    placed = _start(h, dimensions, seed)[order]
    a, b = map(np.float32, _curve())
    blocks = list(pairwise(np.linspace(0, len(h), BLOCKS + 1).astype(int).tolist()))
    for epoch in range(rounds):
        step, seen = np.float32(1 - epoch / rounds), placed.copy()

        def one(
            block: tuple[int, int], step: np.float32 = step, seen: np.ndarray = seen, epoch: int = epoch
        ) -> None:
            layout_kernel.move(
                *block, weights.indptr, weights.indices, rate, seen, placed, a, b, step, epoch, REPELLED,
                np.uint64(seed),
            )  # fmt: skip

        side_by_side(one, blocks)
    out = np.empty_like(placed)
    out[order] = placed
    return out


def _neighbourly(h: np.ndarray, rows: np.ndarray, blocks: int) -> np.ndarray:
    """The rows in an order of which few edges lead from one of `blocks` (a power of 2) to another: parted
    where they differ most, and each half again.
    """
    if blocks == 1 or rows.size < 2:
        return rows
    about = h[rows] - h[rows].mean(axis=0)
    _, axes = np.linalg.eigh(about.T @ about)
    ordered = rows[np.argsort(about @ axes[:, -1], kind="stable")]
    half = round(rows.size / 2)
    return np.concatenate([_neighbourly(h, its, blocks // 2) for its in (ordered[:half], ordered[half:])])


def _start(h: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """The first components, from 0 to 10, as umap-learn begins; equal paths a hair apart."""
    start = np.zeros((len(h), dimensions))
    start[:, : h.shape[1]] = h[:, :dimensions]
    spread = np.ptp(start, axis=0)
    start = (start - start.min(axis=0)) / np.where(spread > 0, spread, 1) * 10
    noise = np.random.default_rng(seed).normal(scale=0.0001, size=start.shape)
    return (start + noise).astype(np.float32)


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
