"""How well recommenders foretell what shoppers take next: split by time, all ranked, tuned on the past."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse

from core.errors import WrongCall
from core.marts.privacy import hide_small
from core.paths import open_paths
from core.paths.log import PathLog
from core.recommender.interactions import DAY, Interactions, Task, task
from core.recommender.metrics import draws, first_of, interval, of_all, of_each, ranked
from core.recommender.peers import Peer, Scorer, ease_weights, peers
from core.recommender.shown import evaluate_shown
from core.store import Store

#: By what settings are chosen, and peers ordered.
TARGET = "ndcg@10"
#: Shoppers that are scored at a time.
_BLOCK = 256
#: Groups of a table, by what they part.
GROUPS = ("history", "age", "region", "device")
#: Different items that a shopper took before the split, and days since an item was first taken.
_HISTORY = ((5, "1 – 5 items"), (20, "6 – 20 items"), (np.inf, "21 or more items"))
_AGE = ((30, "30 days or less on sale"), (np.inf, "longer on sale"))
COLD = "never taken before"
EVERYBODY = "everybody"
SHOWN = "shown"

Told = Callable[[float, str], None]


@dataclass(frozen=True)
class EvaluateOptions:
    """What is asked of an evaluation, in words of the command line."""

    event: str = "purchase"
    days: str = "30"  # before the log's end that are foretold
    items: str = "new"  # new to the shopper, any, or shown: which item of a list that was shown
    by: str = ""  # one of GROUPS


def recommend(task: Task, scorer: Scorer) -> np.ndarray:
    """The lists of a task's shoppers: int64[tested, LONGEST]."""
    blocks = []
    for low in range(0, task.shoppers.size, _BLOCK):
        some = task.shoppers[low : low + _BLOCK]
        scores = np.array(scorer(some), np.float64)
        if task.masked:
            seen = task.train.taken[some].tocoo()
            scores[seen.row, seen.col] = -np.inf
        blocks.append(first_of(scores))
    return np.concatenate(blocks)


def evaluate(
    store: Store, options: EvaluateOptions, told: Told = lambda _done, _stage: None
) -> tuple[pa.Table, str]:
    """One row a recommender, the best by TARGET first; with `by` one a group and recommender.

    With items=shown as `evaluate_shown`. Settings of each are chosen by TARGET in the `days` before the
    split, in a task like the test's, and never see what is to be foretold. Columns: group, model, settings
    (JSON), shoppers, hr, ndcg and recall @5, 10 and 20, mrr, those of TARGET and hr@10 with low and high
    (95 % over shoppers drawn anew), coverage, novelty. Groups of fewer than k shoppers have no numbers. Also
    the words of what they are of. Raises `WrongCall` and `CartscapeError` as `task` does.
    """
    if options.items == SHOWN:
        if options.by:
            raise WrongCall(f"items={SHOWN} takes no by=; leave it out.")
        return evaluate_shown(store, options.event)
    if options.by not in ("", *GROUPS):
        raise WrongCall(f"by={options.by!r} is not known; it takes {', '.join(GROUPS)}.")
    try:
        days = float(options.days)
    except ValueError:
        raise WrongCall(f"days={options.days!r} is no number of days.") from None
    paths = open_paths(store)
    every = Interactions.of(paths, options.event)
    test = task(every, days, options.items)
    past = task(every, days, options.items, until=test.end)
    rows: list[dict[str, Any]] = []
    known = peers(test)
    for done, peer in enumerate(known):
        told(done / len(known), f"choosing settings of {peer.name}")
        settings = choose(past, peer)
        lists = recommend(test, peer.fit(test, **settings))
        about = {"model": peer.name, "settings": json.dumps(settings)}
        rows += [about | row for row in _rows(paths, test, lists, options.by)]
    ease_weights.cache_clear()
    told(1.0, "done")
    rows.sort(key=lambda row: (row["group"] != EVERYBODY, row["group"], -(row[TARGET] or 0)))
    of = (
        f"{test.shoppers.size:,} shoppers who took {'something new' if test.masked else 'something'} in the "
        f"last {days:g} days, of {every.items:,} items, all ranked; settings chosen in the {days:g} days "
        "before"
    )
    return pa.Table.from_pylist(rows), of


def choose(past: Task, peer: Peer) -> dict[str, Any]:
    """The settings of a peer that do best by TARGET in a task; the first of equals."""
    if len(peer.settings) == 1:
        return peer.settings[0]

    def worth(settings: dict[str, Any]) -> float:
        lists = recommend(past, peer.fit(past, **settings))
        return float(of_each(ranked(lists, past.wanted))[TARGET].mean())

    return max(peer.settings, key=worth)


def _rows(paths: PathLog, test: Task, lists: np.ndarray, by: str) -> list[dict[str, Any]]:
    """The numbers of one recommender's lists: of everybody, or of each group."""
    counts = np.bincount(test.train.item, minlength=test.train.items)
    out = []
    for name, shoppers, items in _groups(paths, test, by):
        wanted = test.wanted[shoppers]
        if items is not None:
            wanted = scipy.sparse.csr_matrix(wanted.multiply(items.astype(np.float32)))
            wanted.eliminate_zeros()
        some = np.diff(wanted.indptr) > 0
        its = lists[shoppers][some]
        row: dict[str, Any] = {"group": name, "shoppers": int(some.sum())}
        if not some.any() or hide_small(np.array([some.sum()]), paths.k)[0]:
            out.append(row | {"shoppers": None})
            continue
        each = of_each(ranked(its, wanted[some]))
        row |= {metric: float(values.mean()) for metric, values in each.items()}
        weights = draws(int(some.sum()))
        for metric in (TARGET, "hr@10"):
            row[f"{metric}_low"], row[f"{metric}_high"] = interval(each[metric], weights)
        out.append(row | of_all(its, counts))
    return [_whole_row(row) for row in out]


def _whole_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with each column, None where it has no number."""
    names = [f"{metric}@{k}" for metric in ("hr", "ndcg", "recall") for k in (5, 10, 20)]
    bounds = [f"{metric}_{end}" for metric in (TARGET, "hr@10") for end in ("low", "high")]
    return {
        name: row.get(name) for name in ("group", "shoppers", *names, "mrr", *bounds, "coverage", "novelty")
    }


def _groups(paths: PathLog, test: Task, by: str) -> list[tuple[str, np.ndarray, np.ndarray | None]]:
    """The groups of a table: name, bool[tested] shoppers, and bool[items] of wanted items that count (None:
    all).
    """
    everybody = np.ones(test.shoppers.size, bool)
    found: list[tuple[str, np.ndarray, np.ndarray | None]] = [(EVERYBODY, everybody, None)]
    if by == "history":
        many = np.diff(test.train.taken[test.shoppers].indptr)
        low = 0.0
        for most, name in _HISTORY:
            found.append((name, (many > low) & (many <= most), None))
            low = most
    elif by == "age":
        first = np.full(test.train.items, np.inf)
        np.minimum.at(first, test.train.item, test.train.second.astype(float))
        age = (test.end - first) / DAY
        found.append((COLD, everybody, np.isinf(first)))
        low = -1.0
        for most, name in _AGE:
            found.append((name, everybody, np.isfinite(first) & (age > low) & (age <= most)))
            low = most
    elif by:
        labels, codes = paths.dimensions.entries(by)
        column = "place" if by == "region" else "mean"
        # Of the last event before the split, which is what a shop knows.
        mine = np.searchsorted(test.train.shopper, test.shoppers, side="right") - 1
        before = paths[column][test.train.at[mine]]
        label = labels[codes[before]].astype(str)
        found += [(name, label == name, None) for name in np.unique(label)]
    return found
