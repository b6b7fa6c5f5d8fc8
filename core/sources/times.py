"""SQL that reads a time in any of the usual ways and gives UTC.

Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their
size (a log has no times before 1973 in milliseconds). Texts are ISO 8601 with or without a zone,
or day/month/year in the order that the file's first rows show. A text without a zone is local to
the zone that the reader was given; the reader's connection has it as its TimeZone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal
from zoneinfo import available_timezones

import pyarrow as pa

from core.errors import WrongCall
from core.sources.values import Column, Value, literal, text

Order = Literal["day", "month"]

_SLASHED = re.compile(r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}\b")

_CLOCKS = (" %H:%M:%S.%f", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%a, %d %b %Y")

#: Microseconds in one unit of a number below the bound, by its size.
_UNITS = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))


@cache
def known_zones() -> frozenset[str]:
    """Every IANA name that this machine knows; looked up once, as it walks folders for it."""
    return frozenset(available_timezones())


def check_zone(zone: str) -> str:
    """The zone itself. Raises WrongCall where it is no IANA name."""
    if zone not in known_zones():
        raise WrongCall(f"There is no time zone {zone!r}; write an IANA name, as in America/Sao_Paulo.")
    return zone


def order_in(values: Sequence[str | None]) -> tuple[Order, bool]:
    """(which comes first in texts as 03/04/2025, whether the values settle it)."""
    for value in values:
        if value and (found := _SLASHED.match(value)):
            first, second = int(found[1]), int(found[2])
            if first > 12:
                return "day", True
            if second > 12:
                return "month", True
    return "day", not any(value and _SLASHED.match(value) for value in values)


def time(column: Column, zone: str, order: Order = "day") -> Value:
    """A moment as TIMESTAMP in UTC."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return Value(
            _local(column.sql, zone) if kind.tz is None else _utc(column.sql), f"{column.sql} IS NOT NULL"
        )
    if pa.types.is_date(kind):
        return Value(_local(f"{column.sql}::TIMESTAMP", zone), f"{column.sql} IS NOT NULL")
    if pa.types.is_integer(kind):
        return Value(_epoch(column.sql), f"{column.sql} IS NOT NULL")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        number = f"{column.sql}::DOUBLE"
        return Value(_epoch(number), f"{column.sql} IS NOT NULL AND NOT isnan({number})")
    plain = text(column)
    return Value(_from_text(plain, zone, order), f"{plain} IS NOT NULL")


def _from_text(plain: str, zone: str, order: Order) -> str:
    """ISO first, as most are; then compact dates, numbers, and the rest; each only where it is needed."""
    formats = [
        f"{day}{clock}"
        for day in (*(_DAY_FIRST if order == "day" else _MONTH_FIRST), *_NAMED)
        for clock in _CLOCKS
    ]
    styles = "[" + ", ".join(literal(style) for style in formats) + "]"
    number = f"TRY_CAST({plain} AS DOUBLE)"
    digits = f"regexp_full_match({plain}, '[-+]?\\d+(\\.\\d*)?([eE][-+]?\\d+)?')"
    compact = f"regexp_full_match({plain}, '(19|20)\\d{{6}}(T?\\d{{6}}Z?)?')"
    squeezed = f"TRY_STRPTIME(regexp_replace({plain}, '[TZ]', '', 'g'), ['%Y%m%d%H%M%S', '%Y%m%d'])"
    return (
        f"(CASE WHEN {plain} IS NULL THEN NULL "
        f"WHEN contains({plain}, '-') OR contains({plain}, '/') OR contains({plain}, ':') THEN COALESCE("
        f"{_utc(f'TRY_CAST({plain} AS TIMESTAMPTZ)')}, {_local(f'TRY_STRPTIME({plain}, {styles})', zone)}) "
        f"WHEN {compact} THEN {_local(squeezed, zone)} "
        f"WHEN {digits} THEN {_epoch(number)} "
        f"WHEN regexp_matches({plain}, '[0-9]') THEN {_local(f'TRY_STRPTIME({plain}, {styles})', zone)} END)"
    )


def _utc(moment: str) -> str:
    return f"make_timestamp(epoch_us(({moment})::TIMESTAMPTZ))"


def _local(naive: str, zone: str) -> str:
    if zone in ("UTC", "Etc/UTC"):
        return f"({naive})::TIMESTAMP"
    return f"timezone('UTC', timezone({literal(zone)}, ({naive})::TIMESTAMP))"


def _epoch(number: str) -> str:
    """Microseconds since 1970 from a number of any unit; null where it is no moment at all."""
    cases = " ".join(f"WHEN abs({number}) < {bound} THEN ({number}) * {unit}" for bound, unit in _UNITS)
    micros = f"round(CASE {cases} ELSE ({number}) / 1000 END)"
    return f"(CASE WHEN abs({number}) < 2e19 THEN make_timestamp(TRY_CAST({micros} AS BIGINT)) END)"
