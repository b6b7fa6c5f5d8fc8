"""Who in this process is making which vectors, so that two sessions never make the same ones at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from core.encoder.texts import Words

Bools = npt.NDArray[np.bool_]

#: So few texts are sooner made than waited for.
_FEW = 512


class Claims:
    """Keys of texts that threads are at work on."""

    def __init__(self) -> None:
        self._held: list[Words] = []
        self._changed = threading.Condition()

    @contextmanager
    def claimed(self, wanted: Words) -> Iterator[Bools]:
        """Claim what nobody else has: True for each key that is the caller's, until the context ends."""
        if len(wanted) <= _FEW:
            yield np.ones(len(wanted), bool)
            return
        with self._changed:
            mine = ~self._taken(wanted)
            claim = wanted[mine]
            self._held.append(claim)
        try:
            yield mine
        finally:
            with self._changed:
                self._held = [held for held in self._held if held is not claim]
                self._changed.notify_all()

    def wait(self, wanted: Words, seconds: float) -> bool:
        """Wait until nobody is at work on these keys, or for some time; whether they are free."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._taken(wanted).any(), seconds)

    def _taken(self, wanted: Words) -> Bools:
        taken = np.zeros(len(wanted), bool)
        for held in self._held:
            taken |= np.isin(wanted, held)
        return taken
