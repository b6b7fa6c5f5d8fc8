"""How far the picture and its clusters can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.journeys.clusters import NOISE, Clusters
from core.paths.threads import side_by_side

#: Paths whose neighbourhoods are looked at.
ANCHORS = 600
#: Paths between which silhouettes are taken.
BETWEEN = 3_000
#: Distances held in memory at a time.
_MOST_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Quality:
    """What the page says beside its picture. Of a stated number of paths, drawn at random."""

    trustworthiness: float  # 1: neighbours on the picture are neighbours in the vectors
    silhouette: float  # −1 to 1: how much nearer paths are to their own cluster than to the next
    noise: float  # share of paths in no cluster
    agreement: float  # adjusted Rand index between clusters of different seeds
    of_cluster: np.ndarray  # float64[clusters], silhouette

    def warnings(self) -> tuple[str, ...]:
        """Sentences on what should not be read out of the picture."""
        said = []
        if self.trustworthiness < 0.85:
            said.append(
                f"Distances on this picture mislead: its trustworthiness is {self.trustworthiness:.2f}, so "
                "many neighbours on it are none in truth. Go by the clusters and their numbers."
            )
        if self.agreement < 0.6:
            said.append(
                f"Other random seeds give other clusters (agreement {self.agreement:.2f}); choose fewer, "
                "coarser ones, or other weights."
            )
        if self.noise > 0.35:
            said.append(
                f"{self.noise:.0%} of the paths lie between clusters; these paths form a continuum rather "
                "than groups."
            )
        if self.of_cluster.size > 1 and self.silhouette < 0.02:
            said.append(
                f"The clusters overlap (silhouette {self.silhouette:.2f}); read them as regions of a "
                "landscape, not as kinds of shoppers."
            )
        return tuple(said)


def judge(h: np.ndarray, placed: np.ndarray, clusters: Clusters, seed: int = 0) -> Quality:
    """The quality of a picture `placed` (float[paths, 2 or 3]) of the vectors `h` (float[paths, d])."""
    overall, each = _silhouette(h, clusters, seed)
    return Quality(trustworthiness(h, placed, seed=seed), overall, clusters.noise, clusters.agreement, each)


def trustworthiness(h: np.ndarray, placed: np.ndarray, k: int = 15, seed: int = 0) -> float:
    """How far the k neighbours on the picture are neighbours in the vectors, 0 to 1, over ANCHORS paths.

    Source: Venna, Kaski, "Neighborhood preservation in nonlinear projection methods"; with all paths as
    anchors it equals scikit-learn's.
    """
    n = len(h)
    k = min(k, (n - 1) // 2)
    if k < 1:
        return 1.0
    anchors = np.sort(np.random.default_rng(seed).permutation(n)[:ANCHORS])
    blocks = np.array_split(anchors, -(-anchors.size * n // _MOST_AT_ONCE))
    excess = sum(side_by_side(lambda block: _intruders(h, placed, block, k), blocks, anchors.size * n))
    return float(1 - 2 / (anchors.size * k * (2 * n - 3 * k - 1)) * excess)


def _intruders(h: np.ndarray, placed: np.ndarray, anchors: np.ndarray, k: int) -> int:
    """By how many ranks of `h` the k neighbours on the picture come after the k-th, summed over anchors."""
    near = np.argpartition(_squares(placed, anchors), k, axis=1)[:, :k]
    there = _squares(h, anchors)
    ranks = [
        [int(np.count_nonzero(far < limit)) + 1 for limit in far[its]]
        for far, its in zip(there, near, strict=True)
    ]
    return int(np.maximum(np.array(ranks) - k, 0).sum())


def _squares(values: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Squared distances of anchors to all, infinite to themselves: float32[anchors, n]."""
    mine = values[anchors]
    out = (mine**2).sum(axis=1)[:, None] + (values**2).sum(axis=1)[None, :] - 2 * mine @ values.T
    out[np.arange(anchors.size), anchors] = np.inf
    return np.asarray(out, np.float32)


def _silhouette(h: np.ndarray, clusters: Clusters, seed: int) -> tuple[float, np.ndarray]:
    """The mean silhouette of paths in clusters, and of each cluster's; NaN where there are fewer than two.

    Source: Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of clusters".
    """
    from sklearn.metrics import silhouette_samples  # here, as the command line starts sooner without it

    each = np.full(clusters.count, np.nan)
    within = np.flatnonzero(clusters.labels != NOISE)
    chosen = np.sort(np.random.default_rng(seed).permutation(within)[:BETWEEN])
    labels = clusters.labels[chosen]
    if np.unique(labels).size < 2 or np.unique(labels).size >= labels.size:
        return float("nan"), each
    found = silhouette_samples(h[chosen], labels)
    for cluster in np.unique(labels):
        each[cluster] = found[labels == cluster].mean()
    return float(found.mean()), each
