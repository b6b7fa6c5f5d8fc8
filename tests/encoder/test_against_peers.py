"""The vectors are those of sentence-transformers and of the textbook's loop, only sooner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.encoder import Encoder
from core.encoder.card import ARCHITECTURES, find_card
from core.settings import settings
from tests.encoder.conftest import ODD, WORDS, agreement, cosines, poolings, textbook

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SOME = 1_200


@pytest.fixture(scope="session")
def asked(titles: list[str]) -> list[str]:
    return titles[:: max(1, len(titles) // SOME)] + ODD


@pytest.fixture(scope="session")
def right(reference: SentenceTransformer, asked: list[str]) -> np.ndarray:
    found: np.ndarray = reference.encode(asked, batch_size=32)
    return found


def test_fp32_is_what_sentence_transformers_gives(
    exact: Encoder, asked: list[str], right: np.ndarray
) -> None:
    ours = exact.encode(asked)
    assert ours.dtype == np.float32 and ours.shape == right.shape
    assert cosines(ours, right).min() >= 0.9999
    assert np.abs(np.linalg.norm(ours, axis=1) - 1).max() < 1e-4
    assert agreement(ours, right) >= 0.999


def test_bf16_keeps_vectors_and_neighbours(half: Encoder, asked: list[str], right: np.ndarray) -> None:
    ours = half.encode(asked)
    assert cosines(ours, right).min() >= 0.999
    assert agreement(ours, right) >= 0.99


def random_texts(count: int) -> list[str]:
    draw = np.random.default_rng(5)
    texts = [" ".join(draw.choice(WORDS, draw.integers(0, 20))) for _ in range(count)]
    return [*texts, "red " * 500, "unheard 茶"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_gives_what_the_textbook_gives(
    architecture: str, tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTSCAPE_PRECISION", "fp32")
    settings.cache_clear()
    folder = poolings(tiny(architecture), "mean")
    ours = Encoder(find_card(str(folder))).encode(texts := random_texts(60))
    assert cosines(ours, textbook(folder, texts)).min() >= 0.9999
    settings.cache_clear()


@pytest.mark.parametrize("activation", ["gelu", "relu", "gelu_new", "silu"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_poolings_and_activations_are_the_models_own(
    pooling: str, activation: str, tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTSCAPE_PRECISION", "fp32")
    settings.cache_clear()
    folder = poolings(tiny("bert", hidden_act=activation), pooling)
    card = find_card(str(folder))
    assert (card.pooling, card.normalise, card.max_tokens, card.dim) == (pooling, True, 48, 32)
    ours = Encoder(card).encode(texts := random_texts(20))
    assert cosines(ours, textbook(folder, texts, pooling)).min() >= 0.9999
    settings.cache_clear()
