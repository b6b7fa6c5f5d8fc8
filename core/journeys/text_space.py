"""A log's text vectors, reduced to the directions in which its own texts differ."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.encoder import Vectors
from core.errors import CartscapeError
from core.journeys.texts import LogTexts

#: Directions kept.
DIRECTIONS = 48


class NotEncoded(CartscapeError):  # noqa: N818
    """Some texts that a question needs have no vectors yet."""

    def __init__(self, missing: int, of: int, store_path: str) -> None:
        self.missing, self.of = missing, of
        super().__init__(
            f"{missing:,} of the {of:,} texts that these paths are about are not encoded yet; "
            f"run: python -m core encode --store {store_path}"
        )


@dataclass
class TextSpace:
    """The reduced vectors of a log's texts, worked out for those that are asked for.

    Fitted to some texts by how often they occur: around their mean, which all texts of a shop share and
    which would hide what sets them apart, in their DIRECTIONS principal directions, at length 1. Source:
    Mu, Viswanath, "All-but-the-top: simple and effective postprocessing for word representations", of
    which the mean is taken and the first directions are kept.
    """

    texts: LogTexts
    vectors: Vectors
    store_path: str
    mean: np.ndarray | None = None  # float32[dim]
    axes: np.ndarray | None = None  # float32[dim, d]
    reduced: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.float32))  # float32[texts, d]
    there: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # bool[texts]

    def fit(self, rows: np.ndarray) -> None:
        """Fit to the texts of some events: int[events], −1 for none. Raises `NotEncoded`."""
        count = np.bincount(rows[rows >= 0], minlength=self.texts.texts.size)
        used = np.flatnonzero(count)
        self.there = np.zeros(count.size, bool)
        if not used.size:
            self.reduced = np.zeros((count.size, 1), np.float32)
            self.there[:] = True
            return
        found = self._kept(used)
        weight = count[used] / count.sum()
        self.mean = np.average(found, axis=0, weights=weight).astype(np.float32)
        centred = found - self.mean
        covariance = (centred * weight[:, None].astype(np.float32)).T @ centred
        _, axes = np.linalg.eigh(covariance.astype(np.float64))
        axes = axes[:, ::-1][:, :DIRECTIONS]
        # Of a direction and its opposite, the one whose largest entry is positive: pictures stay as they are.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        self.axes = axes.astype(np.float32)
        self.reduced = np.zeros((count.size, self.axes.shape[1]), np.float32)
        self._put(used, found)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The reduced vectors, those of the texts of these events among them: float32[texts, d].

        Raises `NotEncoded` where some of them have no vector.
        """
        used = np.unique(rows[rows >= 0])
        new = used[~self.there[used]]
        if new.size:
            self._put(new, self._kept(new))
        return self.reduced

    def _put(self, at: np.ndarray, found: np.ndarray) -> None:
        assert self.mean is not None and self.axes is not None
        out = (found - self.mean) @ self.axes
        length = np.linalg.norm(out, axis=1, keepdims=True)
        self.reduced[at] = out / np.where(length > 1e-6, length, 1)
        self.there[at] = True

    def _kept(self, at: np.ndarray) -> np.ndarray:
        """Vectors that were made before: float32[at, dim]."""
        wanted = self.texts.texts[at]
        missing = int((~self.vectors.known(wanted)).sum())
        if missing:
            raise NotEncoded(missing, at.size, self.store_path)
        return np.asarray(self.vectors.of(wanted), np.float32)
