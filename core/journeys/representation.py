"""h of a path: its parts at one scale, weighed, and reduced to the directions in which paths differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.journeys.parts import PARTS, Part

#: Directions kept of h: neighbours are sought among these.
DIMENSIONS = 48

Weights = Mapping[str, float]  # part → how much it counts; 0 leaves it out


@dataclass(frozen=True)
class Scale:
    """What brings one part to its scale: over the paths that it was fitted to, its columns have mean 0 and
    its rows a mean squared length of 1, shared by its blocks as they ask.
    """

    mean: np.ndarray  # float32[columns]
    factor: np.ndarray  # float32[columns]; 0 where nothing varies

    @classmethod
    def fit(cls, part: Part) -> Scale:
        values = part.values.astype(np.float64)
        mean, variance = values.mean(axis=0), values.var(axis=0)
        factor = np.zeros(mean.size)
        low, shares = 0, 0.0
        for block in part.blocks:
            its = slice(low, low + block.columns)
            low += block.columns
            varies = variance[its] > 1e-12
            if not varies.any():
                continue
            shares += block.share
            if block.alike:
                factor[its] = np.where(varies, np.sqrt(block.share / variance[its].sum()), 0)
            else:
                spread = np.where(varies, variance[its], 1)
                factor[its] = np.where(varies, np.sqrt(block.share / varies.sum() / spread), 0)
        if shares:
            factor /= np.sqrt(shares)
        return cls(mean.astype(np.float32), factor.astype(np.float32))

    def of(self, part: Part) -> np.ndarray:
        """The part at its scale: float32[paths, columns]."""
        return (part.values - self.mean) * self.factor


@dataclass(frozen=True)
class Representation:
    """Parts → h: float32[paths, dimensions]."""

    scales: tuple[Scale, ...]
    weights: tuple[float, ...]
    axes: np.ndarray  # float32[columns of all parts, dimensions]; orthonormal

    @classmethod
    def fit(cls, parts: Sequence[Part], weights: Weights) -> Representation:
        """Fitted to some paths; `parts` are in the order of PARTS.

        Principal components of the weighed parts: the DIMENSIONS directions of most variance.
        """
        scales = tuple(map(Scale.fit, parts))
        shares = tuple(float(weights.get(name, 1.0)) for name in PARTS)
        joined = _joined(scales, shares, parts)
        _, vectors = np.linalg.eigh(
            np.cov(joined, rowvar=False, dtype=np.float64).reshape(joined.shape[1], -1)
        )
        axes = vectors[:, ::-1][:, :DIMENSIONS]
        # A direction and its opposite are equally good: the largest entry decides, so that pictures stay.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return cls(scales, shares, np.ascontiguousarray(axes, np.float32))

    def of(self, parts: Sequence[Part]) -> np.ndarray:
        """H of paths, of the fitted or others: float32[paths, dimensions]."""
        return self.joined(parts) @ self.axes

    def joined(self, parts: Sequence[Part]) -> np.ndarray:
        """The weighed parts side by side, before they are reduced: float32[paths, columns of all parts]."""
        return _joined(self.scales, self.weights, parts)


def _joined(scales: Sequence[Scale], weights: Sequence[float], parts: Sequence[Part]) -> np.ndarray:
    # The square root, so that weights are shares of squared distance.
    return np.concatenate(
        [np.float32(np.sqrt(w)) * s.of(p) for s, w, p in zip(scales, weights, parts, strict=True)], axis=1
    )
