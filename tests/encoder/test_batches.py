"""Batches hold every text once and no padding; packed texts do not see each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from core.encoder import Encoder
from core.encoder.attention import Packed, choose_attention, grouped, varlen
from core.encoder.batches import Batch, plan
from core.encoder.bert import Bert
from core.encoder.card import find_card
from core.encoder.engine import Engine
from core.encoder.layers import FusedLinear, PlainLinear
from core.encoder.tokens import BulkTokenizer, Tokens
from tests.encoder.conftest import poolings
from tests.encoder.test_against_peers import random_texts

lengths = st.lists(st.integers(1, 300), max_size=80).map(lambda found: np.array(found, np.int64))


@given(lengths, st.integers(1, 600), st.booleans())
def test_every_text_is_in_one_batch_within_the_budget(found: np.ndarray, budget: int, mixed: bool) -> None:
    batches = plan(found, budget, mixed)
    rows = [row for batch in batches for row in batch.rows.tolist()]
    assert sorted(rows) == list(range(len(found)))
    for batch in batches:
        assert batch.lengths.tolist() == found[batch.rows].tolist() == sorted(found[batch.rows])
        assert batch.tokens <= budget or len(batch.rows) == 1
        if not mixed:
            assert len(set(batch.lengths.tolist())) == 1


@given(lengths.filter(len), st.integers(1, 2_000))
def test_groups_cover_the_tokens_without_a_gap(found: np.ndarray, budget: int) -> None:
    for batch in plan(found, budget):
        groups = list(batch.groups())
        ends = [start + count * length for start, count, length in groups]
        assert [start for start, _, _ in groups] == [0, *ends[:-1]]
        assert ends[-1] == batch.tokens == batch.lengths.sum()  # as many places as tokens: none is padding
        assert sum(count for _, count, _ in groups) == len(batch.rows)


@given(lengths.filter(len), st.randoms(use_true_random=False))
def test_tokens_are_laid_end_to_end(found: np.ndarray, random) -> None:
    whole = Tokens(np.arange(found.sum(), dtype=np.int32), found)
    rows = np.array(random.sample(range(len(found)), random.randint(1, len(found))), np.int64)
    ids, places = whole.of(rows)
    starts = np.cumsum(found) - found
    assert ids.tolist() == [starts[row] + place for row in rows for place in range(found[row])]
    assert places.tolist() == [place for row in rows for place in range(found[row])]


def one_by_one(qkv: Tensor, packed: Packed) -> Tensor:
    """The oracle: each text by itself."""
    parts = []
    for start, end in zip(packed.bounds[:-1].tolist(), packed.bounds[1:].tolist(), strict=True):
        q, k, v = qkv[start:end].permute(1, 2, 0, 3)
        weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
        parts.append((weights @ v).transpose(0, 1).flatten(1))
    return torch.cat(parts)


def packed_of(found: list[int]) -> Packed:
    ordered = np.sort(np.array(found, np.int64))
    bounds = torch.tensor([0, *np.cumsum(ordered)], dtype=torch.int32)
    nothing = torch.zeros(int(ordered.sum()), dtype=torch.int32)
    return Packed(nothing, nothing, bounds, Batch(np.arange(len(found)), ordered))


def reference_varlen(q, k, v, bounds_q, bounds_k, longest_q, longest_k) -> Tensor:
    """What `varlen_attn` does, in the layout in which it takes and gives it."""
    assert bounds_q is bounds_k and longest_q == longest_k == int(bounds_q.diff().max())
    parts = []
    for start, end in zip(bounds_q[:-1].tolist(), bounds_q[1:].tolist(), strict=True):
        seen = functional.scaled_dot_product_attention(
            *(x[start:end].transpose(0, 1).unsqueeze(0) for x in (q, k, v))
        )
        parts.append(seen[0].transpose(0, 1))
    return torch.cat(parts)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(0, 9))
def test_attention_keeps_within_each_text(found: list[int], seed: int) -> None:
    packed = packed_of(found)
    generator = torch.Generator().manual_seed(seed)
    qkv = torch.randn(sum(found), 3, 2, 8, generator=generator)
    right = one_by_one(qkv, packed)
    assert torch.allclose(grouped(qkv, packed), right, atol=1e-5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.attention.varlen.varlen_attn", reference_varlen)
        assert torch.allclose(varlen(qkv, packed), right, atol=1e-5)


def test_the_kernel_is_chosen_by_what_the_card_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (8, 0))
    assert choose_attention("cuda", torch.bfloat16, 32) is varlen
    assert choose_attention("cuda", torch.float32, 32) is grouped
    assert choose_attention("cuda", torch.bfloat16, 30) is grouped
    assert choose_attention("cpu", torch.bfloat16, 32) is grouped
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (7, 5))
    assert choose_attention("cuda", torch.float16, 32) is grouped


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_packed_texts_equal_texts_in_buckets_of_one_length(
    architecture: str, tiny: Callable[..., Path]
) -> None:
    card = find_card(str(poolings(tiny(architecture), "mean")))
    tokens = BulkTokenizer(card)(random_texts(80))

    def run(attention, mixed: bool, fused: bool = False) -> np.ndarray:
        engine = Engine(card, "cpu", "fp32")
        engine._model = Bert(card, "cpu", torch.float32, attention, FusedLinear if fused else PlainLinear)
        found = np.full((len(tokens.lengths), card.dim), np.nan, np.float32)
        for batch, vectors in engine.run(tokens, plan(tokens.lengths, 256, mixed), lambda: False):
            found[batch.rows] = vectors
        return found

    buckets = run(grouped, mixed=False)
    assert not np.isnan(buckets).any()
    for packed in (run(grouped, True), run(one_by_one, True), run(grouped, True, fused=True)):
        assert np.abs(packed - buckets).max() < 1e-5


def test_layers_without_onednn_give_the_same_and_are_told_of(
    exact: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = random_texts(12)
    monkeypatch.setattr("core.encoder.hardware.has_fused_layers", lambda _: False)
    plain = Encoder(exact.card)
    plain._place = ("cpu", "fp32")
    assert np.abs(plain.encode(texts) - exact.encode(texts)).max() < 1e-5
    assert plain.describe() == "all-MiniLM-L6-v2 · 384 dimensions · CPU, fp32 · without oneDNN's fused layers"
