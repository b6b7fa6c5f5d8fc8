"""A file of vectors: written once, never changed, read through memory maps.

A header, the keys of the texts in ascending order, a check sum for each block of vectors, the vectors.
Header and keys are checked when the file is opened, a block of vectors when it is first read.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.encoder import halves
from core.encoder.texts import Words
from core.store.files import put

Halves = npt.NDArray[np.float16]
Ints = npt.NDArray[np.int64]

SUFFIX = ".vectors"
_MAGIC = b"CARTVEC1"
_HEADER = struct.Struct("<8sQIII")  # magic, vectors, dim, sum of keys and block sums, sum of what is before
_BLOCK = 1024  # vectors under one check sum


class Damaged(Exception):  # noqa: N818
    """A file that is not what was written."""


class Segment:
    """An open file of vectors. Raises `Damaged` where it is not whole, `OSError` where it is not there."""

    def __init__(self, path: Path, dim: int) -> None:
        self.path = path
        mapped = _mapped(path)
        if len(mapped) < _HEADER.size:
            raise Damaged
        magic, count, its_dim, sum_of_keys, sum_of_header = _HEADER.unpack(mapped[: _HEADER.size].tobytes())
        if magic != _MAGIC or _sum(mapped[: _HEADER.size - 4]) != sum_of_header or its_dim != dim:
            raise Damaged
        blocks = -(-count // _BLOCK)
        starts = np.cumsum([_HEADER.size, 8 * count, 8 * count, 4 * blocks, 2 * dim * count]).tolist()
        if len(mapped) != starts[-1] or _sum(mapped[starts[0] : starts[3]]) != sum_of_keys:
            raise Damaged
        self.first: Words = mapped[starts[0] : starts[1]].view(np.uint64)
        self.second: Words = mapped[starts[1] : starts[2]].view(np.uint64)
        self.size = len(mapped)
        self._sums = mapped[starts[2] : starts[3]].view(np.uint32)
        self._vectors: Halves = mapped[starts[3] : starts[4]].view(np.float16).reshape(count, dim)
        self._checked = np.zeros(blocks, bool)
        self._used = 0.0

    def __len__(self) -> int:
        return len(self.first)

    def vectors(self, rows: Ints) -> Halves:
        """The vectors of some rows, float16 [rows, dim]. Raises as `gather` does."""
        self._check(rows)
        return self._vectors[rows]

    def gather(self, rows: Ints, into: npt.NDArray[np.float32], where: Ints) -> None:
        """`into[where] = vectors[rows]`. Raises `Damaged` where a block of them does not have its sum."""
        self._check(rows)
        halves.widen(self._vectors, rows, into, where)

    def _check(self, rows: Ints) -> None:
        blocks = np.zeros(len(self._checked), bool)
        blocks[rows // _BLOCK] = True
        for block in np.flatnonzero(blocks & ~self._checked).tolist():
            if _sum(self._vectors[block * _BLOCK : (block + 1) * _BLOCK]) != self._sums[block]:
                raise Damaged
            self._checked[block] = True

    def mark_used(self) -> None:
        """Note on the file that it was of use, at most once a minute."""
        if time.monotonic() - self._used > 60 or not self._used:
            self._used = time.monotonic()
            try:
                os.utime(self.path)
            except OSError:
                return  # it was merged or evicted meanwhile, or the folder is read only


def _sum(array: npt.NDArray[Any], before: int = 0) -> int:
    """The check sum of an array's bytes, after those of another."""
    return zlib.crc32(array.data, before)


def _mapped(path: Path) -> npt.NDArray[np.uint8]:
    if path.stat().st_size == 0:
        raise Damaged
    return np.memmap(path, np.uint8, "r").view(np.ndarray)


def write(folder: Path, first: Words, second: Words, vectors: Halves, used: float | None = None) -> Path:
    """Write a file of vectors under a name of its own; it is there whole or not at all.

    `used` is when it was last of use, in seconds since 1970; now by default.
    """
    order = np.argsort(first, kind="stable")
    first, second, vectors = first[order], second[order], np.ascontiguousarray(vectors[order])
    sums = np.array([_sum(vectors[at : at + _BLOCK]) for at in range(0, len(vectors), _BLOCK)], np.uint32)
    sum_of_keys = _sum(sums, _sum(second, _sum(first)))
    begin = struct.pack("<8sQII", _MAGIC, len(first), vectors.shape[1], sum_of_keys)
    name = f"{time.time_ns():x}-{os.getpid():x}-{os.urandom(4).hex()}"
    final = folder / f"{name}{SUFFIX}"
    temporary = folder / f".{name}.part"
    try:
        with temporary.open("wb") as file:
            file.write(begin + struct.pack("<I", zlib.crc32(begin)))
            for part in (first, second, sums, vectors):
                file.write(part.data)
        if used is not None:
            os.utime(temporary, (used, used))
        put(temporary, final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return final
