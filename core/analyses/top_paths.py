"""Which whole paths come up most, how long do they take, and how often do they end in a purchase?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.chance import difference_columns
from core.analyses.tables import column, ratio
from core.analyses.ways import OTHER, Telling, ask, count_columns, hidden_notes, whole_number
from core.marts.privacy import hide_small
from core.paths.sequences import fingerprints, leading, whole_paths
from core.scope import Scope
from core.store import Store

#: Between the names of a path.
ARROW = " → "


def top_paths(
    store: Store,
    scope: Scope,
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
    top: str | int = 20,
    pattern: str = "",
    against: str = "",
) -> Answer:
    """The `top` whole paths, most first; see `core.analyses.ways` for the options.

    Columns: rank, path (names joined by →), length (nodes), paths, shoppers (distinct), share (of all
    paths), seconds (median from the first event to the last), converted (share that holds a purchase).
    The last row, without a rank, is “(other)”: all other paths. With `against` other_ of each, and of the
    shares difference, p, q and beyond_chance. Paths of too few shoppers have no row.
    """
    most = whole_number("top", top, 1, 200)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern, against)
    read = [fingerprints(walk) for walk in asked.walks]
    prints = leading(read[0], most)
    told = [
        whole_paths(walk, found, prints, walk.bought()) for walk, found in zip(asked.walks, read, strict=True)
    ]
    hidden = [hide_small(its.shoppers[:-1], asked.k, overlapping=unit == "session") for its in told]
    shown = np.append(~hidden[0][:-1], told[0].paths[-2] > 0)
    rows = np.flatnonzero(shown)
    size = prints.size
    spelt = [ARROW.join(asked.labels[names]) for names in told[0].names]
    ranks = np.append(np.arange(1.0, size + 1), np.nan)
    lengths = np.append([float(len(names)) for names in told[0].names], np.nan)
    columns: dict[str, pa.Array] = {
        "rank": column(ranks[rows], "count"),
        "path": pa.array([[*spelt, OTHER][n] for n in rows], pa.string()),
        "length": column(lengths[rows], "count"),
    }
    shares = []
    for n, its in enumerate(told):
        prefix = "other_" if n else ""
        blank = hidden[n][rows]
        columns |= count_columns({"paths": its.paths[rows], "shoppers": its.shoppers[rows]}, blank, prefix)
        counted = np.where(blank, np.nan, its.paths[rows])
        whole = np.full(counted.shape, its.paths[-1])
        columns[f"{prefix}share"] = column(ratio(counted, whole))
        columns[f"{prefix}seconds"] = column(np.where(blank, np.nan, np.append(its.median, np.nan)[rows]))
        columns[f"{prefix}converted"] = column(
            ratio(its.marked[rows], counted) if asked.sells else np.full(rows.size, np.nan)
        )
        shares += [counted, whole]
    if len(told) == 2:
        columns |= difference_columns(*shares)
    notes = asked.notes + asked.converted_notes() + hidden_notes(asked.k, [~shown[:-1]], "paths are")
    of = asked.of_paths(int(told[0].paths[-1]), int(told[0].shoppers[-1]))
    return Answer(pa.table(columns), "Whole paths that come up most", of, notes)
