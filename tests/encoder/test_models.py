"""Which model, where and how precisely; what cannot be used is refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.encoder import Encoder, open_encoder
from core.encoder.card import find_card
from core.errors import CartscapeError, WrongCall
from core.settings import settings
from tests.encoder.conftest import poolings
from tests.encoder.test_against_peers import random_texts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def said(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that gives settings their values for one test."""

    def say(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"CARTSCAPE_{name.upper()}", str(value))
        settings.cache_clear()

    return say


def test_the_default_needs_no_network_and_says_what_it_is(encoder: Encoder) -> None:
    card = encoder.card
    assert (card.name, card.architecture, card.dim, card.max_tokens) == ("all-MiniLM-L6-v2", "bert", 384, 256)
    assert (card.pooling, card.normalise, card.notes) == ("mean", True, ())
    assert len(card.fingerprint) == 32
    assert encoder.describe().startswith("all-MiniLM-L6-v2 · 384 dimensions · ")
    assert encoder.device in ("cpu", "cuda", "mps")


def test_one_encoder_a_process(said: Callable[..., None], tiny: Callable[..., Path]) -> None:
    said(precision="fp32")
    first = open_encoder()
    assert open_encoder() is first
    said(model=tiny("bert"))
    other = open_encoder()
    assert other is not first and other.card.dim == 32


def test_a_bare_bert_gets_the_mean_and_says_so(said: Callable[..., None], tiny: Callable[..., Path]) -> None:
    said(model=(folder := tiny("bert")))
    card = open_encoder().card
    assert (card.pooling, card.normalise, card.max_tokens) == ("mean", True, 64)
    assert str(folder) in card.notes[0] and "mean" in card.notes[0]


def test_without_normalize_lengths_are_the_models_own(
    said: Callable[..., None], tiny: Callable[..., Path]
) -> None:
    said(model=poolings(tiny("bert"), "cls", normalise=False), precision="fp32")
    lengths = np.linalg.norm(open_encoder().encode(["red shoe", "blue"]), axis=1)
    assert (np.abs(lengths - 1) > 0.1).all()


def test_newer_folders_name_their_pooling_otherwise(tiny: Callable[..., Path]) -> None:
    folder = poolings(tiny("bert"), "mean")
    config = {"embedding_dimension": 32, "pooling_mode": ["cls", "mean"]}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    card = find_card(str(folder))
    assert (card.pooling, card.dim) == ("cls+mean", 64)
    assert Encoder(card).encode(["red", "blue shoe"]).shape == (2, 64)


def test_a_prompt_of_the_model_stands_before_each_text(tiny: Callable[..., Path]) -> None:
    folder = poolings(tiny("bert"), "mean")
    plain = Encoder(find_card(str(folder))).encode(["red shoe"])
    words = {"prompts": {"passage": "red "}, "default_prompt_name": "passage"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(words))
    assert np.array_equal(Encoder(find_card(str(folder))).encode(["shoe"]), plain)


def test_what_is_read_of_a_text_decides_its_vector(encoder: Encoder, tiny: Callable[..., Path]) -> None:
    assert encoder.read("waterproof hiking shoes") == "waterproof hiking shoes"
    text = "Zürich 🎁 unbelievably " * 200
    read = encoder.read(text)
    assert text.startswith(read) and 0 < len(read) < len(text)
    assert np.array_equal(encoder.encode([read]), encoder.encode([text]))
    shorter = encoder.encode([read.rsplit(" ", 1)[0]])
    assert not np.array_equal(shorter, encoder.encode([text]))
    folder = poolings(tiny("bert"), "mean")
    words = {"prompts": {"passage": "red "}, "default_prompt_name": "passage"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(words))
    prompted = Encoder(find_card(str(folder)))
    read = prompted.read("shoe lamp " * 500)
    assert len(read.split()) == prompted.card.max_tokens - 3  # the prompt, and two special tokens


def test_lower_case_as_the_folder_says(tiny: Callable[..., Path]) -> None:
    folder = poolings(tiny("bert"), "mean", do_lower_case=True)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**tokenizer, "normalizer": None}))
    found = Encoder(find_card(str(folder))).encode(["RED Shoe", "red shoe"])
    assert np.array_equal(found[0], found[1])


def test_the_fingerprint_is_of_the_content(tiny: Callable[..., Path], tmp_path: Path, home: Path) -> None:
    folder = tiny("bert")
    before = find_card(str(folder)).fingerprint
    assert find_card(str(folder)).fingerprint == before
    assert find_card(str(shutil.copytree(folder, tmp_path / "copy"))).fingerprint == before
    (home / "vectors" / "models.json").write_text("{damaged")
    assert find_card(str(folder)).fingerprint == before
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert find_card(str(folder)).fingerprint != before


def test_weights_in_several_files_or_of_the_old_kind(tiny: Callable[..., Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = tiny("bert")
    texts = random_texts(5)
    right = Encoder(find_card(str(folder))).encode(texts)
    weights = load_file(folder / "model.safetensors")
    parts = tmp_path / "parts"
    old = tmp_path / "old"
    for copy in (parts, old):
        shutil.copytree(folder, copy)
        (copy / "model.safetensors").unlink()
    names = sorted(weights)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, its in halves.items():
        save_file({name: weights[name] for name in its}, parts / file)
    where = {name: file for file, its in halves.items() for name in its}
    (parts / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    names_before = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    legacy = {}
    for name, tensor in weights.items():
        *path, norm, kind = name.split(".")
        last = names_before.get(f"{norm}.{kind}", f"{norm}.{kind}")
        legacy[".".join(["bert", *path, last])] = tensor
    torch.save({**legacy, "cls.bias": torch.zeros(1)}, old / "pytorch_model.bin")
    for copy in (parts, old):
        assert np.array_equal(Encoder(find_card(str(copy))).encode(texts), right)


def wrong(folder: Path, change: str) -> None:
    """Spoil a model in one way."""
    config = json.loads((folder / "config.json").read_text())
    if change in ("gpt2", "t5", ""):
        (folder / "config.json").write_text(json.dumps({**config, "model_type": change}))
    elif change == "not json":
        (folder / "config.json").write_text("{")
    elif change == "no width":
        (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    elif change == "dense":
        poolings(folder, "mean")
        modules = json.loads((folder / "modules.json").read_text())
        modules[2]["type"] = "sentence_transformers.models.Dense"
        (folder / "modules.json").write_text(json.dumps(modules))
    elif change == "lasttoken":
        poolings(folder, "mean")
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "lasttoken"}))
    else:
        (folder / change).unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("config.json", "is not a model: it has no config.json"),
        ("model.safetensors", "has no weights"),
        ("tokenizer.json", "has no tokenizer"),
        ("gpt2", "is of the kind gpt2, which is no encoder of BERT's kind"),
        ("t5", "is of the kind t5"),
        ("", "is of the kind (none given)"),
        ("not json", "config.json is not JSON"),
        ("no width", "does not say the hidden_size"),
        ("dense", "has a part Dense after its encoder"),
        ("lasttoken", "pools by lasttoken"),
    ],
)
def test_a_folder_that_cannot_be_used(
    change: str, words: str, said: Callable[..., None], tiny: Callable[..., Path]
) -> None:
    wrong(folder := tiny("bert"), change)
    said(model=folder)
    with pytest.raises(WrongCall) as refused:
        open_encoder()
    assert words in str(refused.value) and str(folder) in str(refused.value)


@pytest.mark.parametrize("change", ["weights", "lacking", "tokenizer", "other"])
def test_damage_that_shows_when_it_is_loaded(change: str, tiny: Callable[..., Path]) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny("electra" if change == "other" else "bert")
    weights = folder / "model.safetensors"
    if change == "lacking":
        tensors = load_file(weights)
        del tensors["encoder.layer.1.output.dense.bias"]
        save_file(tensors, weights)
    elif change == "tokenizer":
        (folder / "tokenizer.json").write_text("[]")
    else:
        weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(CartscapeError, match="fetch the model again") as refused:
        Encoder(find_card(str(folder))).encode(["red"])
    assert str(folder) in str(refused.value)


def test_a_name_that_is_nowhere_is_not_fetched(said: Callable[..., None], tmp_path: Path) -> None:
    for name in ("nobody/no-such-model", "no-such-model", "no such model!"):
        said(model=name)
        with pytest.raises(
            WrongCall, match="neither a folder nor in the local Hugging Face cache"
        ) as refused:
            open_encoder()
        assert f"hf download {name}" in str(refused.value)
    said(model=__file__)
    with pytest.raises(WrongCall, match="is a file"):
        open_encoder()


def test_a_name_in_the_local_cache(
    said: Callable[..., None], tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub = tmp_path / "hub" / "models--someone--a-bert"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("abc")
    shutil.copytree(tiny("bert"), hub / "snapshots" / "abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    said(model="someone/a-bert")
    card = open_encoder().card
    assert (card.name, card.folder) == ("a-bert", hub / "snapshots" / "abc")


def test_devices_and_precisions_that_are_not_there(said: Callable[..., None]) -> None:
    said(device="tpu")
    with pytest.raises(WrongCall, match="CARTSCAPE_DEVICE is tpu, which is no device; choose one of auto"):
        open_encoder()
    said(device="auto", precision="int4")
    with pytest.raises(WrongCall, match="CARTSCAPE_PRECISION is int4"):
        open_encoder()


def test_cuda_asked_for_but_absent(said: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said(device="cuda")
    with pytest.raises(WrongCall, match="PyTorch finds no such device"):
        Encoder(find_card("")).encode(["red"])


def test_precision_follows_the_machine(said: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    from core.encoder import hardware

    said(precision="auto")
    for abilities, precision in (({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({}, "fp32")):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda abilities=abilities: abilities)
        assert hardware.choose_precision("cpu") == precision
    for can, precision in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda can=can, **_: can)
        assert hardware.choose_precision("cuda") == precision
    assert hardware.choose_precision("mps") == "fp32"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("red shoe", "A single text was given"),
        (["red", 5], "number 2 is 5, which is no text"),
        ([["red"], ["a", "b"]], "no text"),
    ],
)
def test_what_is_no_list_of_texts(texts, words: str, encoder: Encoder) -> None:
    with pytest.raises(WrongCall) as refused:
        encoder.encode(texts)
    assert words in str(refused.value)


def test_no_text_equal_texts_and_missing_ones(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    counts: list[tuple[int, int]] = []
    same = encoder.encode(["red shoe"] * 50, told=lambda done, of: counts.append((done, of)))
    assert (same == same[0]).all() and counts == [(1, 1)]
    empty = encoder.encode(np.array(["", None, np.nan], object))
    assert (empty == empty[0]).all() and np.isfinite(empty).all()


def test_half_a_surrogate_pair_is_no_obstacle(encoder: Encoder) -> None:
    broken, mended = encoder.encode(["gift \ud83c box", "gift ? box"])
    assert np.array_equal(broken, mended)


def test_nothing_asks_for_the_network(tmp_path: Path) -> None:
    """With every socket refused, the default model is found, loaded and used."""
    code = """
import socket
def refuse(*a, **k): raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from core.encoder import open_vectors
assert open_vectors().of(["red shoe"]).shape == (1, 384)
"""
    environment = {**os.environ, "CARTSCAPE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
