"""A text that somebody writes to find what is like it: how it is quoted, its vector, what is said of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.analyses.meaning import Likeness, unit
from core.encoder import open_vectors

#: Letters of a text that a caption quotes.
QUOTED = 60
#: Of logs without searches it is not known how like a search is to what it leads to. Words that have nothing
#: to do with olist's or online_retail_ii's items reach 0.2 to 0.4 with the default model.
LITTLE = 0.4


def quoted(text: str, most: int = QUOTED) -> str:
    """A text as a caption names it: in quotation marks, on one line, at most so many letters."""
    told = " ".join(text.split())
    return f"“{told if len(told) <= most else f'{told[: most - 1]}…'}”"


def encoded(text: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The vector of a text, of length 1, float32[d], and the sentence on what of it was not read, if any."""
    encoder = open_vectors().encoder
    vector = _vector(encoder.card.fingerprint, text)
    words, read = len(text.split()), len(encoder.read(text).split())
    cut = f"Of the text's {words:,} words only the first {read:,} were read: the encoder takes no more."
    return vector, (cut,) if read < words else ()


def far(best: float, what: str, like: Likeness | None) -> tuple[str, ...]:
    """The sentence on a text that nothing is much like, or nothing.

    `best` is the similarity of what is nearest to it, `what` the name of one of those, and `like` what is
    usual in the log, where that is known.
    """
    known = like is not None and np.isfinite(like.fence)
    fence = like.fence if like is not None and known else LITTLE
    if best >= fence:
        return ()
    usual = (
        f"of the searches that lead to an item, 95 % have {fence:.2f} or more"
        if known
        else f"texts below {fence:.2f} seldom mean the same"
    )
    return (f"No {what} is much like it: the nearest has a similarity of {best:.2f}; {usual}.",)


@lru_cache(maxsize=64)
def _vector(model: str, text: str) -> np.ndarray:
    """The vector of a text by the model of the settings, whose fingerprint is `model`: float32[d]."""
    del model  # part of the key: another model is another vector
    vectors = open_vectors()
    # A text that somebody tries is not worth a place in the cache on disk.
    known = vectors.known([text])[0]
    return unit(vectors.of([text]) if known else vectors.encoder.encode([text]))[0]
