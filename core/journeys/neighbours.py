"""The nearest neighbours of paths: found once, and kept for the picture, the clusters and their quality."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

#: Neighbours of a path, itself among them, as UMAP counts them.
NEIGHBOURS = 15

#: Up to so many paths all are compared with all.
MOST_EXACT = 4_000
#: Inverted lists that are looked through for a path.
PROBED = 16


@dataclass(frozen=True)
class Neighbours:
    """Each path's nearest paths, nearest first; its first is itself at distance 0."""

    indices: np.ndarray  # int32[paths, k]
    distances: np.ndarray  # float32[paths, k], Euclidean


class Index:
    """Finds the nearest of some paths by their h, exactly for few and in inverted lists for many.

    Source: Johnson, Douze, Jégou, "Billion-scale similarity search with GPUs" (faiss, IVF); about one path
    in a hundred misses a neighbour.
    """

    def __init__(self, h: np.ndarray) -> None:
        self.h = np.ascontiguousarray(h, np.float32)

    @cached_property
    def _index(self) -> Any:
        import faiss  # here, as the command line starts sooner without it

        n, d = self.h.shape
        if n <= MOST_EXACT:
            index: Any = faiss.IndexFlatL2(d)
        else:
            lists = int(2 * np.sqrt(n))
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists)
            index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 8, 64, 1
            index.train(self.h)
            index.nprobe = PROBED
        index.add(self.h)
        return index

    def nearest(self, h: np.ndarray, k: int = NEIGHBOURS) -> Neighbours:
        """The nearest of the index's paths for each row of h: float32[rows, dimensions]."""
        k = min(k, len(self.h))
        squares, found = self._index.search(np.ascontiguousarray(h, np.float32), k)
        # An inverted list that is too short leaves places open: the nearest stands in.
        empty = found < 0
        found, squares = np.where(empty, found[:, :1], found), np.where(empty, squares[:, :1], squares)
        return Neighbours(found.astype(np.int32), np.sqrt(np.maximum(squares, 0)).astype(np.float32))

    def graph(self, k: int = NEIGHBOURS) -> Neighbours:
        """The nearest of each of the index's own paths, itself first."""
        near = self.nearest(self.h, k)
        indices, distances = near.indices.copy(), near.distances.copy()
        own = np.arange(len(indices), dtype=np.int32)
        # Equal paths may stand before the path itself: it changes places with the first.
        at = (indices == own[:, None]).argmax(axis=1)
        indices[own, at] = indices[:, 0]
        indices[:, 0], distances[:, 0] = own, 0
        return Neighbours(indices, distances)
