"""Trained models: made, kept with the store under numbers, and opened to recommend."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pickle import UnpicklingError
from typing import Any

import numpy as np

from core import jobs
from core.errors import CartscapeError
from core.events import PURCHASE
from core.jobs import Job, Stop, Told, part_of, untold
from core.journeys.kept_maps import texts_of
from core.paths import open_cube, open_paths
from core.recommender import matching, versions
from core.recommender.audit import Author
from core.recommender.evaluation import chosen_parts, lists_of, lists_of_scorers
from core.recommender.interactions import ANY, Interactions, Task, see_words, task
from core.recommender.lift import Priors
from core.recommender.metrics import by_chance, ndcg_by_chance, of_each, ranked
from core.recommender.past import Past
from core.recommender.peers import popular
from core.recommender.scorer import Examples, Scorer, ScorerOptions
from core.recommender.shown_models import FILE, train_shown
from core.recommender.titles import in_order
from core.recommender.training import Ground, moments, train
from core.recommender.versions import SHOWN, About, Version
from core.store import Store

SCORER_FILE, PRIORS_FILE = "scorer.pt", "priors.json"
#: The kind of its jobs.
_KIND = "Training"
#: Models that stay in memory.
MOST_OPEN = 2


@dataclass(frozen=True)
class TrainOptions:
    """What a model is to foretell, and how it is trained, in words of the command line."""

    event: str = PURCHASE
    days: float = 30.0  # that are foretold
    items: str = "new"  # new to the shopper, any, or shown: the order of lists that were shown
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """A model that is open, with all that the shop knows now."""

    version: Version
    scorer: Scorer
    ground: Ground
    trained: np.ndarray  # bool[items], those that it was trained on: others are listed by rules alone
    titles: np.ndarray  # object[items]
    ids: np.ndarray  # object[items]
    event: str
    kinds: frozenset[str]
    no_item: int  # code of events without one
    first_second: int = 0  # of the log, since 1970 in UTC
    seasons: dict[date, np.ndarray] = field(default_factory=dict)  # what `season_of` worked out, by first day
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def new_only(self) -> bool:
        """Whether it recommends what a shopper never took alone."""
        return bool(self.version.about.settings["items"] == "new")

    @cached_property
    def end(self) -> float:
        """The second after the log's last."""
        return float(self.ground.world.acts.second.max()) + 1

    @property
    def past(self) -> Past:
        """All that is known."""
        return self.ground.past(self.end)

    @cached_property
    def codes(self) -> dict[str, int]:
        """Each item's code by its id."""
        return {str(item): code for code, item in enumerate(self.ids) if code != self.no_item}

    @cached_property
    def known(self) -> np.ndarray:
        """Whether each code is an item's that may be listed: bool[items]."""
        return self.trained & (np.arange(self.ids.size) != self.no_item)

    @cached_property
    def untrained(self) -> int:
        """How many items are new since it was trained."""
        return int((~self.trained).sum())

    @cached_property
    def titled(self) -> dict[str, str]:
        """What each item is called, by its id, in the order of what they are called."""
        return in_order(self.codes, self.titles)


def train_model(store: Store, options: TrainOptions, told: Told = untold) -> Version:
    """Train, measure on the last days, and `keep` a model; nothing is kept where it is stopped before.

    It is measured as `evaluate` does: what it learnt from ends before the days that it is held against.
    With items=shown the order of lists is learnt (`shown_models`), and `days` says nothing. Raises as `task`,
    `Ground.of` and `moments` do, or `shown_lists`.
    """
    if options.items == SHOWN:
        file, metrics = train_shown(store, options.event, options.seed, told)
        return keep(store, options, {FILE: file}, About(metrics=metrics, settings=asdict(options)))
    see_words(options.days, options.items)  # before texts are asked for, which may take an hour to encode
    ground = Ground.of(store, options.event)
    met = Interactions.of(open_paths(store), ANY)
    test = task(ground.every, options.days, options.items, met=met)
    ground = ground.settled(test.end)
    parts = moments(ground, test, options.days, part_of(told, 0.0, 0.4), options.seed)
    without = chosen_parts(ground, test, options.days, parts, options.seed, part_of(told, 0.4, 0.7))
    learnt, settings = Examples.join(parts), ScorerOptions(seed=options.seed, without=without)
    scorer = train(ground, test, options.days, settings, learnt, part_of(told, 0.7, 0.95))
    told(0.95, "measuring on the last days")
    (lists,) = lists_of_scorers(ground, test, [scorer])
    each = of_each(ranked(lists, test.wanted))
    metrics = {name: float(values.mean()) for name, values in each.items()}
    metrics |= {"tested": float(test.shoppers.size), "learnt": float(len(learnt.taken))}
    metrics |= _beside(test, each)
    learner = asdict(scorer.options) | {"without": ", ".join(without) or "nothing"}
    about = About(
        metrics=metrics, settings=asdict(options) | learner, curve=list(scorer.curve),
        learnt_from=told_log(store, test.end),
    )  # fmt: skip
    return keep(store, options, files_of(scorer, ground.priors), about)


def _beside(test: Task, each: dict[str, np.ndarray]) -> dict[str, float]:
    """What a list in no order is worth to the same shoppers, and what is popular in the 30 days before; the
    model's own (`each`, by shopper) and the latter also of who had taken something before, and who was new.
    """
    wanted = np.diff(test.wanted.indptr)
    allowed = np.full(wanted.size, test.train.items)
    if test.masked:
        allowed -= np.diff(test.train.taken[test.shoppers].indptr)
    usual = of_each(ranked(lists_of(test, popular(test, 30)), test.wanted))
    parts: dict[str, float] = {}
    for part, who in (("known", test.took), ("new", test.new)):
        if who.any():
            parts |= {
                f"tested_{part}": float(who.sum()),
                f"ndcg@10_{part}": float(each["ndcg@10"][who].mean()),
            }
            parts[f"ndcg@10_{part}_popular"] = float(usual["ndcg@10"][who].mean())
    return {
        "hr@10_chance": float(by_chance(wanted, allowed).mean()),
        "ndcg@10_chance": float(ndcg_by_chance(wanted, allowed).mean()),
        **{f"{name}_popular": float(usual[name].mean()) for name in ("hr@10", "ndcg@10")},
        **parts,
    }


def told_log(store: Store, end: float) -> dict[str, Any]:
    """What a log is that a model is trained on, and the day (UTC) from which it was held out: a second of the
    path log.
    """
    paths, cube = open_paths(store), open_cube(store)
    held = datetime.fromtimestamp(paths.first_second + end, UTC).date()
    items = paths.items.size - (paths.no_item < paths.items.size)
    return {
        "events": paths.events, "shoppers": paths.shoppers, "items": items,
        "first_day": cube.first_day.isoformat(), "last_day": cube.last_day.isoformat(),
        "held_from": held.isoformat(),
    }  # fmt: skip


def job_of(store: Store) -> Job | None:
    """The last training over a store in this server."""
    return jobs.job_of(_KIND, store.path)


def begin(store: Store, options: TrainOptions) -> Job:
    """Train a model in the background; the job that is at work already where there is one."""

    def work(told: Told, stop: Stop) -> Version:
        def stopping(done: float, stage: str) -> None:
            if stop():
                raise CartscapeError("Training was cancelled; no model was kept.")
            told(done, stage)

        return train_model(store, options, stopping)

    return jobs.begin(_KIND, store.path, lambda: Job(_KIND, work))


_open: dict[tuple[str, str, int], Model] = {}
_guard = threading.Lock()


def open_model(store: Store, number: int | None = None) -> Model:
    """A kept model by its number, the promoted one where none is said. Raises a sentence where there is none,
    where its file is cut, and where it was trained on items that are gone, with another encoder, or by
    another version of Cartscape.
    """
    again = f"python -m core train --store {store.path}"
    if not versions.versions(store):
        raise CartscapeError(f"There is no model of this log yet; train one: {again}")
    version = versions.open_version(store, number)
    if version.orders_lists:
        raise CartscapeError(
            f"Version {version.number} of the model orders lists that are shown and recommends nothing by "
            "itself; give it a list with shown=ITEM,ITEM,…, or promote another version."
        )
    key = (str(store.path), store.fingerprint, version.number)
    with _guard:
        if key not in _open:
            made = _opened(store, version)
            while len(_open) >= MOST_OPEN:
                _open.pop(next(iter(_open)))
            _open[key] = made
        return _open[key]


def _opened(store: Store, version: Version) -> Model:
    paths = open_paths(store)
    trained = matching.trained_now(store, version)
    try:
        scorer = Scorer.from_bytes((version.folder / SCORER_FILE).read_bytes())
        priors = Priors(**json.loads((version.folder / PRIORS_FILE).read_bytes()))
        if None in priors:
            raise ValueError(PRIORS_FILE)
    except (OSError, EOFError, ValueError, RuntimeError, LookupError, TypeError, UnpicklingError):
        raise matching.of_another_form(version) from None
    ground = Ground.of(store, version.about.event, trained, priors)
    return Model(
        version, scorer, ground, trained, texts_of(store).titles, paths.items,
        version.about.event, frozenset(map(str, paths.kinds[0])), paths.no_item,
        paths.first_second,
    )  # fmt: skip


def files_of(scorer: Scorer, priors: Priors) -> dict[str, bytes]:
    """A model that recommends, as files."""
    return {
        SCORER_FILE: scorer.to_bytes(),
        PRIORS_FILE: json.dumps(priors._asdict()).encode(),
    }


def keep(store: Store, options: TrainOptions, files: dict[str, bytes], about: About) -> Version:
    """Put a model beside the others. The first one is put to use at once, and one that follows a version in
    use that cannot serve the log any more; others by hand.
    """
    items, encoder, ids = matching.of_log(store)
    form = matching.form_of(options.items == SHOWN)
    about = replace(about, event=options.event, items=items, encoder=encoder, form=form)
    files = {**files, matching.FILE: ids}
    version = versions.save(store, files, about)
    if why := _needed(store):
        versions.promote(store, version.number, Author("training", why))
    return version


def _needed(store: Store) -> str:
    """Why a model that was trained just now is put to use at once; empty where that is left to people."""
    now = versions.promoted(store)
    if now is None:
        return "the first model of this log"
    used = next(version for version in versions.versions(store) if version.number == now)
    misfit = matching.standing(store, used, any_encoder=True)[0]
    return f"version {now} could not serve any more" if misfit else ""
