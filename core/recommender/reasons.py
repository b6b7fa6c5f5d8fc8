"""Why an item stands where it does: the share of each group of features in its score, which sum to it."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from core.recommender.features import GROUP_OF, GROUPS

if TYPE_CHECKING:
    import torch

    from core.recommender.network import Network
    from core.recommender.scorer import Scorer

#: What adds less than this share of what adds most is no reason.
TELLING = 0.25
#: Groups that can be reasons: how much is known of somebody is the same for every item.
REASONS = {name: words for name, words in GROUPS.items() if name != "shopper"}


def shapley(scorer: Scorer, scaled: np.ndarray) -> tuple[np.ndarray, float]:
    """What each group of features adds to W·h + b: float64[pairs, REASONS], and the score that an item has
    for the same person where all about it is as usual; float32[pairs, FEATURES] scaled, all of one person.

    Exact Shapley values over all sets of groups, one outside a set being as usual (0). A row's values and the
    usual score sum to the row's score. Source: Lundberg, Lee, "A unified approach to interpreting model
    predictions".
    """
    return shares_of_groups([scorer.network], scaled, _members())


def shares_of_groups(
    networks: Sequence[Network], scaled: np.ndarray, of_group: np.ndarray
) -> tuple[np.ndarray, float]:
    """The same of the mean of networks and any groups, bool[groups, features]: the values of a mean are the
    mean of the values. A group that is as usual in every row adds nothing and needs no sets (a null player).
    """
    speaking = of_group[:, (scaled != 0).any(axis=0)].any(axis=1)
    worth = np.stack([worth_of_sets(network, scaled, of_group[speaking]) for network in networks])
    shares = np.zeros((len(scaled), len(of_group)))
    shares[:, speaking], usual = shares_of(worth.mean(axis=0))
    return shares, usual


def shares_of(worth: np.ndarray) -> tuple[np.ndarray, float]:
    """Exact Shapley values from the worth of every set of groups, float[2**groups, pairs], sets as bits:
    float64[pairs, groups], and the worth of no group.
    """
    worth = worth.astype(np.float64)
    groups = len(worth).bit_length() - 1
    sets = np.arange(2**groups)
    size, weight = _sizes(sets), _weights(groups)
    out = np.empty((worth.shape[1], groups))
    for group in range(groups):
        without = sets[(sets >> group & 1) == 0]
        gain = worth[without | 1 << group] - worth[without]
        out[:, group] = weight[size[without]] @ gain
    return out, float(worth[0, 0]) if worth.shape[1] else 0.0


def worth_of_sets(network: Network, scaled: np.ndarray, of_group: np.ndarray) -> np.ndarray:
    """The scores with the features of each set of groups alone: float32[2**groups, pairs]; `of_group` is
    bool[groups, features], and features of no group are in every set.

    The first layer is linear, so that each group's part of it is worked out once.
    """
    import torch

    from core.recommender.network import one_thread

    with one_thread(), torch.inference_mode():
        its = torch.from_numpy(np.ascontiguousarray(scaled))
        return np.asarray(_worth(network, its, of_group).numpy())


def share_of(scorer: Scorer, scaled: torch.Tensor, group: str) -> torch.Tensor:
    """What one of REASONS adds, as `shapley` tells it, of a tensor that it can be differentiated by:
    float32[pairs, FEATURES] scaled → float32[pairs].
    """
    import torch

    names = list(REASONS)
    at = names.index(group)
    sets = np.arange(2 ** len(names))
    without = sets[(sets >> at & 1) == 0]
    weight = torch.from_numpy(_weights(len(names))[_sizes(without)].astype(np.float32))
    worth = _worth(scorer.network, scaled, _members())
    return weight @ (worth[without | 1 << at] - worth[without])


def _worth(network: Network, its: torch.Tensor, of_group: np.ndarray) -> torch.Tensor:
    import torch

    groups, features = of_group.shape
    first, rest, out = network.first, network.rest, network.out
    sets = _sets(groups)
    alone = its * torch.from_numpy(~of_group.any(axis=0))
    parts = its[:, None, :] * torch.from_numpy(of_group.astype(np.float32))  # [pairs, groups, features]
    hidden = torch.einsum("sg,pgh->sph", sets, parts @ first.weight.T) + first(alone)
    plain = torch.einsum("sg,pg->sp", sets, parts @ out.weight[0, :features])
    plain = plain + alone @ out.weight[0, :features]
    worth: torch.Tensor = plain + rest(hidden) @ out.weight[0, features:] + out.bias
    return worth


def _members() -> np.ndarray:
    """Which features each of REASONS has: bool[REASONS, FEATURES]."""
    names = list(GROUPS)
    return np.asarray(np.array([names.index(name) for name in REASONS])[:, None] == GROUP_OF)


def _sizes(sets: np.ndarray) -> np.ndarray:
    """How many groups each set has."""
    return np.array([int(s).bit_count() for s in sets])


def _weights(groups: int) -> np.ndarray:
    """Shapley's weight of a set without a group, by the set's size: float64[groups]."""
    return np.array([factorial(k) * factorial(groups - k - 1) for k in range(groups)]) / factorial(groups)


def _sets(groups: int) -> torch.Tensor:
    """Whether each set holds each group: float32[sets, groups]."""
    import torch

    return torch.from_numpy((np.arange(2**groups)[:, None] >> np.arange(groups) & 1).astype(np.float32))


def words_of(shares: np.ndarray, words: Sequence[str] = tuple(REASONS.values()), most: int = 2) -> str:
    """The groups that speak most for an item: float[groups] as `shapley` gives them, and their words."""
    order = np.argsort(-shares)
    names = [words[g] for g in order[:most] if shares[g] > 0 and shares[g] >= TELLING * shares[order[0]]]
    return ", ".join(names) if names else "nothing speaks for it; others have more against them"
