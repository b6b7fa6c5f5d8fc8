"""How well recommenders foretell what shoppers take next: split by time, all ranked, tuned on the past."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse

from core.errors import WrongCall
from core.jobs import Told, part_of, untold
from core.paths import open_paths
from core.recommender.acts import World
from core.recommender.diversity import Unlike
from core.recommender.features import GROUPS
from core.recommender.groups import EVERYBODY, FAIRNESS, TABLES, Group, groups_of, hidden_of
from core.recommender.interactions import ANY, Interactions, Task, task
from core.recommender.metrics import by_chance, draws, first_of, interval, of_all, of_each, ranked
from core.recommender.peers import Peer, Rows, forget, peers
from core.recommender.prices import Prices
from core.recommender.scorer import Examples, Scorer, ScorerOptions, fit
from core.recommender.shown import evaluate_shown
from core.recommender.training import Ground, blocks, moments, scores_of_each, settings_of
from core.recommender.versions import SHOWN
from core.store import Store

#: By what settings are chosen, and peers ordered.
TARGET = "ndcg@10"
#: Shoppers that are scored at a time.
_BLOCK = 256
#: Groups of features that help on some logs and mislead on others: the days before the test choose.
TRIED = ("age", "next step")
#: Most shoppers who choose, and pairs that are learnt from for it.
MOST_CHOOSING, MOST_PAIRS = 2_000, 500_000
MODELS = ("all", "peers", "scorer")
EACH = "each"
MOST_SEEDS = 9
SCORER = "scorer"

_COLUMNS = (
    "group", "model", "settings", "shoppers",
    *(f"{metric}@{k}" for metric in ("hr", "ndcg", "recall") for k in (5, 10, 20)), "mrr",
    f"{TARGET}_low", f"{TARGET}_high", "hr@10_low", "hr@10_high", "coverage", "novelty", "diversity",
    "chance", "lead", "lead_low", "lead_high",
)  # fmt: skip


@dataclass(frozen=True)
class EvaluateOptions:
    """What is asked of an evaluation, in words of the command line."""

    event: str = "purchase"
    days: str = "30"  # before the log's end that are foretold
    items: str = "new"  # new to the shopper, any, or shown: which item of a list that was shown
    by: str = ""  # one of GROUPS
    model: str = "all"  # all, peers, or scorer
    seeds: str = "1"  # scorers that are trained, from seed 0
    without: str = ""  # group of features that scorers do not see, or each: one scorer without each


@dataclass(frozen=True, eq=False)
class Lists:
    """What one recommender shows a task's shoppers."""

    model: str
    settings: str  # JSON
    items: np.ndarray  # int64[tested, LONGEST]
    cold: np.ndarray | None  # the same among items that nobody took before; None where they are not asked for


def lists_of(test: Task, scorer: Rows, among: np.ndarray | None = None) -> np.ndarray:
    """The lists of a task's shoppers: int64[tested, LONGEST]; of bool[items] `among`, where given."""
    blocks = []
    for low in range(0, test.shoppers.size, _BLOCK):
        some = test.shoppers[low : low + _BLOCK]
        scores = np.array(scorer(some), np.float64)
        if test.masked:
            seen = test.train.taken[some].tocoo()
            scores[seen.row, seen.col] = -np.inf
        if among is not None:
            scores[:, ~among] = -np.inf
        blocks.append(first_of(scores))
    return np.concatenate(blocks)


def lists_of_scorers(
    ground: Ground, test: Task, scorers: Sequence[Scorer], among: np.ndarray | None = None
) -> list[np.ndarray]:
    """The lists of each scorer, as `lists_of`."""
    found: list[list[np.ndarray]] = [[] for _ in scorers]
    for some in blocks(test.shoppers, test.train.items):
        for its, scored in zip(found, scores_of_each(ground, test, scorers, some, among), strict=True):
            its.append(first_of(scored))
    return [np.concatenate(its) for its in found]


def evaluate(store: Store, options: EvaluateOptions, told: Told = untold) -> tuple[pa.Table, str]:
    """One row a recommender, the best by TARGET first; with `by` one a group and recommender.

    With items=shown as `evaluate_shown`. Settings of each peer, and what the scorer goes by (`chosen_parts`),
    are chosen by TARGET in the `days` before the split, in a task like the test's, and never see what is to
    be foretold; neither does what the scorer learns from, nor how far places and times are drawn to what is
    usual, which all that is before the split chooses (`Lifts.priors`).

    Columns: group, model, settings (JSON), shoppers, hr, ndcg and recall @5, 10 and 20, mrr, those of TARGET
    and hr@10 with low and high (95 % over shoppers drawn anew), coverage, novelty, diversity, chance (hr@10
    of a list in no order), and lead (TARGET less that of the group's best peer) with low and high over the
    same shoppers drawn anew. Hidden groups have no numbers. Also the words of what they are of. Raises
    `WrongCall` and `CartscapeError` as `task` and `Ground.of` do.
    """
    if options.items == SHOWN:
        if options.by:
            raise WrongCall(f"items={SHOWN} takes no by=; leave it out.")
        if options.days != EvaluateOptions.days:
            raise WrongCall(f"items={SHOWN} is held against the last fifth of sessions; leave days= out.")
        return evaluate_shown(
            store, options.event, told, model=options.model, seeds=options.seeds, without=options.without
        )
    seeds, days = _checked(options)
    paths = open_paths(store)
    every, met = Interactions.of(paths, options.event), Interactions.of(paths, ANY)
    test = task(every, days, options.items, met=met)
    past = task(every, days, options.items, until=test.end, met=met)
    ground = Ground.of(store, options.event).settled(test.end) if options.model != "peers" else None
    world = ground.world if ground else World.of(paths, options.event, Prices.of(store))
    found: list[Lists] = []
    if options.model != "scorer":
        found += _of_peers(test, past, world, options.by == "age", part_of(told, 0.0, 0.5))
    if ground:
        found += _of_scorers(ground, test, days, options, seeds, part_of(told, 0.5, 1.0))
    unlike, groups = Unlike.of(store), groups_of(world, test, options.by)
    hidden = hidden_of(test, groups, paths.k)
    rows = [
        row
        for group, unseen in zip(groups, hidden, strict=True)
        for row in _rows(test, found, group, unseen, unlike)
    ]
    told(1.0, "done")
    rows.sort(key=lambda row: (row["group"] != EVERYBODY, row["group"], -(row[TARGET] or 0)))
    of = (
        f"{test.shoppers.size:,} shoppers who took {'something new' if test.masked else 'something'} in the "
        f"last {days:g} days, of {every.items:,} items, all ranked; settings chosen in the {days:g} days "
        f"before; diversity is {unlike.words}"
    )
    return pa.Table.from_pylist(rows), of


def _checked(options: EvaluateOptions) -> tuple[int, float]:
    """How many seeds and days; raises `WrongCall` for words that are not known."""
    for name, known in (("by", ("", *TABLES)), ("model", MODELS), ("without", ("", EACH, *GROUPS))):
        if (value := getattr(options, name)) not in known:
            words = [*filter(None, known), *([FAIRNESS] if name == "by" else [])]
            raise WrongCall(f"{name}={value!r} is not known; it takes {', '.join(words)}.")
    try:
        days = float(options.days)
    except ValueError:
        raise WrongCall(f"days={options.days!r} is no number of days.") from None
    if not options.seeds.isdecimal() or not 1 <= int(options.seeds) <= MOST_SEEDS:
        raise WrongCall(f"seeds={options.seeds!r} must be a number from 1 to {MOST_SEEDS}.")
    if options.model == "peers" and (options.without or int(options.seeds) > 1):
        raise WrongCall("model=peers trains no scorer; leave seeds= and without= out.")
    return int(options.seeds), days


def _of_peers(test: Task, past: Task, world: World, by_age: bool, told: Told) -> list[Lists]:
    known = peers(test, world)
    cold = _never_taken(test) if by_age else None
    found = []
    for done, peer in enumerate(known):
        told(done / len(known), f"choosing settings of {peer.name}")
        settings = choose(past, peer)
        scorer = peer.fit(test, **settings)
        lists = lists_of(test, scorer)
        among = lists_of(test, scorer, cold) if cold is not None else None
        found.append(Lists(peer.name, json.dumps(settings), lists, among))
    forget()
    return found


def _of_scorers(
    ground: Ground, test: Task, days: float, options: EvaluateOptions, seeds: int, told: Told
) -> list[Lists]:
    parts = moments(ground, test, days, part_of(told, 0.0, 0.5))
    left_out: list[tuple[str, ...]] = [(options.without,)]
    if options.without == EACH:
        left_out = [(), *((group,) for group in GROUPS)]
    elif not options.without:
        left_out = [chosen_parts(ground, test, days, parts, told=part_of(told, 0.5, 0.7))]
    learnt = Examples.join(parts)
    cold = _never_taken(test) if options.by == "age" else None
    asked = [ScorerOptions(seed=seed, without=without) for without in left_out for seed in range(seeds)]
    scorers = []
    for done, settings in enumerate(asked):
        told(0.7 + 0.2 * done / len(asked), f"training scorer {done + 1} of {len(asked)}")
        scorers.append(fit(learnt, settings))
    told(0.9, "ranking all items")
    lists = lists_of_scorers(ground, test, scorers)
    among = lists_of_scorers(ground, test, scorers, cold) if cold is not None else [None] * len(asked)
    told_of = [json.dumps(settings_of(settings)) for settings in asked]
    return list(map(Lists, [SCORER] * len(asked), told_of, lists, among))


def _never_taken(test: Task) -> np.ndarray:
    """Items that nobody took before the split: bool[items]."""
    return np.bincount(test.train.item, minlength=test.train.items) == 0


def choose(past: Task, peer: Peer) -> dict[str, Any]:
    """The settings of a peer that do best by TARGET in a task; the first of equals."""
    if len(peer.settings) == 1:
        return peer.settings[0]

    def worth(settings: dict[str, Any]) -> float:
        lists = lists_of(past, peer.fit(past, **settings))
        return float(of_each(ranked(lists, past.wanted))[TARGET].mean())

    return max(peer.settings, key=worth)


def chosen_parts(
    ground: Ground, test: Task, days: float, parts: Sequence[Examples], seed: int = 0, told: Told = untold
) -> tuple[str, ...]:
    """The groups of features, of those TRIED, without which lists are best by TARGET in the `days` before a
    test; none where the log is too short to tell.

    `parts` is what to learn from for the test, as `moments` gives it: all but the last moment is from before
    those days.
    """
    if len(parts) < 2:
        return ()
    learnt = Examples.join(list(parts[1:])).some(MOST_PAIRS, seed)
    if learnt.taken.all():
        return ()
    past = task(ground.every, days, "new" if test.masked else "any", until=test.end)
    some = np.sort(np.random.default_rng(seed).permutation(past.shoppers.size)[:MOST_CHOOSING])
    drawn = replace(past, shoppers=past.shoppers[some], wanted=past.wanted[some])
    sets = [part for size in range(len(TRIED) + 1) for part in combinations(TRIED, size)]
    scorers = []
    for done, without in enumerate(sets):
        told(0.8 * done / len(sets), f"choosing what to go by, {done + 1} of {len(sets)}")
        scorers.append(fit(learnt, ScorerOptions(seed=seed, without=without)))
    told(0.8, "choosing what to go by")
    lists = lists_of_scorers(ground, drawn, scorers)
    worth = [float(of_each(ranked(its, drawn.wanted))[TARGET].mean()) for its in lists]
    return sets[int(np.argmax(worth))]  # the first of equals


def _rows(test: Task, found: list[Lists], group: Group, hidden: bool, unlike: Unlike) -> list[dict[str, Any]]:
    """The numbers of every recommender in one group; none where it is hidden."""
    wanted, some = group.wanted_of(test)
    counts = np.bincount(test.train.item, minlength=test.train.items)
    rows: list[dict[str, Any]] = []
    weights = draws(int(some.sum())) if not hidden else np.empty(0)
    target: list[np.ndarray] = []
    for lists in found:
        row: dict[str, Any] = {"group": group.name, "model": lists.model, "settings": lists.settings}
        rows.append(row)
        if hidden:
            continue
        shown = lists.cold if group.among and lists.cold is not None else lists.items
        its = shown[group.shoppers][some]
        each = of_each(ranked(its, wanted))
        target.append(each[TARGET])
        row |= {"shoppers": int(some.sum())} | {name: float(values.mean()) for name, values in each.items()}
        for metric in (TARGET, "hr@10"):
            row[f"{metric}_low"], row[f"{metric}_high"] = interval(each[metric], weights)
        apart = unlike.within(its)
        row |= of_all(its, counts) | {"chance": _chance(test, group, wanted, some)}
        row["diversity"] = float(np.nanmean(apart)) if np.isfinite(apart).any() else None
    best = max(
        (at for at, lists in enumerate(found) if lists.model != SCORER and not hidden),
        key=lambda at: target[at].mean(), default=None,
    )  # fmt: skip
    for row, its in zip(rows, target, strict=False):
        if best is not None:
            row["lead"] = float((its - target[best]).mean())
            row["lead_low"], row["lead_high"] = interval(its - target[best], weights)
    return [{name: row.get(name) for name in _COLUMNS} for row in rows]


def _chance(test: Task, group: Group, wanted: scipy.sparse.csr_matrix, some: np.ndarray) -> float:
    """The mean hr@10 of lists in no order."""
    allowed = np.full(wanted.shape[0], test.train.items)
    if group.among and group.items is not None:
        allowed[:] = int(group.items.sum())
    elif test.masked:
        allowed -= np.diff(test.train.taken[test.shoppers[group.shoppers][some]].indptr)
    return float(by_chance(np.diff(wanted.indptr), allowed).mean())
