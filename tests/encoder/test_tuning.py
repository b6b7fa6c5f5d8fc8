"""Tuning of a tiny random model: what it learns, that a stop changes nothing, and what is refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.encoder import Encoder
from core.encoder.card import ModelCard, find_card
from core.encoder.tuning import METHODS, Pairs, TuneOptions, TuningData, measure, training
from core.encoder.tuning.goals import Contrast, Masked, tokenized
from core.encoder.tuning.model import Student
from core.encoder.tuning.tune import tune
from core.errors import CartscapeError, WrongCall
from tests.encoder.conftest import WORDS, cosines, poolings

#: What goes with what: nothing in the words says so, so that it must be learnt.
CATALOGUE = [f"{first} {second}" for first in WORDS[:4] for second in WORDS[4:8]]
TINY = TuneOptions(epochs=2, batch=8, tokens=16, checks=2, patience=9, rank=2, rate=0.02)


def drawn(rng: np.random.Generator, count: int) -> Pairs:
    """Whoever looked at an item takes the next one of its first word."""
    seen = rng.integers(0, len(CATALOGUE), count)
    labels = seen // 4 * 4 + (seen + 1) % 4
    return Pairs(
        np.array([CATALOGUE[i] for i in seen], object), labels, seen[:, None], np.arange(count), labels % 3
    )


@pytest.fixture(scope="module")
def data() -> TuningData:
    rng = np.random.default_rng(1)
    return TuningData(
        np.array(CATALOGUE, object), ("a", "b", "c"), drawn(rng, 96), drawn(rng, 30), drawn(rng, 30),
        np.array([f"{a} {b} {c}" for a in WORDS[:5] for b in WORDS[5:9] for c in WORDS[9:]], object),
    )  # fmt: skip


@pytest.fixture
def card(tiny: Callable[..., Path], home: Path) -> ModelCard:
    return find_card(str(poolings(tiny("bert"), "mean")))


def weights(made: dict[str, Any]) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(Path(made["model"]) / "model.safetensors")
    return found


def tuned(
    card: ModelCard, data: TuningData, options: TuneOptions, folder: Path, **more: Any
) -> dict[str, Any]:
    made = tune(card, data, options, folder, **more)
    assert made is not None
    return made


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class After:
    """Says stop when asked for the n-th time, and then never again."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So small a model waits longer for a second thread than it computes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def always_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last weights are kept, those of the step after the last stop among them."""
    looks = itertools.count()
    monkeypatch.setattr(Contrast, "check", lambda _: {"ndcg@10": float(next(looks))})
    monkeypatch.setattr(Masked, "check", lambda _: {"minus_loss": float(next(looks))})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("always_better")
def test_a_stopped_training_goes_on_to_the_same_model(
    method: str, card: ModelCard, data: TuningData, tmp_path: Path
) -> None:
    options = replace(TINY, method=method)
    whole = tuned(card, data, options, tmp_path / "whole")
    stop = After(11)
    assert tune(card, data, options, tmp_path / "stopped", stop=stop) is None
    assert list((tmp_path / "stopped").glob(".*/checkpoint"))
    torch.rand(7)  # what others drew meanwhile is nobody's concern
    resumed = tuned(card, data, options, tmp_path / "stopped")
    assert equal(weights(whole), weights(resumed))
    assert whole["kept_step"] == resumed["kept_step"] == whole["steps"] > 12
    assert whole["before"] == resumed["before"] and whole["after"] == resumed["after"]
    assert whole["fingerprint"] == resumed["fingerprint"] != card.fingerprint
    assert not list((tmp_path / "stopped").glob(".*"))
    other = tuned(card, data, replace(options, seed=5), tmp_path / "other")
    assert not equal(weights(whole), weights(other))


@pytest.mark.parametrize("method", ["lora", "adalora", "full"])
def test_it_learns_what_no_word_says(method: str, card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    rates = {"lora": 0.01, "adalora": 0.05, "full": 0.002}
    options = replace(TINY, method=method, epochs=20, rate=rates[method], rank=4, patience=99)
    made = tuned(card, data, options, tmp_path)
    before, after = made["before"]["test"], made["after"]["test"]
    assert after["mrr"] > before["mrr"] + 0.15, (before, after)
    assert set(made["after"]["category_by_head"]) >= {"accuracy", "macro avg", "a", "b", "c"}
    assert made["kept_step"] > 0


def test_masked_words_are_guessed_better(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    made = tuned(card, data, replace(TINY, method="mlm", epochs=8, rate=0.003), tmp_path)
    losses = [-one["minus_loss"] for one in made["history"]]
    assert min(losses[1:]) < losses[0] - 0.5
    assert made["share_trained"] > 0.9


def test_the_folder_is_a_model_like_any_other(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    made = tuned(card, data, TINY, tmp_path)
    opened = find_card(made["model"])
    assert (opened.dim, opened.pooling, opened.max_tokens) == (card.dim, card.pooling, card.max_tokens)
    assert opened.fingerprint == made["fingerprint"] != card.fingerprint
    assert json.loads((opened.folder / "tuning.json").read_text()) == made
    # The app's own encoder finds what was measured in training.
    encode = Encoder(opened).encode
    known = np.array(CATALOGUE, object)
    places = measure.ranks(encode(data.test.anchors), encode(known), data.test.labels, data.test.known)
    assert measure.ranking(places)["mrr"] == pytest.approx(made["after"]["test"]["mrr"], abs=0.05)
    # Asked again, nothing is done again.
    asked = tune(card, data, TINY, tmp_path, stop=lambda: pytest.fail("it trained again"))
    assert asked == made


def test_vectors_in_training_are_those_of_the_app(card: ModelCard, data: TuningData) -> None:
    student = Student(card, TINY, 100, "cpu")
    texts = np.array([*CATALOGUE, "", "red " * 9], object)
    ours = student.encode(tokenized(student, texts), batch=5)
    assert cosines(ours, Encoder(card).encode(texts)).min() > 0.99


def test_shares_of_weights(card: ModelCard) -> None:
    shares = {method: Student(card, replace(TINY, method=method), 100, "cpu").share() for method in METHODS}
    assert shares["lora"] < shares["adalora"] < 0.5 < shares["full"] < 1  # the pooler never moves
    layers, width, inner, rank = 2, 32, 64, TINY.rank
    adapters = layers * rank * (4 * 2 * width + 2 * (width + inner))
    all_weights = Student(card, TINY, 100, "cpu").all
    assert shares["lora"] == pytest.approx(adapters / all_weights)


def test_training_ends_early_and_keeps_the_best(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    """At a rate that ruins the model what is kept is the model as it was."""
    options = replace(TINY, method="full", epochs=30, rate=1.0, patience=2)
    made = tuned(card, data, options, tmp_path)
    worth = [one["ndcg@10"] for one in made["history"]]
    best = worth.index(max(worth))
    assert made["kept_step"] == made["history"][best]["step"]
    assert len(worth) == best + 1 + options.patience
    assert made["after"]["validation"]["ndcg@10"] == max(worth)


@pytest.mark.parametrize("cut", ["half", "empty", "bit"])
def test_a_cut_checkpoint_is_a_sentence(cut: str, card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    assert tune(card, data, TINY, tmp_path, stop=After(3)) is None
    (file,) = tmp_path.glob(".*/checkpoint")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    whole = bytes(content)
    file.write_bytes({"half": whole[: len(whole) // 2], "empty": b"", "bit": whole}[cut])
    with pytest.raises(CartscapeError, match=r"checkpoint .* was cut short or changed.* begin anew\."):
        tune(card, data, TINY, tmp_path)
    file.unlink()
    assert tune(card, data, TINY, tmp_path) is not None


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    card: ModelCard, data: TuningData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(card, data, TINY, tmp_path / "whole")
    monkeypatch.setattr(training.Training.run, "__defaults__", (0.0,))  # a checkpoint a step

    class Killed(Exception):  # noqa: N818
        pass

    steps = 0

    def die() -> bool:
        nonlocal steps
        steps += 1
        if steps == 9:
            raise Killed
        return False

    with pytest.raises(Killed):
        tune(card, data, TINY, tmp_path / "killed", stop=die)
    resumed = tuned(card, data, TINY, tmp_path / "killed")
    assert equal(weights(whole), weights(resumed)) and whole["history"] == resumed["history"]


def test_a_loss_gone_astray_is_a_sentence(
    card: ModelCard, data: TuningData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Student, "penalty", lambda _: float("nan"))
    with pytest.raises(CartscapeError, match=r"astray at step 1.*lower rate="):
        tune(card, data, TINY, tmp_path)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"method": "qlora"}, "it takes lora, adalora, full, mlm"),
        ({"batch": 1}, "batch=1 is too few"),
        ({"rate": 2.0}, "rate=2 cannot be"),
        ({"masked": 0.0}, "masked=0 cannot be"),
    ],
)
def test_wrong_options_are_a_sentence(words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongCall, match=sentence):
        TuneOptions(**words)


def test_too_few_steps_for_adalora_are_a_sentence(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    options = replace(TINY, method="adalora", epochs=1, batch=32)
    with pytest.raises(CartscapeError, match="at least 10 steps, and there are 3"):
        tune(card, data, options, tmp_path)


def test_the_rate_rises_and_falls() -> None:
    rates = [TuneOptions(warmup=0.2).rate_at(step, 10) for step in range(10)]
    assert rates == pytest.approx([0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_ranks_against_a_sort() -> None:
    rng = np.random.default_rng(4)
    anchors, items = (rng.standard_normal((n, 6)).astype(np.float32) for n in (700, 40))
    items[3] = items[4]
    labels, known = rng.integers(0, 40, 700), rng.integers(-1, 40, (700, 3))
    known[known == labels[:, None]] = -1
    found = measure.ranks(anchors, items, labels, known)
    for row in range(700):
        scores = {i: float(anchors[row] @ items[i]) for i in range(40) if i not in known[row]}
        worse = [i for i, score in scores.items() if score < scores[labels[row]] - 1e-6]
        assert found[row] == len(scores) - len(worse)
    assert measure.ranking(np.array([1, 3, 11])) == pytest.approx(
        {"hr@10": 2 / 3, "ndcg@10": (1 + 0.5) / 3, "mrr": (1 + 1 / 3 + 1 / 11) / 3}
    )
