"""Words of a call as typed options, and Ctrl-C as a question that long work asks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from core.errors import WrongCall

_TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "whole number"),
    "float": (float, "number"),
    "str": (str, "text"),
}


def typed(words: dict[str, str], *kinds: Any) -> list[Any]:
    """KEY → VALUE as dataclasses of options, one of each kind, that share the keys between them.

    Raises `WrongCall` for a key of none, and a value that is not of the field's type.
    """
    known = {field.name: field for kind in kinds for field in fields(kind)}
    found: dict[str, Any] = {}
    for name, value in words.items():
        if name not in known:
            raise WrongCall(f"--option {name}=… is not known here; it takes {', '.join(known)}.")
        make, what = _TYPES[str(known[name].type)]
        try:
            found[name] = make(value)
        except ValueError:
            raise WrongCall(f"{name}={value!r} is no {what}.") from None
    return [kind(**{f.name: found[f.name] for f in fields(kind) if f.name in found}) for kind in kinds]


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C, or a polite end from elsewhere: the first asks work to stop, the second ends it."""
    asked = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
