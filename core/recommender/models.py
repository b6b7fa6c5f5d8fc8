"""Trained models: made, kept with the store under numbers, and opened to recommend."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from core import jobs
from core.encoder import open_vectors
from core.errors import CartscapeError
from core.events import PURCHASE
from core.jobs import Job, Stop, Told, untold
from core.journeys.kept_maps import texts_of
from core.paths import open_paths
from core.recommender import versions
from core.recommender.evaluation import lists_of
from core.recommender.interactions import ANY, Interactions, task
from core.recommender.metrics import of_each, ranked
from core.recommender.past import Past
from core.recommender.scorer import Scorer, ScorerOptions
from core.recommender.training import Ground, scores, train
from core.recommender.versions import About, Version, items_fingerprint
from core.store import Store

SCORER_FILE = "scorer.pt"
#: The kind of its jobs.
_KIND = "Training"
#: Models that stay in memory.
MOST_OPEN = 2


@dataclass(frozen=True)
class TrainOptions:
    """What a model is to foretell, and how it is trained, in words of the command line."""

    event: str = PURCHASE
    days: float = 30.0  # that are foretold
    items: str = "new"  # new to the shopper, or any
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """A model that is open, with all that the shop knows now."""

    version: Version
    scorer: Scorer
    ground: Ground
    titles: np.ndarray  # object[items]
    ids: np.ndarray  # object[items]
    event: str
    kinds: frozenset[str]
    no_item: int  # code of events without one

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
    def titled(self) -> dict[str, str]:
        """What each item is called, by its id, in the order of what they are called."""
        named = ((item, str(self.titles[code])) for item, code in self.codes.items())
        return dict(sorted(named, key=lambda pair: pair[1]))


def train_model(store: Store, options: TrainOptions, told: Told = untold) -> Version:
    """Train, measure on the last days, and keep a model; nothing is kept where it is stopped before its end.
    The first one is promoted.

    It is measured as `evaluate` does: what it learnt from ends before the days that it is held against.
    Raises as `task`, `Ground.of` and `examples` do.
    """
    ground = Ground.of(store, options.event)
    met = Interactions.of(open_paths(store), ANY)
    test = task(ground.every, options.days, options.items, met=met)
    scorer, learnt = train(ground, test, options.days, ScorerOptions(seed=options.seed), told)
    told(0.95, "measuring on the last days")
    lists = lists_of(test, lambda shoppers: scores(ground, test, scorer, shoppers))
    each = of_each(ranked(lists, test.wanted))
    metrics = {name: float(values.mean()) for name, values in each.items()}
    metrics |= {"tested": float(test.shoppers.size), "learnt": float(len(learnt.taken))}
    return _keep(store, options, scorer, metrics)


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
    where its file is cut, and where it was made for other items or another encoder.
    """
    again = f"python -m core train --store {store.path}"
    if not versions.versions(store):
        raise CartscapeError(f"There is no model of this log yet; train one: {again}")
    version = versions.open_version(store, number)
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
    versions.matches(version, items_fingerprint(paths.items), open_vectors().encoder.card.fingerprint)
    try:
        scorer = Scorer.from_bytes((version.folder / SCORER_FILE).read_bytes())
    except (ValueError, RuntimeError, KeyError):
        raise CartscapeError(
            f"Version {version.number} of the model was made by another version of Cartscape; train again."
        ) from None
    ground = Ground.of(store, version.about.event)
    return Model(
        version, scorer, ground, texts_of(store).titles, paths.items,
        version.about.event, frozenset(map(str, paths.kinds[0])), paths.no_item,
    )  # fmt: skip


def _keep(store: Store, options: TrainOptions, scorer: Scorer, metrics: dict[str, float]) -> Version:
    """Put a model beside the others; the first one is put to use at once, later ones by hand."""
    about = About(
        event=options.event,
        items=items_fingerprint(open_paths(store).items),
        encoder=open_vectors().encoder.card.fingerprint,
        metrics=metrics,
        settings=asdict(options),
    )
    version = versions.save(store, {SCORER_FILE: scorer.to_bytes()}, about)
    if versions.promoted(store) is None:
        versions.promote(store, version.number)
    return version
