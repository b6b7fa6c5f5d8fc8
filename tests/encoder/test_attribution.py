"""What each word adds to a number: shares sum to it, and words that alone carry it have it all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.encoder import Encoder
from core.encoder.attribution import attribute
from core.encoder.card import read_card

TEXTS = (
    "Trail waterproof hiking boot, men's size-9 (black)",
    "防水 登山鞋 👟 boots",
    "one",
    "",
    "word " * 400,
)


@pytest.mark.parametrize("text", TEXTS, ids=["title", "chinese", "word", "nothing", "long"])
def test_shares_sum_to_what_the_words_add(exact: Encoder, text: str) -> None:
    wanted = torch.from_numpy(exact.encode(["waterproof hiking shoes"])[0])
    found = attribute(exact.card, text, lambda vectors: vectors @ wanted)
    assert found.worth == pytest.approx(float(exact.encode([text])[0] @ wanted.numpy()), abs=1e-4)
    total = sum(word.share for word in found.words)
    assert total == pytest.approx(found.worth - found.nothing, abs=5e-3)
    for word in found.words:
        assert text[word.start : word.start + len(word.text)] == word.text


def test_words_are_told_whole(exact: Encoder) -> None:
    found = attribute(exact.card, TEXTS[0], lambda vectors: vectors.sum(1))
    words = [word.text for word in found.words]
    assert words == ["Trail", "waterproof", "hiking", "boot,", "men's", "size-9", "(black)"]
    assert "登" in [word.text for word in attribute(exact.card, TEXTS[1], lambda v: v.sum(1)).words]


def test_the_words_that_are_asked_for_speak_most(exact: Encoder) -> None:
    wanted = torch.from_numpy(exact.encode(["waterproof hiking boot"])[0])
    found = attribute(exact.card, "Blue waterproof hiking boot by Kestrel", lambda vectors: vectors @ wanted)
    most = sorted(found.words, key=lambda word: -word.share)[:3]
    assert {word.text for word in most} == {"waterproof", "hiking", "boot"}


@pytest.mark.parametrize("architecture", ["roberta", "distilbert", "mpnet"])
def test_models_of_other_forms_are_told_too(tiny: Callable[..., Path], architecture: str) -> None:
    card = read_card("tiny", tiny(architecture))
    found = attribute(card, "warm wool socks", lambda vectors: vectors[:, 0])
    assert np.isfinite([word.share for word in found.words]).all() and found.words
    total = sum(word.share for word in found.words)
    assert total == pytest.approx(found.worth - found.nothing, abs=0.02)
