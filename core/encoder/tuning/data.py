"""What a tuning learns from: pairs of texts, parted by time, and texts without labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """What shoppers had done before a moment, and what they took next."""

    anchors: np.ndarray  # object[n], text of the last things that a shopper did
    labels: np.ndarray  # int64[n], row in the catalogue of what was taken next
    known: np.ndarray  # int64[n, k], rows in the catalogue of what the anchor tells of; −1 for none
    groups: np.ndarray  # int64[n], shopper; what the same one took is never held against a pair
    classes: (
        np.ndarray
    )  # int64[n], category of what was taken next, as a number of `class_names`; −1 for none

    def __len__(self) -> int:
        return self.labels.size

    def only(self, rows: np.ndarray) -> Pairs:
        """Some of them: int64[rows]."""
        return Pairs(
            self.anchors[rows], self.labels[rows], self.known[rows], self.groups[rows], self.classes[rows]
        )


@dataclass(frozen=True, eq=False)
class TuningData:
    """Train, validation and test pairs, each later than the one before, over one catalogue."""

    catalogue: np.ndarray  # object[items], distinct texts, among which the next is to be found
    class_names: tuple[str, ...]  # empty where the log has no categories
    train: Pairs
    validation: Pairs
    test: Pairs
    unlabelled: np.ndarray  # object[texts], for masked-language adaptation

    def digest(self) -> str:
        """32 hex characters that change with anything of it."""
        whole = hashlib.sha256()
        for texts in (self.catalogue, np.array(self.class_names, object), self.unlabelled):
            whole.update("\0".join(texts.tolist()).encode("utf-8", "replace") + b"\1")
        for part in (self.train, self.validation, self.test):
            whole.update("\0".join(part.anchors.tolist()).encode("utf-8", "replace") + b"\1")
            for numbers in (part.labels, part.known, part.groups, part.classes):
                whole.update(np.ascontiguousarray(numbers, np.int64).tobytes() + b"\1")
        return whole.hexdigest()[:32]
