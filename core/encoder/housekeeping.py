"""Keeps the cache small and in few files: merges, evicts, and removes what killed processes left."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from core.encoder.segment import SUFFIX, Damaged, Segment, write
from core.errors import StoreBusy
from core.settings import settings
from core.store.lock import WriterLock

#: More files than this in a folder are merged.
_MANY = 32
#: Files are merged into ones of up to so many bytes, so that eviction can still choose.
_LARGE = 256 * 2**20
#: Seconds after which a file that was never finished is nobody's any more.
_ABANDONED = 900


def tidy(folder: Path, dim: int) -> None:
    """Merge and evict where it is due; where another process is at it already, nothing is done."""
    files = _files(folder)
    limit = settings().vectors_mb * 2**20
    everything = [file for each in _folders(folder.parent) for file in _files(each)]
    if len(files) <= _MANY and sum(stat.st_size for _, stat in everything) <= limit:
        return
    with suppress(StoreBusy), WriterLock(folder.parent / ".lock", "of vectors").held():
        _sweep(folder)
        if len(_files(folder)) > _MANY:
            _merge(folder, dim, min(_LARGE, limit // 8))
        _evict(folder.parent, limit)


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()]


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """The files of vectors, the longest unused first."""
    found = []
    for path in folder.iterdir():
        if path.name.endswith(SUFFIX):
            with suppress(FileNotFoundError):
                found.append((path, path.stat()))
    return sorted(found, key=lambda file: (file[1].st_mtime_ns, file[0].name))


def _sweep(folder: Path) -> None:
    for path in folder.glob(".*.part"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


def _merge(folder: Path, dim: int, large: int) -> None:
    """Join small files, those that were used at about the same time together."""
    small = [(path, stat) for path, stat in _files(folder) if stat.st_size < large // 2]
    while len(small) > 1:
        batch: list[tuple[Path, os.stat_result]] = []
        size = 0
        while small and (size + small[0][1].st_size <= large or len(batch) < 2):
            batch.append(small.pop(0))
            size += batch[-1][1].st_size
        if len(batch) > 1:
            _join(folder, dim, batch)


def _join(folder: Path, dim: int, files: list[tuple[Path, os.stat_result]]) -> None:
    firsts, seconds, vectors, joined = [], [], [], []
    for path, _ in files:
        with suppress(FileNotFoundError, Damaged):  # a reader drops and tells of what is damaged
            segment = Segment(path, dim)
            vectors.append(segment.vectors(np.arange(len(segment))))
            firsts.append(segment.first)
            seconds.append(segment.second)
            joined.append(path)
    if len(joined) < 2:
        return
    first, kept = np.unique(np.concatenate(firsts), return_index=True)
    used = max(stat.st_mtime for _, stat in files)
    write(folder, first, np.concatenate(seconds)[kept], np.concatenate(vectors)[kept], used)
    for path in joined:
        path.unlink(missing_ok=True)


def _evict(root: Path, limit: int) -> None:
    """Remove files, the longest unused first, until all models together are within the limit."""
    files = sorted(
        (file for folder in _folders(root) for file in _files(folder)), key=lambda file: file[1].st_mtime_ns
    )
    size = sum(stat.st_size for _, stat in files)
    for path, stat in files:
        if size <= limit:
            break
        path.unlink(missing_ok=True)
        size -= stat.st_size
