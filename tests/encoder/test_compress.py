"""Smaller weights: what a folder holds, what its vectors lose, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.encoder import Encoder, hardware
from core.encoder.card import ModelCard, find_card, read_card
from core.encoder.compress import eighth, halved, weight_bytes
from core.encoder.layers import Int8Linear, PlainLinear, rounded
from core.encoder.tuning import CompressOptions, TuneOptions, TuningData
from core.encoder.tuning.model import Student
from core.encoder.tuning.smaller import compress, nearest
from core.encoder.vectors import Vectors
from core.errors import WrongCall
from core.settings import settings
from tests.encoder.conftest import agreement, cosines, neighbours, poolings
from tests.encoder.test_tuning import CATALOGUE, TINY, data  # noqa: F401


@pytest.fixture
def card(tiny: Callable[..., Path], home: Path) -> ModelCard:
    return find_card(str(poolings(tiny("bert"), "mean")))


def test_int8_layers_against_a_plain_product() -> None:
    """Off by no more than the steps of rounding allow, also where one token is a thousand times another."""
    draw = torch.Generator().manual_seed(2)
    x, weight, bias = (torch.randn(*shape, generator=draw) for shape in ((17, 64), (48, 64), (48,)))
    x[3] *= 1000
    x[5] = 0
    for activation in ("none", "gelu", "relu"):
        right = PlainLinear(weight, bias, activation)(x)
        found = Int8Linear(weight, bias, activation)(x)
        step_in, step_out = x.abs().amax(1, keepdim=True) / 127, weight.abs().amax(1) / 127
        most = step_in / 2 * weight.abs().sum(1) + step_out / 2 * (
            x.abs().sum(1, keepdim=True) + 64 * step_in
        )
        assert ((found - right).abs() <= most * 1.2 + 1e-4).all()
        assert torch.allclose(found[5], right[5], atol=1e-5)


def test_rounding_twice_changes_nothing() -> None:
    weight = torch.randn(40, 32, generator=torch.Generator().manual_seed(3))
    whole, scale = rounded(weight)
    again, same = rounded(whole.float() * scale[:, None])
    assert torch.equal(whole, again) and torch.allclose(scale, same)
    assert (whole.float() * scale[:, None] - weight).abs().max() <= scale.max() / 2 * 1.001


def test_smaller_weights_give_nearly_the_same_vectors(card: ModelCard, tmp_path: Path) -> None:
    texts = np.array([*CATALOGUE, "", "red lamp " * 20], object)
    right = Encoder(card, "fp32").encode(texts)
    whole = weight_bytes(card.folder)
    for make, least, size in ((halved, 0.9999, 0.6), (eighth, 0.99, 0.45)):
        small = read_card("small", make(card, tmp_path))
        assert make(card, tmp_path) == small.folder  # once
        assert weight_bytes(small.folder) < size * whole
        assert cosines(Encoder(small, "fp32").encode(texts), right).min() > least
        assert small.fingerprint != card.fingerprint
        assert replace(small, name="", folder=Path(), fingerprint="") == replace(
            card, name="", folder=Path(), fingerprint=""
        )
    kept = load_file(read_card("small", eighth(card, tmp_path)).folder / "model.safetensors")
    assert kept["embeddings.word_embeddings.weight"].dtype is torch.int8
    assert not list(tmp_path.glob(".*"))


def test_a_model_of_int8_is_no_model_to_go_on_from(card: ModelCard, tmp_path: Path) -> None:
    small = read_card("small", eighth(card, tmp_path))
    with pytest.raises(WrongCall, match="of int8, which cannot learn; name the model it was made of"):
        Student(small, TuneOptions(), 100, "cpu")
    with pytest.raises(WrongCall, match="of int8 already"):
        halved(small, tmp_path)
    assert eighth(small, tmp_path) == small.folder


def test_int8_is_for_berts_own_form_and_the_cpu(
    tiny: Callable[..., Path], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = find_card(str(poolings(tiny("distilbert"), "mean")))
    with pytest.raises(WrongCall, match=r"is int8, which is for models of BERT's own form, .* distilbert"):
        Encoder(other, "int8").encode(["a"])
    with pytest.raises(WrongCall, match=r"int8 are for models of BERT's own form, .* distilbert"):
        eighth(other, tmp_path)
    monkeypatch.setenv("CARTSCAPE_PRECISION", "int8")
    settings.cache_clear()
    assert hardware.choose_precision("cpu") == "int8"
    with pytest.raises(WrongCall, match="is int8, which is for the CPU alone, and the device is cuda"):
        hardware.choose_precision("cuda")
    settings.cache_clear()


def test_vectors_of_int8_have_a_cache_of_their_own(
    card: ModelCard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Vectors(Encoder(card))
    usual.of(CATALOGUE)
    monkeypatch.setenv("CARTSCAPE_PRECISION", "int8")
    settings.cache_clear()
    encoder = Encoder(card)
    assert encoder.precision == "int8" and "int8" in encoder.describe()
    small = Vectors(encoder)
    assert not small.known(CATALOGUE).any()
    found = small.of(CATALOGUE)
    assert 0.97 < cosines(found, usual.of(CATALOGUE)).min() < 1
    settings.cache_clear()


def test_int8_keeps_the_neighbours_of_the_real_model(exact: Encoder, titles: list[str]) -> None:
    """One scale for all tokens of a batch keeps .75 of them."""
    texts = titles[:: max(1, len(titles) // 600)]
    ours = Encoder(exact.card, "int8").encode(texts)
    right = exact.encode(texts)
    assert agreement(ours, right) > 0.93 and cosines(ours, right).mean() > 0.995


def test_the_table_says_what_each_is_worth(card: ModelCard, data: TuningData, tmp_path: Path) -> None:  # noqa: F811
    tuning = replace(TINY, epochs=3, rate=0.003)
    table = compress(
        card, data, CompressOptions(texts=20), tuning, tmp_path, lambda _done, _stage: None, lambda: False
    )  # fmt: skip
    assert table is not None
    rows = {(row["variant"], row["precision"]): row for row in table.to_pylist()}
    first = rows["as it is", "fp32"]
    assert first["cosine"] == pytest.approx(1) and first["same_nearest"] == 1
    assert {name for name, _ in rows} == {
        "as it is", "half precision", "int8, as it computes", "int8", "distilled", "distilled, int8",
    }  # fmt: skip
    assert rows["int8", "int8"]["mib"] < rows["half precision", hardware_half()]["mib"] < first["mib"]
    small = rows["distilled", "fp32"]
    assert small["mib"] < first["mib"] and small["cosine"] < 1
    for row in rows.values():
        card_of = find_card(row["model"])
        found = Encoder(card_of, row["precision"]).encode(data.catalogue)
        right = Encoder(card, "fp32").encode(data.catalogue)
        assert row["cosine"] == pytest.approx(float(cosines(found, right).mean()), abs=1e-3)
        assert row["same_nearest"] == pytest.approx(agreement(found, right), abs=0.05)
        assert row["texts_a_second"] > 0 and 0 <= row["hr@10"] <= 1
    names = [json.loads((Path(row["model"]) / "config.json").read_text()) for row in rows.values()]
    assert sum("cartscape_weights" in one for one in names) == 3


def hardware_half() -> str:
    usual = hardware.choose_precision("cpu")
    return usual if usual != "int8" else "bf16"


def test_nearest_against_a_sort() -> None:
    vectors = np.random.default_rng(3).standard_normal((40, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (np.sort(nearest(vectors), axis=1) == np.sort(neighbours(vectors), axis=1)).all()
