"""The real model once for all tests of this folder, and small random ones of each architecture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.encoder import Encoder, Vectors
from core.encoder.card import find_card
from core.settings import settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WORDS = ["red", "green", "blue", "shoe", "lamp", "tea", "mug", "the", "a", "of", "with", "set", "heart"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

#: What people and files come up with: nothing, far too much, and what is not English.
ODD = [
    "",
    " ",
    "word " * 10_000,
    "🎁 gift 🎉🎉 box ❤️",
    "红色的茶杯和灯",
    "  WHITE HANGING HEART T-LIGHT HOLDER  ",
    "café\tnaïve\nline",
    "x",
]


@pytest.fixture(scope="session")
def encoder(shared_home: Path) -> Encoder:
    """The default model as the settings have it: bf16 where the processor multiplies it, else fp32."""
    return side_by_side(Encoder(find_card("")))


@pytest.fixture(scope="session")
def exact(shared_home: Path) -> Iterator[Encoder]:
    """The default model in fp32."""
    yield from in_precision("fp32")


@pytest.fixture(scope="session")
def half(shared_home: Path) -> Iterator[Encoder]:
    """The default model in bf16, whatever the processor."""
    yield from in_precision("bf16")


def in_precision(precision: str) -> Iterator[Encoder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARTSCAPE_PRECISION", precision)
        settings.cache_clear()
        made = side_by_side(Encoder(find_card("")))
        assert made.precision == precision
    settings.cache_clear()
    yield made


def side_by_side(encoder: Encoder) -> Encoder:
    """The encoder, to work on two batches at a time where its layers allow it, though tests have one core."""
    import torch

    torch.set_num_threads(2)
    encoder.read("tea")  # opens the model
    torch.set_num_threads(1)
    return encoder


@pytest.fixture
def vectors(home: Path, encoder: Encoder) -> Vectors:
    """An empty cache in a home of its own."""
    return Vectors(encoder)


@pytest.fixture(scope="session")
def reference(encoder: Encoder) -> SentenceTransformer:
    """The peer: sentence-transformers with the same model, in fp32 on the CPU."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(encoder.card.folder), device="cpu", local_files_only=True)


@pytest.fixture(scope="session")
def titles(shared_data: Path) -> list[str]:
    """Distinct product titles of a real shop, as written."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    (file,) = (shared_data / "online_retail_ii").glob("*.parquet")
    found: list[str] = pc.unique(pq.read_table(file, columns=["Description"])["Description"]).to_pylist()
    return sorted(title for title in found if title)


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a small random model of an architecture and gives its folder."""

    def make(architecture: str, **changes: Any) -> Path:
        return make_model(tmp_path / architecture, architecture, **changes)

    return make


def make_model(folder: Path, architecture: str, **changes: Any) -> Path:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = SPECIAL + WORDS + list("abcdefghijklmnopqrstuvwxyz")
    shape: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    if architecture == "distilbert":
        shape = {**shape, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"):
            del shape[name]
    if architecture in ("electra", "albert"):
        shape["embedding_size"] = 16
    config = transformers.AutoConfig.for_model(architecture, **{**shape, **changes})
    torch.manual_seed(3)
    with torch.random.fork_rng():
        model = transformers.AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    for parameter in model.parameters():
        torch.nn.init.normal_(
            parameter, std=0.2
        )  # untrained ones are nearly alike, which would hide mistakes
    model.save_pretrained(folder)
    tokenizer = Tokenizer(
        models.WordPiece({word: at for at, word in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    words = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, **words})
    )
    return folder


def poolings(folder: Path, mode: str, normalise: bool = True, **sentence: Any) -> Path:
    """Give a model the files by which sentence-transformers knows its pooling."""
    parts = ["Transformer", "Pooling", *(["Normalize"] if normalise else [])]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_{part}" if i else "",
            "type": f"sentence_transformers.models.{part}",
        }
        for i, part in enumerate(parts)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    keys = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    config: dict[str, Any] = {f"pooling_mode_{key}": name == mode for name, key in keys.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **config}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 48, **sentence}))
    return folder


def textbook(folder: Path, texts: list[str], pooling: str = "mean") -> np.ndarray:
    """The loop of every tutorial: padded, with a mask, in fp32; the oracle of all that is faster."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    found = []
    for at in range(0, len(texts), 4):
        given = tokenizer(
            texts[at : at + 4], padding=True, truncation=True, max_length=48, return_tensors="pt"
        )
        given.pop("token_type_ids", None)
        with torch.no_grad():
            states = model(**given).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1)
        if pooling == "cls":
            vector = states[:, 0]
        elif pooling == "max":
            vector = states.masked_fill(mask == 0, -torch.inf).amax(1)
        else:
            vector = (states * mask).sum(1) / mask.sum(1)
        found.append(torch.nn.functional.normalize(vector, dim=1).numpy())
    return np.concatenate(found)


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    found: np.ndarray = (ours * theirs).sum(1) / lengths
    return found


def neighbours(vectors: np.ndarray, count: int = 10) -> np.ndarray:
    """Numbers of the nearest others, by cosine."""
    whole = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = whole @ whole.T
    np.fill_diagonal(near, -np.inf)
    found: np.ndarray = np.argpartition(-near, count, axis=1)[:, :count]
    return found


def agreement(ours: np.ndarray, theirs: np.ndarray, count: int = 10) -> float:
    """Share of the nearest others that both find."""
    pairs = zip(neighbours(ours, count), neighbours(theirs, count), strict=True)
    return float(np.mean([len(set(a) & set(b)) / count for a, b in pairs]))
