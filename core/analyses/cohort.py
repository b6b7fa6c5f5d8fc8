"""Who are they? The saved cohorts, and what sets one apart from everybody else or from another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.proportions import difference, false_discovery, two_shares
from core.analyses.tables import WEEKDAYS, cohort_name, hour_words, of_words
from core.errors import CartscapeError
from core.marts.privacy import hide_small
from core.paths import open_cohorts, open_cube
from core.paths.cohort_words import words
from core.scope import Scope
from core.store import Store

EVERYBODY = "(everybody)"

#: What a cohort is described by, most telling first.
TRAITS = ("event", "category", "region", "device", "channel", "weekday", "hour")


@dataclass(frozen=True)
class CohortOptions:
    """Which cohort, and what it is held against."""

    name: str = ""  # empty: the list of all
    against: str = ""  # another cohort; empty: everybody else


def cohort(store: Store, scope: Scope, options: CohortOptions) -> Answer:
    """The list of cohorts; or one cohort's traits within the scope.

    The list has name, shoppers, share (of all of the log), fixed, rule (in words), saved. Traits have
    trait, value, shoppers (of the cohort with an event there), share, other_share (of the others),
    difference with low and high (Newcombe's 95 % interval), q (Benjamini-Hochberg) and beyond_chance; the
    first rows, of the trait `size`, are the shoppers of both, of the overlap, and their share of the log.
    """
    if not options.name:
        return _list(store)
    cohorts, cube = open_cohorts(store), open_cube(store)
    alone = replace(cube.fill(scope), compare="off", cohorts=())
    mine = cohorts.members(options.name)
    other = cohorts.members(options.against) if options.against else ~mine
    names = (cohort_name(options.name), cohort_name(options.against) or "everybody else")
    said = [f"“{name}”" if its else name for name, its in zip(names, (True, options.against), strict=True)]
    scopes = [replace(alone, cohorts=(options.name,)), alone]
    if options.against:
        scopes[1] = replace(alone, cohorts=(options.against,))
    k = cube.k
    sizes = [int(cube.ask(its, protect=False).shoppers[0]) for its in scopes]
    if not options.against:
        sizes[1] -= sizes[0]
    if min(sizes) < k:
        raise CartscapeError(
            f"In this scope {said[int(np.argmin(sizes))]} has fewer than {max(k, 1)} shoppers, too few to "
            "describe; widen the scope."
        )
    rows: list[dict[str, object]] = []
    for trait in TRAITS:
        found = [cube.ask(its, [trait], protect=False) for its in scopes]
        counts = [
            dict(zip(groups.axes[0].labels.to_pylist(), groups.shoppers[0].tolist(), strict=True))
            for groups in found
        ]
        values = list(counts[1] | counts[0])
        there = np.array([[its.get(value, 0) for value in values] for its in counts], np.int64)
        if not options.against:
            there[1] -= there[0]
        # Neither those who are there nor those who are not may be a small group.
        absent = np.array(sizes)[:, None] - there
        hidden = hide_small(there, k, also=(absent > 0) & (absent < k)).any(axis=0)
        rows += [
            {"trait": trait, "value": _label(trait, values[i]), "a": there[0, i], "b": there[1, i]}
            for i in np.flatnonzero(~hidden).tolist()
        ]
    a, b = (np.array([row[key] for row in rows], float) for key in ("a", "b"))
    whole, other_whole = np.full(a.size, sizes[0]), np.full(b.size, sizes[1])
    low, high = difference(a, whole, b, other_whole)
    q = false_discovery(two_shares(a, whole, b, other_whole))
    gap = a / sizes[0] - b / sizes[1]
    order = np.argsort(-np.maximum(low, -high), kind="stable")
    both = int((mine & other).sum()) if options.against else 0
    head = [(names[0], mine), (names[1], other)]
    size_rows: list[tuple[str, int | None]] = [(name, int(members.sum())) for name, members in head]
    if options.against:
        size_rows.append(("both", both))
        if any(
            0 < int(members.sum()) - both < k for _, members in head
        ):  # else subtraction tells of those in one alone
            size_rows[2] = ("both", None)
    shown = [(name, None if n is None or 0 < n < k else n) for name, n in size_rows]
    total = mine.size
    nothing = [None] * len(shown)
    table = pa.table(
        {
            "trait": pa.array(["size"] * len(shown) + [str(rows[i]["trait"]) for i in order]),
            "value": pa.array([name for name, _ in shown] + [str(rows[i]["value"]) for i in order]),
            "shoppers": pa.array([n for _, n in shown] + [int(a[i]) for i in order], pa.int64()),
            "share": pa.array(
                [None if n is None else n / total for _, n in shown] + [a[i] / sizes[0] for i in order]
            ),
            "other_share": pa.array(nothing + [b[i] / sizes[1] for i in order], pa.float64()),
            "difference": pa.array(nothing + [gap[i] for i in order], pa.float64()),
            "low": pa.array(nothing + [low[i] for i in order], pa.float64()),
            "high": pa.array(nothing + [high[i] for i in order], pa.float64()),
            "q": pa.array(nothing + [q[i] for i in order], pa.float64()),
            "beyond_chance": pa.array(nothing + [bool(q[i] < 0.05) for i in order], pa.bool_()),
        }
    )
    of = of_words(cube, alone, f"{sizes[0]:,} shoppers of {said[0]} against {sizes[1]:,} of {said[1]}")
    return Answer(table, f"What sets {said[0]} apart from {said[1]}", of)


#: Cohorts that a table is parted by, at most.
MOST_PARTS = 12


def by_cohort(store: Store, scope: Scope, ask: Callable[[Scope], Answer], column: str = "cohort") -> Answer:
    """The answers of `ask` for each saved cohort, and for everybody, one under the other.

    The first column, called `column`, names them; a shopper in two cohorts counts in both. Raises a
    sentence where none is saved.
    """
    names = [document.name for document in store.cohorts.all()][:MOST_PARTS]
    if not names:
        raise CartscapeError("No cohort has been saved with this log yet; save one, then split by cohort.")
    first = ask(replace(scope, cohorts=()))
    answers, broken = {EVERYBODY: first}, []
    for name in names:
        try:
            answers[name] = ask(replace(scope, cohorts=(name,)))
        except CartscapeError as error:  # one that cannot be worked out takes no other with it
            broken.append(f"“{name}” is left out: {error}")
    tables = []
    for name, answer in answers.items():
        named = pa.array([name] * answer.table.num_rows, pa.string())
        tables.append(answer.table.add_column(0, column, named))
    notes = tuple(dict.fromkeys([*(note for answer in answers.values() for note in answer.notes), *broken]))
    return Answer(
        pa.concat_tables(tables, promote_options="permissive"), f"{first.title} by cohort", first.of, notes
    )


def _label(trait: str, value: object) -> str:
    if trait == "weekday":
        return WEEKDAYS[int(str(value)) - 1]
    return hour_words(int(str(value))) if trait == "hour" else str(value)


def _list(store: Store) -> Answer:
    cohorts = open_cohorts(store)
    rows = []
    notes = []
    for document in store.cohorts.all():
        try:
            count: int | None = int(cohorts.members(document.name).sum())
        except CartscapeError as error:
            notes.append(str(error))
            count = None
        if count is not None and 0 < count < cohorts.paths.k:
            count = None
        rows.append(
            {
                "name": document.name,
                "shoppers": count,
                "share": None if count is None else count / max(cohorts.paths.shoppers, 1),
                "fixed": bool(document.body.get("fixed")),
                "rule": words(document.body.get("rule", {})),
                "saved": document.written,
            }
        )
    schema = pa.schema(
        [
            ("name", pa.string()), ("shoppers", pa.int64()), ("share", pa.float64()), ("fixed", pa.bool_()),
            ("rule", pa.string()), ("saved", pa.string()),
        ]
    )  # fmt: skip
    table = pa.Table.from_pylist(rows, schema)
    return Answer(
        table,
        "Saved cohorts",
        f"{len(rows)} cohort{'s' if len(rows) != 1 else ''}, over the whole log",
        tuple(notes),
    )
