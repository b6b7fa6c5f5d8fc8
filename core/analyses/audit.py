"""What was changed of what is recommended, and when? Every change of rules and models, the newest first."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.model_card import disk_space, moment
from core.errors import CartscapeError
from core.recommender import audit as audited
from core.recommender.rule_kinds import Rule, words
from core.recommender.versions import DELETED
from core.scope import Scope
from core.store import Store

_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("at", "moment", "of", "name", "what", "told", "by", "why", "before", "after")
    ]
)


def audit(store: Store, scope: Scope) -> Answer:
    """Columns: at (UTC, ISO 8601), moment (the same to the minute, in words), of (rule or model), name, what,
    told (what it was and what it became, in words), by and why (null where nobody said), before and after
    (JSON; null for nothing).
    """
    del scope  # a change is of the whole store
    found = audited.audit(store)
    rows = [
        {
            "at": change.at, "moment": moment(change.at), "of": change.of, "name": change.name,
            "what": change.what, "told": _told(change) or None,
            "by": change.by or None, "why": change.why or None,
            "before": _json(change.before), "after": _json(change.after),
        }
        for change in reversed(found.changes)
    ]  # fmt: skip
    of = f"{len(rows)} change{'' if len(rows) == 1 else 's'} of rules and models, the newest first, UTC"
    return Answer(pa.Table.from_pylist(rows, _SCHEMA), "Changes of what is recommended", of, found.notes)


def _told(change: audited.Change) -> str:
    """What was and what became of it, in words."""
    sides = [_words(change, side) for side in (change.before, change.after)]
    return " → ".join(dict.fromkeys(filter(None, sides)))


def _words(change: audited.Change, side: dict[str, Any] | None) -> str:
    if side is None:
        return ""
    if change.of == audited.RULE:
        try:
            return words(Rule.of_body(change.name, side))
        except CartscapeError:  # of another version of Cartscape; before and after have it
            return ""
    if change.what == DELETED:
        return f"made {moment(side['made']) or 'at a time that is not known'}" + (
            f", {disk_space(side['bytes'])}" if "bytes" in side else ""
        )
    number = side.get("promoted")
    return f"version {number}" if number is not None else ""


def _json(words: dict[str, Any] | None) -> str | None:
    return None if words is None else json.dumps(words, ensure_ascii=False)
