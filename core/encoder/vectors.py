"""Vectors of texts: from the cache where they are there, else made and kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.encoder import hardware
from core.encoder.claims import Claims
from core.encoder.encoder import Encoder, Floats, Stop, Told, open_encoder
from core.encoder.shelf import Shelf
from core.encoder.texts import Given, Texts, Words, clean, keys
from core.errors import CartscapeError
from core.settings import settings

#: Seconds of work that a killed run may lose.
_FLUSH = 2.0
#: Seconds between looks at what another thread has made.
_PATIENCE = 0.5

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EncodeReport:
    """What a run did."""

    texts: int  # asked for
    distinct: int  # different ones among them
    found: int  # of these in the cache
    encoded: int  # of these made and kept
    seconds: float
    stopped: bool = False  # whether it was stopped before its end; what was made is kept
    warnings: tuple[str, ...] = ()


class Vectors:
    """The vectors of a model's texts, on disk and in common to all threads and processes."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        _, precision = hardware.wanted()
        name = encoder.card.fingerprint + ("" if precision == "auto" else f"-{precision}")
        self._claims = Claims()
        self._shelf = Shelf(settings().home / "vectors" / name, encoder.card.dim)

    def said(self) -> tuple[str, ...]:
        """Of files that were damaged, full disks and the like, a sentence each; every one is told once."""
        return self._shelf.warnings()

    def known(self, texts: Given) -> npt.NDArray[np.bool_]:
        """Whether each text is in the cache: bool [texts]."""
        return self._shelf.find(*keys(clean(texts))) >= 0

    def encode(self, texts: Given, told: Told | None = None, stop: Stop | None = None) -> EncodeReport:
        """Make and keep the vectors that are missing.

        `told(done, all)` counts distinct missing texts; `stop()` is asked between batches. What is made is
        on the disk every two seconds, so that a run that was stopped or killed goes on where it was.
        Raises `CartscapeError` where the disk is full; what was kept before stays.
        """
        began = time.monotonic()
        asked = _Asked(texts)
        missing = np.flatnonzero(self._shelf.find(asked.first, asked.second) < 0)
        made, left = self._make(asked, missing, None, told, stop)
        return EncodeReport(
            texts=asked.count,
            distinct=len(asked.first),
            found=len(asked.first) - made - left,
            encoded=made,
            seconds=time.monotonic() - began,
            stopped=left > 0,
            warnings=(*self.encoder.card.notes, *self._shelf.warnings()),
        )

    def of(self, texts: Given) -> Floats:
        """The vectors of texts, float32 [texts, dim]; what is missing is made and kept.

        Where it cannot be kept, as the disk is full, the next report says so.
        """
        array = clean(texts)
        first, second = keys(array)
        vectors = np.empty((len(array), self.encoder.card.dim), np.float32)
        missing = np.flatnonzero(~self._shelf.read(first, second, vectors))
        if len(missing):
            asked = _Asked(array[missing])
            made = np.empty((len(asked.first), vectors.shape[1]), np.float32)
            self._make(asked, np.arange(len(made)), made, None, None)
            vectors[missing] = made if asked.codes is None else made[asked.codes]
        return vectors

    def _make(
        self, asked: _Asked, missing: Ints, into: Floats | None, told: Told | None, stop: Stop | None
    ) -> tuple[int, int]:
        """Make and keep the vectors of some of the distinct texts, once for all threads that want them.

        How many were made here, and how many are left because the work was stopped.
        """
        made, whole = 0, len(missing)
        while len(missing) and not (stop and stop()):
            with self._claims.claimed(asked.first[missing]) as mine:
                here = 0
                for here in self._run(asked, missing[mine], into, stop):
                    if told:
                        told(whole - len(missing) + here, whole)
            made += here
            if here < mine.sum():
                return made, len(missing) - here
            missing = missing[~mine]
            while len(missing):  # other threads are at these
                free = self._claims.wait(asked.first[missing], _PATIENCE)
                missing = missing[~self._found(asked, missing, into)]
                if told:
                    told(whole - len(missing), whole)
                if free or (stop and stop()):
                    break
        return made, len(missing)

    def _run(self, asked: _Asked, rows: Ints, into: Floats | None, stop: Stop | None) -> Iterator[int]:
        """Make and keep vectors; yields how many are done so far."""
        made = _Made(self._shelf, asked, must_keep=into is None)
        done = 0
        try:
            for numbers, vectors in self.encoder.stream(asked.texts[rows], stop):
                halves = vectors.astype(np.float16)
                made.add(rows[numbers], halves)
                if into is not None:
                    into[rows[numbers]] = halves  # as they will be read from the cache
                done += len(numbers)
                yield done
        finally:
            made.flush()

    def _found(self, asked: _Asked, rows: Ints, into: Floats | None) -> npt.NDArray[np.bool_]:
        """Which texts are in the cache by now; their vectors go where they are wanted."""
        if into is None:
            return self._shelf.find(asked.first[rows], asked.second[rows]) >= 0
        vectors = np.empty((len(rows), into.shape[1]), np.float32)
        found = self._shelf.read(asked.first[rows], asked.second[rows], vectors)
        into[rows[found]] = vectors[found]
        return found


class _Asked:
    """The distinct texts of a request, and their keys."""

    def __init__(self, texts: Given) -> None:
        array = clean(texts)
        first, second = keys(array)
        codes, _ = pd.factorize(first)
        firsts = np.empty(codes.max() + 1 if len(codes) else 0, np.int64)
        firsts[codes[::-1]] = np.arange(len(codes))[::-1]
        if (second[firsts][codes] != second).any():  # texts that share half a key
            codes, _ = pd.factorize(array)
            firsts = np.empty(codes.max() + 1, np.int64)
            firsts[codes[::-1]] = np.arange(len(codes))[::-1]
        self.count = len(array)
        repeated = len(firsts) < len(array)
        self.codes: Ints | None = codes.astype(np.int64) if repeated else None
        self.texts: Texts = array[firsts] if repeated else array
        self.first: Words = first[firsts] if repeated else first
        self.second: Words = second[firsts] if repeated else second


class _Made:
    """Vectors that were made and are not yet on the disk."""

    def __init__(self, shelf: Shelf, asked: _Asked, must_keep: bool) -> None:
        self._shelf = shelf
        self._must_keep = must_keep
        self._asked = asked
        self._rows: list[Ints] = []
        self._vectors: list[npt.NDArray[np.float16]] = []
        self._flushed = time.monotonic()

    def add(self, rows: Ints, vectors: npt.NDArray[np.float16]) -> None:
        self._rows.append(rows)
        self._vectors.append(vectors)
        if time.monotonic() - self._flushed > _FLUSH:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            rows = np.concatenate(self._rows)
            vectors = np.concatenate(self._vectors)
            self._rows, self._vectors = [], []
            try:
                self._shelf.add(self._asked.first[rows], self._asked.second[rows], vectors)
            except CartscapeError as error:
                if self._must_keep:
                    raise
                self._shelf.warn(str(error))
        self._flushed = time.monotonic()


_opened: dict[tuple[object, ...], Vectors] = {}
_opening = threading.Lock()


def open_vectors(encoder: Encoder | None = None) -> Vectors:
    """The cache of an encoder, by default that of the settings; one per process, home and model."""
    encoder = encoder or open_encoder()
    with _opening:
        key = (encoder.card.fingerprint, settings().home, hardware.wanted()[1])
        if key not in _opened:
            _opened[key] = Vectors(encoder)
        return _opened[key]


def said_of_caches() -> tuple[str, ...]:
    """What happened to the caches that this process opened, a sentence each; every one is told once."""
    with _opening:
        return tuple(dict.fromkeys(word for cache in _opened.values() for word in cache.said()))
