"""One module a question: (store, scope, options) → table. `ANALYSES` lists them by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from core.analyses.answer import Answer
from core.analyses.calendar import calendar
from core.analyses.changes import changes
from core.analyses.demand import demand
from core.analyses.facets import facets
from core.analyses.hotspots import hotspots
from core.analyses.hours import hours
from core.analyses.next_steps import next_
from core.analyses.overview import overview
from core.analyses.paths import paths
from core.analyses.pattern import pattern
from core.analyses.quality import quality
from core.analyses.regions import regions
from core.analyses.steps import steps
from core.analyses.top_paths import top_paths
from core.analyses.transitions import transitions
from core.analyses.trend import trend
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

    def run(self, store: Store, scope: Scope, **options: str | int) -> Answer:
        """The answer; raises `WrongCall` for an option that it does not take."""
        for option in options:
            if option not in self.options:
                known = ", ".join(self.options) or "none"
                raise WrongCall(f"{self.name} has no option {option!r}; its options: {known}.")
        return self._function(store, scope, **options)


def _analysis(function: Callable[..., Answer]) -> Analysis:
    module = inspect.getmodule(function)
    summary = (module.__doc__ if module and module.__doc__ else "").splitlines()[0]
    options = tuple(inspect.signature(function).parameters)[2:]
    return Analysis(_name(function), summary, options, function)


def _name(function: Callable[..., Answer]) -> str:
    """What an analysis is called: `top_paths` is top-paths, and `next_` is next."""
    return function.__name__.rstrip("_").replace("_", "-")


ANALYSES: dict[str, Analysis] = {
    _name(function): _analysis(function)
    for function in (
        overview, changes, demand, regions, hotspots, hours, calendar, trend, quality, facets,
        paths, steps, transitions, top_paths, next_, pattern,
    )
}  # fmt: skip
