"""What follows what? From every node to every other, wherever it stands on a path."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.chance import difference_columns
from core.analyses.tables import column, ratio
from core.analyses.ways import (
    BEGAN,
    OTHER,
    STOPPED,
    Telling,
    ask,
    count_columns,
    hidden_notes,
    whole_number,
)
from core.marts.privacy import hide_small
from core.paths.transitions import busiest
from core.paths.transitions import transitions as count
from core.scope import Scope
from core.store import Store


def transitions(
    store: Store,
    scope: Scope,
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
    top: str | int = 50,
    support: str | int = 1,
    pattern: str = "",
    against: str = "",
) -> Answer:
    """How often each node follows each other, most first; see `core.analyses.ways` for the options.

    Columns: source, target (“(start)” before a path's first node, “(end)” after its last), count,
    shoppers and paths (distinct ones that hold it), share (of all that follows the source), per_path
    (count ÷ all paths), and with `against` other_ of each, and of the shares difference, p, q and
    beyond_chance. The `top` nodes that occur most have rows of their own, all others are “(other)”. Rows
    of fewer than `support` are left out.
    """
    most = whole_number("top", top, 2, 500)
    least = whole_number("support", support, 1, 10**9)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern, against)
    slots = busiest(asked.walk, most)
    counted = [count(walk, slots) for walk in asked.walks]
    hidden = [hide_small(its.shoppers, asked.k, overlapping=True) for its in counted]
    met = np.logical_or.reduce(
        [(its.times >= least) & ((least == 1) | ~h) for its, h in zip(counted, hidden, strict=True)]
    )
    order = np.lexsort((*np.nonzero(met)[::-1], -np.where(hidden[0], 0, counted[0].times)[met]))
    rows = tuple(index[order] for index in np.nonzero(met))
    names = [*asked.labels[slots.chosen], *([OTHER] if slots.other else [])]
    columns: dict[str, pa.Array] = {
        "source": pa.array([[*names, BEGAN][s] for s in rows[0]], pa.string()),
        "target": pa.array([[*names, STOPPED][t] for t in rows[1]], pa.string()),
    }
    shares = []
    for n, its in enumerate(counted):
        prefix = "other_" if n else ""
        blank = hidden[n][rows]
        columns |= count_columns(
            {"count": its.times[rows], "shoppers": its.shoppers[rows], "paths": its.paths[rows]},
            blank,
            prefix,
        )
        times = np.where(blank, np.nan, its.times[rows])
        whole = its.times.sum(axis=1)
        columns[f"{prefix}share"] = column(ratio(times, whole[rows[0]]))
        columns[f"{prefix}per_path"] = column(ratio(times, np.full(times.shape, whole[-1])))
        shares += [times, whole[rows[0]]]
    if len(counted) == 2:
        columns |= difference_columns(*shares)
    notes = asked.notes + hidden_notes(asked.k, [h[rows] for h in hidden], "transitions are")
    paths = int(counted[0].times[-1].sum())
    shoppers = asked.walk.tally().shoppers if asked.k > 1 else paths
    return Answer(pa.table(columns), "What follows what", asked.of_paths(paths, shoppers), notes)
