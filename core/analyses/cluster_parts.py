"""What the analyses of a map of journeys share: the map, its names, and the words of what it is of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from core.analyses.tables import of_words
from core.errors import CartscapeError, WrongCall
from core.journeys import KIND, MapOptions, Opened, open_map
from core.journeys.gathered import LEAST_EVENTS, shoppers_of
from core.journeys.given_names import names_of
from core.journeys.quality import Quality
from core.marts.privacy import hide_small
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: How paths in no cluster are called.
BETWEEN = "(between clusters)"
#: How a cluster of fewer than k shoppers is called, and what a point is in whose cluster may not be told.
FEW = "(too few shoppers to tell)"


@dataclass(frozen=True)
class Hidden:
    """What may not be told of a map's clusters, the paths between them last: bool[clusters + 1] each."""

    small: np.ndarray  # fewer than k shoppers
    cluster: np.ndarray  # small, or its size would give a small one away
    buyers: np.ndarray  # hidden, or who bought, or who did not, is such a group


def opened_map(store: Store, scope: Scope, options: MapOptions) -> Opened:
    """The map of a question; raises a sentence where there can be none."""
    return open_map(store, scope, map_options(options))


def map_options(options: MapOptions) -> MapOptions:
    """The options of the map alone."""
    return MapOptions(**{f.name: getattr(options, f.name) for f in fields(MapOptions)})


def places_of(opened: Opened) -> np.ndarray:
    """Where each path of a map is counted: its cluster from 0, those between clusters last: int64[paths]."""
    labels = opened.map.labels.astype(np.int64)
    return np.where(labels < 0, opened.map.clusters, labels)


def distinct_shoppers(opened: Opened, place: np.ndarray, size: int) -> np.ndarray:
    """Distinct shoppers by group of paths: int64[size]; `place` is the group of each path."""
    shoppers = shoppers_of(opened.paths, opened.options.unit, opened.map.keys)
    if opened.options.unit == "shopper":
        return np.bincount(place, minlength=size)
    pairs = np.unique(place.astype(np.int64) * opened.paths.shoppers + shoppers)
    return np.bincount(pairs // opened.paths.shoppers, minlength=size)


def hidden_of(opened: Opened) -> Hidden:
    """What every table and picture of a map hides alike."""
    made, k = opened.map, opened.paths.k
    shoppers = distinct_shoppers(opened, places_of(opened), made.clusters + 1)
    several = opened.options.unit == "session"  # of one shopper, in different clusters
    hidden = hide_small(shoppers, k, overlapping=several)
    few = hide_small(made.buyers, k, also=hidden, overlapping=several)
    few = hide_small(made.others, k, also=few, overlapping=several)
    return Hidden((shoppers > 0) & (shoppers < k), hidden, few)


def cluster_names(opened: Opened) -> list[str]:
    """What each cluster is called: the name it was given, else one made of what sets it apart.

    A name of few shoppers says nothing of what they did, and one of few buyers not how many buy.
    """
    given, hidden = names_of(opened), hidden_of(opened)
    names: list[str] = []
    for n, one in enumerate(opened.map.described):
        name = given.get(n) or (FEW if hidden.small[n] else one.unsaid if hidden.buyers[n] else one.name)
        names.append(f"{name} ({n + 1})" if name in names else name)
    return names


def number(option: str, word: str, opened: Opened) -> int:
    """A cluster as tables count them, from 1 → its label in the map, from 0.

    Raises a sentence where there is none such, or where nothing may be told of it.
    """
    most = opened.map.clusters
    if not str(word).isdigit() or not 1 <= int(word) <= most:
        raise WrongCall(f"{option}={word!r} is no cluster of this map; it takes a number from 1 to {most}.")
    if hidden_of(opened).cluster[int(word) - 1]:
        raise CartscapeError(few_sentence(int(word), opened.paths.k))
    return int(word) - 1


def few_sentence(cluster: int, k: int) -> str:
    """Why nothing is told of a cluster that the list hides."""
    return (
        f"Cluster {cluster} has fewer than {k} shoppers, or would give such a group away by subtraction, so "
        "nothing more is told of it; choose another cluster, or widen the scope."
    )


def rule_of(scope: Scope, options: MapOptions, **which: Any) -> dict[str, Any]:
    """The cohort's rule for a part of a map: `clusters` or `polygon`; see `core.journeys.cohort_rule`."""
    return {"of": KIND, "scope": scope.words(), "options": map_options(options).words(), **which}


def unnamed(rule: dict[str, Any]) -> str:
    """A rule as the word of a scope's cohort."""
    return json.dumps(rule, ensure_ascii=False, sort_keys=True)


def of_map(opened: Opened, scope: Scope, *more: str) -> str:
    """Of what: the scope, how many paths, and how they were drawn."""
    made, cube = opened.map, open_cube(opened.store)
    said = [f"{len(made):,} paths, one a {opened.options.unit}"]
    if made.sampled:
        said.append(f"the picture fitted to a stratified sample of {made.fitted.size:,}, the others assigned")
    return of_words(cube, scope, *said, *(words for words in more if words))


def map_notes(opened: Opened) -> tuple[str, ...]:
    """Sentences on what the map leaves out, and on how far to trust it."""
    made, notes = opened.map, []
    k = max(opened.paths.k, 1)
    if made.too_short_shoppers >= k:
        notes.append(
            f"{made.too_short:,} paths of fewer than {LEAST_EVENTS} events are left out: too short to map."
        )
    wordless, worded = made.wordless_shoppers, made.worded_shoppers
    if opened.options.weights["what"] and wordless >= k and (not worded or worded >= k):
        notes.append(
            f"{made.wordless:,} of {made.fitted.size:,} drawn paths are about nothing that has words; they "
            "lie by when, where and how."
        )
    return (*notes, *told_quality(opened).warnings())


def told_quality(opened: Opened) -> Quality:
    """The map's quality, without the share of paths between clusters where their number is hidden."""
    quality = opened.map.quality
    return replace(quality, noise=float("nan")) if hidden_of(opened).cluster[-1] else quality


def shoppers_in(opened: Opened, rows: np.ndarray) -> int:
    """Distinct shoppers of some paths: `rows` is bool or int[…]."""
    return int(np.unique(shoppers_of(opened.paths, opened.options.unit, opened.map.keys[rows])).size)


def usual_words(options: MapOptions, more: Sequence[str] = ()) -> dict[str, str]:
    """The options that are not as usual, and `more` of them by name."""
    return map_options(options).words() | {name: str(asdict(options)[name]) for name in more}
