"""Which models have been trained, how good are they, and which one is in use?"""

from __future__ import annotations

import json

import pyarrow as pa

from core.analyses.answer import Answer
from core.recommender.card import told
from core.recommender.matching import new_since, standing
from core.recommender.versions import bytes_of, promoted, versions
from core.scope import Scope
from core.store import Store

_SCHEMA = pa.schema(
    [
        ("number", pa.int64()), ("promoted", pa.bool_()), ("made", pa.string()), ("event", pa.string()),
        ("metrics", pa.string()), ("settings", pa.string()), ("note", pa.string()), ("data", pa.string()),
        ("of_this_data", pa.bool_()), ("items", pa.string()), ("encoder", pa.string()), ("bytes", pa.int64()),
        ("problem", pa.string()),
    ]
)  # fmt: skip


def models(store: Store, scope: Scope) -> Answer:
    """One row a version, the newest first.

    Columns: number, promoted, made (UTC), event, metrics and settings (JSON; no metrics where
    fewer than k shoppers were tested), note, data, items and encoder (fingerprints of what it was trained
    on), of_this_data (whether that is the log as it is now), bytes (on the disk), problem (a sentence where
    it is damaged or cannot serve the log as it is now).
    """
    del scope  # a model is of the whole log
    found, now = versions(store), promoted(store)
    fits = {one.number: standing(store, one) for one in found}
    misfit, new = fits[now] if now is not None and now in fits else ("", 0)
    rows = [
        {
            "number": one.number, "promoted": one.number == now, "made": one.made, "event": one.about.event,
            "metrics": json.dumps(told(one, store.k).metrics), "settings": json.dumps(one.about.settings),
            "note": one.about.note, "data": one.data, "of_this_data": one.data == store.fingerprint,
            "items": one.about.items, "encoder": one.about.encoder,
            "bytes": bytes_of(store, one.number),
            "problem": fits[one.number][0] or None,
        }
        for one in found
    ]  # fmt: skip
    notes = [misfit, new_since(new) if new else ""]
    notes += [one.problem or told(one, store.k).hidden for one in found]
    of = f"{len(rows)} version{'' if len(rows) == 1 else 's'}, " + (
        "none promoted" if now is None else f"version {now} promoted"
    )
    return Answer(
        pa.Table.from_pylist(rows, _SCHEMA), "Models", of, tuple(dict.fromkeys(filter(None, notes)))
    )
