"""The process in which a server's lists are ranked: `python -m core.api.ranking SOCKET HOME STORES`.

Pages keep Python's lock for most of the time that somebody uses them, and a list, which gives it up at every
step of numpy's, would wait for it at every step; so lists have a process of their own, with the models. It
ends with its server, however that ends, as its socket does.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.api import frames
from core.api.answering import answer_to
from core.api.calls import CALLS
from core.api.opened import Shelf

#: Threads that answer: a list for which all items are ranked keeps no other waiting for long.
THREADS = 2
#: Seconds for which one of them may keep the interpreter from the other.
SWITCH = 0.0005


def main(number: str, home: str, names: str) -> None:
    """Answer until the server ends; `names` are of stores, with commas, whose models are opened at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which this one follows
    sys.setswitchinterval(SWITCH)
    shelf = Shelf(Path(home))
    for name in filter(None, map(str.strip, names.split(","))):
        shelf.warm(name)
    line = socket.socket(fileno=int(number))
    line.sendall(frames.packed("ready"))
    reading, writing = threading.Lock(), threading.Lock()
    threads = [
        threading.Thread(target=_answering, args=(shelf, line, reading, writing), daemon=True)
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answering(shelf: Shelf, line: socket.socket, reading: threading.Lock, writing: threading.Lock) -> None:
    """Take a call, answer it, and take the next."""
    # What a call multiplies is multiplied in its own thread: others would spin for longer than the call
    # takes. BLAS knows one number for the whole process, OpenMP one for each thread.
    threadpool_limits(1)
    calls = {call.path: call for call in CALLS}
    while True:
        with reading:
            asked = _frame(line)
        if asked is None:
            os._exit(0)  # whatever is at work here is of no use to anybody
        number, path, body = asked
        answer = frames.packed(number, answer_to(calls[path], shelf, body))
        with writing, suppress(OSError):
            line.sendall(answer)


def _frame(line: socket.socket) -> tuple[int, str, bytes] | None:
    """The next call; None where the server ended."""
    head = _bytes(line, frames.HEAD)
    content = _bytes(line, frames.length(head)) if head else b""
    found: tuple[int, str, bytes] | None = frames.unpacked(content) if content else None
    return found


def _bytes(line: socket.socket, count: int) -> bytes:
    """So many bytes; none where the server ended."""
    got = bytearray()
    while len(got) < count:
        try:
            part = line.recv(count - len(got))
        except OSError:
            return b""
        if not part:
            return b""
        got += part
    return bytes(got)


if __name__ == "__main__":
    main(*sys.argv[1:])
