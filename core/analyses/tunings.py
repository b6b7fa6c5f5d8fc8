"""Which encoders were fine-tuned on this log, how, at what cost, and what were they worth?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.analyses.answer import Answer
from core.encoder.tuning import NOTES
from core.errors import WrongCall
from core.recommender.pairs import encoders_of
from core.scope import Scope
from core.settings import settings
from core.store import Store

_METRICS = ("hr@10", "ndcg@10", "mrr")
_SCHEMA = pa.schema(
    [
        ("run", pa.string()), ("method", pa.string()), ("made", pa.string()), ("base", pa.string()),
        ("pairs", pa.int64()), ("epochs", pa.int64()), ("batch", pa.int64()), ("rate", pa.float64()),
        ("share_trained", pa.float64()), ("steps", pa.int64()), ("kept_step", pa.int64()),
        ("seconds", pa.float64()), ("peak_mib", pa.float64()), ("tested", pa.int64()),
        *((name, pa.float64()) for m in _METRICS for name in (f"{m}_before", m, f"{m}_popular")),
        ("accuracy_before", pa.float64()), ("accuracy", pa.float64()),
        ("trials", pa.int64()), ("settings", pa.string()), ("in_use", pa.bool_()), ("model", pa.string()),
    ]
)  # fmt: skip
_CURVES = pa.schema(
    [("run", pa.string()), ("step", pa.int64()), ("metric", pa.string()), ("value", pa.float64())]
)
#: What `curves` takes.
_YES, _NO = "yes", "no"


def tunings(store: Store, scope: Scope, curves: str = _NO) -> Answer:
    """One row a finished tuning, the newest first.

    Columns: run, method, made (UTC), base (the model before it), pairs (trained on), epochs, batch, rate (the
    highest), share_trained (weights trained ÷ weights of the encoder), steps, kept_step (whose weights were
    best at validation; 0 is the model as it was), seconds, peak_mib, tested (later pairs), hr@10, ndcg@10 and
    mrr of these with all items ranked, each before, after, and of what is popular, accuracy of the category
    taken next by a linear model of the vectors, trials of a search, settings (JSON), in_use, and model (the
    folder, for CARTSCAPE_MODEL). With `curves=yes` instead one row a look: run, step, metric, value.
    """
    del scope  # a tuning is of the whole log
    if curves not in (_YES, _NO):
        raise WrongCall(f"curves={curves!r} is not known; it takes {_YES} or {_NO}.")
    found, notes = _found(encoders_of(store))
    table = _looks(found) if curves == _YES else pa.Table.from_pylist([_row(*one) for one in found], _SCHEMA)
    of = f"{len(found)} tuning{'' if len(found) == 1 else 's'} of this log's pairs"
    return Answer(table, "Tuned encoders", of, tuple(notes))


def _found(folder: Path) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]:
    """What was noted of each finished tuning, the newest first, and a sentence for what cannot be read."""
    found, notes = [], []
    for file in folder.glob(f"[!.]*/{NOTES}"):
        try:
            told = json.loads(file.read_text("utf-8"))
            _row(file.parent, told)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            notes.append(
                f"What {file} says of its tuning cannot be read; tune again, or delete {file.parent}."
            )
        else:
            found.append((file.parent, told))
    return sorted(found, key=lambda one: (str(one[1]["made"]), one[0].name), reverse=True), sorted(notes)


def _row(folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    options, before, after = told["options"], told["before"], told["after"]
    probe = "category_by_linear_probe"
    return {
        "run": folder.name, "method": options["method"], "made": told["made"], "base": told["base"],
        "pairs": told["pairs"]["train"], "tested": told["pairs"]["test"],
        **{name: options[name] for name in ("epochs", "batch", "rate")},
        **{name: told[name] for name in ("share_trained", "steps", "kept_step", "seconds")},
        "peak_mib": told["peak_mb"],
        **{f"{m}_before": before["test"][m] for m in _METRICS},
        **{m: after["test"][m] for m in _METRICS},
        **{f"{m}_popular": told["popular"]["test"][m] for m in _METRICS},
        "accuracy_before": before.get(probe, {}).get("accuracy"),
        "accuracy": after.get(probe, {}).get("accuracy"),
        "trials": len(told.get("search", ())), "settings": json.dumps(options | told.get("drawn", {})),
        "in_use": Path(settings().model).expanduser() == folder if settings().model else False,
        "model": str(folder),
    }  # fmt: skip


def _looks(found: list[tuple[Path, dict[str, Any]]]) -> pa.Table:
    rows = [
        {"run": folder.name, "step": int(look["step"]), "metric": name, "value": value}
        for folder, told in found
        for look in told["history"]
        for name, value in look.items()
        if name != "step"
    ]
    return pa.Table.from_pylist(rows, _CURVES)
