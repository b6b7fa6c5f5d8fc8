"""The scorer of shown lists: ŷ = softmax of W·h + b over a list, the chance that each item of it is taken.

h is what speaks for the item (`shown_features`), scaled, beside what a small network makes of it. Several
such networks, each begun elsewhere, are fitted and their scores averaged: few lists are shown in a log, and
one network alone follows their chance too far. Source: Cao et al., "Learning to rank: from pairwise approach
to listwise approach" (ListNet, the loss); Lakshminarayanan et al., "Simple and scalable predictive
uncertainty estimation using deep ensembles".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.recommender.scorer import MOST
from core.recommender.shown_features import FEATURES, GROUP_OF, GROUPS, MADE_FOR

if TYPE_CHECKING:
    import torch

    from core.recommender.network import Network

#: What a list that does not fill its row of a batch is filled up with.
_NOT_THERE = -1e4


@dataclass(frozen=True)
class ShownOptions:
    """How a scorer of lists is trained."""

    epochs: int = 15
    batch: int = 128  # lists
    width: int = 64
    rate: float = 3e-3
    decay: float = 0.5
    dropout: float = 0.4
    inputs_dropout: float = 0.1  # share of features that are as usual in a step
    earlier: float = 0.5  # weight of a list that is not its visit's last
    members: int = 2  # networks
    seed: int = 0
    without: tuple[str, ...] = ()  # GROUPS that it does not see


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists that were shown, one after the other."""

    features: np.ndarray  # float32[rows, FEATURES], a row an item of a list
    start: np.ndarray  # int64[lists + 1], first row of each
    taken: np.ndarray  # int64[lists], place of the item taken, −1 where it is not in the list
    last: np.ndarray  # bool[lists], whether it is its visit's last

    def __len__(self) -> int:
        return self.taken.size

    def padded(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of each list side by side, and which of them are there: int64 and bool[lists, longest]."""
        length = np.diff(self.start)
        place = np.arange(length.max(initial=1))
        there = place < length[:, None]
        return np.where(there, self.start[:-1, None] + place, 0), there


@dataclass(frozen=True, eq=False)
class ShownScorer:
    """Trained networks with the scale of their features."""

    networks: tuple[Network, ...]
    middle: np.ndarray  # float32[FEATURES]
    spread: np.ndarray  # float32[FEATURES]
    options: ShownOptions

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Features as the networks see them: 0 is usual, as are what is not known and groups left out."""
        out = np.nan_to_num(np.clip((features - self.middle) / self.spread, -MOST, MOST), nan=0.0)
        out[:, np.isin(GROUP_OF, [list(GROUPS).index(name) for name in self.options.without])] = 0
        return np.asarray(out, np.float32)

    def of_scaled(self, scaled: np.ndarray) -> np.ndarray:
        """W·h + b, the mean of the networks: float32[items, FEATURES] → float32[items]."""
        import torch

        inputs = torch.from_numpy(np.ascontiguousarray(scaled))
        with torch.inference_mode():
            return np.asarray(torch.stack([network(inputs) for network in self.networks]).mean(0).numpy())

    def place_of_taken(self, lists: Lists) -> np.ndarray:
        """Where the item taken stands in each list, from 1, the place where an item was shown deciding among
        equals; infinite where it was not shown: float64[lists].
        """
        scores = self.of_scaled(self.scaled(lists.features))
        out = np.full(len(lists), np.inf)
        for at in np.flatnonzero(lists.taken >= 0):
            its, taken = scores[lists.start[at] : lists.start[at + 1]], lists.taken[at]
            out[at] = 1 + (its > its[taken]).sum() + (its[:taken] == its[taken]).sum()
        return out

    def to_bytes(self) -> bytes:
        """The scorer as a file."""
        from core.recommender.network import as_file

        return as_file(self.networks, self.middle, self.spread, self.options, MADE_FOR)

    @classmethod
    def from_bytes(cls, data: bytes) -> ShownScorer:
        """A scorer from its file; raises `ValueError` for one that was made for other features."""
        from core.recommender.network import Network, from_file

        kept, words = from_file(data, MADE_FOR)
        options = ShownOptions(**words)
        networks = []
        for weights in kept["networks"]:
            network = Network(len(FEATURES), options.width, options.dropout)
            network.load_state_dict(weights)
            networks.append(network.eval())
        return cls(tuple(networks), kept["middle"].numpy(), kept["spread"].numpy(), options)


def fit(lists: Lists, options: ShownOptions) -> ShownScorer:
    """Train a scorer from lists whose taken item is in them: AdamW, one cycle of the learning rate.

    The same seed gives the same scorer.
    """
    import torch

    known = np.isfinite(lists.features)
    many = np.maximum(known.sum(axis=0), 1)
    middle = (np.where(known, lists.features, 0).sum(axis=0, dtype=np.float64) / many).astype(np.float32)
    squares = np.where(known, lists.features - middle, 0) ** 2
    spread = np.sqrt(squares.sum(axis=0, dtype=np.float64) / many).astype(np.float32) + 1e-6
    empty = ShownScorer((), middle, np.asarray(spread, np.float32), options)
    inputs = torch.from_numpy(empty.scaled(lists.features))
    networks = tuple(
        _member(lists, inputs, options, options.seed * options.members + number)
        for number in range(options.members)
    )
    return ShownScorer(networks, middle, empty.spread, options)


def _member(lists: Lists, inputs: torch.Tensor, options: ShownOptions, seed: int) -> Network:
    import torch
    from torch import nn

    from core.recommender.network import Network, one_thread

    rows, there = map(torch.from_numpy, lists.padded())
    taken = torch.from_numpy(lists.taken)
    weight = torch.from_numpy(np.where(lists.last, 1.0, options.earlier).astype(np.float32))
    generator = torch.Generator().manual_seed(seed)
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Network(inputs.shape[1], options.width, options.dropout)
        optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
        steps = options.epochs * -(-len(lists) // options.batch)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=steps)
        network.train()
        for _ in range(options.epochs):
            order = torch.randperm(len(lists), generator=generator)
            for some in order.split(options.batch):  # type: ignore[no-untyped-call]
                its = there[some]
                seen = nn.functional.dropout(inputs[rows[some]], options.inputs_dropout)
                logits = network(seen).masked_fill(~its, _NOT_THERE)
                losses = nn.functional.cross_entropy(logits, taken[some], reduction="none")
                loss = (losses * weight[some]).mean()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                cycle.step()
    return network.eval()
