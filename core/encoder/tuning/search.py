"""A search for the settings of a tuning: short trainings within a budget, judged by validation alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.encoder import hardware
from core.encoder.card import ModelCard
from core.encoder.tuning.data import TuningData
from core.encoder.tuning.goals import Contrast
from core.encoder.tuning.model import Student
from core.encoder.tuning.options import ADAPTERS, SearchOptions, TuneOptions
from core.encoder.tuning.training import Stop, Told, Training, steps_of
from core.encoder.tuning.tune import examples_of, goal_of
from core.store.files import room_on_disk, write_durably

#: Trials before the sampler leaves chance for what it has seen, and before one may end early.
_BY_CHANCE = 4
#: How far below and above what suits the method a rate is sought.
_SPREAD = 8.0


def search(
    card: ModelCard,
    data: TuningData,
    options: TuneOptions,
    budget: SearchOptions,
    folder: Path,
    told: Told,
    stop: Stop,
) -> tuple[TuneOptions, list[dict[str, Any]]] | None:
    """The options with what did best at validation, and every trial; None where `stop` ended it.

    Sought are the rate, the batch, the temperature, and the rank of adapters, by a tree-structured Parzen
    estimator (Bergstra et al. 2011) that gives up on trials below the median (optuna). Each trial learns from
    the same pairs. Trials are kept in `folder`: the same call goes on where it was stopped.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    said = json.dumps([card.fingerprint, data.digest(), asdict(options), budget.searched], sort_keys=True)
    path = folder / f".search-{hashlib.sha256(said.encode()).hexdigest()[:10]}"
    kept = path / "trials.json"
    done: list[dict[str, Any]] = json.loads(kept.read_text("utf-8")) if kept.exists() else []
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(n_startup_trials=_BY_CHANCE, seed=options.seed + len(done)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_BY_CHANCE, n_warmup_steps=1),
    )
    space = _space(options)
    for one in done:
        study.add_trial(
            optuna.trial.create_trial(params=one["settings"], distributions=space, value=one["found"])
        )
    some = _some(data, budget.searched, options.seed)
    began, before = time.monotonic(), sum(one["seconds"] for one in done)

    def share() -> float:
        spent = (before + time.monotonic() - began) / 60
        return max(
            spent / budget.minutes if budget.minutes else 0, len(done) / budget.trials if budget.trials else 0
        )

    stopped = False

    def over() -> bool:
        nonlocal stopped
        stopped = stopped or stop()
        return stopped or (share() >= 1 and bool(done))

    while share() < 1 or not done:
        trial = study.ask(space)
        asked = replace(options, **trial.params)
        told(
            min(share(), 0.99),
            f"trial {len(done) + 1}: " + ", ".join(f"{k} {v:.3g}" for k, v in trial.params.items()),
        )
        at = time.monotonic()
        found = _tried(card, some, asked, path, trial, over)
        if stopped:
            return None
        if found is None:  # the time ran out in the middle of it
            break
        study.tell(trial, found)
        done.append({"settings": trial.params, "found": found, "seconds": time.monotonic() - at})
        with room_on_disk(folder):
            write_durably(kept, json.dumps(done).encode())
    shutil.rmtree(path / "trial", ignore_errors=True)
    best = max(done, key=lambda one: float(one["found"]))
    return replace(options, **best["settings"]), done


def _space(options: TuneOptions) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    rate = options.highest_rate
    space: dict[str, Any] = {
        "rate": FloatDistribution(rate / _SPREAD, rate * _SPREAD, log=True),
        "batch": CategoricalDistribution([16, 32, 64]),
    }
    if options.method in (*ADAPTERS, "full"):
        space["temperature"] = FloatDistribution(0.05, 0.5, log=True)
    if options.method in ADAPTERS:
        space["rank"] = CategoricalDistribution([4, 8, 16])
    return space


def _some(data: TuningData, most: int, seed: int) -> TuningData:
    size = len(data.train)
    rows = np.sort(np.random.default_rng([seed, 13]).choice(size, min(most, size), replace=False))
    return replace(data, train=data.train.only(rows))


def _tried(
    card: ModelCard, data: TuningData, options: TuneOptions, path: Path, trial: Any, stop: Callable[[], bool]
) -> float | None:
    """The best look of one trial, also of one that was given up; None where it was stopped."""
    work = path / "trial"
    shutil.rmtree(work, ignore_errors=True)
    with room_on_disk(path.parent):
        work.mkdir(parents=True)
    student = Student(card, options, steps_of(options, examples_of(options, data)), hardware.choose_device())
    goal = goal_of(student, data, Contrast(student, data))
    training = Training(student, goal, work / "checkpoint", "trial")
    given_up = False

    def hopeless() -> bool:
        nonlocal given_up
        if training.history and len(training.history) > reported[0]:
            reported[0] = len(training.history)
            trial.report(training.history[-1][goal.target], reported[0])
            given_up = trial.should_prune()
        return given_up or stop()

    reported = [0]
    if not training.run(lambda _done, _stage: None, hopeless) and not given_up:
        return None
    return float(training.best[goal.target])
