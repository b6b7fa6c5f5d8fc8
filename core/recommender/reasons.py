"""Why an item stands where it does: the share of each group of features in its score, which sum to it."""

from __future__ import annotations

from math import factorial

import numpy as np
import torch

from core.recommender.features import GROUP_OF, GROUPS
from core.recommender.scorer import Scorer

#: Groups that can be reasons: how much is known of somebody is the same for every item.
REASONS = {name: words for name, words in GROUPS.items() if name != "shopper"}


def shapley(scorer: Scorer, scaled: np.ndarray) -> tuple[np.ndarray, float]:
    """What each group of features adds to W·h + b: float64[pairs, REASONS], and the score that an item has
    for the same person where all about it is as usual; float32[pairs, FEATURES] scaled, all of one person.

    Exact Shapley values over all sets of groups, one outside a set being as usual (0). A row's values and the
    usual score sum to the row's score. Source: Lundberg, Lee, "A unified approach to interpreting model
    predictions".
    """
    groups = len(REASONS)
    with torch.inference_mode():
        worth = _of_sets(scorer, torch.from_numpy(scaled), _sets(groups)).numpy().astype(np.float64)
    sets = np.arange(2**groups)
    size = np.array([int(s).bit_count() for s in sets])
    weight = np.array([factorial(k) * factorial(groups - k - 1) for k in range(groups)]) / factorial(groups)
    out = np.empty((len(scaled), groups))
    for group in range(groups):
        without = sets[(sets >> group & 1) == 0]
        gain = worth[without | 1 << group] - worth[without]
        out[:, group] = weight[size[without]] @ gain
    return out, float(worth[0, 0]) if len(scaled) else 0.0


def _sets(groups: int) -> torch.Tensor:
    """Whether each set holds each group: float32[sets, groups]."""
    return torch.from_numpy((np.arange(2**groups)[:, None] >> np.arange(groups) & 1).astype(np.float32))


def _of_sets(scorer: Scorer, scaled: torch.Tensor, sets: torch.Tensor) -> torch.Tensor:
    """The scores with the features of each set alone: float32[sets, pairs].

    The first layer is linear, so that each group's part of it is worked out once.
    """
    network = scorer.network
    names = list(GROUPS)
    first, rest, out = network.first, network.rest, network.out
    features = scaled.shape[1]
    of_group = torch.from_numpy(GROUP_OF[:, None] == [names.index(name) for name in REASONS])
    alone = scaled * torch.from_numpy(names.index("shopper") == GROUP_OF)
    parts = scaled[:, None, :] * of_group.T.float()  # [pairs, groups, features]
    hidden = torch.einsum("sg,pgh->sph", sets, parts @ first.weight.T) + first(alone)
    plain = torch.einsum("sg,pg->sp", sets, parts @ out.weight[0, :features])
    plain = plain + alone @ out.weight[0, :features]
    return plain + rest(hidden) @ out.weight[0, features:] + out.bias


def words_of(shares: np.ndarray, most: int = 2) -> str:
    """The groups that speak most for an item, in words: float[REASONS] as `shapley` gives them."""
    order = np.argsort(-shares)
    names = [list(REASONS.values())[group] for group in order[:most] if shares[group] > 0]
    return ", ".join(names) if names else "nothing speaks for it; others have more against them"
