"""Encoding what a scope's paths are about: with progress, to be stopped and gone on with at any moment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core import jobs
from core.encoder import EncodeReport, open_vectors
from core.errors import CartscapeError
from core.jobs import Job, Stop, Told, untold
from core.journeys.gathered import kept_events
from core.journeys.kept_maps import filled, texts_of
from core.paths import open_paths
from core.scope import OFF, Scope
from core.store import Store
from core.store.files import room_on_disk, write_durably

#: The kind of its jobs.
_KIND = "Encoding"


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
    told: Told = untold,
    stop: Stop = lambda: False,
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


def job_of(store: Store) -> Job | None:
    """The last encoding of a store in this server."""
    return jobs.job_of(_KIND, store.path)


def begin(store: Store, scope: Scope) -> Job:
    """Encode a scope in the background; the job that is at work already where there is one.

    What was begun is noted on disk, so that a server that is started again goes on.
    """

    def made() -> Job:
        with room_on_disk(store.path):
            _note(store).parent.mkdir(exist_ok=True)
            write_durably(_note(store), json.dumps(scope.words()).encode())
        return Job(
            _KIND,
            lambda told, stop: encode_scope(store, scope, told, stop),
            after=lambda: _note(store).unlink(missing_ok=True),
        )

    return jobs.begin(_KIND, store.path, made)


def resume(store: Store) -> Job | None:
    """Go on with a job that ended with its server, or None where none did."""
    try:
        scope = Scope.parse({**json.loads(_note(store).read_bytes()), "compare": OFF})
    except (OSError, ValueError, CartscapeError):
        return None
    return begin(store, scope)


def _note(store: Store) -> Path:
    return store.path / "journeys" / "encoding.json"
