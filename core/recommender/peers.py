"""Simple recommenders that a better one must beat: what is popular (also here and now), one's own habit,
item-kNN and EASE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import scipy.sparse

from core.errors import CartscapeError
from core.recommender.acts import World
from core.recommender.histories import arrivals
from core.recommender.interactions import DAY, Task
from core.recommender.item_models import ease_matrix, strongest
from core.recommender.lift import OWN, Lifts, Priors

#: Scores of all items for some shoppers: int64[rows] → float64[rows, items].
Rows = Callable[[np.ndarray], np.ndarray]

#: What a peer learns from: what shoppers took, or all that they did anything with.
TAKEN, MET = "taken", "met"
#: More items than this have no dense matrix of items by items.
MOST_ITEMS = 20_000


@dataclass(frozen=True)
class Peer:
    """A recommender by its name: its settings, of which validation chooses one, and how it is fitted."""

    name: str
    settings: tuple[dict[str, Any], ...]
    fit: Callable[..., Rows]  # (task, **settings)


def popular(task: Task, days: float | None = None) -> Rows:
    """How many shoppers took each item, in the last days before the split or ever."""
    low = -np.inf if days is None else task.end - days * DAY
    lately = task.train.between(low, task.end)
    score = np.asarray(lately.taken.sum(axis=0), np.float64).ravel()
    return lambda shoppers: np.broadcast_to(score, (len(shoppers), score.size))


def here_and_now(task: Task, world: World, here: float, now: float, priors: Priors = OWN) -> Rows:
    """What is popular in 30 days, times how much more it is wanted at the place (cell within region) and at
    the time of the week at which the shopper comes, each to a power.
    """
    usual = np.log(popular(task, 30)(np.zeros(1, np.int64))[0] + 1)
    lifts = _lifts(world, task.end, priors)

    def rows(shoppers: np.ndarray) -> np.ndarray:
        come = arrivals(world, shoppers, task.end)
        place = lifts.here(come.places(world.cells.size))
        return np.asarray(usual + here * place + now * lifts.now(come.slot), np.float64)

    return rows


@lru_cache(maxsize=2)  # of the test and of the days that choose
def _lifts(world: World, end: float, priors: Priors) -> Lifts:
    return Lifts.of(world, end, priors)


def own_frequency(task: Task) -> Rows:
    """How often the shopper took each item before; what is popular decides among equals."""
    small = _tie_break(task)
    return lambda shoppers: task.train.counts[shoppers].toarray() + small


def item_knn(task: Task, neighbours: int = 100, shrink: float = 10.0, of: str = TAKEN) -> Rows:
    """Items alike to those that the shopper took, or met: cosine of their shoppers, shrunk where few share
    both.

    Source: Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation algorithms".
    """
    history = _history(task, of)
    columns = history.tocsc()
    both = (columns.T @ columns).tocsr().astype(np.float64)
    both.setdiag(0)
    both.eliminate_zeros()
    both.sort_indices()
    size = np.sqrt(np.asarray(columns.sum(axis=0)).ravel())
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    both.data /= size[rows] * size[both.indices] + shrink
    kept, small = strongest(both, neighbours), _tie_break(task)
    return lambda shoppers: (history[shoppers] @ kept.T).toarray().astype(np.float64) + small


def ease(task: Task, penalty: float = 300.0, lately: float = 0.0, of: str = TAKEN) -> Rows:
    """Items that go with those the shopper took, or met, as `alike` tells it; plus `lately` times what was
    popular in the last 7 days, by its share of the most popular. Raises `CartscapeError` for more than
    MOST_ITEMS items.
    """
    weights = ease_weights(task, penalty, of)
    history = _history(task, of)
    recent = popular(task, 7)(np.zeros(1, np.int64))[0]
    recent, small = recent / max(recent.max(), 1), _tie_break(task)
    return lambda shoppers: history[shoppers] @ weights + lately * recent + small


def ease_here_and_now(
    task: Task, world: World, penalty: float, lately: float, of: str = TAKEN, priors: Priors = OWN
) -> Rows:
    """EASE, plus `lately` times what is popular here and now, by its share of the most popular."""
    plain, common = ease(task, penalty, of=of), here_and_now(task, world, 1.0, 1.0, priors)

    def rows(shoppers: np.ndarray) -> np.ndarray:
        wanted = common(shoppers)
        return np.asarray(plain(shoppers) + lately * np.exp(wanted - wanted.max(axis=1, keepdims=True)))

    return rows


@lru_cache(maxsize=8)  # what settings of one task share
def ease_weights(task: Task, penalty: float, of: str = TAKEN) -> np.ndarray:
    """How much each item that was taken, or met, speaks for each other: float32[items, items]."""
    if task.train.items > MOST_ITEMS:
        raise CartscapeError(f"EASE takes {MOST_ITEMS:,} items at most; this log has {task.train.items:,}.")
    return ease_matrix(_history(task, of), penalty)


def forget() -> None:
    """Let go of what settings of one task shared."""
    ease_weights.cache_clear()
    _lifts.cache_clear()


def _tie_break(task: Task) -> np.ndarray:
    """What is popular in 30 days decides among equals, and for whom nothing is known: float64[items]."""
    usual = popular(task, 30)(np.zeros(1, np.int64))[0]
    return np.asarray(1e-6 * usual / (usual.max() + 1))


def _history(task: Task, of: str) -> scipy.sparse.csr_matrix:
    return task.train.taken if of == TAKEN else task.met


def peers(task: Task, world: World) -> tuple[Peer, ...]:
    """All that suit a task of a log, each with the settings among which validation chooses.

    How far places and times are drawn to what is usual is chosen once, by what was before the task's split,
    as it is for a scorer: what is chosen on the days before is then what is tested.
    """
    priors = Lifts.of(world, task.end).priors
    histories = (TAKEN,) if task.met.nnz == task.train.taken.nnz else (TAKEN, MET)
    found = [
        Peer("popular ever", ({},), popular),
        Peer("popular 7 days", ({"days": 7},), popular),
        Peer("popular 30 days", ({"days": 30},), popular),
        Peer(
            "popular here and now",
            tuple({"here": h, "now": n} for h in (0.0, 0.5, 1.0) for n in (0.0, 0.5, 1.0) if h + n),
            partial(here_and_now, world=world, priors=priors),
        ),
        Peer(
            "item-kNN",
            tuple(
                {"neighbours": n, "shrink": s, "of": of}
                for of in histories for n in (50, 200) for s in (0.0, 10.0, 50.0)
            ),
            item_knn,
        ),
    ]  # fmt: skip
    if not task.masked:
        found.append(Peer("own frequency", ({},), own_frequency))
    if task.train.items <= MOST_ITEMS:
        fits = [{"penalty": p, "of": of} for of in histories for p in (100.0, 300.0, 1_000.0)]
        found += [
            Peer("EASE", tuple(fits), ease),
            Peer(
                "EASE + popular 7 days",
                tuple(fit | {"lately": w} for fit in fits for w in (0.1, 0.3, 1.0)),
                ease,
            ),
            Peer(
                "EASE + popular here and now",
                tuple(fit | {"lately": w} for fit in fits for w in (0.03, 0.1, 0.3, 1.0)),
                partial(ease_here_and_now, world=world, priors=priors),
            ),
        ]
    return tuple(found)
