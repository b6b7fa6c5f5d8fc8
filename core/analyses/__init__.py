"""One module a question: (store, scope, options) → table. `ANALYSES` lists them by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from core.analyses.answer import Answer
from core.analyses.audit import audit
from core.analyses.calendar import calendar
from core.analyses.changes import changes
from core.analyses.cluster_drift import cluster_drift
from core.analyses.cluster_paths import cluster_paths
from core.analyses.cluster_traits import cluster_traits
from core.analyses.clusters import clusters
from core.analyses.cohort import cohort
from core.analyses.demand import demand
from core.analyses.drivers import drivers
from core.analyses.facets import facets
from core.analyses.fairness import fairness, fairness_curve
from core.analyses.funnel import funnel
from core.analyses.funnel_map import funnel_map
from core.analyses.funnel_time import funnel_time
from core.analyses.funnel_trend import funnel_trend
from core.analyses.hotspots import hotspots
from core.analyses.hours import hours
from core.analyses.journeys import journeys
from core.analyses.leaders import leaders
from core.analyses.lifecycle import lifecycle
from core.analyses.model_card import model_card, model_curve, models_compared
from core.analyses.models import models
from core.analyses.next_step import next_step
from core.analyses.next_steps import next_
from core.analyses.overlap import overlap
from core.analyses.overview import overview
from core.analyses.past_buyers import past_buyers
from core.analyses.paths import paths
from core.analyses.pattern import pattern
from core.analyses.preview import preview
from core.analyses.quality import quality
from core.analyses.recommended import recommended, rule_effects, what_if
from core.analyses.regions import regions
from core.analyses.retention import retention
from core.analyses.rules import rules
from core.analyses.shown_lists import shown_lists
from core.analyses.similar import similar
from core.analyses.smallest_change import smallest_change
from core.analyses.steps import steps
from core.analyses.stickiness import stickiness
from core.analyses.taken_after import taken_after
from core.analyses.top_paths import top_paths
from core.analyses.transitions import transitions
from core.analyses.trend import trend
from core.analyses.tunings import tunings
from core.analyses.unmet import unmet
from core.analyses.why_words import why_words
from core.errors import WrongCall
from core.scope import Scope
from core.store import Store

__all__ = ["ANALYSES", "Analysis", "Answer"]


@dataclass(frozen=True)
class Analysis:
    """A question that a page or the command line can ask."""

    name: str
    summary: str
    options: tuple[str, ...]
    _function: Callable[..., Answer]
    _made_of: type[Any] | None = None  # a dataclass that takes the options, where they come as one

    def run(self, store: Store, scope: Scope, /, **options: str | int) -> Answer:
        """The answer; raises `WrongCall` for an option that it does not take."""
        for option in options:
            if option not in self.options:
                known = ", ".join(self.options) or "none"
                raise WrongCall(f"{self.name} has no option {option!r}; its options: {known}.")
        if self._made_of is not None:
            return self._function(store, scope, self._made_of(**options))
        return self._function(store, scope, **options)


def _analysis(function: Callable[..., Answer]) -> Analysis:
    module = inspect.getmodule(function)
    summary = (module.__doc__ if module and module.__doc__ else "").splitlines()[0]
    taken = dict(list(get_type_hints(function).items())[2:])
    taken.pop("return", None)
    name = function.__name__.rstrip("_").replace("_", "-")  # `next_` is next
    made_of = taken.get("options")
    if isinstance(made_of, type) and is_dataclass(made_of):
        return Analysis(name, summary, tuple(f.name for f in fields(made_of)), function, made_of)
    return Analysis(name, summary, tuple(taken), function)


_FUNCTIONS: tuple[Callable[..., Answer], ...] = (
    overview, changes, demand, regions, hotspots, hours, calendar, trend, quality, facets,
    funnel, funnel_time, funnel_trend, funnel_map, drivers, cohort, overlap,
    paths, steps, transitions, top_paths, next_, pattern,
    retention, lifecycle, stickiness,
    similar, unmet,
    journeys, clusters, cluster_traits, cluster_drift, cluster_paths,
    recommended, what_if, why_words, past_buyers, taken_after, smallest_change, leaders, preview, next_step,
    shown_lists, rules, rule_effects, audit, models, model_card, model_curve, models_compared, fairness,
    fairness_curve, tunings,
)  # fmt: skip

ANALYSES: dict[str, Analysis] = {a.name: a for a in map(_analysis, _FUNCTIONS)}
