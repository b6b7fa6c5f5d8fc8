"""The map of journeys of one scope: where each path lies, in which cluster, and how far to trust that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.encoder import Vectors
from core.errors import CartscapeError
from core.jobs import Told
from core.journeys import parts
from core.journeys.clusters import assign, find_clusters
from core.journeys.describe import Described, describe
from core.journeys.gathered import LEAST_EVENTS, Gathered, gather
from core.journeys.neighbours import Index
from core.journeys.options import MapOptions
from core.journeys.parts import Part
from core.journeys.projection import fuzzy_graph, place, project
from core.journeys.quality import Quality, judge
from core.journeys.representation import Representation
from core.journeys.text_space import TextSpace
from core.journeys.texts import LogTexts
from core.paths.log import PathLog
from core.scope import Scope

#: Fewer paths than this make no map.
LEAST_PATHS = 30
#: Paths that are assigned to clusters at a time.
BLOCK = 50_000

#: Typical paths kept of each cluster.
CENTRAL = 12


@dataclass(frozen=True)
class JourneyMap:
    """A map of journeys. Paths are in the order of `core.journeys.gathered.gather`."""

    keys: np.ndarray  # uint32[paths], shopper or session
    placed: np.ndarray  # float32[paths, 2 or 3]
    labels: np.ndarray  # int16[paths], cluster, −1 for noise
    fitted: np.ndarray  # int64[fitted], rows of those that the picture was fitted to; all, or a sample
    centres: np.ndarray  # float32[clusters, d], mean h of each cluster
    spread: float  # root mean squared distance of paths from the mean of all, in h
    stability: np.ndarray  # float64[clusters]
    central: np.ndarray  # int64[clusters, CENTRAL], rows of the paths nearest to each centre
    described: tuple[Described, ...]
    quality: Quality
    buyers: np.ndarray  # int64[clusters + 1], shoppers with a path there that holds a purchase; noise is last
    others: np.ndarray  # int64[clusters + 1], shoppers with a path there that holds none
    too_short: int  # paths of the scope with fewer than LEAST_EVENTS events
    too_short_shoppers: int  # whose these are
    wordless: int  # fitted paths that are about no text at all
    wordless_shoppers: int  # whose these are
    worded_shoppers: int  # whose the other fitted paths are

    def __len__(self) -> int:
        return self.keys.size

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self.described)

    @property
    def sampled(self) -> bool:
        """Whether the picture was fitted to a sample."""
        return self.fitted.size < self.keys.size


@dataclass(frozen=True)
class Fit:
    """What places further paths on a map, such as those of the compared period."""

    representation: Representation
    index: Index
    placed: np.ndarray
    labels: np.ndarray
    space: TextSpace | None  # None where it does not count what paths are about
    transitions: np.ndarray

    def add(self, told: Gathered, texts: LogTexts) -> tuple[np.ndarray, np.ndarray]:
        """Where paths lie that were not fitted, and their clusters: float32[paths, 2 or 3], int16[paths].

        Raises `NotEncoded` where some of their texts have no vectors yet.
        """
        placed = np.zeros((len(told), self.placed.shape[1]), np.float32)
        labels = np.full(len(told), -1, np.int16)
        for low in range(0, len(told), BLOCK):
            its = slice(low, min(low + BLOCK, len(told)))
            some = told.only(np.arange(its.start, its.stop))
            rows = texts.rows(told.paths, some.events)
            h = self.representation.of(every_part(some, rows, self.space, self.transitions))
            near = self.index.nearest(h)
            labels[its] = assign(self.labels, near.indices, near.distances)
            placed[its] = place(near, self.placed)
        return placed, labels


def make_map(
    paths: PathLog, scope: Scope, options: MapOptions, texts: LogTexts, vectors: Vectors, store_path: str,
    told: Told = lambda _done, _stage: None,
) -> tuple[JourneyMap, Fit]:  # fmt: skip
    """Fit the map of a scope whose dates are filled in.

    Raises `CartscapeError` where there are too few paths, where all are equal, or where texts are not
    encoded yet.
    """
    seed = int(options.seed)
    told(0.0, "gathering paths")
    every = gather(paths, scope, options.unit)
    if len(every) < LEAST_PATHS:
        raise CartscapeError(
            f"A map of journeys needs {LEAST_PATHS} paths of {LEAST_EVENTS} events or more, and in this "
            "scope there are fewer; widen the scope, or choose a larger cohort."
        )
    fitted = every.sample(int(options.most), seed)
    some = every.only(fitted)
    told(0.1, "reading vectors")
    rows = texts.rows(paths, some.events)
    space = TextSpace(texts, vectors, store_path) if options.weights["what"] else None
    if space:
        space.fit(rows)
        space.of(texts.rows(paths, every.events))  # of all paths, so that none turns out to lack its texts
    told(0.2, "representing paths")
    transitions = parts.leading_transitions(some)
    pieces = every_part(some, rows, space, transitions)
    representation = Representation.fit(pieces, options.weights)
    h = representation.of(pieces)
    if not np.ptp(h, axis=0).any():
        raise CartscapeError(
            "All paths of this scope are equal in what is compared, so there is nothing to map; give another "
            "part more weight, or widen the scope."
        )
    told(0.35, "finding neighbours")
    index = Index(h)
    graph = fuzzy_graph(index.graph())
    told(0.5, "finding clusters")
    clusters = find_clusters(graph, int(options.detail), seed)
    told(0.6, "drawing the map")
    placed = project(graph, h, int(options.dims), seed)
    told(0.85, "judging the map")
    quality = judge(h, placed, clusters, seed)
    fit = Fit(representation, index, placed, clusters.labels, space, transitions)
    told(0.9, "assigning the other paths")
    labels, where = np.empty(len(every), np.int16), np.empty((len(every), placed.shape[1]), np.float32)
    labels[fitted], where[fitted] = clusters.labels, placed
    others = np.setdiff1d(np.arange(len(every)), fitted, assume_unique=True)
    if others.size:
        where[others], labels[others] = fit.add(every.only(others), texts)
    members = np.bincount(labels[labels >= 0], minlength=clusters.count)
    bought = np.bincount(labels[(labels >= 0) & every.bought], minlength=clusters.count)
    described = describe(some, clusters.labels, rows, texts, bought / np.maximum(members, 1))
    centres = np.array([h[clusters.labels == c].mean(axis=0) for c in range(clusters.count)], np.float32)
    # Among a cluster's own paths, those nearest to its centre.
    apart = [
        np.where(clusters.labels == c, ((h - centres[c]) ** 2).sum(axis=1), np.inf)
        for c in range(len(centres))
    ]
    central = np.array([fitted[np.argsort(far, kind="stable")[:CENTRAL]] for far in apart], np.int64)
    wordless = np.maximum.reduceat(rows, some.edges[:-1]) < 0
    told(1.0, "done")
    return (
        JourneyMap(
            every.keys, where, labels, fitted, centres.reshape(-1, h.shape[1]),
            float(np.sqrt(h.var(axis=0).sum())), clusters.stability, central, tuple(described), quality,
            _shoppers(every, labels, clusters.count, every.bought),
            _shoppers(every, labels, clusters.count, ~every.bought),
            every.too_short, every.too_short_shoppers, int(wordless.sum()),
            np.unique(some.shoppers[wordless]).size, np.unique(some.shoppers[~wordless]).size,
        ),
        fit,
    )  # fmt: skip


def _shoppers(told: Gathered, labels: np.ndarray, count: int, chosen: np.ndarray) -> np.ndarray:
    """Distinct shoppers of the chosen paths of each cluster, of noise last: int64[count + 1]."""
    place = np.where(labels < 0, count, labels).astype(np.int64)
    pairs = np.unique(place[chosen] * told.paths.shoppers + told.shoppers[chosen])
    return np.bincount(pairs // told.paths.shoppers, minlength=count + 1)


def every_part(
    told: Gathered, rows: np.ndarray, space: TextSpace | None, transitions: np.ndarray
) -> tuple[Part, ...]:
    """All parts of h, in the order of PARTS; `rows` is the text of each event."""
    return (
        parts.what(told, rows, space.of(rows)) if space else parts.nothing(told),
        parts.when(told),
        parts.where(told),
        parts.how(told, transitions),
    )
