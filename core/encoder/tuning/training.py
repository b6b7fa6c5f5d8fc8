"""The loop: AdamW, warm-up, early stopping, and checkpoints from which it goes on as if never stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.encoder.tuning import checkpoint
from core.encoder.tuning.goals import Goal
from core.encoder.tuning.model import Student, seeded
from core.encoder.tuning.options import TuneOptions
from core.errors import CartscapeError

Told = Callable[[float, str], None]
Stop = Callable[[], bool]

#: Seconds between two checkpoints, besides those of a stop.
_PAUSE = 60.0
#: Norm to which gradients are cut.
_LONGEST = 1.0
#: Learning rate of the head: its weights are new, and may move fast.
_HEAD_RATE = 1e-2


def steps_of(options: TuneOptions, examples: int) -> int:
    """Steps of a training that nothing ends early; what does not fill a batch waits for another epoch."""
    return options.epochs * max(1, examples // options.batch)


class Training:
    """One training, from its first step or from where a checkpoint left it."""

    def __init__(self, student: Student, goal: Goal, path: Path, key: str, log: Path | None = None) -> None:
        """`key` says what is trained on what; a checkpoint of another is refused. `log` is a folder for what
        TensorBoard draws, written while the training runs.

        Raises `CartscapeError` where the checkpoint is damaged.
        """
        self.options = student.options
        self.steps = steps_of(self.options, goal.size)
        self._student, self._goal, self._path, self._key = student, goal, path, key
        self.step = 0
        self.seconds = 0.0
        self.ended = False
        self.history: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.about: dict[str, Any] = {}  # whatever else is to be there after a stop
        self.lost: list[float] = []  # losses since the last look
        self._log = log
        self._best_weights: dict[str, Tensor] = {}
        self._optimiser = self._made_optimiser()
        kept = checkpoint.load(path)
        if kept is not None:
            self._take(kept)

    def run(self, told: Told, stop: Stop, pause: float = _PAUSE) -> bool:
        """Train to the end, and give the student its best weights; False where `stop` ended it before.

        Raises `CartscapeError` where the loss is no number any more.
        """
        with _writer(self._log, self.step + 1 if self.history else None) as writer:
            return self._run(told, stop, pause, writer)

    def _run(self, told: Told, stop: Stop, pause: float, writer: Any) -> bool:
        began_at, before = self.step, self.seconds
        began = saved = time.monotonic()
        if not self.history:
            self._check(writer)
        self._student.whole.train()
        while not self.ended:
            if stop():
                self.save()
                return False
            loss = self._advance()
            writer.add_scalar("train/loss", loss, self.step)
            writer.add_scalar("train/rate", self._optimiser.param_groups[0]["lr"], self.step)
            if self.step % self._every == 0 or self.ended:
                self._check(writer)
            now = time.monotonic()
            self.seconds = before + now - began
            told(
                (self.step - began_at) / max(self.steps - began_at, 1),
                f"step {self.step:,} of {self.steps:,}, loss {loss:.3f}, best {self._goal.target} "
                f"{self.best[self._goal.target]:.4f}",
            )
            if now - saved > pause:
                self.save()
                writer.flush()
                saved = time.monotonic()
        self.save()
        self._put(self._best_weights)
        return True

    def save(self) -> None:
        """Keep the training as it stands, at a step's end."""
        state = {
            "key": self._key,
            "weights": {name: p.detach().cpu() for name, p in self._moving.items()},
            "optimiser": self._optimiser.state_dict(),
            "ranks": self._student.ranks(),
            "best_weights": self._best_weights,
        }
        checkpoint.save(self._path, state | {name: getattr(self, name) for name in _KEPT})

    def _take(self, kept: dict[str, Any]) -> None:
        if kept["key"] != self._key:
            raise CartscapeError(
                f"The checkpoint {self._path} is of another training; delete it and run the same call again."
            )
        self._put(kept["weights"])
        self._optimiser.load_state_dict(kept["optimiser"])
        self._student.set_ranks(kept["ranks"])
        self._best_weights = kept["best_weights"]
        for name in _KEPT:
            setattr(self, name, kept[name])

    def _advance(self) -> float:
        """One step. Everything drawn depends on the seed and the step's number, and on nothing before."""
        per_epoch = self.steps // self.options.epochs
        epoch, at = divmod(self.step, per_epoch)
        order = np.random.default_rng([self.options.seed, epoch]).permutation(self._goal.size)
        rows = order[at * self.options.batch : (at + 1) * self.options.batch]
        with seeded(self.options.seed, 4, self.step):
            loss = self._goal.loss(rows)
        value = loss.item()
        if not math.isfinite(value):
            raise CartscapeError(
                f"Training went astray at step {self.step + 1}: its loss is no number. Try a lower rate=."
            )
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._moving.values(), _LONGEST)
        share = self.options.rate_at(self.step, self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = group["highest"] * share
        self._optimiser.step()
        self.step += 1
        self.lost.append(value)
        self._student.after(self.step)
        self._optimiser.zero_grad()
        self.ended = self.step == self.steps
        return value

    @property
    def _every(self) -> int:
        """Steps between two looks at the validation examples."""
        return max(1, self.steps // self.options.epochs // self.options.checks)

    def _check(self, writer: Any) -> None:
        """Look at the validation examples; keep the weights if they were never better."""
        seen = self._goal.check()
        for name, value in seen.items():
            writer.add_scalar(f"validation/{name}", value, self.step)
        found = {"step": float(self.step), **seen}
        if self.lost:
            found["loss"] = sum(self.lost) / len(self.lost)
            self.lost = []
        self.history.append(found)
        target = self._goal.target
        if not self.best or found[target] > self.best[target]:
            self.best = found
            self._best_weights = {name: p.detach().cpu().clone() for name, p in self._moving.items()}
        since = len(self.history) - 1 - self.history.index(self.best)
        self.ended = self.ended or since >= self.options.patience

    @property
    def _moving(self) -> dict[str, nn.Parameter]:
        head = self._goal.head
        mine = {} if head is None else {f"head.{name}": p for name, p in head.named_parameters()}
        return self._student.trained | mine

    def _put(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._moving.items():
                parameter.copy_(weights[name])

    def _made_optimiser(self) -> torch.optim.AdamW:
        """AdamW with decay of matrices alone, and a rate of the head's own."""
        head = list(self._goal.head.parameters()) if self._goal.head is not None else []
        groups = []
        for parameters, rate in (
            (self._student.trained.values(), self.options.highest_rate),
            (head, _HEAD_RATE),
        ):
            matrices = [p for p in parameters if p.dim() > 1]
            others = [p for p in parameters if p.dim() <= 1]
            for some, decay in ((matrices, self.options.decay), (others, 0.0)):
                if some:
                    groups.append({"params": some, "lr": rate, "highest": rate, "weight_decay": decay})
        return torch.optim.AdamW(groups)


#: Of a training, what a checkpoint keeps as it is.
_KEPT = ("step", "seconds", "ended", "history", "best", "about", "lost")


class _Forgetful:
    """Takes numbers and forgets them."""

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


@contextmanager
def _writer(folder: Path | None, anew: int | None) -> Iterator[Any]:
    """What takes numbers for TensorBoard; those from step `anew` on that were written before are struck out,
    as a killed training comes by them again.
    """
    if folder is None:
        yield _Forgetful()
        return
    from tensorboardX import SummaryWriter

    # Its files are named by the second: one begun within that of the last would take its place.
    nth = len(list(folder.glob("events.*")))
    writer = SummaryWriter(str(folder), purge_step=anew, filename_suffix=f".{nth:04d}")
    try:
        yield writer
    finally:
        writer.close()
