"""What is likely to come next, after a few events in a row?"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.chance import difference_columns
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
    against: str = "",
) -> Answer:
    """What follows the `prefix`, names joined by ->, most first; see `core.analyses.ways` for the rest.

    Columns: next (“(end)” where the path ends), count, shoppers (distinct), probability (count ÷ all that
    follows), low and high (its 95 % interval, Wilson), used (the end of the prefix that was looked up),
    length (its parts). Where the whole prefix came up fewer than `support` times, the longest end of it
    that came up that often is used, and without any of that kind all events are. With `against` the other
    group is looked up by the same end: other_ of count, shoppers and probability, and of the probabilities
    difference, p, q and beyond_chance.
    """
    least = whole_number("support", support, 1, 10**9)
    most = whole_number("top", top, 1, 500)
    parts = parse_prefix(prefix)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern, against)
    names = asked.walk.names
    every = [following(walk, [names.find(part) for part in parts]) for walk in asked.walks]
    met = every[0][0].sum(axis=1)
    length = max((n for n in range(len(parts) + 1) if met[n] >= least), default=0)
    counted = [its[:, length] for its in every]
    times = counted[0][0]
    hidden = [hide_small(shoppers, asked.k, overlapping=True) for _, shoppers in counted]
    came = np.sum([np.where(h, 0, its[0]) for h, its in zip(hidden, counted, strict=True)], axis=0)
    order = np.lexsort((-came, -np.where(hidden[0], 0, times)))
    there = np.any([its[0] > 0 for its in counted], axis=0)
    rows = order[there[order]][:most]
    labels = np.append(asked.labels, STOPPED)
    used = "->".join(parts[len(parts) - length :])
    columns: dict[str, pa.Array] = {"next": pa.array(labels[rows], pa.string())}
    shares: list[np.ndarray] = []
    for n, (its, blank) in enumerate(zip(counted, hidden, strict=True)):
        prefix = "other_" if n else ""
        columns |= count_columns({"count": its[0][rows], "shoppers": its[1][rows]}, blank[rows], prefix)
        shown, whole = np.where(blank, np.nan, its[0])[rows], np.full(rows.size, its[0].sum())
        columns[f"{prefix}probability"] = column(ratio(shown, whole))
        shares += [shown, whole]
    low, high = wilson(shares[0], shares[1])
    columns |= {
        "low": column(low),
        "high": column(high),
        "used": pa.array([used] * rows.size, pa.string()),
        "length": pa.array([length] * rows.size, pa.int64()),
    }
    if len(counted) == 2:
        columns |= difference_columns(*shares)
    table = pa.table(columns)
    notes = asked.notes + tuple(
        f"“{part}” never happens on these paths."
        for part in dict.fromkeys(parts)
        if not names.find(part).any()
    )
    if length < len(parts):
        instead = f"“{used}”, its last {length}" if length else "any event"
        rare = f"The whole prefix {_came_up(int(met[-1]), asked.k)}, fewer than the {least:,} asked for; "
        notes += (f"{rare}this is what follows {instead}.",)
    if met[length] < least:
        notes += (f"Even that {_came_up(int(met[length]), asked.k, 'only ')}.",)
    if rows.size < there.sum():
        notes += (f"{there.sum() - rows.size:,} less likely ones have no row.",)
    notes += hidden_notes(asked.k, [h[rows] for h in hidden], "events are")
    title = f"What comes next after “{used or 'any event'}”"
    return Answer(table, title, asked.of(f"it {_came_up(int(met[length]), asked.k)}"), notes)


def _came_up(count: int, k: int, only: str = "") -> str:
    if not count:
        return "never came up"
    if count < k:
        return f"came up fewer than {k} times"
    return f"came up {only}once" if count == 1 else f"came up {only}{count:,} times"


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
