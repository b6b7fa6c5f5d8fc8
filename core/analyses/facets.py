"""What can be chosen: the regions, categories, events and devices of the log."""

from __future__ import annotations

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.tables import hidden_note, of_words
from core.marts import CHOICES
from core.paths import open_cube
from core.scope import Scope
from core.store import Store


def facets(store: Store, scope: Scope) -> Answer:
    """Each value of each field that the scope can be narrowed by, most events first.

    Columns: field, value, events, shoppers. Values that k-anonymity hides are left out.
    """
    cube = open_cube(store)
    alone = Scope.parse(scope.words() | {"compare": "off"})
    rows: list[dict[str, object]] = []
    notes: tuple[str, ...] = ()
    for field in CHOICES:
        groups = cube.ask(alone, [field])
        notes += hidden_note(cube, groups, f"values of {field} are")
        found = zip(groups.axes[0].labels.to_pylist(), groups.events[0], groups.shoppers[0], strict=True)
        rows += [
            {"field": field, "value": value, "events": int(events), "shoppers": int(shoppers)}
            for value, events, shoppers in sorted(found, key=lambda row: (-row[1], row[0]))
            if events
        ]
    schema = pa.schema(
        [("field", pa.string()), ("value", pa.string()), ("events", pa.int64()), ("shoppers", pa.int64())]
    )
    return Answer(pa.Table.from_pylist(rows, schema), "What can be chosen", of_words(cube, alone), notes)
