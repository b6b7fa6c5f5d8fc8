"""The long lists of the model in use, on the test and on the days before it: measured once, and kept."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace

import numpy as np

from core import jobs
from core.errors import CartscapeError
from core.jobs import Job, Stop, Told, part_of, untold
from core.paths import open_paths
from core.recommender import versions
from core.recommender.evaluation import chosen_parts
from core.recommender.fairness import Long
from core.recommender.interactions import ANY, Interactions, Task, task
from core.recommender.metrics import first_of
from core.recommender.models import Model, open_model
from core.recommender.scorer import Examples, Scorer
from core.recommender.training import Ground, blocks, moments, scores_of_each, train
from core.store import Store
from core.store.files import room_on_disk, write_durably

#: Items of each shopper among which a re-ranking chooses.
DEEP = 100
#: Raise it when the meaning of what is kept changes.
VERSION = 2
MOST_KEPT = 4
_KIND = "Measuring fairness"
_ARRAYS = ("past_items", "past_chances", "test_items", "test_chances")


@dataclass(frozen=True, eq=False)
class Measured:
    """A model's long lists, and the tasks that they are of."""

    number: int  # of its version
    event: str
    days: float
    past: tuple[Task, Long]
    test: tuple[Task, Long]


class NotMeasured(CartscapeError):  # noqa: N818
    """The lists of a model were not measured yet."""


def measured(store: Store, number: int | None = None) -> Measured:
    """What is kept of a version, of the promoted one where none is said; raises `NotMeasured`."""
    version = versions.open_version(store, number)
    if version.orders_lists:
        raise CartscapeError(
            f"Version {version.number} of the model orders lists that are shown; whom lists show is measured "
            "of models that recommend. Promote one of these."
        )
    path = versions.measured_path(store, version.number, VERSION)
    try:
        with np.load(path) as kept:
            found = [kept[name] for name in _ARRAYS]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise NotMeasured(_not_measured(store, version.number)) from None
    settings = version.about.settings
    past, test = _tasks(store, version.about.event, settings)
    pairs = [Long(found[at].astype(np.int64), found[at + 1].astype(np.float64)) for at in (0, 2)]
    if any(len(its.items) != of.shoppers.size for its, of in zip(pairs, (past, test), strict=True)):
        raise NotMeasured(_not_measured(store, version.number))
    return Measured(
        version.number, version.about.event, float(settings["days"]), (past, pairs[0]), (test, pairs[1])
    )


def _not_measured(store: Store, number: int) -> str:
    return (
        f"Whom version {number} of the model shows was not measured on this log yet; "
        f"run: python -m core evaluate --store {store.path} --option by=fairness"
    )


def measure(store: Store, told: Told = untold) -> Measured:
    """Rank for everybody of the test and of the days before it, and keep the first DEEP.

    The test's lists are the promoted model's own. What learnt from the days before it may not be tuned on
    them, so that another like it, of what was known before those, ranks there. Raises as `open_model` and
    `task` do.
    """
    told(0.0, "opening the model")
    model = open_model(store)
    # Of its own: what pages recommend by stays in memory.
    ground = Ground.of(store, model.event, model.trained, model.ground.priors)
    past, test = _tasks(store, model.event, model.version.about.settings)
    told(0.1, "training on what was known before the days that choose")
    days = float(model.version.about.settings["days"])
    seed = model.scorer.options.seed
    earlier = ground.settled(past.end)
    parts = moments(earlier, past, days, part_of(told, 0.1, 0.3), seed)
    without = chosen_parts(earlier, past, days, parts, seed, part_of(told, 0.3, 0.4))
    options = replace(model.scorer.options, without=without)
    before = train(earlier, past, days, options, Examples.join(parts), part_of(told, 0.4, 0.5))
    told(0.5, "ranking on the days that choose")
    first = long_of(earlier, past, before, model.trained)
    told(0.75, "ranking on the last days")
    second = long_of(ground, test, model.scorer, model.trained)
    _keep(store, model, (first, second))
    told(1.0, "done")
    return Measured(model.version.number, model.event, days, (past, first), (test, second))


def job_of(store: Store) -> Job | None:
    """The last measuring over a store in this server."""
    return jobs.job_of(_KIND, store.path)


def begin(store: Store) -> Job:
    """Measure in the background; the job that is at work already where there is one."""

    def work(told: Told, stop: Stop) -> Measured:
        def stopping(done: float, stage: str) -> None:
            if stop():
                raise CartscapeError("Measuring was cancelled; nothing was kept.")
            told(done, stage)

        return measure(store, stopping)

    return jobs.begin(_KIND, store.path, lambda: Job(_KIND, work))


def long_of(ground: Ground, of: Task, scorer: Scorer, among: np.ndarray | None = None) -> Long:
    """The first DEEP of each of a task's shoppers; of bool[items] `among`, where given."""
    items, chances = [], []
    for some in blocks(of.shoppers, of.train.items):
        logits = next(scores_of_each(ground, of, [scorer], some, among))
        best = first_of(logits, DEEP)
        its = np.take_along_axis(logits, np.maximum(best, 0), 1)
        items.append(best)
        chances.append(np.where(best >= 0, 1 / (1 + np.exp(-its)), 0))
    return Long(np.concatenate(items), np.concatenate(chances))


def _tasks(store: Store, event: str, settings: dict[str, object]) -> tuple[Task, Task]:
    """The validation task and the test of a model."""
    paths = open_paths(store)
    every, met = Interactions.of(paths, event), Interactions.of(paths, ANY)
    days, items = float(str(settings["days"])), str(settings["items"])
    test = task(every, days, items, met=met)
    return task(every, days, items, until=test.end, met=met), test


def _keep(store: Store, model: Model, found: tuple[Long, Long]) -> None:
    out = io.BytesIO()
    past, test = found
    np.savez(
        out,
        past_items=past.items.astype(np.int32), past_chances=past.chances.astype(np.float32),
        test_items=test.items.astype(np.int32), test_chances=test.chances.astype(np.float32),
    )  # fmt: skip
    path = versions.measured_path(store, model.version.number, VERSION)
    path.parent.mkdir(exist_ok=True)
    with room_on_disk(store.path):
        write_durably(path, out.getvalue())
    kept = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)
    for file in kept[:-MOST_KEPT]:
        file.unlink(missing_ok=True)
