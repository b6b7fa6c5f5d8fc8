"""The lists of a preview, now and before the held-out days: what takes its time, made once for a question."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core import jobs
from core.analyses.asked_words import B, TwoWords, read_two, said
from core.analyses.missing import missing_notes
from core.analyses.ways import whole_number
from core.errors import CartscapeError, WrongCall
from core.events import PURCHASE
from core.jobs import Job, Stop, Told, part_of, untold
from core.paths import PathLog, open_cohorts, open_paths
from core.recommender import versions
from core.recommender.interactions import DAY
from core.recommender.models import Model, open_model
from core.recommender.moment import Asked, nobody
from core.recommender.preview import REVENUE, Bootstrap, Lists, Summed, lists_of, taken_of
from core.recommender.recommend import warnings
from core.recommender.rule_book import RuleBook
from core.recommender.ruled_many import ManyRules
from core.recommender.season import season_of
from core.scope import Scope
from core.store import Store

PARTS = ("regions", "reliability")
CLICK = "click"
#: Fewer takings than this in the held-out days tell no factor.
LEAST_TAKEN = 10
#: Chances are corrected by tenths, joined where fewer than this were taken of one.
STEPS, LEAST_IN_PART = 10, 30
#: Previews whose lists stay in memory, so that another part of one, or the page after its job, is quick.
MOST_KEPT = 4
#: The kind of its jobs.
_KIND = "Preview"


@dataclass(frozen=True)
class PreviewWords(TwoWords):
    """What is asked of A and B, as `what-if` reads it; everybody of the scope has their own history."""

    part: str = "regions"  # or reliability
    shoppers: str = "1000"  # drawn of the cohort, and of those who are held against the past


@dataclass(frozen=True, eq=False)
class Replay:
    """Lists of a moment that is past, and what was then taken of them."""

    lists: Lists
    taken: dict[str, np.ndarray]  # kind → float64[shoppers, n]
    draws: Bootstrap
    k: int  # shoppers of whom anything may be told

    @property
    def kinds(self) -> list[str]:
        """What is counted."""
        return list(self.taken)

    def few(self, kind: str) -> bool:
        """Whether too few took for anything to be told by."""
        took = self.taken[kind] > 0
        return bool(took.sum() < LEAST_TAKEN or took.any(axis=1).sum() < self.k)

    def edges(self, kind: str) -> np.ndarray:
        """Chances at which what is expected is parted: tenths of the listed items, joined from above until
        enough of them were taken, by k shoppers; what is left below joins the last: float64[parts − 1].
        """
        listed = self.lists.items >= 0
        chance, took = self.lists.chances[listed], self.taken[kind][listed] > 0
        row = np.nonzero(listed)[0]
        order = np.argsort(chance, kind="stable")
        found: list[float] = []
        its = order[:0]
        for tenth in reversed(np.array_split(order, STEPS)):
            its = np.concatenate([its, tenth])
            if took[its].sum() >= LEAST_IN_PART and np.unique(row[its[took[its]]]).size >= self.k:
                found.append(float(chance[tenth[0]]))
                its = order[:0]
        edges = np.unique(found[:-1])
        return np.asarray(edges[edges > chance.min(initial=np.inf)])

    def factors(
        self, kind: str, some: np.ndarray | None = None, edges: np.ndarray | None = None
    ) -> list[Summed]:
        """Taken ÷ expected of each part by `edges`, by its own where none are given, of all shoppers or of
        bool[shoppers]; 0 where nothing was expected, NaN where too few took.
        """
        kept = np.ones(len(self.lists.shoppers), bool) if some is None else some
        edges = self.edges(kind) if edges is None else edges
        part = np.searchsorted(edges, self.lists.chances, side="right")
        hope, none = self.lists.expected(kind, edges), np.zeros(kept.size, np.int64)
        known = np.nan if self.few(kind) else 1.0
        return [
            self.draws.summed(known * kept * (self.taken[kind] * (part == at)).sum(axis=1), none, 0).over(
                self.draws.summed(hope[:, at] * kept, none, 0)
            )
            for at in range(edges.size + 1)
        ]

    def factor(self, kind: str) -> Summed:
        """Taken ÷ expected on the whole; NaN where too few took."""
        return self.factors(kind, edges=np.empty(0))[0]

    def fair(self, kind: str) -> np.ndarray:
        """ŷ (or the money expected) of each listed item, corrected by what the other half of the shoppers
        took: float64[shoppers, n].
        """
        lists = self.lists
        worth = lists.chances * lists.prices if kind == REVENUE else lists.chances
        part = np.searchsorted(self.edges(kind), lists.chances, side="right")
        half = np.arange(len(lists.shoppers)) % 2 == 0
        ours, theirs = (
            np.array([float(one.all[0]) for one in self.factors(kind, some)]) for some in (~half, half)
        )
        return np.asarray(worth * np.where(half[:, None], ours[part], theirs[part]))


@dataclass(frozen=True, eq=False)
class Made:
    """The lists of a preview, now and of the replay: what takes its time."""

    number: int  # of the model's version
    days: float  # that it foretells
    paths: PathLog
    regions: np.ndarray  # object[regions]
    members: np.ndarray  # bool[shoppers], who is in the cohort
    who: np.ndarray  # int64[…], those of them who did anything with an item
    last: np.ndarray  # int64[shoppers], the region of each one's last event, −1 for none
    asked: tuple[Asked, ...]  # A, and B where it asks for something else
    drawn: np.ndarray  # int64[drawn] of the members
    lists: list[Lists]  # of those drawn, for each of `asked`
    then: Replay
    notes: tuple[str, ...]


def prepare(store: Store, scope: Scope, options: PreviewWords, told: Told = untold) -> Made:
    """Make the lists of a preview, or take them as they were made for the same question; `told` is told how
    far it is. Raises as `preview`.
    """
    if options.part not in PARTS:
        raise WrongCall(f"part={options.part!r} is not known; it takes {', '.join(PARTS)}.")
    most = whole_number("shoppers", options.shoppers, 100, 20_000)
    key = question(store, scope, options)
    if key in _kept:
        return _kept[key]
    told(0.02, "reading what the shop knows")
    model, paths = open_model(store), open_paths(store)
    a, b, notes = _asked(options)
    asked = (a,) if a == b else (a, b)
    members = np.ones(paths.shoppers, bool)
    if scope.words() not in ({}, {"compare": ["off"]}):
        members = open_cohorts(store).find({"of": "scope", "scope": scope.words()})
        if not members.any() and (gone := missing_notes(store, scope)):
            raise CartscapeError(" ".join(gone))
        notes.append(
            "The cohort is as it is now; one that is chosen by what shoppers did in the held-out days looks "
            "better in the replay than it will be."
        )
    if model.version.data != store.fingerprint:
        notes.append("The log has changed since the model was trained.")
    for one in asked:
        place = one.context(model.ground.world, nobody())[1]
        notes += [*place, *season_of(model, one)[1], *warnings(model, one)]
    told(0.08, "reading what the shop knows")
    past, world = model.past, model.ground.world
    then = _replay(store, model, paths, members, a, most, part_of(told, 0.3, 0.7))
    who = np.unique(world.acts.row)
    who = who[members[who]]
    drawn = _drawn(who, most, 2)
    rules = [ManyRules.of(store, one, world.regions) for one in asked]
    lists = lists_of(model, past, asked, drawn, rules, part_of(told, 0.7, 1.0))
    last = np.full(paths.shoppers, -1)
    order = np.argsort(world.acts.second, kind="stable")
    last[world.acts.row[order]] = world.acts.region[order]
    notes += [note for its in rules for note in its.notes]
    made = Made(
        model.version.number, float(model.version.about.settings["days"]), paths, world.regions, members, who,
        last, asked, drawn, lists, then, tuple(dict.fromkeys(notes)),
    )  # fmt: skip
    _keep(_kept, key, made)
    return made


_kept: dict[object, Made] = {}
_guard = threading.Lock()


def _keep(kept: dict[object, Any], key: object, made: object) -> None:
    """Keep what was made; the oldest goes where there are MOST_KEPT."""
    with _guard:
        while len(kept) >= MOST_KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = made


def question(store: Store, scope: Scope, options: PreviewWords) -> object:
    """What the lists of a preview follow from: two questions of equal keys have the same lists."""
    rules, cohorts = RuleBook(store).state, store.cohorts.state
    words = {name: word for name, word in said(options).items() if name != "part"}
    return (
        str(store.path), store.fingerprint, versions.promoted(store), store.k, rules, cohorts,
        str(scope.words()), tuple(sorted(words.items())),
    )  # fmt: skip


def is_ready(store: Store, scope: Scope, options: PreviewWords) -> bool:
    """Whether the lists of a preview are made, so that it is answered at once."""
    return question(store, scope, options) in _kept


def _replay(
    store: Store, model: Model, paths: PathLog, members: np.ndarray, asked: Asked, most: int, told: Told
) -> Replay:  # fmt: skip
    """Draw shoppers of the cohort, bool[shoppers], who were known then, and look what they took.

    Kept, as of A and B it follows from the length of lists and the rules of A alone: those of today, with the
    stock of then.
    """
    stop = float(model.ground.every.second.max()) + 1
    low = stop - float(model.version.about.settings["days"]) * DAY
    day = datetime.fromtimestamp(paths.first_second + low, UTC).date()
    its = Asked(n=asked.n, rules=asked.rules)
    rules = ManyRules.of(store, replace(its, at=asked.at), model.ground.world.regions, day)
    key = (
        model.version.folder,
        store.fingerprint,
        store.k,
        np.packbits(members).tobytes(),
        its.n,
        most,
        rules.rules,
        day,
    )
    if key in _replays:
        return _replays[key]
    acts = model.ground.world.acts
    known = np.unique(acts.row[acts.second < low])
    known = known[members[known]]
    if known.size < max(paths.k, LEAST_TAKEN):
        raise CartscapeError(
            f"Fewer than {max(paths.k, LEAST_TAKEN)} shoppers of this cohort were there before the held-out "
            "days, so nothing says how far the model can be trusted of them; choose a larger cohort."
        )
    drawn = _drawn(known, most, 1)
    told(0.0, "reading what the shop knew before the held-out days")
    past = model.ground.past(low)
    (lists,) = lists_of(model, past, [its], drawn, [rules], part_of(told, 0.5, 1.0))
    events = [kind for kind in dict.fromkeys((model.event, CLICK, PURCHASE)) if kind in model.kinds]
    taken = {kind: taken_of(paths, lists, kind, kind, low, stop) for kind in events}
    if PURCHASE in model.kinds and lists.prices.any():
        taken[REVENUE] = taken_of(paths, lists, REVENUE, PURCHASE, low, stop)
    made = Replay(lists, taken, Bootstrap(drawn.size, 1), paths.k)
    _keep(_replays, key, made)
    return made


_replays: dict[object, Replay] = {}


def _drawn(shoppers: np.ndarray, most: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(shoppers)[:most])


def _asked(options: PreviewWords) -> tuple[Asked, Asked, list[str]]:
    """A and B, and what must be told of words that say nothing here."""
    words = {name: word for name, word in said(options).items() if name not in ("part", "shoppers")}
    whose = {f"{side}{name}" for side in ("", B) for name in ("shopper", "path")} & set(words)
    words = {name: word for name, word in words.items() if name not in whose}
    told = [
        "Everybody of the cohort has their own history; the shopper and the path of A and B are left out."
    ]
    return *read_two(words), told if whose else []


@dataclass
class PreviewJob(Job):
    """The making of a preview's lists."""

    question: object = None  # as `question`


def job_of(store: Store, scope: Scope, options: PreviewWords) -> Job | None:
    """The job that is at work over a store in this server, or the last one if it was of this question."""
    job = jobs.job_of(_KIND, store.path)
    mine = isinstance(job, PreviewJob) and job.question == question(store, scope, options)
    return job if job is not None and (job.running or mine) else None


def begin(store: Store, scope: Scope, options: PreviewWords) -> Job:
    """Make the lists in the background; the job that is at work already where there is one."""

    def work(told: Told, stop: Stop) -> None:
        def stopping(done: float, stage: str) -> None:
            if stop():
                raise CartscapeError("The preview was cancelled; nothing was kept.")
            told(done, stage)

        prepare(store, scope, options, stopping)

    its = question(store, scope, options)
    return jobs.begin(_KIND, store.path, lambda: PreviewJob(_KIND, work, question=its))
