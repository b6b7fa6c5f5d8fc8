"""Times encoding beside sentence-transformers and the textbook's loop; prints JSON.

`python -m tests.bench.encoding TITLES RUNS`, where TITLES is a Parquet file with a column of titles
(`Description` or `title`) or a store with items. All engines get the same ten thousand texts, no two of
them equal, so that finding equal ones helps nobody: the distinct titles as written, and as many of them
again in title case and in lower case as are wanting. The tokenizer makes the same tokens of all three.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.encoder import Encoder, Vectors
from core.encoder.card import ModelCard, find_card
from core.encoder.tokens import BulkTokenizer
from core.settings import settings
from core.store import Store

if TYPE_CHECKING:
    import torch

TEXTS = 10_000
#: Texts of the textbook's loop, whose time is scaled to all of them: it would take minutes.
TEXTBOOK = 512
LOOKED_UP = 1_000_000

#: Multiplications and additions a second of a card in dense bf16, by its maker's data sheet.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12}


def lines_of(path: Path) -> list[str]:
    """Titles as they occur, line by line."""
    table = Store.open(path).table("items") if path.is_dir() else pq.read_table(path)
    name = next(name for name in ("Description", "title") if name in table.column_names)
    found: list[str] = [title for title in table[name].cast(pa.string()).to_pylist() if title]
    return found


def distinct_texts(lines: list[str], count: int) -> tuple[list[str], int]:
    """Texts no two of which are equal, and how many of them are distinct titles as written."""
    titles = list(dict.fromkeys(lines))[:count]
    spelt = dict.fromkeys(
        [*titles, *(title.title() for title in titles), *(title.lower() for title in titles)]
    )
    return list(spelt)[:count], len(titles)


def textbook(folder: Path, texts: list[str]) -> float:
    """The loop of every tutorial: batches of 16, padded to 128 tokens, with a mask, in fp32."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    began = time.perf_counter()
    for at in range(0, len(texts), 16):
        given = tokenizer(
            texts[at : at + 16], padding="max_length", truncation=True, max_length=128, return_tensors="pt"
        )
        with torch.no_grad():
            states = model(**given).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1)
        torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1).numpy()
    return time.perf_counter() - began


def peer(folder: Path, dtype: torch.dtype | None) -> Callable[[list[str]], np.ndarray]:
    """sentence-transformers, as it comes or in another precision."""
    from sentence_transformers import SentenceTransformer

    words: dict[str, Any] = {"model_kwargs": {"dtype": dtype}} if dtype else {}
    model = SentenceTransformer(str(folder), local_files_only=True, **words)
    return lambda texts: np.asarray(model.encode(texts, show_progress_bar=False), np.float32)


def ours(precision: str) -> Encoder:
    """Our encoder in a precision."""
    os.environ["CARTSCAPE_PRECISION"] = precision
    settings.cache_clear()
    encoder = Encoder(find_card())
    assert encoder.precision == precision
    return encoder


def agreement(found: np.ndarray, right: np.ndarray, count: int = 10) -> float:
    """Share of each text's nearest others that both find."""
    near = []
    for vectors in (found, right):
        whole = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        similar = whole @ whole.T
        np.fill_diagonal(similar, -np.inf)
        near.append(np.argpartition(-similar, count, axis=1)[:, :count])
    return float(np.mean([len(np.intersect1d(a, b)) / count for a, b in zip(*near, strict=True)]))


def operations(card: ModelCard, lengths: np.ndarray) -> float:
    """Multiplications and additions of the layers over texts of these lengths."""
    config = json.loads((card.folder / "config.json").read_text())
    width, inner, layers = (config[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    a_token = 2 * (4 * width**2 + 2 * width * inner)
    return float(layers * (a_token * lengths.sum() + 4 * width * (lengths.astype(float) ** 2).sum()))


def share_of_peak(card: ModelCard, lengths: np.ndarray, seconds: float) -> dict[str, Any]:
    """What share of a known card's peak was used; nothing where there is no such card."""
    import torch

    if not torch.cuda.is_available():
        return {}
    name = torch.cuda.get_device_name()
    peak = next((peak for known, peak in PEAKS.items() if known in name), None)
    share = operations(card, lengths) / seconds / peak if peak else None
    return {"card": name, "share_of_peak": share}


class _Known:
    """An encoder whose vectors cost nothing, to fill a cache with."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def stream(self, texts: np.ndarray, _: object = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        drawn = np.random.default_rng(1)
        for at in range(0, len(texts), 50_000):
            rows = np.arange(at, min(at + 50_000, len(texts)))
            yield rows, drawn.standard_normal((len(rows), self.card.dim), np.float32)


def lookups(card: ModelCard, titles: list[str], runs: int) -> dict[str, float]:
    """Look-ups a second in a cache of a million texts, hashing included, once it has been read."""
    texts = [f"{titles[number % len(titles)]} {number}" for number in range(LOOKED_UP)]
    order = np.random.default_rng(2).permutation(LOOKED_UP)
    asked = np.array(texts, object)[order]
    with tempfile.TemporaryDirectory() as home:
        os.environ["CARTSCAPE_HOME"] = home
        settings.cache_clear()
        vectors = Vectors(cast(Encoder, _Known(card)))
        began = time.perf_counter()
        vectors.encode(texts)
        kept = time.perf_counter() - began
        again = Vectors(cast(Encoder, _Known(card)))
        began = time.perf_counter()
        assert again.known(texts[:1]).all()
        opening = time.perf_counter() - began
        again.of(asked)
        return {
            "texts": LOOKED_UP,
            "keep_a_second": LOOKED_UP / kept,
            "open_seconds": opening,
            "known_a_second": LOOKED_UP / median_time(lambda: again.known(asked), runs),
            "vectors_a_second": LOOKED_UP / median_time(lambda: again.of(asked), runs),
        }


def median_time(work: Callable[[], object], runs: int) -> float:
    """The median of the seconds that work takes."""
    return statistics.median(timed(work) for _ in range(runs))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(path: Path, runs: int) -> None:
    import torch

    lines = lines_of(path)
    texts, as_written = distinct_texts(lines, TEXTS)
    card = find_card()
    lengths = BulkTokenizer(card)(texts).lengths
    engines: dict[str, Callable[[list[str]], np.ndarray]] = {
        "sentence_transformers": peer(card.folder, None),
        "sentence_transformers_bf16": peer(card.folder, torch.bfloat16),
        "ours_fp32": ours("fp32").encode,
        "ours_bf16": (bf16 := ours("bf16")).encode,
    }
    for engine in engines.values():
        engine(texts[:200])
    # Round by round, so that a slow minute of the machine is everybody's.
    seconds: dict[str, list[float]] = {name: [] for name in ("textbook", *engines)}
    vectors: dict[str, np.ndarray] = {}
    for _ in range(runs):
        seconds["textbook"].append(textbook(card.folder, texts[:: len(texts) // TEXTBOOK][:TEXTBOOK]))
        for name, engine in engines.items():
            began = time.perf_counter()
            vectors[name] = engine(texts)
            seconds[name].append(time.perf_counter() - began)
    seconds["textbook"] = [second * len(texts) / TEXTBOOK for second in seconds["textbook"]]
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    right = vectors["sentence_transformers"]
    occurring = lines[: len(texts)]
    found = {
        "texts": len(texts),
        "titles_as_written": as_written,
        "tokens_a_text": float(lengths.mean()),
        "textbook_of": TEXTBOOK,
        "describe": bf16.describe(),
        "seconds": seconds,
        "texts_a_second": {name: len(texts) / second for name, second in middle.items()},
        "tokens_a_second": {name: float(lengths.sum()) / second for name, second in middle.items()},
        "times_the_textbook": {name: middle["textbook"] / second for name, second in middle.items()},
        "agreement": {name: agreement(its[:as_written], right[:as_written]) for name, its in vectors.items()},
        "cosine_at_least": {
            name: float(
                ((its * right).sum(1) / np.linalg.norm(its, axis=1) / np.linalg.norm(right, axis=1)).min()
            )
            for name, its in vectors.items()
        },
        "lines": {
            "texts": len(occurring),
            "distinct": len(set(occurring)),
            "texts_a_second": len(occurring) / median_time(lambda: bf16.encode(occurring), runs),
        },
        "lookups": lookups(card, texts[:as_written], runs),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "transformers", "sentence-transformers")
        },
        **share_of_peak(card, lengths, middle["ours_bf16"]),
    }
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
