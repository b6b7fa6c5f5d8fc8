"""An encoder that needs no model, for tests of the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.encoder import Encoder, ModelCard, Vectors

DIM = 16


def truth(texts: Sequence[str | None]) -> np.ndarray:
    """The vector of each text: what its digest says."""
    digests = [
        hashlib.blake2b((text or "").encode("utf-8", "replace"), digest_size=2 * DIM).digest()
        for text in texts
    ]
    words = np.frombuffer(b"".join(digests), np.uint16).reshape(-1, DIM)
    found: np.ndarray = (words % 2048 / 2048).astype(np.float16).astype(np.float32)
    return found


class FakeEncoder:
    """Gives `truth`, in batches, and counts what it was asked for."""

    def __init__(self, fingerprint: str = "fake", batch: int = 100) -> None:
        self.card = ModelCard(
            name="fake",
            folder=Path("/nowhere"),
            architecture="bert",
            dim=DIM,
            max_tokens=64,
            pooling="mean",
            normalise=True,
            fingerprint=fingerprint,
        )
        self.batch = batch
        self.asked: list[str] = []

    def stream(self, texts: np.ndarray, stop: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = np.random.default_rng(1).permutation(len(texts))
        for at in range(0, len(order), self.batch):
            if stop and stop():
                return
            rows = order[at : at + self.batch]
            self.asked += texts[rows].tolist()
            yield rows, truth(texts[rows].tolist())


def vectors_of(encoder: FakeEncoder) -> Vectors:
    return Vectors(cast(Encoder, encoder))


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"title {number}" for number in range(start, start + count)]
