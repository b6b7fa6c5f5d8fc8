"""Dates in words: the presets, the compared period."""

from __future__ import annotations

from datetime import date, timedelta

from core.charts.hourly import days_between
from core.scope import OFF, PREVIOUS, YEAR, Scope, span_words

PRESETS = {"Last 7 days": 7, "Last 28 days": 28, "Last 91 days": 91, "Last 364 days": 364}
DEFAULT_DAYS = 28
#: Days after its last one in which a log still tells of the present.
RECENT_DAYS = 7


def default_scope(first: date, last: date) -> Scope:
    """The last 28 days, or the later half of a shorter log, so that there is something to compare with."""
    days = min(DEFAULT_DAYS, max(((last - first).days + 1) // 2, 1))
    return Scope(start=last - timedelta(days=days - 1), end=last)


def presets(first: date, last: date) -> dict[str, tuple[date, date]]:
    """Name → dates of the usual spans that fit the log, counted back from its last day."""
    spans = {
        name: (last - timedelta(days=days - 1), last)
        for name, days in PRESETS.items()
        if last - timedelta(days=days - 1) >= first
    }
    return {**spans, "Whole log": (first, last)}


def days(scope: Scope | None) -> list[date]:
    """Every day of the scope; none of no scope, as of what nothing is compared with."""
    if scope is None or scope.start is None or scope.end is None:
        return []
    return days_between(scope.start, scope.end)


def length(scope: Scope) -> int:
    """How many days the scope has."""
    return (scope.end - scope.start).days + 1 if scope.start and scope.end else 0


def is_recent(last: date, today: date) -> bool:
    """Whether a log whose last day is `last` still tells of the present."""
    return (today - last).days <= RECENT_DAYS


def weekdays(scope: Scope | None) -> frozenset[int]:
    """The weekdays, 1 – 7 from Monday, that the scope has a day of."""
    if scope is not None and length(scope) >= 7:
        return frozenset(range(1, 8))
    return frozenset(day.isoweekday() for day in days(scope))


def compared_words(scope: Scope) -> str:
    """What the scope is compared with, to stand after "vs"; empty where nothing is."""
    other = scope.compared()
    if other is None or scope.start is None or scope.end is None:
        return ""
    days = (scope.end - scope.start).days + 1
    if scope.compare == PREVIOUS:
        return "previous day" if days == 1 else f"previous {days} days"
    if scope.compare == YEAR:
        return "same weekdays a year before"
    assert other.start and other.end
    return span_words(other.start, other.end)


def uneven_words(scope: Scope, first: date) -> str:
    """A warning where some of the compared days lie before the log; empty where all are in it."""
    other = scope.compared()
    if other is None or other.start is None or other.end is None or not other.start < first <= other.end:
        return ""
    missing, days = (first - other.start).days, (other.end - other.start).days + 1
    return (
        f"The log begins on {span_words(first, first)}: {missing} of the {days} days compared with lie "
        "before it, so changes look more upward than they are. Choose later dates, or other days to "
        "compare with."
    )


def compare_names(scope: Scope) -> dict[str, str]:
    """The choices of the compare control: word of the URL → what a person reads."""
    names = {
        PREVIOUS: "Period before",
        YEAR: "Same weekdays a year before",
        OFF: "Nothing",
    }
    if scope.compare not in names:
        names[scope.compare] = compared_words(scope)
    return names
