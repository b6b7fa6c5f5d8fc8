"""Simple recommenders that a better one must beat: what is popular, one's own habit, item-kNN and EASE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse

from core.errors import CartscapeError
from core.recommender.interactions import DAY, Task

#: Scores of all items for some shoppers: int64[rows] → float64[rows, items].
Scorer = Callable[[np.ndarray], np.ndarray]

#: More items than this have no dense matrix of items by items.
MOST_ITEMS = 20_000


@dataclass(frozen=True)
class Peer:
    """A recommender by its name: its settings, of which validation chooses one, and how it is fitted."""

    name: str
    settings: tuple[dict[str, Any], ...]
    fit: Callable[..., Scorer]  # (task, **settings)


def popular(task: Task, days: float | None = None) -> Scorer:
    """How many shoppers took each item, in the last days before the split or ever."""
    low = -np.inf if days is None else task.end - days * DAY
    lately = task.train.between(low, task.end)
    score = np.asarray(lately.taken.sum(axis=0), np.float64).ravel()
    return lambda shoppers: np.broadcast_to(score, (len(shoppers), score.size))


def own_frequency(task: Task) -> Scorer:
    """How often the shopper took each item before; what is popular decides among equals."""
    usual = popular(task, 30)(np.zeros(1, np.int64))[0]
    small = usual / (usual.max() + 1)
    return lambda shoppers: task.train.counts[shoppers].toarray() + small


def item_knn(task: Task, neighbours: int = 100, shrink: float = 10.0) -> Scorer:
    """Items alike to those that the shopper took: cosine of their shoppers, shrunk where few share both.

    Source: Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation algorithms".
    """
    taken = task.train.taken.tocsc()
    both = (taken.T @ taken).tocsr().astype(np.float64)
    both.setdiag(0)
    both.eliminate_zeros()
    both.sort_indices()
    size = np.sqrt(np.asarray(taken.sum(axis=0)).ravel())
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    both.data /= size[rows] * size[both.indices] + shrink
    kept = _strongest(both, neighbours)
    return lambda shoppers: (task.train.taken[shoppers] @ kept.T).toarray().astype(np.float64)


def _strongest(matrix: scipy.sparse.csr_matrix, most: int) -> scipy.sparse.csr_matrix:
    """The `most` largest entries of each row."""
    keep = np.zeros(matrix.nnz, bool)
    for row in range(matrix.shape[0]):
        low, high = matrix.indptr[row], matrix.indptr[row + 1]
        keep[low + np.argsort(-matrix.data[low:high], kind="stable")[:most]] = True
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return scipy.sparse.csr_matrix((matrix.data[keep], (rows[keep], matrix.indices[keep])), matrix.shape)


def ease(task: Task, penalty: float = 300.0, lately: float = 0.0) -> Scorer:
    """Items that go with those the shopper took, by the closed form of a linear model without itself; plus
    `lately` times what was popular in the last 7 days, by its share of the most popular.

    Source: Steck, "Embarrassingly shallow autoencoders for sparse data". Raises `CartscapeError` for more
    than MOST_ITEMS items.
    """
    weights = ease_weights(task, penalty)
    recent = popular(task, 7)(np.zeros(1, np.int64))[0]
    recent = recent / max(recent.max(), 1)
    return lambda shoppers: task.train.taken[shoppers] @ weights + lately * recent


@lru_cache(maxsize=4)  # what settings of one task share
def ease_weights(task: Task, penalty: float) -> np.ndarray:
    """How much each item that was taken speaks for each other: float32[items, items]."""
    train = task.train
    if train.items > MOST_ITEMS:
        raise CartscapeError(f"EASE takes {MOST_ITEMS:,} items at most; this log has {train.items:,}.")
    gram = np.asarray((train.taken.T @ train.taken).todense(), np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return weights


def peers(task: Task) -> tuple[Peer, ...]:
    """All that suit a task, each with the settings among which validation chooses."""
    found = [
        Peer("popular ever", ({},), popular),
        Peer("popular 7 days", ({"days": 7},), popular),
        Peer("popular 30 days", ({"days": 30},), popular),
        Peer(
            "item-kNN",
            tuple({"neighbours": n, "shrink": s} for n in (50, 200) for s in (0.0, 10.0, 50.0)),
            item_knn,
        ),
    ]
    if not task.masked:
        found.append(Peer("own frequency", ({},), own_frequency))
    if task.train.items <= MOST_ITEMS:
        penalties = (100.0, 300.0, 1_000.0)
        found += [
            Peer("EASE", tuple({"penalty": p} for p in penalties), ease),
            Peer(
                "EASE + popular 7 days",
                tuple({"penalty": p, "lately": w} for p in penalties for w in (0.1, 0.3, 1.0)),
                ease,
            ),
        ]
    return tuple(found)
