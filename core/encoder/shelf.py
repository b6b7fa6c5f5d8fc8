"""The folder of vectors of one model: its files as one index, shared by threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.encoder import housekeeping
from core.encoder.segment import SUFFIX, Damaged, Halves, Segment, write
from core.encoder.texts import Words
from core.errors import CartscapeError
from core.store.files import is_disk_full, room_on_disk

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Index:
    """What the files hold, at one moment."""

    segments: tuple[Segment, ...]
    table: pd.Index  # distinct first halves of the keys
    second: Words  # their second halves
    places: Ints  # segment · 2³² + row in it

    def find(self, first: Words, second: Words) -> Ints:
        """The place of each key, -1 where it is not there."""
        if not len(self.table):
            return np.full(len(first), -1, np.int64)
        at = self.table.get_indexer(pd.Index(first))
        found = (at >= 0) & (self.second[at] == second)
        return np.where(found, self.places[at], -1)


class Shelf:
    """Vectors on disk, by key. What any process adds is found by all at their next question."""

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder = folder
        self._dim = dim
        self._lock = threading.RLock()
        self._names: frozenset[str] = frozenset()
        self._open: dict[str, Segment] = {}
        self._index: _Index | None = None
        self._warnings: list[str] = []

    def add(self, first: Words, second: Words, vectors: Halves) -> None:
        """Keep vectors; they are on the disk when this returns. Raises `CartscapeError` where it is full."""
        try:
            with room_on_disk(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                write(self.folder, first, second, vectors)
                housekeeping.tidy(self.folder, self._dim)
        except CartscapeError as error:
            if error.__cause__ and is_disk_full(error.__cause__):
                raise CartscapeError(
                    f"The disk that holds {self.folder} is full, so that no more vectors can be kept; those "
                    "kept before stay. Free some space, or choose another place by CARTSCAPE_HOME."
                ) from error
            raise

    def find(self, first: Words, second: Words) -> Ints:
        """Whether and where keys are: -1, or a place that `read` takes soon after."""
        return self._fresh().find(first, second)

    def read(self, first: Words, second: Words, into: Floats) -> npt.NDArray[np.bool_]:
        """Write the vectors that are there into the rows of `into`; True for each row that was."""
        while True:
            index = self._fresh()
            places = index.find(first, second)
            found = places >= 0
            try:
                _gather(index.segments, places, found, into)
            except _DamagedSegment as damaged:
                self._drop(damaged.path)
                continue
            return found

    def warn(self, sentence: str) -> None:
        """Have a sentence told with the next report, once."""
        with self._lock:
            if sentence not in self._warnings:
                self._warnings.append(sentence)

    def warnings(self) -> tuple[str, ...]:
        """Sentences on what went wrong since they were last asked for."""
        with self._lock:
            said, self._warnings = tuple(self._warnings), []
        return said

    def _fresh(self) -> _Index:
        """The index of the files that are there now."""
        with self._lock:
            for _ in range(20):
                names = _names_in(self.folder)
                if self._index is not None and names == self._names:
                    break
                try:
                    self._refresh(names)
                except FileNotFoundError:  # another process merged files between the listing and the opening
                    continue
            assert self._index is not None
            return self._index

    def _refresh(self, names: frozenset[str]) -> None:
        opened = {}
        for name in sorted(names):
            path = self.folder / name
            try:
                opened[name] = self._open.get(name) or Segment(path, self._dim)
            except Damaged:
                self._drop(path)
        self._open, self._names, self._index = opened, names, _index(opened.values())

    def _drop(self, path: Path) -> None:
        with self._lock:
            path.unlink(missing_ok=True)
            self._open.pop(path.name, None)
            self.warn(f"Damaged vectors were removed and are made anew: the file {path}.")


class _DamagedSegment(Exception):  # noqa: N818
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def _gather(segments: tuple[Segment, ...], places: Ints, found: npt.NDArray[np.bool_], into: Floats) -> None:
    owners = places >> 32
    for number, segment in enumerate(segments):
        mine = np.flatnonzero(owners == number) if len(segments) > 1 else np.flatnonzero(found)
        if len(mine):
            try:
                segment.gather(places[mine] & 0xFFFFFFFF, into, mine)
            except Damaged:
                raise _DamagedSegment(segment.path) from None
            segment.mark_used()


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except FileNotFoundError:
        return frozenset()


def _index(segments: Iterable[Segment]) -> _Index:
    whole = tuple(segments)
    if not whole:
        empty = np.zeros(0, np.uint64)
        return _Index((), pd.Index(empty), empty, np.zeros(0, np.int64))
    first = np.concatenate([segment.first for segment in whole])
    second = np.concatenate([segment.second for segment in whole])
    places = np.concatenate(
        [np.arange(len(segment), dtype=np.int64) + (number << 32) for number, segment in enumerate(whole)]
    )
    if len(whole) > 1:
        first, kept = np.unique(first, return_index=True)
        second, places = second[kept], places[kept]
    table = pd.Index(first)
    table.get_indexer(pd.Index(first[:1]))  # builds the table now, once for all threads
    return _Index(whole, table, second, places)
