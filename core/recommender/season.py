"""The month that a recommendation is asked for: what was taken in it when the log had it whole last."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from core.recommender.features import FEATURES
from core.recommender.interactions import DAY
from core.recommender.models import Model
from core.recommender.moment import Asked
from core.recommender.past import SEASON, shoppers_of

#: The feature that a month moves.
OF_SEASON = "a_year_ago"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def season_of(model: Model, asked: Asked) -> tuple[np.ndarray | None, list[str]]:
    """How much each item was taken in the month that is asked for, float32[items], as `Past.a_year_ago` has
    it of the days to come; None where none is asked for, or where it says nothing. And what must be told.
    """
    if asked.month is None:
        return None, []
    if why := without_season(model):
        return None, [why]
    start = _start(model, asked.month)
    if start is None:
        return None, [f"This log does not have all of any {MONTHS[asked.month - 1]}: the month says nothing."]
    with model.guard:
        if start not in model.seasons:
            low = _second(model, start)
            taken = model.ground.world.acts.only(model.ground.world.acts.taken)
            found = shoppers_of(taken, low, low + SEASON * DAY, model.past.items)
            model.seasons[start] = np.log1p(found).astype(np.float32)
    told = f"The season is that of {start:%B %Y}, by what was taken then; what it is worth was not measured."
    return model.seasons[start], [told]


def without_season(model: Model) -> str:
    """The sentence on why months say nothing to a model; empty where they do."""
    if model.scorer.seen[list(FEATURES).index(OF_SEASON)]:
        return ""
    return (
        f"Model {model.version.number} knows nothing of seasons, as no moment that it learnt from had a year "
        "before it: the month says nothing here."
    )


def _start(model: Model, month: int) -> date | None:
    """The first day of the month, the last time that its first SEASON days are in the log; None for never."""
    last = datetime.fromtimestamp(model.first_second + model.end - 1, UTC).date()
    for year in range(last.year, last.year - 3, -1):
        low = _second(model, start := date(year, month, 1))
        if low + SEASON * DAY <= model.end:
            return start if low > -DAY else None
    return None


def _second(model: Model, day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - model.first_second
