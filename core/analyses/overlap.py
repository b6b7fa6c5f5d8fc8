"""How far do the saved cohorts overlap? Shoppers who are in both, for every two of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cohort import MOST_PARTS
from core.analyses.tables import column, ratio
from core.errors import CartscapeError
from core.paths import open_cohorts
from core.scope import Scope
from core.store import Store


def overlap(store: Store, scope: Scope) -> Answer:
    """Every two cohorts over the whole log, whatever the scope says.

    Columns: first, second, both (shoppers), of_first (share of the first who are in the second),
    of_second, jaccard (both ÷ in either; Jaccard 1912). Numbers are null where those in both, or those in
    one alone, are fewer than k shoppers, since the sizes of the cohorts would tell how many.
    """
    del scope  # who is in a cohort does not depend on it
    cohorts = open_cohorts(store)
    k, notes, members = cohorts.paths.k, [], {}
    documents = store.cohorts.all()
    for document in documents[:MOST_PARTS]:
        try:
            members[document.name] = cohorts.members(document.name)
        except CartscapeError as error:  # one that cannot be worked out takes no other with it
            notes.append(f"“{document.name}” is left out: {error}")
    if len(documents) > MOST_PARTS:
        notes.append(f"The first {MOST_PARTS} cohorts by name are shown, of {len(documents)}.")
    names = list(members)
    pairs = [(a, b) for a in names for b in names if a != b]
    sizes = np.array([[members[name].sum() for name in pair] for pair in pairs], float).reshape(-1, 2)
    both = np.array([(members[a] & members[b]).sum() for a, b in pairs], float)
    small = np.stack([both, sizes[:, 0] - both, sizes[:, 1] - both])
    hidden = ((small > 0) & (small < k)).any(axis=0)
    both[hidden] = np.nan
    table = pa.table(
        {
            "first": pa.array([a for a, _ in pairs], pa.string()),
            "second": pa.array([b for _, b in pairs], pa.string()),
            "both": column(both, "count"),
            "of_first": column(ratio(both, sizes[:, 0])),
            "of_second": column(ratio(both, sizes[:, 1])),
            "jaccard": column(ratio(both, sizes.sum(axis=1) - both)),
        }
    )
    if hidden.any():
        notes.append(f"Pairs that would tell of fewer than {k} shoppers are not shown.")
    of = f"{len(names)} cohort{'s' if len(names) != 1 else ''}, over the whole log"
    return Answer(table, "How far the cohorts overlap", of, tuple(notes))
