"""A process whose file of vectors is cut short in place while it is open.

Called as `python -m tests.encoder.cut_short BYTES HELD`: to how many bytes, and how many of a file are held.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from core.encoder import segment
from core.encoder.segment import SUFFIX
from core.settings import settings
from tests.encoder.fakes import FakeEncoder, numbered, truth, vectors_of


def main(size: int, held: int) -> None:
    segment._HELD = held
    texts = numbered(9_000)
    cache = vectors_of(FakeEncoder(batch=10_000))
    cache.encode(texts)
    (file,) = (settings().home / "vectors" / "fake").glob(f"*{SUFFIX}")
    assert np.array_equal(cache.of(texts[:5]), truth(texts[:5]))
    os.truncate(file, size)
    assert np.array_equal(cache.of(texts), truth(texts))
    sys.stdout.write(" ".join(cache.encode(texts).warnings))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
