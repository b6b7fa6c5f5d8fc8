"""Encoding what a scope's paths are about: with progress, to be stopped and gone on with at any moment."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.encoder import EncodeReport, open_vectors
from core.errors import CartscapeError
from core.journeys.gathered import kept_events
from core.journeys.journey_map import Told
from core.journeys.kept_maps import filled, texts_of
from core.paths import open_paths
from core.scope import OFF, Scope
from core.store import Store
from core.store.files import room_on_disk, write_durably


def texts_in(store: Store, scope: Scope) -> np.ndarray:
    """The distinct texts that the events of a scope are about: object[texts]; all of the log's for a scope
    that narrows nothing.
    """
    texts, paths = texts_of(store), open_paths(store)
    if not {key for key in scope.words() if key != "compare"}:
        return texts.texts
    rows = texts.rows(paths, kept_events(paths, filled(store, scope)))
    return texts.texts[np.unique(rows[rows >= 0])]


def missing_in(store: Store, scope: Scope) -> tuple[int, int]:
    """How many texts of a scope have no vector yet, and how many there are."""
    wanted = texts_in(store, scope)
    return (int((~open_vectors().known(wanted)).sum()) if wanted.size else 0), wanted.size


def encode_scope(
    store: Store,
    scope: Scope,
    told: Told = lambda _done, _stage: None,
    stop: Callable[[], bool] = lambda: False,
) -> EncodeReport:
    """Encode the texts of a scope that have no vector yet.

    What was done stays when `stop` says so or the process is killed. Raises `CartscapeError` for a log
    without any text, an encoder that cannot be had, and a full disk.
    """
    told(0.0, "reading texts")
    wanted = texts_in(store, scope)
    if not wanted.size:
        raise CartscapeError(
            "There is nothing to encode: no item, search or category of these paths has words. "
            "Load items with titles or descriptions, or searches, beside the log."
        )

    def say(done: int, of: int) -> None:
        told(done / max(of, 1), f"encoding {done:,} of {of:,} texts")

    return open_vectors().encode(wanted, say, stop)


@dataclass
class EncodeJob:
    """Encoding beside the pages of a server, one for each store; every visitor sees its progress."""

    store: Store
    scope: Scope
    began: float = field(default_factory=time.monotonic)
    done: float = 0.0  # share
    stage: str = "starting"
    sentence: str = ""  # why it ended, where it failed
    report: EncodeReport | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def remaining(self) -> float | None:
        """Seconds that are left, about; None where nobody can say."""
        spent = time.monotonic() - self.began
        return spent * (1 - self.done) / self.done if self.done > 0.03 and spent > 1 else None

    def cancel(self) -> None:
        """Stop after the batch at hand; what was done stays."""
        self._stop.set()

    def start(self) -> None:
        """Begin, and note on disk what was begun, so that a server that is started again goes on."""
        with room_on_disk(self.store.path):
            _note(self.store).parent.mkdir(exist_ok=True)
            write_durably(_note(self.store), json.dumps(self.scope.words()).encode())
        self._thread = threading.Thread(target=self._work, name="encode", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.report = encode_scope(self.store, self.scope, self._told, self._stop.is_set)
        except CartscapeError as error:
            self.sentence = str(error)
        except Exception as error:
            self.sentence = f"Encoding ended early ({type(error).__name__}: {error}); press Encode to go on."
        _note(self.store).unlink(missing_ok=True)

    def _told(self, done: float, stage: str) -> None:
        self.done, self.stage = done, stage


_jobs: dict[Path, EncodeJob] = {}
_guard = threading.Lock()


def job_of(store: Store) -> EncodeJob | None:
    """The last job of a store in this server."""
    return _jobs.get(store.path)


def begin(store: Store, scope: Scope) -> EncodeJob:
    """Encode a scope in the background; the job that is at work already where there is one."""
    with _guard:
        job = _jobs.get(store.path)
        if job is None or not job.running:
            job = _jobs[store.path] = EncodeJob(store, scope)
            job.start()
        return job


def resume(store: Store) -> EncodeJob | None:
    """Go on with a job that ended with its server, or None where none did."""
    try:
        scope = Scope.parse({**json.loads(_note(store).read_bytes()), "compare": OFF})
    except (OSError, ValueError, CartscapeError):
        return None
    return begin(store, scope)


def _note(store: Store) -> Path:
    return store.path / "journeys" / "encoding.json"
