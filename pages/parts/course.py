"""How a measure moved in the scope: by day or week, and by the hour where the scope is a day or two."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.analyses import Answer
from core.analyses.measures import Measure
from core.analyses.trend import WHOLE_STEP
from core.charts.hourly import MOST_DAYS, hourly
from core.scope import Scope
from pages.parts import ask, dates

#: Weeks that make a line by week.
LEAST_WEEKS = 2
STEPS = {"day": "By day", "week": "By week"}


@dataclass(frozen=True)
class Course:
    """The answer, its rows as a trend's, the step in a word, and the command that prints the answer."""

    answer: Answer
    table: pa.Table
    step: str
    title: str
    command: str


def steps(scope: Scope) -> dict[str, str]:
    """The steps among which a scope of this length leaves a choice; none where it leaves none."""
    return STEPS if dates.length(scope) >= 7 * LEAST_WEEKS else {}


def course(scope: Scope, measure: Measure, step: str = "day", by: str = "") -> Course:
    """Ask for the course of a measure, split by a field where one is named."""
    if dates.length(scope) <= MOST_DAYS:
        options = {"by": by} if by else {}
        answer = ask.ask("hours", scope, **options)
        first, last = ask.span()
        days = dates.days(scope)
        before = [day if first <= day <= last else None for day in dates.days(scope.compared())]
        table = hourly(answer.table, measure.name, days, before, by)
        title = f"{measure.label} by hour" + (f" and {by}" if by else "")
        return Course(answer, table, "hour", title, ask.command("hours", scope, **options))
    step = step if step in steps(scope) else "day"
    options = {"measure": measure.name, "step": step} | ({"by": by} if by else {})
    answer = ask.ask("trend", scope, **options)
    # A week that the dates cut would look like a fall.
    whole = answer.table.filter(pc.equal(answer.table["days"], WHOLE_STEP[step]))
    return Course(answer, whole, step, answer.title, ask.command("trend", scope, **options))
