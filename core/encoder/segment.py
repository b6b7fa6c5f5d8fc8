"""A file of vectors: written once, never changed.

A header, the keys of the texts in ascending order, a check sum for each block of vectors, the vectors.
Header and keys are read and checked when the file is opened, a block of vectors when it is wanted. Nothing is
mapped into memory: a file that somebody cuts short would then end the process, here it is `Damaged`.
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
#: Bytes of vectors that an open file keeps in memory once they are read; of a larger one none are kept.
_HELD = 64 * 2**20


class Damaged(Exception):  # noqa: N818
    """A file that is not what was written."""


class Segment:
    """An open file of vectors. Raises `Damaged` where it is not whole, `OSError` where it is not there."""

    def __init__(self, path: Path, dim: int) -> None:
        self.path = path
        self._file = path.open("rb")  # stays open, so that it can be read after it was merged or evicted
        self.size = os.fstat(self._file.fileno()).st_size
        header = self._file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise Damaged
        magic, count, its_dim, sum_of_keys, sum_of_header = _HEADER.unpack(header)
        if magic != _MAGIC or zlib.crc32(header[:-4]) != sum_of_header or its_dim != dim:
            raise Damaged
        blocks = -(-count // _BLOCK)
        starts = np.cumsum([8 * count, 8 * count, 4 * blocks]).tolist()
        self._begin = _HEADER.size + starts[2]
        if self.size != self._begin + 2 * dim * count:
            raise Damaged
        keys = np.frombuffer(self._file.read(starts[2]), np.uint8)
        if len(keys) < starts[2] or _sum(keys) != sum_of_keys:
            raise Damaged
        self.first: Words = keys[: starts[0]].view(np.uint64)
        self.second: Words = keys[starts[0] : starts[1]].view(np.uint64)
        self._sums = keys[starts[1] :].view(np.uint32)
        self._shape = (count, dim)
        self._there = np.zeros(blocks, bool)
        self._held: Halves | None = np.empty(self._shape, np.float16) if 2 * dim * count <= _HELD else None
        self._used = 0.0

    def __len__(self) -> int:
        return len(self.first)

    def vectors(self, rows: Ints) -> Halves:
        """The vectors of some rows, float16 [rows, dim]. Raises as `gather` does."""
        vectors, at = self._read(rows)
        return vectors[at]

    def gather(self, rows: Ints, into: npt.NDArray[np.float32], where: Ints) -> None:
        """`into[where] = vectors[rows]`. Raises `Damaged` where a block is cut or does not have its sum."""
        vectors, at = self._read(rows)
        halves.widen(vectors, at, into, where)

    def _read(self, rows: Ints) -> tuple[Halves, Ints]:
        """Vectors that hold those of some rows, and where among them each is."""
        wanted = np.zeros(len(self._there), bool)
        wanted[rows // _BLOCK] = True
        if self._held is not None:
            for block in np.flatnonzero(wanted & ~self._there).tolist():
                self._fill(block, self._held[block * _BLOCK : (block + 1) * _BLOCK])
                self._there[block] = True
            return self._held, rows
        blocks = np.flatnonzero(wanted)
        found = np.empty((len(blocks) * _BLOCK, self._shape[1]), np.float16)
        for n, block in enumerate(blocks.tolist()):
            self._fill(block, found[n * _BLOCK : n * _BLOCK + min(_BLOCK, len(self) - block * _BLOCK)])
        return found, np.searchsorted(blocks, rows // _BLOCK) * _BLOCK + rows % _BLOCK

    def _fill(self, block: int, into: Halves) -> None:
        """Read a block of vectors; several threads may at a time."""
        start = self._begin + block * _BLOCK * into.itemsize * self._shape[1]
        read = os.preadv(self._file.fileno(), [into.data.cast("B")], start)
        if read < into.nbytes or _sum(into) != self._sums[block]:
            raise Damaged

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
