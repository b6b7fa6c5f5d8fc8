"""What a model made smaller is worth: speed, size on disk and loss of quality, side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core.encoder import hardware
from core.encoder.bert import is_lean
from core.encoder.card import ModelCard, read_card
from core.encoder.compress import eighth, halved, is_whole, weight_bytes
from core.encoder.encoder import Encoder
from core.encoder.tuning.data import TuningData
from core.encoder.tuning.measure import ranking, ranks
from core.encoder.tuning.options import NEAREST, CompressOptions, TuneOptions
from core.encoder.tuning.training import Stop, Told
from core.encoder.tuning.tune import tune

#: Rounds over all variants in turn, so that a slow minute of the machine is everybody's.
_ROUNDS = 3
#: Texts that warm a variant up.
_WARM = 64

SCHEMA = pa.schema(
    [
        ("variant", pa.string()), ("model", pa.string()), ("precision", pa.string()), ("mib", pa.float64()),
        ("texts_a_second", pa.float64()), ("texts_a_cpu_second", pa.float64()), ("cosine", pa.float64()),
        ("cosine_least", pa.float64()), ("same_nearest", pa.float64()), ("hr@10", pa.float64()),
        ("ndcg@10", pa.float64()), ("mrr", pa.float64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """One model and how precisely it computes."""

    name: str
    card: ModelCard
    precision: str


def compress(
    card: ModelCard,
    data: TuningData,
    options: CompressOptions,
    tuning: TuneOptions,
    folder: Path,
    told: Told,
    stop: Stop,
) -> pa.Table | None:
    """Make the smaller models of one in `folder`, and measure each beside it; None where `stop` ended it.

    Columns of a row, one a variant: model (the folder, for CARTSCAPE_MODEL), precision (for
    CARTSCAPE_PRECISION), mib of weights on disk, texts a second by the clock and by the processor's time, the
    mean and least cosine to the model's own vectors in fp32 over the catalogue, the share of each item's ten
    nearest that are the same, and the rankings of the test pairs. What is made already is measured again.
    """
    told(0.0, "writing smaller weights")
    variants = _variants(card, folder)
    if options.distil:
        made = tune(card, data, replace(tuning, method="distil"), folder, lambda d, s: told(d * 0.7, s), stop)
        if made is None:
            return None
        small = read_card("distilled", Path(made["model"]))
        variants += [Variant("distilled", small, precision) for precision in _precisions()]
        if is_lean(small):
            variants.append(Variant("distilled, int8", read_card("int8", eighth(small, folder)), "int8"))
    told(0.75, "measuring")
    return pa.Table.from_pylist(_measured(variants, data, options.texts, told), SCHEMA)


def _precisions() -> list[str]:
    usual = hardware.choose_precision("cpu")
    return list(dict.fromkeys(["fp32", usual if usual != "int8" else "bf16"]))


def _variants(card: ModelCard, folder: Path) -> list[Variant]:
    found = [Variant("as it is", card, precision) for precision in _precisions()]
    if is_whole(card.folder):
        half = read_card("half", halved(card, folder))
        found.append(Variant("half precision", half, _precisions()[-1]))
    if is_lean(card) and hardware.has_fused_layers("int8"):
        found.append(Variant("int8, as it computes", card, "int8"))
        found += [
            Variant("int8", read_card("int8", eighth(card, folder)), precision)
            for precision in (_precisions()[-1], "int8")
        ]
    return found


def _measured(variants: list[Variant], data: TuningData, most: int, told: Told) -> list[dict[str, Any]]:
    texts = data.catalogue[:most]
    encoders = [Encoder(one.card, one.precision) for one in variants]
    seconds = np.full((len(variants), _ROUNDS, 2), np.nan)
    vectors: list[np.ndarray] = [np.empty(0)] * len(variants)
    for turn in range(_ROUNDS):
        for at, encoder in enumerate(encoders):
            told(0.75 + 0.25 * (turn + at / len(encoders)) / _ROUNDS, f"measuring {variants[at].name}")
            encoder.encode(texts[:_WARM])
            began = time.perf_counter(), time.process_time()
            vectors[at] = encoder.encode(texts)
            seconds[at, turn] = time.perf_counter() - began[0], time.process_time() - began[1]
    wall, cpu = np.median(seconds, axis=1).T
    right = _of_length_1(vectors[0])
    near = nearest(right)
    rows = []
    for at, (one, encoder) in enumerate(zip(variants, encoders, strict=True)):
        found = _of_length_1(vectors[at])
        cosines = (found * right).sum(1)
        rest = encoder.encode(data.catalogue[most:])
        items = np.concatenate([found, _of_length_1(rest)]) if len(rest) else found
        anchors = _of_length_1(encoder.encode(data.test.anchors))
        same = [np.intersect1d(a, b).size / NEAREST for a, b in zip(nearest(found), near, strict=True)]
        rows.append(
            {
                "variant": one.name, "model": str(one.card.folder), "precision": one.precision,
                "mib": weight_bytes(one.card.folder) / 2**20, "texts_a_second": len(texts) / wall[at],
                "texts_a_cpu_second": len(texts) / cpu[at], "cosine": float(cosines.mean()),
                "cosine_least": float(cosines.min()), "same_nearest": float(np.mean(same)),
                **ranking(ranks(anchors, items, data.test.labels, data.test.known)),
            }
        )  # fmt: skip
    return rows


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def nearest(vectors: np.ndarray) -> np.ndarray:
    """Numbers of the ten nearest others of each, by cosine: int64[n, 10], in no order."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return np.argpartition(-similar, NEAREST, axis=1)[:, :NEAREST]
