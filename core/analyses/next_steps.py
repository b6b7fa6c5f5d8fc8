"""What is likely to come next, after a few events in a row?"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.proportions import wilson
from core.analyses.tables import column, ratio
from core.analyses.ways import STOPPED, Telling, ask, count_columns, hidden_notes, whole_number
from core.errors import WrongCall
from core.marts.privacy import hide_small
from core.paths.transitions import following
from core.scope import Scope
from core.store import Store

_PART = re.compile(r'\s*(?P<name>"(?:[^"\\]|\\.)*"|(?:(?!->)[^"])+?)\s*(?P<sign>->|$)')


def next_(
    store: Store,
    scope: Scope,
    prefix: str = "",
    support: str | int = 30,
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
    top: str | int = 20,
    pattern: str = "",
) -> Answer:
    """What follows the `prefix`, names joined by ->, most first; see `core.analyses.ways` for the rest.

    Columns: next (“(end)” where the path ends), count, shoppers (distinct), probability (count ÷ all that
    follows), low and high (its 95 % interval, Wilson), used (the end of the prefix that was looked up),
    length (its parts). Where the whole prefix came up fewer than `support` times, the longest end of it
    that came up that often is used, and without any of that kind all events are.
    """
    least = whole_number("support", support, 1, 10**9)
    most = whole_number("top", top, 1, 500)
    parts = parse_prefix(prefix)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern)
    names = asked.walk.names
    counted = following(asked.walk, [names.find(part) for part in parts])
    met = counted[0].sum(axis=1)
    length = max((n for n in range(len(parts) + 1) if met[n] >= least), default=0)
    times, shoppers = counted[:, length]
    hidden = hide_small(shoppers, asked.k)
    order = np.argsort(-np.where(hidden, 0, times), kind="stable")
    rows = order[(times > 0)[order]][:most]
    labels = np.append(asked.labels, STOPPED)
    shown = np.where(hidden, np.nan, times)[rows]
    whole = np.full(rows.size, met[length])
    low, high = wilson(shown, whole)
    used = "->".join(parts[len(parts) - length :])
    table = pa.table(
        {
            "next": pa.array(labels[rows], pa.string()),
            **count_columns({"count": times[rows], "shoppers": shoppers[rows]}, hidden[rows]),
            "probability": column(ratio(shown, whole)),
            "low": column(low),
            "high": column(high),
            "used": pa.array([used] * rows.size, pa.string()),
            "length": pa.array([length] * rows.size, pa.int64()),
        }
    )
    notes = asked.notes + tuple(
        f"“{part}” never happens on these paths."
        for part in dict.fromkeys(parts)
        if not names.find(part).any()
    )
    if length < len(parts):
        instead = f"“{used}”, its last {length}" if length else "any event"
        came = f"The whole prefix {_came_up(int(met[-1]), asked.k)}, fewer than the {least:,} asked for; "
        notes += (f"{came}this is what follows {instead}.",)
    if met[length] < least:
        notes += (f"Even that {_came_up(int(met[length]), asked.k)}.",)
    if rows.size < (times > 0).sum():
        notes += (f"{(times > 0).sum() - rows.size:,} less likely ones have no row.",)
    notes += hidden_notes(asked.k, [hidden[rows]], "events are")
    title = f"What comes next after “{used or 'any event'}”"
    return Answer(table, title, asked.of(f"it {_came_up(int(met[length]), asked.k)}"), notes)


def _came_up(count: int, k: int) -> str:
    if not count:
        return "never came up"
    if count < k:
        return f"came up fewer than {k} times"
    return "came up once" if count == 1 else f"came up {count:,} times"


def parse_prefix(text: str) -> list[str]:
    """Names joined by ->, in quotes where a name holds that sign; raises `WrongCall`."""
    parts: list[str] = []
    at, more = 0, bool(text.strip())
    while more:
        found = _PART.match(text, at)
        if not found:
            raise WrongCall(
                f"prefix={text!r} cannot be read from {text[at:]!r} on; write names with -> between them, "
                "such as view->cart, with quotes around a name that holds a sign."
            )
        name = found["name"]
        parts.append(re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name)
        at, more = found.end(), bool(found["sign"])
    return parts
