"""A tuning from the model before it to the folder of the model after it, with what it was worth."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.encoder import hardware
from core.encoder.card import ModelCard, read_card
from core.encoder.tuning.data import TuningData
from core.encoder.tuning.goals import Contrast, Distilled, Goal, Masked, distilled_of, learnt_of
from core.encoder.tuning.measure import probe, ranking, ranks, ranks_by, report
from core.encoder.tuning.model import Student
from core.encoder.tuning.options import NOTES, TuneOptions
from core.encoder.tuning.training import Stop, Told, Training, steps_of
from core.store.files import room_on_disk, sync, write_durably
from core.store.lock import WriterLock

#: Most pairs that a linear model of vectors learns from, where encoders are compared.
_PROBED = 2_000
#: Share of the work at which training begins and ends, about.
_BEGINS, _ENDS = 0.05, 0.95


def tune(
    card: ModelCard,
    data: TuningData,
    options: TuneOptions,
    folder: Path,
    told: Told = lambda _done, _stage: None,
    stop: Stop = lambda: False,
    about: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Tune a model; its folder is made in `folder`, and None is given where `stop` ended the work before.

    `about` is added to the report, and changes nothing. The folder's `log` is for TensorBoard.

    The same call again goes on from the checkpoint, to the same model bit for bit on the CPU, and gives what
    was found at once where the work is done. The report has: model (the folder, for CARTSCAPE_MODEL), made
    (UTC), share of weights trained, steps, seconds, seconds_a_step (looks at validation among them), peak_mb,
    kept_step (whose weights were best at validation; 0 is the model as it was), history of looks, and
    validation and test before and after: hr@10, ndcg@10 and mrr of the whole catalogue ranked by cosine, with
    `popular` beside, and reports of the category taken next. Before a smaller model is distilled it is the
    larger one. Raises `CartscapeError` for a damaged checkpoint, a model that cannot be loaded, and a loss
    gone astray.
    """
    told_by = json.dumps([card.fingerprint, data.digest(), asdict(options)], sort_keys=True)
    key = hashlib.sha256(told_by.encode()).hexdigest()
    final = folder / f"{options.method}-{key[:10]}"
    if (final / NOTES).exists():
        found: dict[str, Any] = json.loads((final / NOTES).read_text("utf-8"))
        return found
    work = folder / f".{final.name}"
    with room_on_disk(folder):
        work.mkdir(parents=True, exist_ok=True)
    with WriterLock(work / "lock", "of tuned encoders").held():
        made = _tune(card, data, options, work, key, told, stop)
        if made is None:
            return None
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        made = {"model": str(final), "made": finished} | (about or {}) | made
        with room_on_disk(folder):
            write_durably(work / "model" / NOTES, json.dumps(made, indent=1).encode())
            for file in (work / "model").iterdir():
                sync(file)
            (work / "log").rename(work / "model" / "log")
            (work / "model").rename(final)
            sync(folder)
    shutil.rmtree(work, ignore_errors=True)
    return made


def _tune(
    card: ModelCard, data: TuningData, options: TuneOptions, work: Path, key: str, told: Told, stop: Stop
) -> dict[str, Any] | None:
    told(0.0, "loading the model")
    student = Student(card, options, steps_of(options, examples_of(options, data)), hardware.choose_device())
    pairs = Contrast(student, data)
    goal = goal_of(student, data, pairs)
    share = student.share()
    training = Training(student, goal, work / "checkpoint", key, work / "log")
    if not training.about:
        told(0.01, "measuring the model as it is")
        as_was = Contrast(goal.teacher, data) if isinstance(goal, Distilled) else pairs
        training.about = {"before": _measured(as_was, data)}
    if not training.run(lambda part, stage: told(_BEGINS + part * (_ENDS - _BEGINS), stage), stop):
        return None
    told(_ENDS, "measuring the tuned model")
    after = _measured(pairs, data, with_head=goal is pairs)
    shutil.rmtree(work / "model", ignore_errors=True)
    with room_on_disk(work):
        student.write(work / "model")
    told(1.0, "done")
    return {
        "base": card.name,
        "fingerprint": read_card("tuned", work / "model").fingerprint,
        "options": asdict(options) | {"rate": options.highest_rate},
        "pairs": {part: len(getattr(data, part)) for part in ("train", "validation", "test")},
        "items": int(data.catalogue.size),
        "share_trained": share,
        "steps": training.step,
        "kept_step": int(training.best["step"]),
        "seconds": training.seconds,
        "seconds_a_step": training.seconds / max(training.step, 1),
        "peak_mb": _peak_mb(),
        "history": training.history,
        "popular": _popular(data),
        "before": training.about["before"],
        "after": after,
    }


def examples_of(options: TuneOptions, data: TuningData) -> int:
    """How many examples an epoch of a method goes through."""
    if options.method == "mlm":
        return learnt_of(data.unlabelled.size)
    return distilled_of(data).size if options.method == "distil" else len(data.train)


def goal_of(student: Student, data: TuningData, pairs: Contrast) -> Goal:
    """What the method of a student is to get better at: the pairs, or what it learns without them."""
    if student.options.method == "mlm":
        return Masked(student, data)
    return Distilled(student, data) if student.options.method == "distil" else pairs


def _measured(pairs: Contrast, data: TuningData, with_head: bool = False) -> dict[str, Any]:
    """The rankings of validation and test, and how well the category taken next is told in the test."""
    found: dict[str, Any] = {}
    items = pairs.items()
    for name, part in (("validation", data.validation), ("test", data.test)):
        vectors = pairs.anchors(part)
        found[name] = ranking(ranks(vectors, items, part.labels, part.known))
    classed = data.test.classes >= 0
    learnt = np.flatnonzero(data.train.classes >= 0)
    learnt = learnt[:: max(1, -(-learnt.size // _PROBED))]
    if data.class_names and classed.any() and learnt.size:
        truth, mine = data.test.classes[classed], vectors[classed]
        shown = pairs.anchors(data.train.only(learnt))
        told = probe(shown, data.train.classes[learnt], mine)
        found["category_by_linear_probe"] = report(truth, told, data.class_names)
        if with_head and pairs.head.classes is not None:
            found["category_by_head"] = report(truth, pairs.told(mine), data.class_names)
    return found


def _popular(data: TuningData) -> dict[str, Any]:
    """What the same list for everybody is worth: items by how often they were taken in training."""
    counts = np.bincount(data.train.labels, minlength=data.catalogue.size).astype(np.float32)
    return {
        name: ranking(ranks_by(counts, part.labels, part.known))
        for name, part in (("validation", data.validation), ("test", data.test))
    }


def _peak_mb() -> float:
    """The largest resident set of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
