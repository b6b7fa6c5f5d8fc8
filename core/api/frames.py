"""What the server and the process of its lists send each other: a length, and a tuple."""

from __future__ import annotations

import pickle
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
HEAD = _LENGTH.size


def packed(*words: Any) -> bytes:
    """A frame."""
    content = pickle.dumps(words, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def length(head: bytes | bytearray) -> int:
    """The bytes that follow the HEAD of a frame."""
    return int(_LENGTH.unpack(head)[0])


def unpacked(content: bytes) -> Any:
    """The tuple of a frame."""
    return pickle.loads(content)


class Frames:
    """Whole frames out of bytes as they come."""

    def __init__(self) -> None:
        self._got = bytearray()

    def take(self, data: bytes) -> list[Any]:
        """The tuples that are whole with these bytes."""
        self._got += data
        found = []
        while len(self._got) >= HEAD and len(self._got) >= (end := HEAD + length(self._got[:HEAD])):
            found.append(unpacked(bytes(self._got[HEAD:end])))
            del self._got[:end]
        return found
