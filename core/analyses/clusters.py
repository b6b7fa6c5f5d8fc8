"""Which kinds of journeys are there? Clusters of alike paths, with names and numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import BETWEEN, cluster_names, map_notes, of_map, opened_map
from core.analyses.proportions import wilson
from core.analyses.tables import column, hidden_numbers, ratio
from core.events import PURCHASE
from core.journeys import MapOptions, Opened
from core.journeys.gathered import Gathered, gather, shoppers_of
from core.marts.activity import MONEY_UNIT
from core.marts.privacy import hide_small
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


def clusters(store: Store, scope: Scope, options: MapOptions) -> Answer:
    """One row a cluster, the largest first; the last, number 0, are the paths between clusters.

    Columns: cluster, name, paths, shoppers, share (of paths), conversion (share of its paths with a purchase)
    with low and high (Wilson's 95 % interval), revenue, revenue_per_path, events (median of a path),
    days (median from a path's first to its last event), stability (mean Jaccard with its likest from other
    seeds), silhouette, nearest (the cluster whose centre is nearest), apart (distance of the two centres ÷
    spread of all paths), words (what its paths are about). Numbers of fewer than k shoppers are null.

    Options are those of `core.journeys.options.MapOptions`.
    """
    opened = opened_map(store, scope, options)
    made, cube = opened.map, open_cube(store)
    told = gather(opened.paths, opened.scope, opened.options.unit)
    count = made.clusters
    place = np.where(made.labels < 0, count, made.labels)  # noise comes last
    paths = np.bincount(place, minlength=count + 1)
    shoppers = distinct_shoppers(opened, place, count + 1)
    hidden = hide_small(shoppers, cube.k)
    bought = np.bincount(place[told.bought], minlength=count + 1).astype(float)
    if not cube.has_purchases or (opened.scope.events and PURCHASE not in opened.scope.events):
        bought[:] = np.nan
    low, high = wilson(bought, paths)
    revenue = np.bincount(place, weights=revenue_of(told), minlength=count + 1)
    if not cube.has_prices:
        revenue[:] = np.nan
    days = _days(told)
    nearest, apart = _nearest(opened)

    def shown(values: np.ndarray, unit: str = "money") -> pa.Array:
        return column(np.where(hidden, np.nan, values.astype(float)), unit)

    nothing = np.full(1, np.nan)
    table = pa.table(
        {
            "cluster": pa.array([*range(1, count + 1), 0]),
            "name": pa.array([*cluster_names(opened), BETWEEN]),
            "paths": shown(paths, "count"),
            "shoppers": shown(shoppers, "count"),
            "share": shown(ratio(paths, np.full(count + 1, paths.sum()))),
            "conversion": shown(ratio(bought, paths)),
            "low": shown(low),
            "high": shown(high),
            "revenue": shown(revenue),
            "revenue_per_path": shown(ratio(revenue, paths)),
            "events": shown(_medians(told.lengths, place, count + 1)),
            "days": shown(_medians(days, place, count + 1)),
            "stability": column(np.append(made.stability, nothing)),
            "silhouette": column(np.append(made.quality.of_cluster, nothing)),
            "nearest": pa.array([*nearest, None], pa.int64()),
            "apart": column(np.append(apart, nothing)),
            "words": pa.array([*(", ".join(one.words) for one in made.described), ""]),
        }
    )
    of = of_map(opened, scope)
    return Answer(
        table, "Kinds of journeys", of, (*map_notes(opened), *hidden_numbers(int(hidden.sum()), cube.k))
    )


def distinct_shoppers(opened: Opened, place: np.ndarray, size: int) -> np.ndarray:
    """Distinct shoppers by group of paths: int64[size]; `place` is the group of each path."""
    shoppers = shoppers_of(opened.paths, opened.options.unit, opened.map.keys)
    if opened.options.unit == "shopper":
        return np.bincount(place, minlength=size)
    pairs = np.unique(place.astype(np.int64) * opened.paths.shoppers + shoppers)
    return np.bincount(pairs // opened.paths.shoppers, minlength=size)


def revenue_of(told: Gathered) -> np.ndarray:
    """The revenue of each path, net of returns, in the log's currency: float64[paths]."""
    money = told.paths.money_of(told.events)
    return np.add.reduceat(money, told.edges[:-1]) / MONEY_UNIT if len(told) else np.zeros(0)


def _days(told: Gathered) -> np.ndarray:
    seconds = told.column("second").astype(np.float64)
    return (seconds[told.edges[1:] - 1] - seconds[told.edges[:-1]]) / 86_400


def _medians(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    return np.array([np.median(values[place == c]) if (place == c).any() else np.nan for c in range(size)])


def _nearest(opened: Opened) -> tuple[list[int | None], np.ndarray]:
    """The number of the nearest other cluster of each, from 1, and how far apart their centres are."""
    centres = opened.map.centres
    if len(centres) < 2:
        return [None] * len(centres), np.full(len(centres), np.nan)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return [int(n) + 1 for n in apart.argmin(axis=1)], apart.min(axis=1) / opened.map.spread
