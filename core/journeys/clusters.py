"""Groups of alike paths, found among their neighbours in the vectors, not on the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

#: Coarse to fine → resolution of modularity.
DETAIL = {1: 0.1, 2: 0.2, 3: 0.35, 4: 0.8, 5: 1.6}
#: A cluster has at least so many paths, or this share of all.
LEAST_PATHS, LEAST_SHARE = 20, 0.004
#: A path with less of its neighbourhood than this in its own cluster lies between clusters: noise.
LEAST_INSIDE = 0.5
#: How often clusters are found again, from other seeds, to see whether they stay.
SEEDS = 3

NOISE = -1


@dataclass(frozen=True)
class Clusters:
    """Which cluster each path is in; 0 is the largest."""

    labels: np.ndarray  # int16[paths], NOISE for none
    stability: np.ndarray  # float64[clusters], mean Jaccard of each with its likest from another seed
    agreement: float  # mean adjusted Rand index between two seeds; 1 is the same clusters

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return self.stability.size

    @property
    def noise(self) -> float:
        """Share of paths in no cluster."""
        return float((self.labels == NOISE).mean()) if self.labels.size else 0.0


def find_clusters(graph: scipy.sparse.spmatrix, detail: int = 3, seed: int = 0) -> Clusters:
    """Communities of UMAP's neighbour graph: int16[paths].

    Source: Blondel, Guillaume, Lambiotte, Lefebvre, "Fast unfolding of communities in large networks", over
    the fuzzy graph of `core.journeys.projection.fuzzy_graph`. A path whose neighbourhood lies mostly in other
    clusters is noise, and so is a cluster that is too small.
    """
    from sklearn.metrics import adjusted_rand_score  # here, as the command line starts sooner without it

    weights = scipy.sparse.csr_matrix(graph)
    found = [_communities(weights, DETAIL[detail], seed + n) for n in range(SEEDS)]
    labels = found[0]
    count = int(labels.max()) + 1
    overlaps = [_best_jaccard(labels, other, count) for other in found[1:]]
    pairs = [(a, b) for n, a in enumerate(found) for b in found[n + 1 :]]
    agreement = float(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))
    return Clusters(labels, np.mean(overlaps, axis=0), agreement)


def _communities(weights: scipy.sparse.csr_matrix, resolution: float, seed: int) -> np.ndarray:
    from sknetwork.clustering import Louvain  # its Leiden draws from a generator that takes no seed

    raw = Louvain(resolution=resolution, random_state=seed, shuffle_nodes=seed > 0).fit_predict(weights)
    n, count = raw.size, int(raw.max()) + 1
    member = scipy.sparse.csr_matrix((np.ones(n, np.float32), (np.arange(n), raw)), (n, count))
    shares = weights @ member  # [paths, clusters], weight of each path's neighbourhood
    own = np.asarray(shares[np.arange(n), raw]).ravel()
    total = np.asarray(weights.sum(axis=1)).ravel()
    inside = own / np.where(total > 0, total, 1)
    labels = np.where(inside >= LEAST_INSIDE, raw, NOISE)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] >= max(LEAST_PATHS, LEAST_SHARE * n)]
    renamed = np.full(count + 1, NOISE, np.int16)  # the last is for noise
    renamed[order] = np.arange(order.size)
    return renamed[labels]


def _best_jaccard(labels: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """For each cluster, the largest share that it and one of the others have in common: float64[count]."""
    others = int(other.max()) + 1
    if not others:
        return np.zeros(count)
    both = (labels >= 0) & (other >= 0)
    common = np.zeros((count, others))
    np.add.at(common, (labels[both], other[both]), 1)
    mine = np.bincount(labels[labels >= 0], minlength=count)[:, None]
    theirs = np.bincount(other[other >= 0], minlength=others)[None, :]
    return np.asarray((common / (mine + theirs - common)).max(axis=1))


def assign(labels: np.ndarray, nearest: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The cluster that most of each path's nearest fitted paths are in, by nearness: int16[rows].

    `labels` are of the fitted paths, `nearest` int[rows, k] and `distances` float[rows, k] of the others.
    Noise where noise has most.
    """
    count = int(labels.max()) + 2
    scale = np.maximum(distances.mean(axis=1, keepdims=True), 1e-12)
    weight = np.exp(-distances / scale)
    votes = np.zeros((len(nearest), count))
    rows = np.repeat(np.arange(len(nearest)), nearest.shape[1])
    np.add.at(votes, (rows, labels[nearest].ravel() + 1), weight.ravel())
    return (votes.argmax(axis=1) - 1).astype(np.int16)
