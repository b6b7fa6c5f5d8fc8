"""How long do they take? Time between two steps of a funnel: quantiles and a histogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.cohort import by_cohort
from core.analyses.funnel_parts import asked, split, steps_asked
from core.analyses.tables import column
from core.marts.privacy import hide_small
from core.paths import NOWHERE
from core.paths.options import TimeOptions, between
from core.scope import Scope
from core.store import Store

QUANTILES = (25, 50, 75, 90, 99)

_M, _H, _D = 60, 3600, 86_400
#: Edges of the histogram in seconds: lengths of time that people think in.
EDGES = np.array([
    0, 10, 30, _M, 2 * _M, 5 * _M, 10 * _M, 20 * _M, 40 * _M, _H, 2 * _H, 4 * _H, 8 * _H, 16 * _H, _D,
    2 * _D, 4 * _D, 7 * _D, 14 * _D, 28 * _D, 91 * _D, 182 * _D, 365 * _D, 3650 * _D,
])  # fmt: skip


def funnel_time(store: Store, scope: Scope, options: TimeOptions) -> Answer:
    """Seconds from one step to a later one, of those who did both.

    Columns: the split where there is one, shoppers (or sessions), p25, p50, p75, p90, p99 (seconds),
    from_seconds and counts (lists: where each bar of the histogram begins, and its height).
    """
    if options.by == "cohort":
        whole = replace(options, by="", steps=steps_asked(store, scope, options))
        return by_cohort(store, scope, lambda its: funnel_time(store, its, whole))
    of = asked(store, scope, options, compare=False)
    first, last = between(options.between, len(of.funnel.steps))
    its = split(of, of.found, options, of.scope)
    rows, groups = its.at(of.found, first)
    both = of.found.events[rows, last] != NOWHERE
    rows, groups = rows[both], groups[both]
    took = of.found.between(first, last, rows)
    size, bars = len(its.labels), len(EDGES) - 1
    bar = np.searchsorted(EDGES, took, side="right") - 1
    counts = np.bincount(groups * bars + bar.clip(0, bars - 1), minlength=size * bars)
    counts = counts.reshape(size, bars)
    whole = counts.sum(axis=1)
    k = of.paths.k
    marks = hide_small(counts, k)
    unseen = (whole > 0) & (whole < k)
    quantiles = np.full((size, len(QUANTILES)), np.nan)
    for g in range(size):
        if whole[g] and not unseen[g]:
            quantiles[g] = np.percentile(took[groups == g], QUANTILES)
    columns: dict[str, pa.Array] = {}
    if options.by:
        columns[options.by] = pa.array(its.labels)
    columns[of.who] = column(np.where(unseen, np.nan, whole), "count")
    for i, q in enumerate(QUANTILES):
        columns[f"p{q}"] = column(quantiles[:, i])
    columns["from_seconds"] = pa.array([EDGES[:-1].tolist()] * size)
    columns["counts"] = pa.array(
        [column(np.where(m, np.nan, c), "count").to_pylist() for c, m in zip(counts, marks, strict=True)],
        pa.list_(pa.int64()),
    )
    names = [of.funnel.steps[i].label for i in (first, last)]
    count = int(marks.sum())
    bars_of = "counts of the histograms" if options.by else "bars"
    those = f"{count} {bars_of} are" if count > 1 else f"One of the {bars_of} is"
    note = (f"{those} not shown: fewer than {k} shoppers.",) if count else ()
    title = f"Time from {names[0]} to {names[1]}" + (f" by {options.by}" if options.by else "")
    return Answer(pa.table(columns), title, of.of(), of.notes + note)
