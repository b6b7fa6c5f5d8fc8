"""What is the first, second, third step? Share of paths at each node, step by step."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.chance import difference_columns
from core.analyses.paths import read_levels
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
from core.paths.choices import step_of
from core.paths.sequences import most_common
from core.scope import Scope
from core.store import Store


def steps(
    store: Store,
    scope: Scope,
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
    anchor: str = "start",
    at: str = "",
    depth: str | int = 10,
    top: str | int = 12,
    pattern: str = "",
    against: str = "",
) -> Answer:
    """The step matrix: at each step, the paths at each node; options as in `core.analyses.paths`.

    Columns: step (1 is at the anchor, 2 the next one from there; around a node −depth to depth, 0 is the
    node), node (the `top` nodes of all steps together, “(other)”, and “(end)” or “(start)” where a path
    has none), users (distinct shoppers), paths, share (of all paths told; a step's shares sum to 1), and
    with `against` other_ of each, difference, p, q and beyond_chance.
    """
    levels, most = whole_number("depth", depth, 2, 10), whole_number("top", top, 1, 50)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern, against)
    read = [read_levels(asked, n, anchor, at, levels) for n in range(len(asked.walks))]
    each = read[0].node_counts()
    chosen, slot = most_common(each.sum(axis=0, keepdims=True), most)
    slots = np.repeat(slot, each.shape[0], axis=0)
    counted = [found.flows(slots, most + 2)[..., -1] for found in read]
    hidden = [hide_small(counts[1], asked.k, overlapping=unit == "session") for counts in counted]
    met = np.logical_or.reduce([counts[1] > 0 for counts in counted])
    rows = np.nonzero(met)
    level = read[0].levels[rows[0]]
    names = [*asked.labels[chosen[0]], *[""] * (most - chosen[0].size), OTHER]
    back = np.isin(anchor, ("end", "before")) | (level < 0)
    columns: dict[str, pa.Array] = {
        "step": pa.array([step_of(n, anchor) for n in level.tolist()], pa.int64()),
        "node": pa.array(
            [[*names, BEGAN if b else STOPPED][s] for s, b in zip(rows[1], back, strict=True)], pa.string()
        ),
    }
    shares = []
    for n, (counts, found) in enumerate(zip(counted, read, strict=True)):
        prefix = "other_" if n else ""
        its = np.where(hidden[n][rows], np.nan, counts[0][rows])
        whole = np.full(its.shape, found.paths)
        columns |= count_columns(
            {"users": counts[1][rows], "paths": counts[0][rows]}, hidden[n][rows], prefix
        )
        columns[f"{prefix}share"] = column(ratio(its, whole))
        shares += [its, whole]
    if len(read) == 2:
        columns |= difference_columns(*shares)
    notes = asked.notes + hidden_notes(asked.k, [h[rows] for h in hidden], "shares are")
    where = f" {anchor} “{at}”" if at and anchor in ("after", "before", "around") else f" from the {anchor}"
    return Answer(
        pa.table(columns), f"Step by step{where}", asked.of_paths(read[0].paths, read[0].shoppers), notes
    )
