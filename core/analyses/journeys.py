"""Where does each path lie on the map of journeys? One row a drawn path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import (
    BETWEEN,
    FEW,
    cluster_names,
    hidden_of,
    map_notes,
    of_map,
    opened_map,
    places_of,
)
from core.analyses.clusters import revenue_of
from core.analyses.meaning import meaning_of, unit
from core.analyses.phrases import encoded, far, quoted
from core.analyses.tables import column
from core.encoder import open_vectors
from core.journeys import MapOptions, texts_of
from core.journeys.gathered import Gathered, gather
from core.marts.privacy import told_alike
from core.paths import open_cube
from core.paths.choices import OTHER, STOPPED
from core.scope import Scope
from core.store import Store

#: Steps of a path that a picture tells.
STEPS = 10
#: Share of the paths that a search lights up.
LIT = 0.05
#: Hours of a part of the day.
PART = 4
MORE = "…"
COARSE = (
    "What a point tells of its path is told as far as {k} shoppers or more share all of it; the rest is "
    "“(other)” or left out."
)


@dataclass(frozen=True)
class PointOptions(MapOptions):
    """What is told of each path."""

    text: str = ""  # a phrase: how near in meaning each path is to it


def journeys(store: Store, scope: Scope, options: PointOptions) -> Answer:
    """The paths of the picture, in an order that says nothing of who they are.

    Columns: x, y (z), cluster (0 lies between clusters), name, events, converted, revenue, region, device
    (those of most of its events), hour (the local hour of most), last (its last event), next (what the
    shopper did first after it, in the scope or not, “(end)” where nothing followed in the log), steps (the
    first STEPS events, “…” where more came), minutes (from the first event to each of those steps), and with
    `text`: similarity (cosine of the phrase to what the path is about, the nearest of its texts) and lit
    (whether it is among the LIT nearest share).

    On shared data (k above 1) a row tells no more than k shoppers of the picture share: events and revenue
    are null; cluster, similarity, converted, the first step, region, device, more steps, last, next and hour
    are told, in this order, as far as k shoppers have this one and all that the row tells before it. What is
    not told is null, “(other)” or “…”. Then hour is the first of four, minutes are the medians of those who
    begin alike, to the hour, and similarity is the median of a class of the paths, lit the nearest class.
    """
    opened = opened_map(store, scope, options)
    made, cube = opened.map, open_cube(store)
    told = gather(opened.paths, opened.scope, opened.options.unit).only(made.fitted)
    telling = Telling(told, cube.k)
    placed, place = made.placed[made.fitted], places_of(opened)[made.fitted]
    table: dict[str, pa.Array] = {
        name: pa.array(placed[:, i]) for i, name in enumerate("xyz"[: placed.shape[1]])
    }
    shown = telling.tell(place, also=hidden_of(opened).cluster[place])
    names = np.array([*cluster_names(opened), BETWEEN], object)
    table["cluster"] = pa.array((place + 1) % (made.clusters + 1), mask=~shown)
    table["name"] = pa.array(np.where(shown, names[place], FEW), pa.string())
    alone = cube.k == 1
    table["events"] = pa.array(told.lengths, mask=np.full(len(told), not alone))
    text, notes = " ".join(options.text.split()), map_notes(opened)
    near: dict[str, pa.Array] = {}
    if text:
        found, more = similarity(store, told, text)
        near, notes = _nearness(telling, found), (*more, *notes)
    bought = telling.tell(told.bought) if cube.has_purchases else np.zeros(len(told), bool)
    table["converted"] = pa.array(told.bought, mask=~bought)
    table["revenue"] = column(revenue_of(told) if cube.has_prices and alone else np.full(len(told), np.nan))
    first = FirstSteps(telling).go_on(1)
    for name, of in (("region", "place"), ("device", "mean")):
        labels, codes = told.paths.dimensions.entries(name)
        table[name] = _labels(telling, labels, told.main(codes[told.column(of)]))
    steps, minutes = first.go_on(STEPS).told()
    last = told.event_names[told.edges[1:] - 1]
    table["last"] = _labels(telling, told.names, last)
    table["next"] = _labels(telling, np.append(told.names.astype(object), STOPPED), told.followed)
    hour = told.main((told.paths.dimensions.hours % 24)[told.column("hour")])
    hour = hour if alone else hour // PART * PART
    table["hour"] = pa.array(hour, mask=~telling.tell(hour))
    table["steps"] = pa.array(steps, pa.list_(pa.string()))
    table["minutes"] = pa.array(minutes, pa.list_(pa.float32()))
    order = np.random.default_rng(int(opened.options.seed)).permutation(len(told))
    said = of_map(opened, scope, f"nearest to {quoted(text)}" if text else "")
    coarse = () if alone else (COARSE.format(k=cube.k),)
    whole = pa.table(table | near).take(pa.array(order))
    return Answer(whole, "Map of journeys", said, (*notes, *coarse))


class Telling:
    """What rows of single paths may tell, trait by trait: what k shoppers share with all that was told."""

    def __init__(self, told: Gathered, k: int, group: np.ndarray | None = None) -> None:
        self.told, self.k = told, k
        self.group = np.zeros(len(told), np.int64) if group is None else group.astype(np.int64)

    def tell(self, values: np.ndarray, also: np.ndarray | None = None) -> np.ndarray:
        """Which rows may tell a trait, int[paths] from 0: bool[paths]; `also` are rows that must not."""
        shown, self.group = told_alike(self.group, values, self.told.shoppers, self.k, also)
        return shown


class FirstSteps:
    """The first STEPS events of each path and the minutes to them, as far as they may be told."""

    def __init__(self, telling: Telling) -> None:
        self.telling, told = telling, telling.told
        at = told.edges[:-1, None] + np.arange(STEPS + 1)
        self._there = at < told.edges[1:, None]
        at = np.minimum(at, told.events.size - 1)
        self._event = np.where(self._there, told.event_names[at] + 1, 0)
        seconds = told.column("second").astype(np.float64)
        self._minutes = (seconds[at] - seconds[told.edges[:-1]][:, None]) / 60
        self._shown, self._ended = np.zeros(len(told), np.int64), np.zeros(len(told), bool)
        self._rows, self._next = np.arange(len(told)), 0

    def go_on(self, steps: int) -> FirstSteps:
        """Tell so many steps more, of paths of which all before could be told; that a path ends is one."""
        telling, k = self.telling, self.telling.k
        for step in range(self._next, min(self._next + steps, STEPS + 1)):
            rows = self._rows
            values = self._event[rows, step] if step < STEPS else self._there[rows, step].astype(np.int64)
            may, group = told_alike(telling.group[rows], values, telling.told.shoppers[rows], k)
            telling.group[rows] = telling.group.max() + 1 + group  # no number that other rows have
            self._ended[rows[may & (values == 0)]] = True
            self._rows = rows = rows[may & (values > 0)]
            if step == STEPS:
                break
            self._shown[rows] = step + 1
            if k > 1:
                self._minutes[rows, step] = _medians(telling.group[rows], self._minutes[rows, step])
        self._next += steps
        return self

    def told(self) -> tuple[list[list[str]], list[list[float]]]:
        """The names of the steps and the minutes to each; “…” says that more came, or may not be told."""
        names, minutes = self.telling.told.names, self._minutes
        if (
            self.telling.k > 1
        ):  # of fewer shoppers with every step: a later median may be less than one before
            minutes = np.maximum.accumulate(np.round(minutes / 60) * 60, axis=1)
        steps, times = [], []
        for row, many in enumerate(self._shown.tolist()):
            found = [str(names[e - 1]) for e in self._event[row, :many]]
            steps.append(found if self._ended[row] else [*found, MORE])
            times.append(minutes[row, :many].astype(np.float32).tolist())
        return steps, times


def _medians(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The median of each row's group: float64[rows]."""
    order = np.lexsort((values, group))
    _, first, at, counts = np.unique(group[order], return_index=True, return_inverse=True, return_counts=True)
    low, high = (values[order][first + (counts - other) // 2] for other in (1, 0))
    out = np.empty(values.size)
    out[order] = ((low + high) / 2)[at]
    return out


def _nearness(telling: Telling, near: np.ndarray) -> dict[str, pa.Array]:
    """The columns similarity and lit of float64[paths], NaN for paths without words."""
    known = np.isfinite(near)
    if not known.any():
        return {"similarity": column(near), "lit": pa.array(known)}
    if telling.k == 1:
        return {"similarity": column(near), "lit": pa.array(near >= np.quantile(near[known], 1 - LIT))}
    # A cosine is nearly one path's own: whoever writes an item's title would see who looked at it.
    top = min(max(LIT, 2 * telling.k / known.sum()), 1.0)
    edges = np.quantile(near[known], [0.2, 0.4, 0.6, 0.8, 1 - top] if top < 0.2 else [1 - top])
    classes = np.where(known, np.searchsorted(edges, near, side="right") + 1, 0)
    shown = telling.tell(classes) & known
    usual = [np.median(near[classes == c]) if (classes == c).any() else np.nan for c in range(edges.size + 2)]
    told = np.where(shown, np.round(np.array(usual), 2)[classes], np.nan)
    return {"similarity": column(told), "lit": pa.array(shown & (classes == edges.size + 1))}


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


def _labels(telling: Telling, labels: np.ndarray, codes: np.ndarray) -> pa.Array:
    """A label of each path, OTHER where it may not be told."""
    return pa.array(np.where(telling.tell(codes), labels.astype(object)[codes], OTHER), pa.string())
