"""Whoever looked for something as a cohort's rule, so that every page answers to them.

    {"of": "about", "items": ["P61585", …], "queries": ["rain coat", …], "scope": {…}}

Its members are the shoppers with an event of one of the items, or a search for one of the queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.paths import cohort_words, cohorts
from core.paths.cohorts import Cohorts, Rule
from core.paths.log import PathLog
from core.paths.searches import about, step_of
from core.paths.steps import ANY, Step
from core.scope import Scope

KIND = "about"


def looked_for(paths: PathLog, scope: Scope, items: Sequence[str] = (), queries: Sequence[str] = ()) -> Rule:
    """The rule that means whoever looked for any of these; one of them alone is a rule of `did`."""
    if len(items) + len(queries) != 1:
        return {"of": KIND, "items": [*items], "queries": [*queries], "scope": scope.words()}
    step = Step(ANY, (("item", items[0]),)) if items else step_of(paths, queries[0])
    return {"of": "did", "event": str(step), "scope": scope.words()}


def _members(found: Cohorts, rule: Rule) -> np.ndarray:
    paths = found.paths
    items, queries = (
        np.flatnonzero(np.isin(names, np.array(rule.get(key, []), object)))
        for key, names in (("items", paths.items), ("queries", paths.queries))
    )
    rows = about(paths, found.scope_of(rule), items, queries)
    return found.from_numbers(rows.who)


def _words(rule: Rule) -> str:
    said = [
        f"{verb} {names[0]}{f' or {len(names) - 1} more' if len(names) > 1 else ''}"
        for verb, names in (("looked at", rule.get("items", [])), ("searched for", rule.get("queries", [])))
        if names
    ]
    where = cohort_words.words({"of": "scope", "scope": rule.get("scope", {})})  # "seen (3 – 30 Jun 2025)"
    return " or ".join(said) + where.removeprefix("seen")


cohorts.FINDERS[KIND] = _members
cohort_words.WORDS[KIND] = _words
