"""What sets a cluster of journeys apart from everybody else, or from another cluster?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cluster_parts import cluster_names, number, opened_map, rule_of, unnamed
from core.analyses.cohort import CohortOptions, cohort
from core.errors import WrongCall
from core.journeys import MapOptions
from core.paths.cohort_words import words
from core.scope import OFF, Scope
from core.store import Store


@dataclass(frozen=True)
class TraitOptions(MapOptions):
    """Which cluster of which map."""

    cluster: str = "1"
    against: str = ""  # another cluster; empty: everybody else in the scope


def cluster_traits(store: Store, scope: Scope, options: TraitOptions) -> Answer:
    """The traits of a cluster's shoppers within the scope, as `core.analyses.cohort` tells those of a cohort.

    Columns as there: trait, value, shoppers, share, other_share, difference with low and high (Newcombe's
    95 % interval), q (Benjamini-Hochberg), beyond_chance.
    """
    opened = opened_map(store, scope, options)
    names = cluster_names(opened)
    mine = number("cluster", options.cluster, opened)
    other = number("against", options.against, opened) if options.against else None
    if mine == other:
        raise WrongCall(
            f"cluster={options.cluster} and against={options.against} are the same cluster; name another "
            "one, or leave against out to compare with everybody else."
        )
    rules = [rule_of(scope, options, clusters=[c]) for c in (mine, other) if c is not None]
    told = cohort(
        store, replace(scope, compare=OFF), CohortOptions(*(unnamed(rule) for rule in rules))
    )  # fmt: skip
    said = [f"“{names[c]}”" for c in (mine, other) if c is not None]
    of, values = told.of, told.table["value"].to_pylist()
    for rule, name in zip(rules, said, strict=True):
        of = of.replace(f"“{words(rule)}”", name)
        values[:3] = [name if value == words(rule) else value for value in values[:3]]
    table = told.table.set_column(1, "value", pa.array(values, pa.string()))
    title = f"What sets {said[0]} apart from {said[1] if other is not None else 'everybody else'}"
    return Answer(table, title, of, told.notes)
