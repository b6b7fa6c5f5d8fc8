"""Every float16 there is becomes the float32 that NumPy makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from core.encoder import halves


@pytest.mark.parametrize("threads", [1, 3])
def test_every_half_is_widened_exactly(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_THREADS", threads)
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)]
    every = np.stack([every[::2], every[1::2]], 1)
    order = np.random.default_rng(1).permutation(len(every))
    into = np.full((len(every) + 5, 2), np.nan, np.float32)
    halves.widen(every, order, into, order[::-1].copy())
    right = np.full_like(into, np.nan)
    right[order[::-1]] = every[order]
    assert np.array_equal(into.view(np.uint32), right.view(np.uint32))  # the sign of zero, too
