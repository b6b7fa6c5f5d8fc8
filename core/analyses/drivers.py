"""What goes with converting, and what with dropping?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.funnel_parts import Asked, asked
from core.analyses.proportions import false_discovery, odds_ratio
from core.analyses.tables import WEEKDAYS, column, hour_words
from core.events import NONE
from core.paths import NOWHERE
from core.paths.done_kernel import done_between
from core.paths.match import ANY_TIME, match
from core.paths.options import DriverOptions, between, number
from core.paths.values import values_of
from core.scope import Scope
from core.store import Store

#: What a path had when it was entered.
AT_ENTRY = ("region", "device", "channel", "category", "weekday", "hour")
#: Search texts looked at: the most frequent ones.
MOST_QUERIES = 300
#: A driver that tells the outcome this well (phi coefficient) is nearly the outcome itself.
NEARLY = 0.8


@dataclass(frozen=True)
class _Found:
    """Drivers of one kind, and the paths that they are looked for in."""

    kind: str
    labels: list[str]
    had: np.ndarray  # how many paths had each
    converted: np.ndarray  # and how many of those converted
    paths: int
    wins: int  # how many of the paths converted


def drivers(store: Store, scope: Scope, options: DriverOptions) -> Answer:
    """What the paths that converted between two steps had more, or less, than those that did not.

    Looked at: where, when and by what means the first step was done first, region and device together;
    the events, categories and searches before it; and those soon after it, within the median time to
    convert, among the paths that had not converted by then. (Whoever drops has all the time there is to
    do other things, so "anything until the end" would make every other event look like a reason to
    drop; this is the landmark method: Anderson, Cain & Gelber 1983, Journal of Clinical Oncology 1.)

    Columns: rank, driver (kind), value, shoppers (with it), share (of those looked at), conversion (of
    those with it), conversion_without, odds_ratio with low and high (Woolf's 95 % interval), p, q
    (Benjamini-Hochberg over all drivers looked at), beyond_chance (q < 5 %), nearly_outcome (phi of .8 or
    more). Ranked by how far the interval keeps from 1. It says what goes together, not what causes what.
    """
    of = asked(store, scope, options, compare=False)
    first, last = between(options.between, len(of.funnel.steps))
    ways = _ways(of, first, last)
    found = [*_at_entry(of, ways), *_before(of, ways), *_soon_after(of, ways)]
    kinds = [f.kind for f in found for _ in f.labels]
    labels = [label for f in found for label in f.labels]
    had, converted = (_joined([getattr(f, name) for f in found]) for name in ("had", "converted"))
    n = _joined([np.full(len(f.labels), f.paths) for f in found])
    wins = _joined([np.full(len(f.labels), f.wins) for f in found])
    table = [converted, had - converted, wins - converted, (n - had) - (wins - converted)]
    # What hardly anybody has, or hardly anybody lacks, cannot tell; nor may it show a small group.
    least, k = max(options.least(), of.paths.k), of.paths.k
    enough = (had >= least) & (n - had >= least) & (wins > 0) & (wins < n)
    for part in table:
        enough &= (part == 0) | (part >= k)
    kept = np.flatnonzero(enough)
    ratio, low, high, p = odds_ratio(*(part[kept] for part in table))
    clear = np.where(ratio >= 1, np.log(low), -np.log(high))
    q = false_discovery(p)
    order = np.argsort(-clear, kind="stable")[: number("top", options.top) or None]
    chosen = kept[order]
    won, lost, won_without, lost_without = (part[chosen].astype(float) for part in table)
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = (won * lost_without - lost * won_without) / np.sqrt(
            (won + lost) * (won_without + lost_without) * (won + won_without) * (lost + lost_without)
        )
    rows = pa.table(
        {
            "rank": pa.array(range(1, len(chosen) + 1)),
            "driver": pa.array([kinds[i] for i in chosen], pa.string()),
            "value": pa.array([labels[i] for i in chosen], pa.string()),
            of.who: column(won + lost, "count"),
            "share": column((won + lost) / n[chosen]),
            "conversion": column(won / (won + lost)),
            "conversion_without": column(won_without / (won_without + lost_without)),
            "odds_ratio": column(ratio[order]),
            "low": column(low[order]),
            "high": column(high[order]),
            "p": column(p[order]),
            "q": column(q[order]),
            "beyond_chance": pa.array(q[order] < 0.05),
            "nearly_outcome": pa.array(np.nan_to_num(np.abs(phi)) >= NEARLY),
        }
    )
    names = [of.funnel.steps[i].label for i in (first, last)]
    title = f"What goes with getting from {names[0]} to {names[1]}"
    return Answer(rows, title, of.of(), (*of.notes, *_said(of, ways, kept.size, least)))


@dataclass(frozen=True)
class _Ways:
    """The paths that entered, one a shopper or session."""

    shopper: np.ndarray
    begin: np.ndarray  # the first event that is the first step
    end: np.ndarray  # the event that is the last step, or NOWHERE
    steps: frozenset[str]

    @property
    def done(self) -> np.ndarray:
        """Who converted."""
        out: np.ndarray = self.end != NOWHERE
        return out


def _ways(of: Asked, first: int, last: int) -> _Ways:
    """Each path from the first time that its first step was done: for who drops and who does not alike."""
    entered = of.found.events[:, first] != NOWHERE
    shopper, end = of.found.shopper[entered], of.found.events[entered, last]
    step = of.funnel.steps[first]
    once = match(of.paths, of.scope, replace(of.funnel, steps=(step,), exclusions=()), of.names)
    own = of.paths["session"] if of.funnel.unit == "session" else None
    keys, known = (
        (shopper, once.shopper)
        if own is None
        else (own[of.found.events[entered, first]], own[once.events[:, 0]])
    )
    order = np.argsort(known, kind="stable")
    begin = once.events[order[np.searchsorted(known[order], keys)], 0]
    steps = frozenset(s.event for s in of.funnel.steps[first : last + 1])
    return _Ways(shopper, begin, end, steps)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)


def _said(of: Asked, ways: _Ways, looked_at: int, least: int) -> tuple[str, ...]:
    n, wins = ways.done.size, int(ways.done.sum())
    if wins in (0, n):
        return (f"{'Everybody' if wins else 'Nobody'} converted, so nothing can go with it.",)
    if min(n, wins) < of.paths.k or n - wins < of.paths.k:
        return (f"Fewer than {of.paths.k} {of.who} entered, converted or dropped.",)
    return (
        (
            f"{looked_at:,} drivers with {least:,} {of.who} or more on either side were looked at; "
            f"{wins:,} of {n:,} converted."
        ),
    )


def _at_entry(of: Asked, ways: _Ways) -> list[_Found]:
    codes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    out = []
    for by in AT_ENTRY:
        labels, its = codes[by] = values_of(of.paths, of.scope, by, ways.begin)
        its = np.where(labels[its] == NONE, -1, its) if labels.dtype == object else its
        texts = labels.tolist()
        if by == "weekday":
            texts = [WEEKDAYS[day - 1] for day in texts]
        elif by == "hour":
            texts = [hour_words(hour) for hour in texts]
        out.append(_counted(by, list(map(str, texts)), its, ways.done))
    (regions, region), (devices, device) = codes["region"], codes["device"]
    if len(regions) > 1 and len(devices) > 1:
        pairs = [f"{r} · {d}" for r in regions for d in devices]
        both = np.where((region >= 0) & (device >= 0), region * len(devices) + device, -1)
        out.append(_counted("region and device", pairs, both, ways.done))
    return [f for f in out if len(f.labels) > 1]


def _counted(kind: str, labels: list[str], codes: np.ndarray, done: np.ndarray) -> _Found:
    known = codes >= 0
    had = np.bincount(codes[known], minlength=len(labels))
    converted = np.bincount(codes[known & done], minlength=len(labels))
    return _Found(kind, labels, had, converted, done.size, int(done.sum()))


def _before(of: Asked, ways: _Ways) -> list[_Found]:
    """What was done in the scope, or the session, before the first step."""
    start = of.paths["start"][ways.shopper]
    return _things(of, ways, start, ways.begin, ways.done, " before")


def _soon_after(of: Asked, ways: _Ways) -> list[_Found]:
    """What was done within the median time to convert, among those who had not converted by then."""
    second, done = of.paths["second"], ways.done
    # Where steps stand side by side, whatever else comes soon after is the drop itself.
    if not done.any() or of.funnel.order == "strict":
        return []
    began = second[ways.begin].astype(np.int64)
    ended = np.where(done, second[np.where(done, ways.end, 0)].astype(np.int64), np.iinfo(np.int64).max)
    landmark = int(np.median((ended - began)[done]))
    waiting = ended - began > landmark
    if not landmark or not (waiting & done).any():
        return []
    late = _Ways(ways.shopper[waiting], ways.begin[waiting], ways.end[waiting], ways.steps)
    stop = of.paths["start"][late.shopper + 1]
    words = f" within {_length(landmark)} after"
    return _things(of, late, late.begin + 1, stop, done[waiting], words, landmark)


def _length(seconds: int) -> str:
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds} seconds"


def _things(
    of: Asked, ways: _Ways, begin: np.ndarray, end: np.ndarray, done: np.ndarray, when: str,
    most_seconds: int = ANY_TIME,
) -> list[_Found]:  # fmt: skip
    """Events other than the steps, categories and searches among the events `begin` to `end`."""
    paths = of.paths
    events = np.array([e for e in np.unique(paths.kinds[0]) if e not in ways.steps], object)
    categories = np.array([c for c in np.unique(paths.kinds[1]) if c != NONE], object)
    queries = _frequent_queries(of)
    its = paths.filter(of.scope)
    by_kind = np.full((paths.kinds[0].size, 2), -1, np.int32)
    for place, labels, offset in ((0, events, 0), (1, categories, events.size)):
        numbers = {label: i + offset for i, label in enumerate(labels)}
        by_kind[:, place] = [numbers.get(name, -1) for name in paths.kinds[place]]
    by_query = np.full(paths.queries.size, -1, np.int32)
    by_query[queries] = np.arange(queries.size) + events.size + categories.size
    columns = tuple(paths[name] for name in ("kind", "second", "hour", "place", "mean", "query", "session"))
    tables = (by_kind, by_query, its.kinds, its.hours, its.places, its.means)
    counts: np.ndarray = done_between(
        ways.begin, begin, end, done, columns, tables, np.int64(its.uses), of.funnel.unit == "session",
        most_seconds, events.size + categories.size + queries.size,
    )  # fmt: skip
    out, at = [], 0
    for kind, labels in (("event", events), ("category", categories), ("search", paths.queries[queries])):
        part = counts[:, at : at + len(labels)]
        out.append(_Found(kind + when, list(labels), part.sum(axis=0), part[1], done.size, int(done.sum())))
        at += len(labels)
    return out


def _frequent_queries(of: Asked) -> np.ndarray:
    """Codes of the most frequent search texts of the log."""
    size = np.bincount(of.paths["query"], minlength=of.paths.queries.size)
    size[of.paths.queries == NONE] = 0
    found = np.argsort(-size, kind="stable")[:MOST_QUERIES]
    return np.asarray(found[size[found] > 0])
