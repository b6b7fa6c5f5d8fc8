"""Which rules stand between the model and the shopper? All, in the order in which they are applied."""

from __future__ import annotations

import pyarrow as pa

from core.analyses.answer import Answer
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import InStock, no_stock, words
from core.scope import Scope
from core.store import Store

_SCHEMA = pa.schema(
    [
        ("order", pa.int64()), ("name", pa.string()), ("on", pa.bool_()), ("kind", pa.string()),
        ("rule", pa.string()), ("region", pa.string()), ("start", pa.date32()), ("end", pa.date32()),
        ("revision", pa.int64()), ("saved", pa.string()),
    ]
)  # fmt: skip


def rules(store: Store, scope: Scope) -> Answer:
    """Columns: order (from 1), name, on, kind, rule (in words), region, start, end, revision, saved (UTC).

    Region and days are null where a rule holds everywhere and always.
    """
    del scope  # they are the same whatever is looked at
    kept = RuleBook(store).all()
    rows = [
        {
            "order": order, "name": one.rule.name, "on": one.rule.on, "kind": one.rule.kind,
            "rule": words(one.rule), "region": one.rule.region or None, "start": one.rule.start,
            "end": one.rule.end, "revision": one.revision, "saved": one.written,
        }
        for order, one in enumerate(kept, 1)
    ]  # fmt: skip
    wants_stock = [one.rule.name for one in kept if isinstance(one.rule.does, InStock)]
    notes: tuple[str, ...] = ()
    if wants_stock and not store.table("stock").num_rows:
        notes = (no_stock(wants_stock[0]),)
    on = sum(one.rule.on for one in kept)
    return Answer(
        pa.Table.from_pylist(rows, _SCHEMA),
        "Rules",
        f"{len(rows)} in the order of application, {on} on" if rows else "none written, none on",
        notes,
    )
