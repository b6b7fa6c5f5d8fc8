"""A loaded model at work: batches onto the device, through the model, and back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.encoder import hardware
from core.encoder.attention import Packed, choose_attention
from core.encoder.batches import Batch
from core.encoder.bert import Bert, heads_of, is_lean
from core.encoder.card import ModelCard
from core.encoder.layers import FusedLinear, Int8Linear, PlainLinear
from core.encoder.other import Other
from core.encoder.pooling import pool
from core.encoder.tokens import Tokens
from core.errors import WrongCall

#: Tokens of a batch. A processor wants what its caches hold, a card what fills it.
_BUDGETS = {"cpu": 1_024, "mps": 8_192, "cuda": 65_536}
#: Tokens under which layers are too small to be quick.
_LEAST = 128

#: Batches that a card may have waiting, so that it never waits for the processor.
_AHEAD = 4

_Vectors = npt.NDArray[np.float32]


class Engine:
    """A model on its device."""

    def __init__(self, card: ModelCard, device: str, precision: str) -> None:
        self.mixed = is_lean(card)
        self._device = device
        self._modes = tuple(card.pooling.split("+"))
        self._normalise = card.normalise
        self._turn = threading.Lock()
        dtype = hardware.dtype_of(precision)
        if precision == "int8" and not self.mixed:
            raise WrongCall(
                f"CARTSCAPE_PRECISION is int8, which is for models of BERT's own form, and {card.name} is of "
                f"the kind {card.architecture}; set it to auto."
            )
        fused = self.mixed and device == "cpu" and hardware.has_fused_layers(precision)
        self._model: Callable[[Packed], Tensor]
        if self.mixed:
            attention = choose_attention(device, dtype, card.dim // len(self._modes) // heads_of(card))
            layers = Int8Linear if precision == "int8" else FusedLinear if fused else PlainLinear
            self._model = Bert(card, device, dtype, attention, layers)
        else:
            self._model = Other(card, device, dtype)
        # Batches side by side, each on one core, never wait for one another within a layer. Other layers
        # than oneDNN's do not keep to one core, and get one batch at a time.
        self._workers = torch.get_num_threads() if fused else 1
        self._pool = _single_threaded(self._workers) if fused else None

    def budget(self, tokens: int) -> int:
        """The most tokens of a batch, where there are so many in all: every core is to have some."""
        most = _BUDGETS[self._device]
        return most if self._workers == 1 else max(_LEAST, min(most, tokens // (2 * self._workers)))

    def run(
        self, tokens: Tokens, batches: Sequence[Batch], stop: Callable[[], bool]
    ) -> Iterator[tuple[Batch, _Vectors]]:
        """Batches with float32 [texts, dim], in their order; ends early where `stop` says so."""
        ahead = _AHEAD if self._device == "cuda" else 2 * self._workers if self._pool else 0
        waiting: deque[tuple[Batch, Callable[[], _Vectors]]] = deque()
        for batch in batches:
            if stop():
                break
            waiting.append((batch, self._start(tokens, batch)))
            while len(waiting) > ahead:
                done, vectors = waiting.popleft()
                yield done, vectors()
        for done, vectors in waiting:
            yield done, vectors()

    def _start(self, tokens: Tokens, batch: Batch) -> Callable[[], _Vectors]:
        """Begin a batch; what comes back waits for its vectors."""
        if self._pool:
            return self._pool.submit(lambda: self._compute(tokens, batch).numpy()).result
        with self._turn:  # of several sessions each gets a batch in turn
            vectors = self._compute(tokens, batch)
            if self._device != "cuda":
                return vectors.cpu().numpy
            home = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
            home.copy_(vectors, non_blocking=True)
            event = torch.cuda.current_stream().record_event()

        def wait() -> _Vectors:
            event.synchronize()
            found: _Vectors = home.numpy()
            return found

        return wait

    @torch.inference_mode()
    def _compute(self, tokens: Tokens, batch: Batch) -> Tensor:
        packed = self._pack(tokens, batch)
        return pool(self._model(packed), packed, self._modes, self._normalise)

    def _pack(self, tokens: Tokens, batch: Batch) -> Packed:
        ids, places = tokens.of(batch.rows)
        bounds = np.concatenate([np.zeros(1, np.int32), np.cumsum(batch.lengths, dtype=np.int32)])
        return Packed(self._put(ids), self._put(places), self._put(bounds), batch)

    def _put(self, numbers: npt.NDArray[np.int32]) -> Tensor:
        tensor = torch.from_numpy(numbers)
        if self._device == "cuda":
            return tensor.pin_memory().to("cuda", non_blocking=True)
        return tensor.to(self._device)


def _single_threaded(workers: int) -> ThreadPoolExecutor:
    """Threads in which an operation of PyTorch keeps to one core; all others stay as they were."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "encoder", initializer=torch.set_num_threads, initargs=(1,))
    together = threading.Barrier(workers)
    for started in [pool.submit(together.wait) for _ in range(workers)]:
        started.result()
    torch.set_num_threads(before)  # the number is each thread's own, but new threads start with the last
    return pool
