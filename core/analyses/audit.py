"""What was changed of what is recommended, and when? Every change of rules and models, the newest first."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from core.analyses.answer import Answer
from core.recommender import audit as audited
from core.scope import Scope
from core.store import Store

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("at", "of", "name", "what", "by", "why", "before", "after")]
)


def audit(store: Store, scope: Scope) -> Answer:
    """Columns: at (UTC), of (rule or model), name, what, by and why (null where nobody said), before and
    after (JSON; null for nothing).
    """
    del scope  # a change is of the whole store
    found = audited.audit(store)
    rows = [
        {
            "at": change.at, "of": change.of, "name": change.name, "what": change.what,
            "by": change.by or None, "why": change.why or None,
            "before": _json(change.before), "after": _json(change.after),
        }
        for change in reversed(found.changes)
    ]  # fmt: skip
    of = f"{len(rows)} change{'' if len(rows) == 1 else 's'} of rules and models, the newest first, UTC"
    return Answer(pa.Table.from_pylist(rows, _SCHEMA), "Changes of what is recommended", of, found.notes)


def _json(words: dict[str, Any] | None) -> str | None:
    return None if words is None else json.dumps(words, ensure_ascii=False)
