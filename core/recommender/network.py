"""The network that scorers are made of, and its file.

Imported where it is worked with: PyTorch takes seconds to import, and most questions need none.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn


class Network(nn.Module):
    """Scaled features, float32[pairs, FEATURES] → logits, float32[pairs]."""

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(features, width)
        self.rest = nn.Sequential(
            nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout)
        )
        self.out = nn.Linear(features + width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """The logits: W·h + b, h = scaled ⊕ what two layers make of it."""
        logits: torch.Tensor = self.out(torch.cat([scaled, self.rest(self.first(scaled))], -1)).squeeze(-1)
        return logits


@contextmanager
def one_thread() -> Iterator[None]:
    """Within: PyTorch keeps to one core. With so little to do at a time its threads mostly wait for each
    other, many times as long as they work where somebody else wants the cores too.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def as_file(
    networks: Sequence[nn.Module], middle: np.ndarray, spread: np.ndarray, options: Any, features: list[str]
) -> bytes:
    """Networks with the scale and names of their features and their options, a dataclass, as a file."""
    out = io.BytesIO()
    kept = {
        "networks": [network.state_dict() for network in networks],
        "middle": torch.from_numpy(middle), "spread": torch.from_numpy(spread),
        "options": json.dumps(asdict(options)), "features": features,
    }  # fmt: skip
    torch.save(kept, out)
    return out.getvalue()


def from_file(data: bytes, features: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `as_file` kept, and the options as keywords; raises `ValueError` where it is of other features."""
    kept: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
    if kept["features"] != features:
        raise ValueError("features")
    words = json.loads(kept["options"])
    return kept, words | {"without": tuple(words["without"])}
