"""The map of journeys beside plain and tuned umap-learn: `python -m tests.bench.projection STORE RUNS`.

All three draw the same paths from the same parts of h, each warm. What is ours begins at those parts too:
components, neighbours, graph and layout. Peers have no seed, for with one they work on a single core; ours
has one and needs no second. The whole map, with clusters, names and quality, is timed beside.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from core.encoder import open_vectors
from core.journeys.gathered import gather
from core.journeys.journey_map import every_part, make_map
from core.journeys.kept_maps import filled, texts_of
from core.journeys.neighbours import Index
from core.journeys.options import MapOptions
from core.journeys.parts import leading_transitions
from core.journeys.projection import fuzzy_graph, project
from core.journeys.quality import trustworthiness
from core.journeys.representation import Representation
from core.journeys.text_space import TextSpace
from core.paths import open_paths
from core.scope import OFF, Scope
from core.store import Store

SIZES = (20_000, 100_000)
WARM = 2_000


def measure(store: Store, runs: int) -> dict[str, Any]:
    """Seconds and trustworthiness, in all columns and in h, by engine and number of paths."""
    texts, vectors, paths = texts_of(store), open_vectors(), open_paths(store)
    vectors.encode(texts.texts)
    scope = filled(store, Scope(compare=OFF))
    found: dict[str, Any] = {}
    for size in SIZES:
        options = MapOptions(unit="session" if size > 20_000 else "shopper", most=str(size))
        every = gather(paths, scope, options.unit)
        told = every.only(every.sample(size, 0))
        space = TextSpace(texts, vectors, str(store.path))
        rows = texts.rows(paths, told.events)
        space.fit(rows)
        parts = every_part(told, rows, space, leading_transitions(told))
        representation = Representation.fit(parts, options.weights)
        h = representation.of(parts)
        whole = representation.joined(parts)
        engines: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "ours": _ours, "umap-learn, tuned": _tuned, "umap-learn, cosine, defaults": _plain,
        }  # fmt: skip
        each: dict[str, Any] = {"paths": len(told)}
        for name, engine in engines.items():
            engine(whole[:WARM], h[:WARM])
            seconds, placed = [], h
            for _ in range(1 if engine is _plain else runs):
                began = time.perf_counter()
                placed = engine(whole, h)
                seconds.append(time.perf_counter() - began)
            each[name] = {
                "seconds": float(np.median(seconds)),
                "trust": trustworthiness(whole, placed),
                "trust_h": trustworthiness(h, placed),
            }
        began = time.perf_counter()
        make_map(paths, scope, options, texts, vectors, str(store.path))
        each["whole map"] = time.perf_counter() - began
        found[str(size)] = each
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _ours(whole: np.ndarray, _h: np.ndarray) -> np.ndarray:
    """Components as `Representation` takes them, neighbours, graph, layout."""
    _, axes = np.linalg.eigh(np.cov(whole, rowvar=False, dtype=np.float64))
    h = whole @ axes[:, ::-1][:, :48].astype(np.float32)
    return project(fuzzy_graph(Index(h).graph()), h)


def _tuned(whole: np.ndarray, _h: np.ndarray) -> np.ndarray:
    import umap

    reduced = PCA(50, random_state=0).fit_transform(whole)
    return _quiet(umap.UMAP(init="pca", n_epochs=100), reduced)


def _plain(whole: np.ndarray, _h: np.ndarray) -> np.ndarray:
    import umap

    return _quiet(umap.UMAP(metric="cosine"), whole)


def _quiet(model: Any, values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(model.fit_transform(values), np.float32)


if __name__ == "__main__":
    print(json.dumps(measure(Store.open(Path(sys.argv[1])), int(sys.argv[2]))))
