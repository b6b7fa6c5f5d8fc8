"""The encoder: texts to vectors, on whatever the machine has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.encoder import hardware
from core.encoder.batches import Ints, plan
from core.encoder.card import ModelCard, find_card
from core.encoder.texts import Given, Texts, clean, mend
from core.encoder.tokens import BulkTokenizer, Tokens

if TYPE_CHECKING:
    from core.encoder.engine import Engine

Floats = npt.NDArray[np.float32]
#: Called with texts done and all texts.
Told = Callable[[int, int], None]
#: Asked between batches; True ends the work.
Stop = Callable[[], bool]

#: Texts that are tokenised together; of so many, enough are equally long to fill a batch.
_CHUNK = 16_384

_DEVICES = {"cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}


class Encoder:
    """A model that turns texts into vectors. Threads may share it; it is loaded when first used."""

    def __init__(self, card: ModelCard, precision: str = "") -> None:
        """`precision` stands in for that of the settings: bf16, fp16, fp32 or int8."""
        self.card = card
        self._asked = precision
        self._loading = threading.Lock()
        self._loaded: tuple[BulkTokenizer, Engine] | None = None
        self._place: tuple[str, str] | None = None

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`. Raises `WrongCall` where the settings name one that is not there."""
        return self._where()[0]

    @property
    def precision(self) -> str:
        """`bf16`, `fp16`, `fp32` or `int8`."""
        return self._where()[1]

    def describe(self) -> str:
        """One line on the model and where it runs."""
        device, precision = self._where()
        parts = [self.card.name, f"{self.card.dim} dimensions", f"{_DEVICES[device]}, {precision}"]
        if device == "cpu" and precision != "fp16" and not hardware.has_fused_layers(precision):
            parts.append("without oneDNN's fused layers")
        return " · ".join(parts)

    def encode(self, texts: Given, told: Told | None = None, stop: Stop | None = None) -> Floats:
        """The vectors of texts, float32 [texts, dim], without the cache; equal texts are computed once.

        Where `stop` ended the work, rows that were not reached are NaN.
        """
        array = clean(texts)
        codes, distinct = _distinct(array)
        vectors = np.full((len(distinct), self.card.dim), np.nan, np.float32)
        done = 0
        for rows, part in self.stream(distinct, stop):
            vectors[rows] = part
            done += len(rows)
            if told:
                told(done, len(distinct))
        return vectors if len(distinct) == len(array) else vectors[codes]

    def stream(self, texts: Texts, stop: Stop | None = None) -> Iterator[tuple[Ints, Floats]]:
        """Numbers of texts and their vectors, batch by batch, in the order in which they are done."""
        if not len(texts):
            return
        tokenize, engine = self._load()
        chunks = [texts[at : at + _CHUNK] for at in range(0, len(texts), _CHUNK)]
        with ThreadPoolExecutor(1, thread_name_prefix="tokens") as ahead:
            coming = ahead.submit(_tokens, tokenize, chunks[0])
            for number in range(len(chunks)):
                tokens = coming.result()
                if number + 1 < len(chunks):
                    coming = ahead.submit(_tokens, tokenize, chunks[number + 1])
                batches = plan(tokens.lengths, engine.budget(int(tokens.lengths.sum())), engine.mixed)
                for batch, vectors in engine.run(tokens, batches, stop or _never):
                    yield batch.rows + number * _CHUNK, vectors
                if stop and stop():
                    return

    def read(self, text: str) -> str:
        """The part of a text that the model reads, from its beginning."""
        tokenize, _ = self._load()
        return tokenize.read(str(mend(clean([text]))[0]))

    def _where(self) -> tuple[str, str]:
        if self._place is None:
            device = hardware.choose_device()
            self._place = (device, self._asked or hardware.choose_precision(device))
        return self._place

    def _load(self) -> tuple[BulkTokenizer, Engine]:
        with self._loading:
            if self._loaded is None:
                from core.encoder.engine import Engine

                self._loaded = BulkTokenizer(self.card), Engine(self.card, *self._where())
            return self._loaded


def _never() -> bool:
    return False


def _tokens(tokenize: BulkTokenizer, texts: Texts) -> Tokens:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        texts = mend(texts)
    return tokenize(texts.tolist())


def _distinct(texts: Texts) -> tuple[Ints, Texts]:
    """For each text the number of the first equal one among the distinct, and these."""
    import pandas as pd

    codes, distinct = pd.factorize(texts)
    return codes.astype(np.int64), np.asarray(distinct, object)


_opened: dict[ModelCard, Encoder] = {}
_opening = threading.Lock()


def open_encoder() -> Encoder:
    """The encoder of the settings, one per process; nothing is loaded until it is used.

    Raises `WrongCall` where the settings name no model on this machine, or no known precision.
    """
    hardware.wanted()
    with _opening:
        card = find_card()
        return _opened.setdefault(card, Encoder(card))
