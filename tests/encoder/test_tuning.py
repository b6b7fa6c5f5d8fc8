"""Tuning of a tiny random model: what it learns, that a stop changes nothing, and what is refused."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.encoder import Encoder
from core.encoder.card import ModelCard, find_card
from core.encoder.tuning import METHODS, Pairs, SearchOptions, TuneOptions, TuningData, measure, training
from core.encoder.tuning.goals import Contrast, Distilled, Masked, tokenized
from core.encoder.tuning.model import Student, seeded
from core.encoder.tuning.search import search
from core.encoder.tuning.tune import tune
from core.errors import CartscapeError, WrongCall
from tests.encoder.conftest import WORDS, cosines, poolings

#: What goes with what: nothing in the words says so, so that it must be learnt.
CATALOGUE = [f"{first} {second}" for first in WORDS[:4] for second in WORDS[4:8]]
TINY = TuneOptions(epochs=2, batch=8, tokens=16, checks=2, patience=9, rank=2, rate=0.02, layers=1)


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


@pytest.fixture
def always_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last weights are kept, those of the step after the last stop among them."""
    looks = itertools.count()
    monkeypatch.setattr(Contrast, "check", lambda _: {"ndcg@10": float(next(looks))})
    monkeypatch.setattr(Masked, "check", lambda _: {"minus_loss": float(next(looks))})
    monkeypatch.setattr(Distilled, "check", lambda _: {"cosine": float(next(looks))})


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


def test_a_few_pairs_are_learnt_by_heart(card: ModelCard, data: TuningData) -> None:
    """Whoever cannot do this has gradients that lead nowhere, whatever the pairs are worth."""
    rows = np.arange(len(CATALOGUE))
    heart = Pairs(
        data.unlabelled[: rows.size], rows[::-1].copy(), np.full((rows.size, 1), -1), rows, rows % 3
    )
    options = replace(TINY, method="full", batch=len(rows), head=0.0)
    student = Student(card, options, 200, "cpu")
    goal = Contrast(student, replace(data, train=heart))
    moving = [*student.trained.values(), *goal.head.parameters()]
    optimiser = torch.optim.AdamW(moving, lr=0.002)
    losses = []
    for step in range(200):
        with seeded(1, step):
            loss = goal.loss(rows)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[0] > 2 and losses[-1] < 0.1, losses[::20]
    assert goal.head.heat.exp() < options.temperature  # surer of itself than it began


def test_what_an_anchor_tells_of_is_no_wrong_answer(card: ModelCard, data: TuningData) -> None:
    """Nor is the same item of another pair, or what the same shopper took; else every other one is."""
    student = Student(card, replace(TINY, head=0.0), 100, "cpu")
    rows = np.arange(5)
    labels = np.array([0, 1, 2, 3, 0])
    plain = Pairs(data.unlabelled[rows], labels, np.full((5, 2), -1), np.array([9, 8, 7, 9, 6]), rows)
    told = replace(plain, known=np.array([[1, -1], [-1, -1], [3, 1], [-1, -1], [-1, 2]]))
    wrong = {0: [2], 1: [0, 2, 3, 4], 2: [0, 4], 3: [1, 2, 4], 4: [1, 3]}
    student.whole.eval()
    anchors = student.encode(tokenized(student, told.anchors))
    items = student.encode(tokenized(student, data.catalogue))[labels]
    scores = np.exp(anchors @ items.T / TINY.temperature)
    right = [scores[i, i] / (scores[i, i] + scores[i, others].sum()) for i, others in wrong.items()]
    found = Contrast(student, replace(data, train=told)).loss(rows).item()
    assert found == pytest.approx(-np.log(right).mean(), abs=1e-3)


def test_fewer_layers_give_nearly_the_same_vectors(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    options = replace(TINY, method="distil", epochs=30, rate=0.003, patience=99)
    made = tuned(card, data, options, tmp_path)
    cosine = [one["cosine"] for one in made["history"]]
    assert max(cosine) > 0.9 and max(cosine) > cosine[0] + 0.1
    # Before is the larger model, and what was learnt is kept with fewer layers.
    assert made["before"] == tuned(card, data, replace(TINY, epochs=1), tmp_path)["before"]
    config = json.loads((Path(made["model"]) / "config.json").read_text())
    assert config["num_hidden_layers"] == 1
    ours = Encoder(find_card(made["model"])).encode(data.unlabelled[::10])
    assert cosines(ours, Encoder(card).encode(data.unlabelled[::10])).mean() == pytest.approx(
        max(cosine), abs=0.02
    )
    with pytest.raises(WrongCall, match="layers=2 leaves nothing out, as bert has 2"):
        tune(card, data, replace(options, layers=2), tmp_path)


def test_a_log_for_tensorboard_has_each_step_once(
    card: ModelCard, data: TuningData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a training that was stopped, and went on within a second: what comes again strikes out what
    was written before.
    """
    monkeypatch.setattr("tensorboardX.event_file_writer.time", SimpleNamespace(time=lambda: 1_700_000_000.0))
    assert tune(card, data, TINY, tmp_path, stop=After(9)) is None
    made = tuned(card, data, TINY, tmp_path)
    seen = scalars(Path(made["model"]) / "log")
    assert sorted(seen["train/loss"]) == list(range(1, made["steps"] + 1))
    looks = {int(one["step"]): one["mrr"] for one in made["history"]}
    assert seen["validation/mrr"] == pytest.approx(looks)
    by_look = [one["loss"] for one in made["history"][1:]]
    assert by_look[0] == pytest.approx(np.mean([seen["train/loss"][s] for s in range(1, 7)]), abs=1e-4)


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Value by step and name, of all event files of a folder in the order in which they were begun."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.record_writer import masked_crc32c

    found: dict[str, dict[int, float]] = {}
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            body, content = content[12 : 12 + length], content[16 + length :]
            assert masked_crc32c(struct.pack("<Q", length)) and len(body) == length
            event = Event.FromString(body)
            if event.session_log.status == SessionLog.START:
                for steps in found.values():
                    for step in [step for step in steps if step >= event.step]:
                        del steps[step]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_a_search_keeps_to_its_budget_and_goes_on(card: ModelCard, data: TuningData, tmp_path: Path) -> None:
    options = replace(TINY, epochs=1, rate=0.01)
    budget = SearchOptions(trials=3, searched=48)
    stages: list[str] = []
    told = lambda _done, stage: stages.append(stage)  # noqa: E731
    assert search(card, data, options, budget, tmp_path, told, lambda: len(stages) > 1) is None
    kept = json.loads(next(tmp_path.glob(".search-*/trials.json")).read_text())
    assert len(kept) == 1
    found = search(card, data, options, budget, tmp_path, told, lambda: False)
    assert found is not None
    best, trials = found
    assert len(trials) == 3 and trials[0] == kept[0]
    assert {one.split(":")[0] for one in stages} == {"trial 1", "trial 2", "trial 3"}
    top = max(trials, key=lambda one: float(one["found"]))
    assert {name: getattr(best, name) for name in top["settings"]} == top["settings"]
    assert set(top["settings"]) == {"rate", "batch", "temperature", "rank"}
    assert all(0.01 / 8 <= one["settings"]["rate"] <= 0.08 for one in trials)
    assert replace(best, **{name: getattr(options, name) for name in top["settings"]}) == options
    with pytest.raises(WrongCall, match="must not be below 0"):
        SearchOptions(minutes=-1)


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
    assert list((opened.folder / "log").glob("events.out.tfevents.*"))
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
    assert shares["distil"] < shares["full"]
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
        ({"method": "qlora"}, "it takes lora, adalora, full, mlm, distil"),
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
