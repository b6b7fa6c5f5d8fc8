"""The filters that every page shares: parsed from the URL, written back to it, turned into SQL.

The words are the same in the URL, on the command line and in saved views:

    from=2025-03-01 to=2025-03-28 compare=previous region=Ohio category=Footwear
    event=view device=mobile cell=86266e55fffffff hour=5.18 cohort="Came back"

Dates and hours are local to the shopper's place. A key given several times means any of them;
different keys must all hold. `(none)` stands for a missing value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import h3.api.basic_int as h3

from core.errors import WrongCall
from core.events import NONE

#: How `compare` may be written besides two dates (`2024-01-01..2024-01-28`).
PREVIOUS, YEAR, OFF = "previous", "year", "off"


@dataclass(frozen=True)
class Scope:
    """Which part of the log is asked about. Empty fields do not filter."""

    start: date | None = None  # first local day, inclusive
    end: date | None = None  # last local day, inclusive
    compare: str = PREVIOUS  # previous, year, off, or FROM..TO
    regions: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()  # H3 addresses of any resolution up to the stored one
    categories: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()  # hours of the week, WEEKDAY.HOUR, Monday is 1: "5.18"
    cohorts: tuple[str, ...] = ()  # names of saved cohorts: shoppers who are in any of them

    @classmethod
    def parse(cls, words: Mapping[str, str | Iterable[str]]) -> Scope:
        """A scope from key → value or values; raises `WrongCall` with a sentence."""
        known: dict[str, Any] = {}
        for key, value in words.items():
            values = [value] if isinstance(value, str) else list(value)
            values = [v for v in values if v != ""]
            if key not in _FIELDS:
                raise WrongCall(f"The scope has no key {key!r}; it knows {', '.join(sorted(_FIELDS))}.")
            if not values:
                continue
            field = _FIELDS[key]
            if field in ("start", "end", "compare"):
                if len(values) > 1:
                    raise WrongCall(f"The scope takes {key} once, not {len(values)} times.")
                known[field] = _date(key, values[0]) if field != "compare" else _compare(values[0])
            else:
                check = {"cells": _cell, "hours": _hour}.get(field, str)
                known[field] = tuple(dict.fromkeys(check(v) for v in values))
        scope = cls(**known)
        if scope.start and scope.end and scope.start > scope.end:
            raise WrongCall(
                f"The scope starts on {scope.start} and ends before that, on {scope.end}; swap the two."
            )
        return scope

    def words(self) -> dict[str, list[str]]:
        """The scope as key → values, as the URL carries it; what does not filter is left out."""
        out: dict[str, list[str]] = {}
        for key, field in _FIELDS.items():
            value = getattr(self, field)
            if field in ("start", "end"):
                if value:
                    out[key] = [value.isoformat()]
            elif field == "compare":
                if value != PREVIOUS:
                    out[key] = [value]
            elif value:
                out[key] = list(value)
        return out

    def command(self) -> str:
        """The scope as arguments of `python -m core show`."""
        import shlex

        return " ".join(
            f"--scope {shlex.quote(f'{key}={value}')}"
            for key, values in self.words().items()
            for value in values
        )

    def within(self, first: date, last: date) -> Scope:
        """The scope with its dates filled in from the log's first and last local day."""
        return replace(self, start=self.start or first, end=self.end or last)

    def compared(self) -> Scope | None:
        """The scope of the compared period, or None when nothing is compared.

        Needs both dates; call `within` first.
        """
        if self.compare == OFF or not (self.start and self.end):
            return None
        if self.compare == PREVIOUS:
            days = (self.end - self.start).days + 1
            start, end = self.start - timedelta(days=days), self.start - timedelta(days=1)
        elif self.compare == YEAR:
            start, end = self.start - timedelta(days=364), self.end - timedelta(days=364)
        else:
            start, end = (date.fromisoformat(d) for d in self.compare.split(".."))
        return replace(self, start=start, end=end, compare=OFF)

    def hour_indexes(self) -> tuple[int, ...]:
        """The chosen hours of the week as 0–167, Monday midnight is 0."""
        return tuple((int(day) - 1) * 24 + int(hour) for day, hour in (h.split(".") for h in self.hours))

    def predicate(self, local: str = "local_ts") -> tuple[str, list[Any]]:
        """One SQL predicate over the log and its bound parameters.

        `local` is an SQL expression of the event's local time. Cells are compared as parents at
        their own resolution. Who is in a cohort the log does not say: a scope with one has no predicate.
        """
        if self.cohorts:
            raise WrongCall("A cohort is no filter of the log's columns; ask a page or an analysis instead.")
        clauses: list[str] = []
        values: list[Any] = []
        if self.start:
            clauses.append(f"{local} >= CAST(? AS DATE)")
            values.append(self.start.isoformat())
        if self.end:
            clauses.append(f"{local} < CAST(? AS DATE) + INTERVAL 1 DAY")
            values.append(self.end.isoformat())
        for column, chosen in (
            ("region", self.regions),
            ("category", self.categories),
            ("event", self.events),
            ("device", self.devices),
        ):
            if chosen:
                clauses.append(f"list_contains(?, coalesce({column}, '{NONE}'))")
                values.append(list(chosen))
        if self.cells:
            by_resolution: dict[int, list[int]] = {}
            for cell in (h3.str_to_int(c) for c in self.cells):
                by_resolution.setdefault(h3.get_resolution(cell), []).append(cell)
            parents = []
            for resolution, cells in sorted(by_resolution.items()):
                parents.append(f"list_contains(?, {parent_sql('cell', resolution)})")
                values.append(cells)
            clauses.append("(" + " OR ".join(parents) + ")")
        if self.hours:
            clauses.append(f"list_contains(?, (isodow({local}) - 1) * 24 + hour({local}))")
            values.append(list(self.hour_indexes()))
        return " AND ".join(clauses) or "TRUE", values


def span_words(start: date, end: date) -> str:
    """Two days as people read them: 4–31 May 2025, 4 Mar – 31 May 2025, 20 Dec 2024 – 16 Jan 2025."""
    if start == end:
        return f"{start.day} {start:%b %Y}"
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{end.day} {end:%b %Y}"
    if start.year == end.year:
        return f"{start.day} {start:%b} – {end.day} {end:%b %Y}"
    return f"{start.day} {start:%b %Y} – {end.day} {end:%b %Y}"


#: URL key → field, in the order in which a link is written.
_FIELDS = {
    "from": "start",
    "to": "end",
    "compare": "compare",
    "region": "regions",
    "cell": "cells",
    "category": "categories",
    "event": "events",
    "device": "devices",
    "hour": "hours",
    "cohort": "cohorts",
}
KEYS = tuple(_FIELDS)


def parent_sql(column: str, resolution: int) -> str:
    """SQL for the H3 parent of `column` (UBIGINT) at `resolution`, by bit arithmetic."""
    keep = ~(15 << 52) & (2**64 - 1)
    low = 2 ** (3 * (15 - resolution)) - 1
    return f"(({column} & {keep}::UBIGINT) | {resolution << 52}::UBIGINT | {low}::UBIGINT)"


def _date(key: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise WrongCall(f"{key}={text!r} is not a date; write it as 2025-03-28.") from None
    if not 1900 <= found.year < 2200:
        raise WrongCall(f"{key}={text!r} is no date of a log; write a year from 1900 to 2199.")
    return found


def _compare(text: str) -> str:
    if text in (PREVIOUS, YEAR, OFF):
        return text
    first, dots, last = text.partition("..")
    if not dots:
        raise WrongCall(
            f"compare={text!r} is not known; it takes previous, year, off, or two dates "
            "as 2025-01-01..2025-01-28."
        )
    start, end = _date("compare", first), _date("compare", last)
    if start > end:
        raise WrongCall(f"compare={text!r} ends before it starts; swap the two dates.")
    return f"{start.isoformat()}..{end.isoformat()}"


def _cell(text: str) -> str:
    try:
        cell = h3.str_to_int(text)
    except (ValueError, OverflowError):
        cell = 0
    if not h3.is_valid_cell(cell):
        raise WrongCall(f"cell={text!r} is not an H3 cell; an address looks like 86266e55fffffff.")
    return h3.int_to_str(cell)


def _hour(text: str) -> str:
    day, dot, hour = text.partition(".")
    if not (dot and day.isdecimal() and hour.isdecimal() and 1 <= int(day) <= 7 and int(hour) <= 23):
        raise WrongCall(f"hour={text!r} is not an hour of the week; Friday at six in the evening is 5.18.")
    return f"{int(day)}.{int(hour)}"
