"""Where does each path lie on the map of journeys? One row a drawn path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import BETWEEN, cluster_names, map_notes, of_map, opened_map
from core.analyses.clusters import revenue_of
from core.analyses.meaning import meaning_of, unit
from core.analyses.phrases import encoded, far, quoted
from core.analyses.tables import column
from core.encoder import open_vectors
from core.events import NONE
from core.journeys import MapOptions, texts_of
from core.journeys.gathered import Gathered, gather
from core.marts.privacy import hide_small
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: Steps of a path that a picture tells.
STEPS = 10
#: Share of the paths that a search lights up.
LIT = 0.05
OTHER = "(other)"


@dataclass(frozen=True)
class PointOptions(MapOptions):
    """What is told of each path."""

    text: str = ""  # a phrase: how near in meaning each path is to it


def journeys(store: Store, scope: Scope, options: PointOptions) -> Answer:
    """The paths of the picture, in an order that says nothing of who they are.

    Columns: x, y (z), cluster (0 lies between clusters), name, events, converted, revenue, region, device
    (those of most of its events), hour (the local hour of most), last (its last event), steps (the first
    STEPS events; from where fewer than k shoppers begin alike, “…”), minutes (from the first event to
    each of those steps), and with `text`: similarity (cosine of the phrase to what the path is about, the
    nearest of its texts) and lit (whether it is among the LIT nearest share). Labels that fewer than k
    shoppers of the picture have are “(other)”. On shared data (k above 1) revenue
    is null, as it is one person's.
    """
    opened = opened_map(store, scope, options)
    made, cube = opened.map, open_cube(store)
    told = gather(opened.paths, opened.scope, opened.options.unit).only(made.fitted)
    k, dims = cube.k, opened.paths.dimensions
    placed, labels = made.placed[made.fitted], made.labels[made.fitted]
    names = np.array([*cluster_names(opened), BETWEEN], object)
    hours = dims.hours % 24
    main = {
        "region": _labels(told, dims.entries("region"), "place", k),
        "device": _labels(told, dims.entries("device"), "mean", k),
    }
    steps, minutes = first_steps(told, k)
    last = told.event_names[told.edges[1:] - 1]
    bought, revenue = told.bought, revenue_of(told)
    table: dict[str, pa.Array] = {
        name: pa.array(placed[:, i]) for i, name in enumerate("xyz"[: placed.shape[1]])
    }
    table |= {
        "cluster": pa.array((labels + 1).astype(np.int64)),
        "name": pa.array(names[labels], pa.string()),
        "events": pa.array(told.lengths),
        "converted": pa.array(bought if cube.has_purchases else [None] * len(told), pa.bool_()),
        "revenue": column(revenue if cube.has_prices and k == 1 else np.full(len(told), np.nan)),
        **{name: pa.array(values, pa.string()) for name, values in main.items()},
        "hour": pa.array(told.main(hours[told.column("hour")])),
        "last": pa.array(_common(told.names[last], told.shoppers, k), pa.string()),
        "steps": pa.array(steps, pa.list_(pa.string())),
        "minutes": pa.array(minutes, pa.list_(pa.float32())),
    }
    text, notes = " ".join(options.text.split()), map_notes(opened)
    if text:
        near, more = similarity(store, told, text)
        notes = (*more, *notes)
        table["similarity"] = column(near)
        found = (
            near >= np.nanquantile(near, 1 - LIT) if np.isfinite(near).any() else np.zeros(len(told), bool)
        )
        table["lit"] = pa.array(found & np.isfinite(near))
    order = np.random.default_rng(int(opened.options.seed)).permutation(len(told))
    said = of_map(opened, scope, f"nearest to {quoted(text)}" if text else "")
    return Answer(pa.table(table).take(pa.array(order)), "Map of journeys", said, notes)


def first_steps(told: Gathered, k: int) -> tuple[list[list[str]], list[list[float]]]:
    """The first STEPS events of each path and the minutes to them, as far as k shoppers begin alike; to the
    hour where k is above 1.
    """
    n = len(told)
    at = told.edges[:-1, None] + np.arange(STEPS)
    there = at < told.edges[1:, None]
    event = np.where(there, told.event_names[np.minimum(at, told.events.size - 1)], -1)
    seconds = told.column("second").astype(np.float64)
    minutes = (seconds[np.minimum(at, seconds.size - 1)] - seconds[told.edges[:-1]][:, None]) / 60
    if k > 1:
        minutes = np.round(minutes / 60) * 60  # to the hour: exact times would tell one person from another
    shown = np.zeros(n, np.int64)
    group = np.zeros(n, np.int64)
    for step in range(STEPS):
        group = np.unique(group * (told.names.size + 1) + event[:, step] + 1, return_inverse=True)[1]
        pairs = np.unique(np.stack([group, told.shoppers]), axis=1)[0]
        common = np.bincount(pairs, minlength=group.max() + 1)[group] >= k
        shown = np.where(common & there[:, step] & (shown == step), step + 1, shown)
    lengths = told.lengths
    steps, times = [], []
    for row, many in enumerate(shown.tolist()):
        names = [str(told.names[e]) for e in event[row, :many]]
        whole = many == lengths[row]
        steps.append(names if whole else [*names, "…"])
        times.append(minutes[row, :many].astype(np.float32).tolist())
    return steps, times


def similarity(store: Store, told: Gathered, text: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """How near each path is to a phrase: the largest cosine of its texts, NaN without: float64[paths].

    Beside it what must be said: how much of the phrase was read, and whether no path is much like it.
    """
    texts, vectors = texts_of(store), open_vectors()
    asked, notes = encoded(text)
    rows = texts.rows(told.paths, told.events)
    used = np.unique(rows[rows >= 0])
    if not used.size:
        return np.full(len(told), np.nan), (*notes, "No path is about anything that has words.")
    near = np.full(texts.texts.size + 1, -np.inf)
    near[used] = unit(vectors.of(texts.texts[used])) @ asked
    best = np.maximum.reduceat(near[rows], told.edges[:-1])
    top = _nearest_of(best, told.shoppers, told.paths.k)
    if np.isfinite(top):
        notes = (*notes, *far(top, "path", meaning_of(store).likeness()))
    return np.where(np.isfinite(best), best, np.nan), notes


def _nearest_of(near: np.ndarray, shoppers: np.ndarray, k: int) -> float:
    """How near at least k shoppers come, so that it is not one's own; −inf where fewer have words."""
    of_shopper = np.full(int(shoppers.max()) + 1, -np.inf)
    np.maximum.at(of_shopper, shoppers, near)
    return float(np.sort(of_shopper)[-k]) if of_shopper.size >= max(k, 1) else -np.inf


def _labels(told: Gathered, entries: tuple[np.ndarray, np.ndarray], name: str, k: int) -> np.ndarray:
    labels, codes = entries
    return _common(labels[told.main(codes[told.column(name)])], told.shoppers, k)


def _common(values: np.ndarray, shoppers: np.ndarray, k: int) -> np.ndarray:
    """The values, those of fewer than k shoppers as OTHER: object[paths]."""
    found, at = np.unique(values.astype(str), return_inverse=True)
    pairs = np.unique(np.stack([at, shoppers]), axis=1)[0]
    counts = np.bincount(pairs, minlength=found.size)
    hidden = hide_small(counts, k) & (found != NONE)
    return np.where(hidden[at], OTHER, found[at].astype(object))
