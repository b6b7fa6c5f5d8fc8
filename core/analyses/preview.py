"""What would a cohort take of its lists, by region, under A and B? Estimates, held against the past."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.preview_lists import LEAST_TAKEN, STEPS, Made, PreviewWords, Replay, prepare
from core.analyses.proportions import wilson
from core.analyses.ways import hidden_notes
from core.events import NONE
from core.marts.privacy import hide_small
from core.recommender.preview import REVENUE, Bootstrap, Lists, Summed
from core.scope import Scope
from core.store import Store


def preview(store: Store, scope: Scope, options: PreviewWords) -> Answer:
    """What the shoppers of a scope are expected to take of their lists of `n`, in as many days as the model
    foretells, corrected by what shoppers took in the last such days.

    Method (a direct replay; where a log does not say what was shown, nothing can be weighed by its chance to
    be shown): the scorer learnt from before the last days alone. At their beginning the shoppers of the scope
    get the lists of then; ŷ of listed items is held against those of them that their shopper then took. What
    was taken ÷ what was expected, by tenths of ŷ (joined where too little was taken) and a kind at a time,
    corrects the chances to those of all shoppers, as the model learns from those who came; for another
    kind of event than the model's it is the rate at which listed items come to that. Source: separate ratio
    estimator (Cochran, Sampling Techniques, ch. 6); intervals by drawing shoppers anew, those of now and of
    then (Efron 1979).
    It assumes that the days to come are as the last, and that lists change nothing of what is taken.

    part=regions, a row for each region and kind (click, purchase, the model's event, revenue), region null
    for all: foretold (the model's event), shoppers (in the cohort, by the region of their last event), drawn,
    a and b (expected under A and B) with low and high (95 % of the expectation, not of what will happen),
    change (B − A) with low and high, factor with factor_low and factor_high (taken ÷ expected on the whole),
    and of the replay: then_shoppers, then_raw (Σŷ), then_expected (corrected by the other half of the
    shoppers), then_taken with low and high. Of regions with fewer than k shoppers there is none, nor what
    would tell them by subtraction.
    part=reliability, a row for each tenth of the replay's pairs by ŷ and kind but revenue: pairs, chance
    (mean ŷ), expected (corrected by the other half of the shoppers), taken (share) with low and high
    (Wilson), takers.

    Raises `WrongCall` for words that are not known, and `CartscapeError` where there is no model, too few
    shoppers, or too little in the held-out days.
    """
    made = prepare(store, scope, options)
    paths, then, notes = made.paths, made.then, list(made.notes)
    if options.part == "reliability":
        rows = [row for kind in then.kinds for row in _tenths(then, kind, paths.k)]
        title = "Chances of the model against what was taken"
    else:
        rows, more = _regions(made)
        notes += more
        title = "What the cohort would take of its lists"
    days, a = made.days, made.asked[0]
    differ = "the same" if a == made.asked[-1] else "not the same"
    of = (
        f"{int(made.members.sum()):,} shoppers, lists of {a.n}, the next {days:g} days; estimates of model "
        f"{made.number}, corrected by a replay of the last {days:g} days with "
        f"{then.lists.shoppers.size:,} shoppers; no experiment; A and B are {differ}"
    )
    notes += [
        f"Of {kind} fewer than {LEAST_TAKEN} were taken in the replay, which tells no factor."
        for kind in then.kinds
        if not np.isfinite(then.factor(kind).all[0])
    ]
    return Answer(pa.Table.from_pylist(rows), title, of, tuple(dict.fromkeys(notes)))


def _regions(made: Made) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of part=regions, and the sentences on what is hidden."""
    paths, then, drawn, lists, last = made.paths, made.then, made.drawn, made.lists, made.last
    groups = made.regions.size + 1  # the last: of no region
    held = np.bincount(last[made.who] % groups, minlength=groups)
    few = np.bincount(last[drawn] % groups, minlength=groups)
    small = hide_small(few, paths.k, also=hide_small(held, paths.k))
    undrawn = (few == 0) & (held > 0) & ~small
    hidden = small | (few == 0)
    now, where = Bootstrap(drawn.size, 2), last[drawn] % groups
    number = now.summed(np.ones(drawn.size), where, groups)
    size = Summed(np.append(held, held.sum()).astype(float), np.append(held, held.sum()).astype(float))
    names = [*(str(name) for name in made.regions), NONE, None]
    rows: list[dict[str, Any]] = []
    for kind in then.kinds:
        factor = then.factor(kind)
        a, b = (
            _corrected(then, kind, one, now, where, groups) / number * size for one in (lists[0], lists[-1])
        )
        columns = _ends("a", a) | _ends("b", b) | _ends("change", b - a) | _ends("factor", factor)
        columns |= _then(then, kind, groups, paths.k)
        for at in np.flatnonzero(np.append(~hidden, True)).tolist():
            row = {
                "region": names[at],
                "kind": kind,
                "foretold": then.kinds[0],
                "shoppers": int(size.all[at]),
                "drawn": int(number.all[at]),
            }
            rows.append(row | {name: _number(values, at) for name, values in columns.items()})
    rows.sort(key=lambda row: (then.kinds.index(row["kind"]), row["region"] is not None, -row["shoppers"]))
    notes = list(hidden_notes(paths.k, [small & (held > 0)], "regions are"))
    if undrawn.any():
        notes.append(f"{int(undrawn.sum()):,} regions have nobody among those drawn; draw more to see them.")
    return rows, notes


def _corrected(
    then: Replay, kind: str, lists: Lists, draws: Bootstrap, where: np.ndarray, groups: int
) -> Summed:
    """What the drawn shoppers are expected to take, by group, corrected by the replay."""
    hope, factors = lists.expected(kind, then.edges(kind)), then.factors(kind)
    return reduce(add, (draws.summed(hope[:, at], where, groups) * its for at, its in enumerate(factors)))


def _ends(name: str, its: Summed) -> dict[str, np.ndarray]:
    low, high = its.interval()
    return {name: its.all, f"{name}_low": low, f"{name}_high": high}


def _number(values: np.ndarray, at: int) -> float | None:
    value = float(values[min(at, values.size - 1)])
    return value if np.isfinite(value) else None


def _then(then: Replay, kind: str, groups: int, k: int) -> dict[str, np.ndarray]:
    """The replay by region: expected with a factor that has not seen the shopper, and taken."""
    where = then.lists.region % groups
    hope, fair = then.lists.expected(kind)[:, 0], then.fair(kind).sum(axis=1)
    took = then.taken[kind].sum(axis=1)
    number = np.append(np.bincount(where, minlength=groups), where.size)
    takers = np.bincount(where[took > 0], minlength=groups)
    hidden = hide_small(takers, k, also=hide_small(number[:-1], k))
    all_taken = then.draws.summed(took, where, groups)
    low, high = all_taken.interval()
    seen = np.append(~hidden, takers.sum() >= k)
    there = np.append(~hide_small(number[:-1], k), True)
    return {
        "then_shoppers": np.where(there, number, np.nan),
        "then_raw": np.where(there, then.draws.summed(hope, where, groups).all, np.nan),
        "then_expected": np.where(seen, then.draws.summed(fair, where, groups).all, np.nan),
        "then_taken": np.where(seen, all_taken.all, np.nan),
        "then_taken_low": np.where(seen, low, np.nan),
        "then_taken_high": np.where(seen, high, np.nan),
    }


def _tenths(then: Replay, kind: str, k: int) -> list[dict[str, Any]]:
    """The rows of part=reliability of one kind."""
    if kind == REVENUE:
        return []
    row, at = np.nonzero(then.lists.items >= 0)
    chance, took = then.lists.chances[row, at], then.taken[kind][row, at] > 0
    fair, told = then.fair(kind)[row, at], np.isfinite(then.factor(kind).all[0])
    rows = []
    parts = [part for part in np.array_split(np.argsort(chance, kind="stable"), STEPS) if part.size]
    takers = np.array([np.unique(row[part[took[part]]]).size for part in parts])
    hidden = hide_small(takers, k)
    for part, hide, many in zip(parts, hidden, takers, strict=True):
        count = int(took[part].sum())
        low, high = wilson(np.array([count]), np.array([part.size]))
        rows.append({
            "kind": kind, "pairs": int(part.size), "chance": float(chance[part].mean()),
            "expected": float(fair[part].mean()) if told and not hide else None,
            "taken": None if hide else count / part.size, "low": None if hide else float(low[0]),
            "high": None if hide else float(high[0]), "takers": None if hide else int(many),
        })  # fmt: skip
    return rows
