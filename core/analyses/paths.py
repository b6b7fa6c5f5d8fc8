"""Which ways do they take? From each step of a path to the next, as a flow."""

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
    Asked,
    Telling,
    ask,
    count_columns,
    hidden_notes,
    node,
    whole_number,
)
from core.marts.privacy import coarse, hide_small
from core.paths.sequences import Sequences, WholeSessions, levels, most_common
from core.scope import Scope
from core.store import Store


def paths(
    store: Store,
    scope: Scope,
    nodes: str = "event",
    hide: str = "",
    group: str = "",
    collapse: str = "no",
    unit: str = "shopper",
    anchor: str = "start",
    at: str = "",
    depth: str | int = 5,
    top: str | int = 8,
    pattern: str = "",
    against: str = "",
) -> Answer:
    """How many paths go from each node of a level to each of the next; see `core.analyses.ways`.

    `anchor` is start, end, after, before or around, the last three of the node `at`; `depth` levels are
    told, each with its `top` nodes and “(other)” for all else. Columns: level, source, target, users
    (distinct shoppers), paths, users_about and paths_about (to the nearest 2k, of flows that are hidden
    for what subtraction would tell of others), share (of all paths told), share_of_source.

    Reading on, a level's rows sum to its nodes, “(end)” for paths that stop. Reading back from `end` or
    `before`, the source stands at the level, the target is the node before it, and “(start)” is for paths
    that begin there. Around a node levels run from −depth and all rows are in the order of time.

    `against` adds other_users, other_paths, other_share, other_share_of_source, and of the shares of all
    paths: difference, p (two-proportion z-test), q (Benjamini-Hochberg) and beyond_chance.
    """
    deep, most = whole_number("depth", depth, 2, 10), whole_number("top", top, 1, 50)
    asked = ask(store, scope, Telling(nodes, hide, group, collapse, unit), pattern, against)
    read = [read_levels(asked, n, anchor, at, deep) for n in range(len(asked.walks))]
    chosen, slot = most_common(read[0].node_counts(), most)
    counted = [found.flows(slot, most + 2) for found in read]
    hidden = []
    for counts in counted:
        edges = counts[1, :-1, :, :-1]
        edges[:, most + 1, most + 1] = 0  # before its beginning and after its end a path goes nowhere
        hidden.append(
            np.stack([hide_small(level, asked.k, overlapping=unit == "session") for level in edges])
        )
    met = np.logical_or.reduce([counts[1, :-1, :, :-1] > 0 for counts in counted])
    level, source, target = np.nonzero(met)
    names = [[*asked.labels[best], *[""] * (most - best.size), OTHER] for best in chosen]
    its_level = read[0].levels[level]
    back = np.isin(anchor, ("end", "before")) | (its_level < 0)
    ends = np.where(back, BEGAN, STOPPED)
    columns: dict[str, pa.Array] = {
        "level": pa.array(its_level),
        "source": pa.array(
            [[*names[at], end][s] for at, s, end in zip(level, source, ends, strict=True)], pa.string()
        ),
        "target": pa.array(
            [[*names[at + 1], end][t] for at, t, end in zip(level, target, ends, strict=True)], pa.string()
        ),
    }
    rows = (level, source, target)
    shares = []
    for n, (counts, found) in enumerate(zip(counted, read, strict=True)):
        prefix = "other_" if n else ""
        its = np.where(hidden[n][rows], np.nan, counts[0][rows])
        whole = np.full(its.shape, found.paths)
        columns |= count_columns(
            {"users": counts[1][rows], "paths": counts[0][rows]}, hidden[n][rows], prefix
        )
        if not n:
            for name, values in (("users", counts[1][rows]), ("paths", counts[0][rows])):
                about = coarse(values, counts[1][rows], hidden[n][rows], asked.k)
                columns[f"{name}_about"] = column(about, "count")
        columns[f"{prefix}share"] = column(ratio(its, whole))
        columns[f"{prefix}share_of_source"] = column(ratio(its, counts[0, level, source, -1]))
        shares += [its, whole]
    if len(read) == 2:
        columns |= difference_columns(*shares)
    table = pa.table(columns)
    notes = asked.notes + hidden_notes(asked.k, [h[rows] for h in hidden], "flows are rough (≈) or")
    return Answer(table, title(anchor, at), asked.of_paths(read[0].paths, read[0].shoppers), notes)


def read_levels(asked: Asked, n: int, anchor: str, at: str, depth: int) -> Sequences | WholeSessions:
    """The sequences of one of the groups from an anchor; raises `WrongCall`."""
    walk = asked.walks[n]
    return levels(walk, anchor, node(walk.names, at) if at else None, depth)


def title(anchor: str, at: str) -> str:
    """What a picture of paths from an anchor is called."""
    return {
        "start": "Paths from their start",
        "end": "Paths to their end",
        "after": f"Paths after “{at}”",
        "before": f"Paths to “{at}”",
        "around": f"Paths around “{at}”",
    }[anchor]
