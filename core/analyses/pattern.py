"""How many paths hold a pattern, and how many of those convert?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.tables import column, ratio
from core.analyses.ways import Telling, ask, hidden_notes
from core.marts.privacy import hide_small
from core.paths.pattern import Pattern, tally_matching
from core.scope import Scope
from core.store import Store


def pattern(
    store: Store,
    scope: Scope,
    pattern: str = "",
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
) -> Answer:
    """Paths that hold the `pattern` (see `core.paths.pattern`) and those that do not, a row each.

    Columns: holds (bool), paths, shoppers (distinct), share (of all paths), converted (share of these
    paths with a purchase). See `core.analyses.ways` for the options.
    """
    wanted = Pattern.parse(pattern)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit))
    walk = asked.walk
    tallies = tally_matching(walk, wanted, walk.bought())
    shoppers = np.array([t.shoppers for t in tallies])
    hidden = hide_small(shoppers, asked.k)
    paths = np.where(hidden, np.nan, [t.paths for t in tallies])
    whole = sum(t.paths for t in tallies)
    converted = ratio(np.array([t.marked for t in tallies]), paths)
    table = pa.table(
        {
            "holds": pa.array([True, False]),
            "paths": column(paths, "count"),
            "shoppers": column(np.where(hidden, np.nan, shoppers), "count"),
            "share": column(ratio(paths, np.full(2, whole))),
            "converted": column(converted if asked.sells else np.full(2, np.nan)),
        }
    )
    notes = asked.notes + tuple(wanted.unmet(walk.names)) + asked.converted_notes()
    notes += hidden_notes(asked.k, [hidden], "groups are")
    return Answer(table, f"Paths with {pattern}", asked.of_paths(whole, int(shoppers.max())), notes)
