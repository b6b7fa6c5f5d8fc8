"""Do the kinds of journeys change? The clusters' shares over the weeks, and against the compared period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import (
    BETWEEN,
    cluster_names,
    distinct_shoppers,
    hidden_of,
    of_map,
    opened_map,
    places_of,
)
from core.analyses.proportions import difference, false_discovery, two_shares
from core.analyses.tables import column, hidden_numbers, ratio
from core.errors import WrongCall
from core.journeys import MapOptions, fit_of, texts_of
from core.journeys.gathered import gather, shoppers_of
from core.marts import Cube
from core.marts.dimensions import EPOCH
from core.marts.privacy import hide_small
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

BY = ("week", "period")


@dataclass(frozen=True)
class DriftOptions(MapOptions):
    """Whose drift."""

    by: str = "week"  # week: each cluster's share week by week; period: now and in the compared period


def cluster_drift(store: Store, scope: Scope, options: DriftOptions) -> Answer:
    """How large each cluster is as time goes.

    By week: week (its Monday), days (of it within the scope and the log), cluster, name, shoppers (of the
    cluster, with an event of their paths in that week), share (of all shoppers of the map's paths with one).
    By period: cluster, name, paths, share, previous_paths, previous_share, difference with low and high
    (Newcombe's 95 % interval), p (two-proportion z-test), q (Benjamini-Hochberg), beyond_chance. Paths of the
    compared period are placed on the map of the asked one by their nearest neighbours, so that
    clusters mean the same in both. Number 0 lies between
    clusters. Groups of fewer than k shoppers are null.
    """
    if options.by not in BY:
        raise WrongCall(f"by={options.by!r} is not known; it takes {', '.join(BY)}.")
    return _by_week(store, scope, options) if options.by == "week" else _by_period(store, scope, options)


def _by_week(store: Store, scope: Scope, options: DriftOptions) -> Answer:
    opened = opened_map(store, scope, options)
    made, cube = opened.map, open_cube(store)
    told = gather(opened.paths, opened.scope, opened.options.unit)
    days = told.paths.dimensions.hours // 24
    week = (days - (days + 3) % 7)[told.column("hour")]
    path = np.repeat(np.arange(len(told)), told.lengths)
    shoppers = shoppers_of(opened.paths, opened.options.unit, made.keys)
    place = places_of(opened)
    weeks = np.unique(week)
    at = np.searchsorted(weeks, week)
    size = made.clusters + 1
    counts = np.zeros((weeks.size, size), np.int64)
    whole = np.zeros(weeks.size, np.int64)
    # A shopper with sessions in two clusters counts in both, and once among all.
    some = np.unique(np.stack([at, place[path], shoppers[path]]), axis=1)
    np.add.at(counts, (some[0], some[1]), 1)
    np.add.at(whole, np.unique(some[[0, 2]], axis=1)[0], 1)
    also = np.broadcast_to(hidden_of(opened).cluster, counts.shape)  # of one week alone it would be told
    hidden = hide_small(counts, cube.k, also, overlapping=True) | (whole < cube.k)[:, None]
    names = [*cluster_names(opened), BETWEEN]
    numbers = [*range(1, size), 0]
    shares = ratio(counts.astype(float), np.repeat(whole[:, None], size, axis=1).astype(float))
    table = pa.table(
        {
            "week": pa.array(np.repeat(weeks.astype("datetime64[D]"), size)),
            "days": pa.array(np.repeat(_days(weeks, opened.scope, cube), size)),
            "cluster": pa.array(numbers * weeks.size),
            "name": pa.array(names * weeks.size),
            "shoppers": column(np.where(hidden, np.nan, counts), "count"),
            "share": column(np.where(hidden, np.nan, shares)),
        }
    )
    notes = hidden_numbers(int(hidden.sum()), cube.k)
    return Answer(
        table,
        "Kinds of journeys, week by week",
        of_map(opened, scope, "share of each week's shoppers"),
        notes,
    )


def _days(weeks: np.ndarray, scope: Scope, cube: Cube) -> np.ndarray:
    """How many days of each week lie within a scope and the log: int64[weeks]; weeks are days since 1970."""
    assert scope.start and scope.end
    first, last = max(scope.start, cube.first_day), min(scope.end, cube.last_day)
    low, high = ((day - EPOCH).days for day in (first, last))
    return np.minimum(weeks + 6, high) - np.maximum(weeks, low) + 1


def _by_period(store: Store, scope: Scope, options: DriftOptions) -> Answer:
    cube = open_cube(store)
    compared = cube.fill(scope).compared()
    if compared is None:
        raise WrongCall(
            "Nothing is compared in this scope, or nothing that lies in the log; "
            "choose other dates to compare with."
        )
    opened = opened_map(store, scope, options)
    made = opened.map
    before = gather(opened.paths, compared, opened.options.unit)
    _, labels = fit_of(opened).add(before, texts_of(store))
    size = made.clusters + 1
    sides = [np.where(its < 0, made.clusters, its) for its in (made.labels, labels)]
    paths = np.stack([np.bincount(its, minlength=size) for its in sides]).astype(float)
    shoppers = np.stack(
        [
            distinct_shoppers(opened, sides[0], size),
            np.bincount(
                np.unique(sides[1].astype(np.int64) * opened.paths.shoppers + before.shoppers)
                // opened.paths.shoppers,
                minlength=size,
            ),
        ]
    )
    hidden = hide_small(shoppers, cube.k, overlapping=True).any(axis=0)
    paths[:, hidden] = np.nan
    wholes = [np.full(size, its.size, float) for its in sides]
    low, high = difference(paths[0], wholes[0], paths[1], wholes[1])
    p = two_shares(paths[0], wholes[0], paths[1], wholes[1])
    q = false_discovery(p)
    now, then = (ratio(its, whole) for its, whole in zip(paths, wholes, strict=True))
    table = pa.table(
        {
            "cluster": pa.array([*range(1, size), 0]),
            "name": pa.array([*cluster_names(opened), BETWEEN]),
            "paths": column(paths[0], "count"),
            "share": column(now),
            "previous_paths": column(paths[1], "count"),
            "previous_share": column(then),
            "difference": column(now - then),
            "low": column(low),
            "high": column(high),
            "p": column(p),
            "q": column(q),
            "beyond_chance": pa.array((q < 0.05).tolist(), pa.bool_()),
        }
    )
    of = of_map(opened, scope, f"{len(before):,} paths compared") if len(before) else of_map(opened, scope)
    notes = [*hidden_numbers(int(hidden.sum()), cube.k)]
    if not len(before):
        notes.append("The compared period has no paths, so there is nothing to hold these against.")
    return Answer(table, "Kinds of journeys, now and before", of, tuple(notes))
