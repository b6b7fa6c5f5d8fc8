"""What changed? The regions × categories × devices that explain the change in a measure.

Every segment — any value of any one, two or three of the fields — is scored by how far its change
departs from what it would have been had all changed alike, in units of its own chance variation:

    z = (value − previous × R) ÷ √(value + previous × R²),   R = total ÷ previous total

(the difference of two Poisson counts, Przyborowski & Wilenski 1940). A cause that sits in one leaf
scores highest at the leaf, one shared by a whole region highest at the region. The best is taken,
and the search goes on among the segments that do not touch it: rows are disjoint, each is exactly
what its scope shows, and with “other” they sum to the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.measures import MEASURES, measure
from core.analyses.tables import missing_notes, of_words
from core.errors import WrongCall
from core.events import PURCHASE
from core.marts import Cube, Groups
from core.paths import open_cube
from core.scope import Scope
from core.store import Store

#: Where a measure adds up over categories; a shopper or session may meet several.
FIELDS = ("region", "category", "device")
WHOLE_FIELDS = ("region", "device")
#: Segments closer to the common change than this many standard deviations explain nothing.
LEAST_Z = 3.0
#: Share of the change in “other” beyond which the rows above do not explain it.
MOSTLY = 0.5

SCHEMA = pa.schema(
    [
        ("rank", pa.int64()), ("region", pa.string()), ("category", pa.string()),
        ("device", pa.string()), ("words", pa.string()), ("value", pa.float64()),
        ("previous", pa.float64()), ("change", pa.float64()), ("contribution", pa.float64()),
    ]
)  # fmt: skip


def changes(store: Store, scope: Scope, measure: str = "auto", top: str | int = 8) -> Answer:
    """The segments that explain the change of a measure, largest contribution first.

    Columns: rank, region, category, device (null means all), words, value, previous, change (what the
    segment adds to the change of the whole), contribution (its share of that change). The last rows
    are “other” (rank null), which makes the rows sum to “total”, the change of the whole.

    Events and revenue are split by region, category and device; shoppers, sessions and rates by
    region and device, as one session meets several categories. For a rate the change is split as
    (part − old rate × whole) ÷ the period's whole, which counts both what a segment does and how
    large it is.
    """
    cube = open_cube(store)
    name = _pick(cube, scope, measure)
    count = _top(top)
    title = f"What changed in {MEASURES[name].label.lower()}"
    if cube.fill(scope).compared() is None:
        note = "Nothing is compared: choose dates that leave earlier days in the log to compare with."
        return Answer(SCHEMA.empty_table(), title, of_words(cube, scope), (note,))
    fields = FIELDS if MEASURES[name].additive else WHOLE_FIELDS
    if MEASURES[name].additive:
        leaves = cube.ask(scope, fields, protect=False)
        terms = _terms(leaves, name)
        total = _Terms(terms.part.reshape(2, -1).sum(axis=1), None)
    else:
        leaves, whole = cube.ask_nested(scope, fields, 0, protect=False)
        terms, total = _terms(leaves, name), _terms(whole, name)
    search = _Search(leaves, terms, total, cube.k)
    rows = search.rows(count)
    notes = missing_notes(cube, scope)
    if fields == WHOLE_FIELDS:
        notes += ("Split by region and device only: one session meets several categories.",)
    if len(rows) == 2:
        notes += ("No part changed otherwise than the whole did, beyond chance.",)
    elif abs(rows[-2]["contribution"] or 0) > MOSTLY:  # type: ignore[arg-type]
        notes += ("Most of the change is spread over all parts alike; these depart from it.",)
    return Answer(pa.Table.from_pylist(rows, SCHEMA), title, of_words(cube, scope), notes)


@dataclass(frozen=True)
class _Terms:
    """A measure as part ÷ whole: float[periods, …]; a plain sum has no whole."""

    part: np.ndarray
    whole: np.ndarray | None


def _terms(groups: Groups, name: str) -> _Terms:
    part, whole = {
        "events": (groups.events, None),
        "shoppers": (groups.shoppers, None),
        "sessions": (groups.sessions, None),
        "revenue": (groups.revenue, None),
        "conversion": (groups.buys, groups.sessions),
        "basket": (groups.sales, groups.buys),
        "per_shopper": (groups.revenue, groups.shoppers),
    }[name]
    return _Terms(part.astype(float), None if whole is None else whole.astype(float))


class _Search:
    def __init__(self, leaves: Groups, terms: _Terms, total: _Terms, k: int) -> None:
        self.axes, self.k = leaves.axes, k
        self.terms, self.total = terms, total
        self.shoppers = leaves.shoppers
        self.gain = self._gain()  # what each leaf adds to the change of the whole
        weight = terms.part if terms.whole is None else terms.whole
        self.before, self.after = weight[1], weight[0]
        self.left = np.ones(self.gain.shape, bool)

    def _gain(self) -> np.ndarray:
        part, whole = self.terms.part, self.terms.whole
        if whole is None or self.total.whole is None:
            gain: np.ndarray = part[0] - part[1]
            return gain
        rate = self.total.part[1] / max(self.total.whole[1], 1e-12)
        periods = [(part[p] - rate * whole[p]) / max(self.total.whole[p], 1e-12) for p in (0, 1)]
        return periods[0] - periods[1]

    def rows(self, count: int) -> list[dict[str, object]]:
        found: list[dict[str, int]] = []
        while len(found) < count:
            best = self._best()
            if best is None:
                break
            found.append(best)
            self.left[self._members(best)] = False
        change, values = self._change_of_whole()
        found.sort(key=lambda segment: -abs(float(self.gain[self._members(segment)].sum())))
        rows = [self._row(rank, segment, change) for rank, segment in enumerate(found, 1)]
        other = change - sum(float(self.gain[self._members(segment)].sum()) for segment in found)
        rows.append(_line("other", other, change))
        rows.append(_line("total", change, change) | dict(zip(("value", "previous"), values, strict=True)))
        return rows

    def _best(self) -> dict[str, int] | None:
        """The segment of what is left that departs most from the common change."""
        if not self.gain.size:
            return None
        best, best_z = None, LEAST_Z
        after, before, gain = (np.where(self.left, a, 0) for a in (self.after, self.before, self.gain))
        scale = after.sum() / before.sum() if before.sum() > 0 else 0.0
        common = gain.sum()
        size = len(self.axes)
        for depth in range(1, size + 1):
            for kept in combinations(range(size), depth):
                away = tuple(i for i in range(size) if i not in kept)
                a, b, g = (x.sum(axis=away) for x in (after, before, gain))
                z = self._score(a, b, g, scale, common, before.sum())
                z[~self._publishable(away) | (~self.left).any(axis=away)] = 0
                place = np.unravel_index(np.abs(z).argmax(), z.shape)
                if abs(z[place]) > best_z:
                    best_z = float(abs(z[place]))
                    best = {self.axes[i].name: int(p) for i, p in zip(kept, place, strict=True)}
        return best

    def _score(
        self,
        after: np.ndarray,
        before: np.ndarray,
        gain: np.ndarray,
        scale: float,
        common: float,
        all_before: float,
    ) -> np.ndarray:
        if self.terms.whole is None:
            spread = np.sqrt(np.maximum(after + before * scale**2, 0))
            excess = after - before * scale
        else:
            spread = np.sqrt(np.maximum(after + before, 0)) * self._spread_of_one()
            share = before / all_before if all_before > 0 else before * 0
            excess = (
                (gain - common * share) * max(float(self.total.whole[0]), 1.0)
                if self.total.whole is not None
                else gain
            )
        out = np.zeros(np.shape(excess))
        np.divide(excess, spread, out=out, where=spread > 0)
        return out

    def _spread_of_one(self) -> float:
        """Standard deviation of one trial of a rate (Bernoulli); 1 where the ratio is not a share."""
        assert self.total.whole is not None
        rate = float(self.total.part.sum()) / max(float(self.total.whole.sum()), 1.0)
        return float(np.sqrt(rate * (1 - rate))) if 0 < rate < 1 else 1.0

    def _publishable(self, away: tuple[int, ...]) -> np.ndarray:
        """Segments with k shoppers, or none, in both periods. The largest leaf is a lower bound."""
        least = self.shoppers.max(axis=tuple(i + 1 for i in away))
        good: np.ndarray = ((least >= self.k) | (least == 0)).all(axis=0)
        return good

    def _members(self, segment: dict[str, int]) -> np.ndarray:
        index = tuple(segment.get(axis.name, slice(None)) for axis in self.axes)
        members = np.zeros(self.gain.shape, bool)
        members[index] = True
        return members

    def _change_of_whole(self) -> tuple[float, tuple[float, float]]:
        part, whole = self.total.part, self.total.whole
        after, before = (
            (float(part[p]) if whole is None else float(part[p]) / max(float(whole[p]), 1e-12))
            for p in (0, 1)
        )
        return after - before, (after, before)

    def _row(self, rank: int, segment: dict[str, int], change: float) -> dict[str, object]:
        members = self._members(segment)
        labels = {name: str(self._axis(name).labels[place].as_py()) for name, place in segment.items()}
        sums = [float(self.terms.part[p][members].sum()) for p in (0, 1)]
        if self.terms.whole is not None:
            wholes = [float(self.terms.whole[p][members].sum()) for p in (0, 1)]
            sums = [s / w if w > 0 else float("nan") for s, w in zip(sums, wholes, strict=True)]
        gain = float(self.gain[members].sum())
        return (
            _line(" · ".join(labels.values()), gain, change)
            | labels
            | {
                "rank": rank,
                "value": None if np.isnan(sums[0]) else sums[0],
                "previous": None if np.isnan(sums[1]) else sums[1],
            }
        )

    def _axis(self, name: str):  # type: ignore[no-untyped-def]
        return next(axis for axis in self.axes if axis.name == name)


def _line(words: str, gain: float, change: float) -> dict[str, object]:
    return {"words": words, "change": gain, "contribution": gain / change if change else None}


def _pick(cube: Cube, scope: Scope, name: str) -> str:
    if name != "auto":
        return measure(name).name
    sells = cube.has_prices and cube.has_purchases and (not scope.events or PURCHASE in scope.events)
    return "revenue" if sells else "events"


def _top(top: str | int) -> int:
    if not str(top).isdecimal() or not 1 <= int(top) <= 50:
        raise WrongCall(f"top={top!r} is not known; it takes a number of rows from 1 to 50.")
    return int(top)
