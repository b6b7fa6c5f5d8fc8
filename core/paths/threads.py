"""Work on all of the processor's cores at once, in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_S = TypeVar("_S")
_T = TypeVar("_T")

THREADS = os.cpu_count() or 1

#: Kept for the life of the process: starting threads takes as long as a question of a small log.
_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="paths")


#: Fewer rows than this are gone through sooner than they are handed over.
LEAST_ROWS = 250_000


def side_by_side(ask: Callable[[_S], _T], parts: Iterable[_S], rows: int = LEAST_ROWS) -> list[_T]:
    """What `ask` gives for each part, in their order. `rows` is how long a part is about, where known.

    `ask` must let other threads run (a compiled function without the interpreter's lock, or one of
    numpy's), and must not itself work side by side: it would wait for the threads that it stands in.
    """
    if rows < LEAST_ROWS:
        return list(map(ask, parts))
    return list(_POOL.map(ask, parts))
