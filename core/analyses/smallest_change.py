"""What would have to be different for an item to come first?"""

from __future__ import annotations

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import ItemWords, of_model, of_whole_log, read_item
from core.recommender.counterfactuals import DEEP, smallest_changes
from core.recommender.models import open_model
from core.recommender.moment import Asked, code_of
from core.scope import Scope
from core.store import Store

_SCHEMA = pa.schema(
    {
        "kind": pa.string(), "change": pa.string(), "place": pa.int64(), "chance": pa.float64(),
        "first": pa.bool_(), "words": pa.list_(pa.string()),
    }
)  # fmt: skip
SOLD_OUT = "It is sold out here, so that it stands nowhere, whatever else is asked."
NEW = (
    "It is new since the model was trained, so that only a rule puts it into a list; train again to have it."
)
NONE_HIGHER = (
    "No single change brings it higher: tried were other hours, places and devices, its price, one more look "
    "unless a shopper is asked for, and each item above it sold out, as far as the log knows of them."
)


def smallest_change(store: Store, scope: Scope, options: ItemWords) -> Answer:
    """Of each kind of change the smallest that puts an item first, else the one that brings it highest.

    Columns: kind (hour, place, device, price, step, stock), change (in words), place (where the item then
    stands), chance, first (whether that is first), words (the options of `recommended` that are then said
    otherwise, WORD=VALUE). Kinds of which no change brings it higher are left out, as are all of them for an
    item that is sold out in what is asked or new since the model was trained. One thing is changed at a time;
    it is what the model would say, not what people would do.
    """
    of_whole_log(scope)
    model = open_model(store)
    asked, item = read_item(options)
    now, found = smallest_changes(store, model, asked, item)
    rows = [
        {
            "kind": its.change.kind, "change": its.change.words, "place": its.place, "chance": its.chance,
            "first": its.place == 1, "words": _words(asked, its.change.asked),
        }
        for its in found
    ]  # fmt: skip
    stands = f"stands at place {now} now" if now else f"does not stand among the first {DEEP} now"
    notes: tuple[str, ...] = ()
    if item in asked.out_of_stock:
        stands, notes = "is sold out here", (SOLD_OUT,)
    elif not model.trained[code_of(model.codes, item)]:
        notes = (NEW,)
    elif now == 1:
        notes = ("It stands first already.",)
    elif not rows:
        notes = (NONE_HIGHER,)
    of = f"{of_model(model, asked)}; it {stands}"
    return Answer(pa.Table.from_pylist(rows, _SCHEMA), "What would put it first", of, notes)


def _words(before: Asked, after: Asked) -> list[str]:
    """What is said otherwise: WORD=VALUE of the command line, without a value where it is said no more."""
    told, now = before.write(), after.write()
    return [f"{word}={now.get(word, '')}" for word in now | told if now.get(word) != told.get(word)]
