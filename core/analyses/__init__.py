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
from core.analyses.lifecycle import lifecycle
from core.analyses.overview import overview
from core.analyses.quality import quality
from core.analyses.regions import regions
from core.analyses.retention import retention
from core.analyses.stickiness import stickiness
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
    return Analysis(function.__name__, summary, options, function)


ANALYSES: dict[str, Analysis] = {
    function.__name__: _analysis(function)
    for function in (
        overview, changes, demand, regions, hotspots, hours, calendar, trend, quality, facets,
        retention, lifecycle, stickiness,
    )
}  # fmt: skip
