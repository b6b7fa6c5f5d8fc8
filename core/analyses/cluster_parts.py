"""What the analyses of a map of journeys share: the map, its names, and the words of what it is of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from core.analyses.tables import of_words
from core.errors import WrongCall
from core.journeys import KIND, MapOptions, Opened, open_map
from core.journeys.gathered import LEAST_EVENTS, shoppers_of
from core.journeys.given_names import names_of
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: How paths in no cluster are called.
BETWEEN = "(between clusters)"


def opened_map(store: Store, scope: Scope, options: MapOptions) -> Opened:
    """The map of a question; raises a sentence where there can be none."""
    return open_map(store, scope, map_options(options))


def map_options(options: MapOptions) -> MapOptions:
    """The options of the map alone."""
    return MapOptions(**{f.name: getattr(options, f.name) for f in fields(MapOptions)})


def cluster_names(opened: Opened) -> list[str]:
    """What each cluster is called: the name it was given, else one made of what sets it apart."""
    given = names_of(opened)
    return [given.get(n, one.name) for n, one in enumerate(opened.map.described)]


def number(option: str, word: str, opened: Opened, *, noise: bool = False) -> int:
    """A cluster as tables count them, from 1 (0 lies between clusters) → its label in the map, from 0."""
    least, most = (0 if noise else 1), opened.map.clusters
    if not str(word).isdigit() or not least <= int(word) <= most:
        raise WrongCall(
            f"{option}={word!r} is no cluster of this map; it takes a number from {least} to {most}."
        )
    return int(word) - 1


def rule_of(scope: Scope, options: MapOptions, **which: Any) -> dict[str, Any]:
    """The cohort's rule for a part of a map: `clusters` or `polygon`; see `core.journeys.cohort_rule`."""
    return {"of": KIND, "scope": scope.words(), "options": map_options(options).words(), **which}


def unnamed(rule: dict[str, Any]) -> str:
    """A rule as the word of a scope's cohort."""
    return json.dumps(rule, ensure_ascii=False, sort_keys=True)


def of_map(opened: Opened, scope: Scope, *more: str) -> str:
    """Of what: the scope, how many paths, and how they were drawn."""
    made, cube = opened.map, open_cube(opened.store)
    said = [f"{len(made):,} paths, one a {opened.options.unit}"] if _enough(opened) else []
    if made.sampled:
        said.append(f"the picture fitted to a stratified sample of {made.fitted.size:,}, the others assigned")
    return of_words(cube, scope, *said, *(words for words in more if words))


def map_notes(opened: Opened) -> tuple[str, ...]:
    """Sentences on what the map leaves out, and on how far to trust it."""
    made, notes = opened.map, []
    if made.too_short and made.too_short >= opened.paths.k:
        notes.append(
            f"{made.too_short:,} paths of fewer than {LEAST_EVENTS} events are left out: too short to map."
        )
    if made.wordless and opened.options.weights["what"]:
        notes.append(
            f"{made.wordless:,} of {made.fitted.size:,} drawn paths are about nothing that has words; they "
            "lie by when, where and how."
        )
    return (*notes, *made.quality.warnings())


def shoppers_in(opened: Opened, rows: np.ndarray) -> int:
    """Distinct shoppers of some paths: `rows` is bool or int[…]."""
    return int(np.unique(shoppers_of(opened.paths, opened.options.unit, opened.map.keys[rows])).size)


def _enough(opened: Opened) -> bool:
    return shoppers_in(opened, np.arange(len(opened.map))) >= opened.paths.k


def usual_words(options: MapOptions, more: Sequence[str] = ()) -> dict[str, str]:
    """The options that are not as usual, and `more` of them by name."""
    return map_options(options).words() | {name: str(asdict(options)[name]) for name in more}
