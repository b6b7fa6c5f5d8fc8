"""How good tuned vectors are: the whole catalogue ranked by cosine, and the next category told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import CartscapeError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

#: Length of the lists that are judged.
CUT = 10
#: Rows that are ranked at a time.
_BLOCK = 512


def ranks(anchors: Floats, catalogue: Floats, labels: Ints, known: Ints) -> Ints:
    """The place of each pair's item among the whole catalogue, 1 for the first: int64[n].

    `anchors` is float[n, dim] and `catalogue` float[items, dim], of length 1. What the anchor tells of
    (`known`, int[n, k], −1 for none) is not recommended. Of equals, the item wanted comes last.
    Raises `CartscapeError` for vectors that are no numbers.
    """
    if not (np.isfinite(anchors).all() and np.isfinite(catalogue).all()):
        raise CartscapeError("Training went astray: its vectors are no numbers. Try a lower rate=.")
    blocks = (anchors[at : at + _BLOCK] @ catalogue.T for at in range(0, len(anchors), _BLOCK))
    return _places(blocks, labels, known)


def ranks_by(score: Floats, labels: Ints, known: Ints) -> Ints:
    """As `ranks`, where everybody gets the same list: `score` is float[items]."""
    blocks = (
        np.repeat(score[None], min(_BLOCK, len(labels) - at), 0) for at in range(0, len(labels), _BLOCK)
    )
    return _places(blocks, labels, known)


def _places(blocks: Iterable[Floats], labels: Ints, known: Ints) -> Ints:
    out = np.empty(len(labels), np.int64)
    at = 0
    for scores in blocks:
        rows = slice(at, at + len(scores))
        own = scores[np.arange(len(scores)), labels[rows]]
        row, column = np.nonzero(known[rows] >= 0)
        scores[row, known[rows][row, column]] = -np.inf
        # The item wanted counts itself, unless the anchor tells of it, and it can come nowhere.
        out[rows] = np.where(
            (labels[rows, None] == known[rows]).any(1), scores.shape[1], (scores >= own[:, None]).sum(1)
        )
        at += len(scores)
    return out


def ranking(places: Ints) -> dict[str, float]:
    """hr@10, ndcg@10 (one item is wanted, so the best is 1) and mrr over the whole ranking."""
    near = places <= CUT
    return {
        f"hr@{CUT}": float(near.mean()),
        f"ndcg@{CUT}": float(np.where(near, 1 / np.log2(places + 1.0), 0).mean()),
        "mrr": float((1 / places).mean()),
    }


def report(truth: Ints, told: Ints, names: tuple[str, ...]) -> dict[str, Any]:
    """scikit-learn's classification report: precision, recall, f1-score and support by class."""
    from sklearn.metrics import classification_report

    labels = np.arange(len(names))
    found: dict[str, Any] = classification_report(
        truth, told, labels=labels, target_names=list(names), output_dict=True, zero_division=0
    )
    # With every class named, scikit-learn calls the share of right ones the micro average.
    right = float((truth == told).mean())
    found = {name: row for name, row in found.items() if name not in ("micro avg", "accuracy")}
    rounded = {name: {k: round(float(v), 4) for k, v in row.items()} for name, row in found.items()}
    return {"accuracy": round(right, 4), **rounded}


def probe(train: Floats, classes: Ints, test: Floats) -> Ints:
    """Classes told by a linear model of the vectors alone, by which encoders are compared: int64[test]."""
    from sklearn.linear_model import LogisticRegression

    if np.unique(classes).size < 2:
        return np.full(len(test), classes[0])
    return np.asarray(LogisticRegression(C=10, max_iter=300).fit(train, classes).predict(test), np.int64)
