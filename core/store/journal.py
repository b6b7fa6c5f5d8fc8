"""Events that came one call at a time: an append-only journal beside the months, until a load takes it in.

A call's rows are one record, on the disk before the call is answered; a record that was cut short counts for
nothing and is written over. The journal lies in numbered segments. Whoever takes it in closes the last one,
and the manifest says which segments the months hold; they stay for one more generation, for those who still
read them.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from core.errors import CartscapeError
from core.store.files import alone, room_on_disk, sync

_MAGIC = b"CART"
#: Magic, bytes of the rows, bytes of the rejects, checksum of both.
_HEAD = struct.Struct("<4sIII")


@dataclass(frozen=True)
class Record:
    """One call's events."""

    rows: pa.Table  # as the store keeps them
    rejects: pa.Table  # REJECTS


@dataclass
class Place:
    """How far somebody has read: all before byte `at` of a segment."""

    segment: int
    at: int = 0


@dataclass
class Journal:
    """The journal of one store, for any number of processes."""

    folder: Path
    _known: Place = field(default_factory=lambda: Place(0))  # whole records lie before it

    def append(self, rows: pa.Table, rejects: pa.Table, taken: int) -> None:
        """Write a record; it is on the disk when this returns. `taken` is the manifest's last segment.

        Raises `CartscapeError` where the disk is full or may not be written; then nothing is kept.
        """
        parts = [_bytes(rows), _bytes(rejects)]
        payload = b"".join(parts)
        record = _HEAD.pack(_MAGIC, len(parts[0]), len(parts[1]), zlib.crc32(payload)) + payload
        with room_on_disk(self.folder.parent), alone(self.folder / ".lock"):
            number = max([*self.segments(), taken + 1])
            path = self.path(number)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                size = os.fstat(handle).st_size
                end = self._end(handle, number, size)
                try:
                    os.ftruncate(handle, end)
                    written = 0
                    while written < len(record):
                        written += os.pwrite(handle, record[written:], end + written)
                    os.fsync(handle)
                except OSError:
                    os.ftruncate(handle, end)
                    raise
            finally:
                os.close(handle)
            if not size:
                sync(self.folder)
            self._known = Place(number, end + len(record))

    def close(self, taken: int) -> int:
        """Close the segment that is written to; returns the last that may be taken in, `taken` where none
        holds anything.
        """
        if not self.segments():
            return taken
        with room_on_disk(self.folder.parent), alone(self.folder / ".lock"):
            number = max([*self.segments(), taken + 1])
            if not self._size(number):
                return number - 1
            os.close(os.open(self.path(number + 1), os.O_RDWR | os.O_CREAT, 0o644))
            sync(self.folder)
            return number

    def waits(self, taken: int) -> bool:
        """Whether there is anything that the months do not hold."""
        return any(self._size(number) for number in self.segments() if number > taken)

    def read(self, place: Place) -> Iterator[Record]:
        """The whole records from a place on; the place moves along."""
        for number in self.segments():
            if number < place.segment:
                continue
            if number > place.segment:
                place.segment, place.at = number, 0
            if self._size(number) <= place.at:
                continue
            try:
                with self.path(number).open("rb") as file:
                    file.seek(place.at)
                    while (found := _record(file.read(_HEAD.size), file.read)) is not None:
                        size, record = found
                        place.at += size
                        yield record
            except FileNotFoundError:
                continue  # taken in, and gone since

    def forget(self, taken: int) -> None:
        """Remove the segments up to one."""
        for number in self.segments():
            if number <= taken:
                self.path(number).unlink(missing_ok=True)

    def segments(self) -> list[int]:
        """The numbers of the segments, ascending."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(name[:-4]) for name in names if name.endswith(".log") and name[:-4].isdigit())

    def path(self, number: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{number:08d}.log"

    @property
    def state(self) -> tuple[int, int]:
        """Changes with every record."""
        last = max(self.segments(), default=0)
        return last, self._size(last)

    def _size(self, number: int) -> int:
        try:
            return self.path(number).stat().st_size
        except FileNotFoundError:
            return 0

    def _end(self, handle: int, number: int, size: int) -> int:
        """Where the whole records of a segment end; what was cut short lies behind."""
        at = self._known.at if self._known.segment == number else 0
        if at == size:
            return at
        with os.fdopen(os.dup(handle), "rb") as file:
            file.seek(at)
            while (found := _record(file.read(_HEAD.size), file.read)) is not None:
                at += found[0]
        return at


def _record(head: bytes, read: object) -> tuple[int, Record] | None:
    """The size and content of a record; None where it is not whole."""
    if len(head) < _HEAD.size:
        return None
    magic, rows, rejects, checksum = _HEAD.unpack(head)
    if magic != _MAGIC:
        return None
    payload = read(rows + rejects)  # type: ignore[operator]
    if len(payload) < rows + rejects or zlib.crc32(payload) != checksum:
        return None
    return _HEAD.size + len(payload), Record(_table(payload[:rows]), _table(payload[rows:]))


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _table(content: bytes) -> pa.Table:
    try:
        return pa.ipc.open_stream(content).read_all()
    except pa.ArrowException as error:
        raise CartscapeError(
            "The journal of the store holds a record that this version cannot read; update Cartscape."
        ) from error
