"""The table of tunings: what each noted is told, what cannot be read is a sentence, and pages draw it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.analyses import ANALYSES
from core.charts.look import LIGHT
from core.charts.tunings import curves
from core.errors import WrongCall
from core.scope import Scope
from core.settings import settings
from core.store import Store


def noted(store: Store, run: str, **changes: Any) -> Path:
    """Write what a tuning notes of itself, as `core.encoder.tuning.tune` does."""
    rank = {"hr@10": 0.02, "ndcg@10": 0.01, "mrr": 0.012}
    told: dict[str, Any] = {
        "model": "", "made": "2026-01-02T03:04:05+00:00", "base": "all-MiniLM-L6-v2",
        "drawn": {"event": "click", "within": "visit"},
        "options": {"method": "lora", "epochs": 1, "batch": 32, "rate": 0.001, "rank": 8},
        "pairs": {"train": 2_000, "validation": 300, "test": 301}, "items": 50, "share_trained": 0.0146,
        "steps": 62, "kept_step": 60, "seconds": 100.5, "seconds_a_step": 1.6, "peak_mb": 900.0,
        "history": [
            {"step": 0.0, **rank}, {"step": 31.0, "loss": 3.4, **rank},
            {"step": 62.0, "loss": 3.2, **{name: 2 * value for name, value in rank.items()}},
        ],
        "popular": {"validation": rank, "test": {name: value / 2 for name, value in rank.items()}},
        "before": {"validation": rank, "test": rank, "category_by_linear_probe": {"accuracy": 0.3}},
        "after": {"validation": rank, "test": {name: 3 * value for name, value in rank.items()}},
    }  # fmt: skip
    folder = store.path / "encoders" / run
    folder.mkdir(parents=True)
    (folder / "tuning.json").write_text(json.dumps(told | changes))
    return folder


def test_each_tuning_is_told_the_newest_first(
    sample_store: Store, copied: Callable[[Store], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied(sample_store)
    assert ANALYSES["tunings"].run(store, Scope()).table.num_rows == 0
    first = noted(store, "lora-aaaa")
    noted(store, "full-bbbb", made="2026-02-02T03:04:05+00:00", search=[{"found": 1}, {"found": 2}])
    noted(store, ".half-done")
    damaged = noted(store, "lora-cccc")
    (damaged / "tuning.json").write_text('{"made": "2026"}')
    monkeypatch.setenv("CARTSCAPE_MODEL", str(first))
    settings.cache_clear()
    answer = ANALYSES["tunings"].run(store, Scope())
    settings.cache_clear()
    newest, oldest = answer.table.to_pylist()
    assert (newest["run"], oldest["run"]) == ("full-bbbb", "lora-aaaa")
    assert (newest["trials"], oldest["trials"]) == (2, 0)
    assert (newest["in_use"], oldest["in_use"]) == (False, True)
    assert oldest["hr@10_before"] == 0.02 and oldest["hr@10"] == pytest.approx(0.06)
    assert oldest["hr@10_popular"] == 0.01 and oldest["accuracy_before"] == 0.3 and oldest["accuracy"] is None
    assert json.loads(oldest["settings"]) == {
        "method": "lora", "epochs": 1, "batch": 32, "rate": 0.001, "rank": 8, "event": "click",
        "within": "visit",
    }  # fmt: skip
    assert oldest["pairs"] == 2_000 and oldest["tested"] == 301 and oldest["peak_mib"] == 900
    assert oldest["model"] == str(first)
    (note,) = answer.notes
    assert "lora-cccc" in note and note.endswith(f"tune again, or delete {damaged}.")


def test_curves_are_the_looks_of_each(sample_store: Store, copied: Callable[[Store], Store]) -> None:
    store = copied(sample_store)
    noted(store, "lora-aaaa")
    noted(store, "mlm-bbbb", history=[{"step": 0.0, "minus_loss": -3.0}])
    table = ANALYSES["tunings"].run(store, Scope(), curves="yes").table
    loss = [(r["step"], r["value"]) for r in table.to_pylist() if r["metric"] == "loss"]
    assert loss == [(31, 3.4), (62, 3.2)]
    (line,) = curves(table, "ndcg@10", LIGHT).data
    assert line.name == "lora-aaaa" and list(line.x) == [0, 31, 62] and line.y[-1] == pytest.approx(0.02)
    (other,) = curves(table, "minus_loss", LIGHT).data
    assert other.name == "mlm-bbbb" and other.line.color != line.line.color
    with pytest.raises(WrongCall, match="curves='maybe' is not known; it takes yes or no"):
        ANALYSES["tunings"].run(store, Scope(), curves="maybe")
