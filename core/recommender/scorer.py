"""The scorer: ŷ = σ(W·h + b), the chance that somebody takes an item in the days to come.

h is what speaks for the item (`features`), scaled, beside what a small network makes of it; W and b weigh it.
Trained with binary cross-entropy. What is drawn to be learnt from (all that was taken, some that was not)
weighs as much as what it was drawn from, so that chances are chances of the log, for shoppers of whom as much
is known: how many of each kind there are is not weighed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.recommender.features import FEATURES, GROUP_OF, GROUPS, MADE_FOR

if TYPE_CHECKING:
    from core.recommender.network import Network

#: Scaled features beyond this are cut.
MOST = 6.0
#: Pairs of which a loss is told, evenly spaced among all.
MEASURED = 100_000
#: Deviations of features from here on are of rounding alone.
_NO_SPREAD = 2e-6
#: Pairs that go through the network at a time: few enough for the processor's cache.
_BLOCK = 8_192


@dataclass(frozen=True)
class ScorerOptions:
    """How a scorer is trained."""

    epochs: int = 6
    batch: int = 2_048
    width: int = 64
    rate: float = 3e-3
    decay: float = 0.1
    dropout: float = 0.1
    seed: int = 0
    without: tuple[str, ...] = ()  # GROUPS that it does not see


@dataclass(frozen=True, eq=False)
class Examples:
    """Pairs of somebody and an item, of some moments."""

    features: np.ndarray  # float32[pairs, FEATURES]
    taken: np.ndarray  # float32[pairs], 1 where it was taken
    weight: np.ndarray  # float32[pairs], pairs that each stands for

    @classmethod
    def join(cls, parts: list[Examples]) -> Examples:
        """All of several."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def some(self, most: int, seed: int) -> Examples:
        """At most so many of the pairs, drawn by the seed."""
        if len(self.taken) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).permutation(len(self.taken))[:most])
        return Examples(self.features[rows], self.taken[rows], self.weight[rows])


@dataclass(frozen=True, eq=False)
class Scorer:
    """A trained network with the scale of its features."""

    network: Network
    middle: np.ndarray  # float32[FEATURES]
    spread: np.ndarray  # float32[FEATURES]
    options: ScorerOptions
    #: One an epoch, from 0 (before any): epoch, and the loss of what was learnt and of what was held out.
    curve: tuple[dict[str, float], ...] = ()

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Features as the network sees them: 0 is usual, groups left out are always so."""
        out = np.clip((features - self.middle) / self.spread, -MOST, MOST)
        return np.asarray(out * self.seen, np.float32)

    @property
    def seen(self) -> np.ndarray:
        """1 for features that it sees, 0 for those of groups left out and for those that were the same in all
        that it learnt from, of which its weights know nothing: float32[FEATURES].
        """
        return (~_of_groups(self.options.without) & (self.spread > _NO_SPREAD)).astype(np.float32)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """W·h + b of pairs: float32[pairs, FEATURES] → float32[pairs]."""
        return self.of_scaled(self.scaled(features))

    def of_scaled(self, scaled: np.ndarray) -> np.ndarray:
        """The same of features that are scaled already. In numpy: for the few pairs of one list, torch's
        threads wait for each other longer than they work.
        """
        if len(scaled) > _BLOCK:
            parts = [self.of_scaled(scaled[low : low + _BLOCK]) for low in range(0, len(scaled), _BLOCK)]
            return np.concatenate(parts)
        first, second, out = self._layers
        inside = _silu(_silu(scaled @ first[0] + first[1]) @ second[0] + second[1])
        width = scaled.shape[1]
        return np.asarray(scaled @ out[0][:width] + inside @ out[0][width:] + out[1], np.float32)[:, 0]

    @cached_property
    def _layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights, as float32[in, out], and biases."""
        kept = {name: value.detach().numpy() for name, value in self.network.state_dict().items()}
        return [
            (np.ascontiguousarray(kept[f"{name}.weight"].T), kept[f"{name}.bias"])
            for name in ("first", "rest.2", "out")
        ]

    def logits_varied(self, scaled: np.ndarray, of: np.ndarray, varied: dict[str, np.ndarray]) -> np.ndarray:
        """W·h + b of pairs that differ from others in some features alone: float32[pairs].

        `scaled` float32[others, FEATURES] are those others, `of` int[pairs] which of them each pair is like,
        and `varied` the features of the pairs that differ, as they are before scaling, float32[pairs] each.
        The first layer is linear, so that what does not differ goes through it once.
        """
        import torch

        network, names = self.network, list(FEATURES)
        at = [names.index(name) for name in varied]
        fixed = torch.from_numpy(scaled.copy())
        fixed[:, at] = 0
        its = np.stack(list(varied.values()), axis=1)
        its = np.clip((its - self.middle[at]) / self.spread[at], -MOST, MOST).astype(np.float32)
        its[:, self.seen[at] == 0] = 0
        weight, like, own = network.out.weight[0], torch.from_numpy(of), torch.from_numpy(its)
        with torch.inference_mode():
            below, plain = network.first(fixed), fixed @ weight[: len(names)] + network.out.bias
            out = torch.empty(of.size)
            for low in range(0, of.size, _BLOCK):
                some = slice(low, low + _BLOCK)
                hidden = torch.addmm(below[like[some]], own[some], network.first.weight[:, at].T)
                out[some] = (
                    plain[like[some]] + own[some] @ weight[at] + network.rest(hidden) @ weight[len(names) :]
                )
        return np.asarray(out.numpy())

    def to_bytes(self) -> bytes:
        """The scorer as a file."""
        from core.recommender.network import as_file

        return as_file([self.network], self.middle, self.spread, self.options, MADE_FOR)

    @classmethod
    def from_bytes(cls, data: bytes) -> Scorer:
        """A scorer from its file; raises `ValueError` for one that was made for other features."""
        from core.recommender.network import Network, from_file

        kept, words = from_file(data, MADE_FOR)
        options = ScorerOptions(**words)
        network = Network(len(FEATURES), options.width, options.dropout)
        network.load_state_dict(kept["networks"][0])
        return cls(network.eval(), kept["middle"].numpy(), kept["spread"].numpy(), options)


def _silu(values: np.ndarray) -> np.ndarray:
    """X · σ(x)."""
    return np.asarray(values / (1 + np.exp(-values)))


def fit(examples: Examples, options: ScorerOptions, held_out: Examples | None = None) -> Scorer:
    """Train a scorer: AdamW, one cycle of the learning rate; the same seed gives the same scorer.

    With examples that are held out it carries its curve; they change nothing of what is learnt.
    """
    import torch
    from torch import nn

    from core.recommender.network import one_thread

    middle, spread = _scale(examples)
    scorer = Scorer(_network(options, examples), middle, spread, options)
    network = scorer.network
    inputs = torch.from_numpy(scorer.scaled(examples.features))
    taken = torch.from_numpy(examples.taken)
    weight = torch.from_numpy(examples.weight / examples.weight.mean())
    generator = torch.Generator().manual_seed(options.seed)
    batches = -(-len(taken) // options.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.epochs * batches)
    watched = {"learning": examples, "validation": held_out} if held_out is not None else {}
    curve = [_losses(scorer, 0, watched)]
    network.train()
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(options.seed)
        for epoch in range(options.epochs):
            order = torch.randperm(len(taken), generator=generator)
            for some in order.split(options.batch):  # type: ignore[no-untyped-call]
                loss = nn.functional.binary_cross_entropy_with_logits(
                    network(inputs[some]), taken[some], weight[some]
                )
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                cycle.step()
            curve.append(_losses(scorer, epoch + 1, watched))
    network.eval()
    return replace(scorer, curve=tuple(curve) if watched else ())


def _losses(scorer: Scorer, epoch: int, watched: Mapping[str, Examples | None]) -> dict[str, float]:
    """The mean binary cross-entropy of a pair of some examples, as it is with nothing dropped out."""
    import torch

    found = {"epoch": float(epoch)}
    scorer.network.eval()
    for name, its in watched.items():
        assert its is not None
        rows = np.linspace(0, len(its.taken) - 1, min(MEASURED, len(its.taken))).astype(np.int64)
        taken, weight = its.taken[rows], its.weight[rows]
        with torch.inference_mode():  # not as lists are scored, which keeps the weights that it has seen
            logits = scorer.network(torch.from_numpy(scorer.scaled(its.features[rows]))).numpy()
        each = np.logaddexp(0, logits.astype(np.float64)) - taken * logits
        found[name] = float((each * weight).sum() / weight.sum())
    scorer.network.train()
    return found


def _network(options: ScorerOptions, examples: Examples) -> Network:
    import torch

    from core.recommender.network import Network

    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        network = Network(examples.features.shape[1], options.width, options.dropout)
    share = float((examples.taken * examples.weight).sum() / examples.weight.sum())
    torch.nn.init.constant_(network.out.bias, float(np.log(share / (1 - share))))
    return network


def _scale(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of features where what was taken and what was not weigh the same."""
    taken = examples.taken > 0
    weight = examples.weight.astype(np.float64)
    weight = np.where(taken, weight / weight[taken].sum(), weight / weight[~taken].sum())
    middle = np.average(examples.features, axis=0, weights=weight)
    spread = np.sqrt(np.average((examples.features - middle) ** 2, axis=0, weights=weight))
    return middle.astype(np.float32), (spread + _NO_SPREAD / 2).astype(np.float32)


def _of_groups(groups: tuple[str, ...]) -> np.ndarray:
    """Which features belong to some groups: bool[FEATURES]."""
    return np.isin(GROUP_OF, [list(GROUPS).index(group) for group in groups])
