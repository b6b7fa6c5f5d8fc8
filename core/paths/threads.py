"""Work on all of the processor's cores at once, in threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_S = TypeVar("_S")
_T = TypeVar("_T")

THREADS = os.cpu_count() or 1


def side_by_side(ask: Callable[[_S], _T], parts: Iterable[_S]) -> list[_T]:
    """What `ask` gives for each part, in their order.

    `ask` must let other threads run: a compiled function without the interpreter's lock, or one of numpy's.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask, parts))
