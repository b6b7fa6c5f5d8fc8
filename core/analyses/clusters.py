"""Which kinds of journeys are there? Clusters of alike paths, with names and numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import (
    BETWEEN,
    cluster_names,
    distinct_shoppers,
    hidden_of,
    map_notes,
    of_map,
    opened_map,
    places_of,
)
from core.analyses.proportions import wilson
from core.analyses.tables import column, hidden_numbers, ratio
from core.events import PURCHASE
from core.journeys import MapOptions, Opened
from core.journeys.gathered import Gathered, gather
from core.marts.activity import MONEY_UNIT
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


def clusters(store: Store, scope: Scope, options: MapOptions) -> Answer:
    """One row a cluster, the largest first; the last, number 0, are the paths between clusters.

    Columns: cluster, name, paths, shoppers, share (of paths), conversion (share of its paths with a purchase)
    with low and high (Wilson's 95 % interval), revenue, revenue_per_path, events (median of a path),
    days (median from a path's first to its last event), stability (mean Jaccard with its likest from other
    seeds), silhouette, nearest (the cluster whose centre is nearest), apart (distance of the two centres ÷
    spread of all paths), words (what its paths are about). Numbers of fewer than k shoppers are null, and so
    are conversion and revenue where fewer than k bought, or fewer than k did not.

    Options are those of `core.journeys.options.MapOptions`.
    """
    opened = opened_map(store, scope, options)
    made, cube = opened.map, open_cube(store)
    told = gather(opened.paths, opened.scope, opened.options.unit)
    count = made.clusters
    place = places_of(opened)
    paths = np.bincount(place, minlength=count + 1)
    shoppers = distinct_shoppers(opened, place, count + 1)
    its = hidden_of(opened)
    bought = np.bincount(place[told.bought], minlength=count + 1).astype(float)
    if not cube.has_purchases or (opened.scope.events and PURCHASE not in opened.scope.events):
        bought[:] = np.nan
    low, high = wilson(bought, paths)
    revenue = np.bincount(place, weights=revenue_of(told), minlength=count + 1)
    if not cube.has_prices:
        revenue[:] = np.nan
    days = _days(told)
    nearest, apart = _nearest(opened)

    def shown(values: np.ndarray, unit: str = "money", hidden: np.ndarray = its.cluster) -> pa.Array:
        return column(np.where(hidden, np.nan, values.astype(float)), unit)

    nothing = np.full(1, np.nan)
    words = [", ".join(one.words) for one in made.described]
    table = pa.table(
        {
            "cluster": pa.array([*range(1, count + 1), 0]),
            "name": pa.array([*cluster_names(opened), BETWEEN]),
            "paths": shown(paths, "count"),
            "shoppers": shown(shoppers, "count"),
            "share": shown(ratio(paths, np.full(count + 1, paths.sum()))),
            "conversion": shown(ratio(bought, paths), hidden=its.buyers),
            "low": shown(low, hidden=its.buyers),
            "high": shown(high, hidden=its.buyers),
            "revenue": shown(revenue, hidden=its.buyers),
            "revenue_per_path": shown(ratio(revenue, paths), hidden=its.buyers),
            "events": shown(_medians(told.lengths, place, count + 1)),
            "days": shown(_medians(days, place, count + 1)),
            "stability": shown(np.append(made.stability, nothing)),
            "silhouette": shown(np.append(made.quality.of_cluster, nothing)),
            "nearest": pa.array([*nearest, None], pa.int64()),
            "apart": column(np.append(apart, nothing)),
            "words": pa.array(np.where(its.small, "", [*words, ""]).tolist()),
        }
    )
    of = of_map(opened, scope)
    # Where a log has no purchases, their numbers are not hidden, but none.
    hidden = its.buyers if np.isfinite(bought).any() else its.cluster
    return Answer(
        table, "Kinds of journeys", of, (*map_notes(opened), *hidden_numbers(int(hidden.sum()), cube.k))
    )


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
