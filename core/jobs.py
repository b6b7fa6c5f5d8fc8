"""Long work beside the pages of a server: one job of a kind for each store, its progress seen by all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import CartscapeError

#: Told how much is done, from 0 to 1, and what comes next.
Told = Callable[[float, str], None]
#: Asked between two steps; True ends the work.
Stop = Callable[[], bool]


def untold(_done: float, _stage: str) -> None:
    """Tells nobody."""


def part_of(told: Told, low: float, high: float) -> Told:
    """Tells of a part of the work, from one share of it to another."""
    return lambda done, stage: told(low + done * (high - low), stage)


@dataclass
class Job:
    """One piece of work in a thread of its own."""

    name: str  # as a sentence begins: Encoding
    work: Callable[[Told, Stop], Any]
    after: Callable[[], object] = lambda: None  # whatever became of it
    began: float = field(default_factory=time.monotonic)
    done: float = 0.0  # share
    stage: str = "starting"
    sentence: str = ""  # why it ended, where it failed
    result: Any = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop and is still at its last step."""
        return self.running and self._stop.is_set()

    @property
    def remaining(self) -> float | None:
        """Seconds that are left, about; None where nobody can say."""
        spent = time.monotonic() - self.began
        return spent * (1 - self.done) / self.done if self.done > 0.03 and spent > 1 else None

    def cancel(self) -> None:
        """Stop after the step at hand."""
        self._stop.set()

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self.name.lower(), daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it ended, for so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.result = self.work(self._tell, self._stop.is_set)
        except CartscapeError as error:
            self.sentence = str(error)
        except Exception as error:
            self.sentence = f"{self.name} ended early ({type(error).__name__}: {error}); begin it again."
        self.after()

    def _tell(self, done: float, stage: str) -> None:
        self.done, self.stage = done, stage


_jobs: dict[tuple[str, Path], Job] = {}
_guard = threading.Lock()


def job_of(kind: str, path: Path) -> Job | None:
    """The last job of a kind over a store in this server."""
    return _jobs.get((kind, path))


def begin(kind: str, path: Path, made: Callable[[], Job]) -> Job:
    """Start a job; the one of its kind that is at work over the store already, where there is one."""
    with _guard:
        job = _jobs.get((kind, path))
        if job is None or not job.running:
            job = _jobs[kind, path] = made()
            job.start()
        return job
