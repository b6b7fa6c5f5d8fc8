"""How good lists of items are: the full ranking of all items, nothing sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

#: Lengths of lists that are looked at.
CUTS = (5, 10, 20)
LONGEST = max(CUTS)
#: Shoppers drawn anew, so many times, for an interval.
DRAWS = 1_000


@dataclass(frozen=True)
class Ranked:
    """The first LONGEST items of each tested shopper's list, best first."""

    items: np.ndarray  # int64[tested, LONGEST], −1 where there are fewer
    hits: np.ndarray  # bool[tested, LONGEST], whether each is one of those wanted
    wanted: np.ndarray  # int64[tested], how many are


def first_of(scores: np.ndarray, long: int = LONGEST) -> np.ndarray:
    """The `long` best items of each row, the first of equals first: int64[rows, long], −1 where there are
    fewer.

    `scores` is float[rows, items]; −inf is never recommended.
    """
    most = min(long, scores.shape[1])
    # Equals at the edge must not depend on how numpy parts a row: all that reach it are ordered.
    edge = -np.partition(-scores, most - 1, axis=1)[:, most - 1]
    out = np.full((len(scores), long), -1, np.int64)
    for row, (its, least) in enumerate(zip(scores, edge, strict=True)):
        reach = np.flatnonzero((its >= least) & np.isfinite(its))
        best = reach[np.argsort(-its[reach], kind="stable")][:most]
        out[row, : best.size] = best
    return out


def ranked(items: np.ndarray, wanted: scipy.sparse.csr_matrix) -> Ranked:
    """Lists, int64[tested, LONGEST], held against what was wanted: ones of [tested, items]."""
    hits = np.zeros(items.shape, bool)
    for row in range(len(items)):
        mine = wanted.indices[wanted.indptr[row] : wanted.indptr[row + 1]]
        hits[row] = np.isin(items[row], mine)
    return Ranked(items, hits, np.diff(wanted.indptr).astype(np.int64))


def of_each(found: Ranked) -> dict[str, np.ndarray]:
    """What each shopper's list is worth: metric → float64[tested].

    hr: whether a wanted item is among the first k. ndcg: Järvelin, Kekäläinen, "Cumulated gain-based
    evaluation of IR techniques", over the best that k places could give. recall: share of the wanted among
    the first k. mrr: 1 ÷ place of the first wanted, 0 beyond LONGEST.
    """
    gain = 1 / np.log2(np.arange(2, LONGEST + 2))
    most = np.concatenate([[0], np.cumsum(gain)])
    out: dict[str, np.ndarray] = {}
    for k in CUTS:
        hits = found.hits[:, :k]
        out[f"hr@{k}"] = hits.any(axis=1).astype(float)
        out[f"ndcg@{k}"] = hits @ gain[:k] / most[np.minimum(found.wanted, k)]
        out[f"recall@{k}"] = hits.sum(axis=1) / found.wanted
    place = np.where(found.hits.any(axis=1), found.hits.argmax(axis=1) + 1, np.inf)
    out["mrr"] = 1 / place
    return out


def of_all(items: np.ndarray, counts: np.ndarray, k: int = 10) -> dict[str, float]:
    """What lists are worth together, of their first k; `counts` is int[items], how often each was taken.

    coverage: share of the items ever taken that come up in a list. novelty: mean −log2 of the share of all
    takings that a recommended item had (Zhou et al., "Solving the apparent diversity-accuracy dilemma of
    recommender systems"), in bits.
    """
    shown = items[:, :k]
    shown = shown[shown >= 0]
    share = np.maximum(counts, 1) / max(counts.sum(), 1)
    known = max(int((counts > 0).sum()), 1)
    return {
        "coverage": np.unique(shown[counts[shown] > 0]).size / known,
        "novelty": float(-np.log2(share[shown]).mean()) if shown.size else float("nan"),
    }


def by_chance(wanted: np.ndarray, allowed: np.ndarray, k: int = 10) -> np.ndarray:
    """The hr@k of a list in no order: float64[tested]; int[tested] wanted of int[tested] allowed items."""
    missed = np.ones(wanted.size)
    for place in range(k):
        missed *= np.clip((allowed - wanted - place) / np.maximum(allowed - place, 1), 0, 1)
    return np.asarray(1 - missed)


def ndcg_by_chance(wanted: np.ndarray, allowed: np.ndarray, k: int = 10) -> np.ndarray:
    """The ndcg@k that a list in no order has on average: float64[tested]; arguments as in `by_chance`."""
    gain = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    places = np.minimum(allowed, k)
    share = wanted / np.maximum(allowed, 1)
    return np.asarray(share * gain[np.maximum(places, 1) - 1] / gain[np.minimum(wanted, k) - 1])


def draws(tested: int, seed: int = 0) -> np.ndarray:
    """Weights of shoppers drawn anew with replacement: float64[DRAWS, tested], each row of sum 1."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(tested, np.full(tested, 1 / tested), DRAWS) / tested


def interval(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean over shoppers. Source: Efron, "Bootstrap methods: another look
    at the jackknife" (percentiles).
    """
    low, high = np.percentile(weights @ values, [2.5, 97.5])
    return float(low), float(high)
