"""In which order would a list best be shown, and why?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.recommender.moment import path_words
from core.recommender.reasons import words_of
from core.recommender.shown_models import REASONS, order, read_list
from core.store import Store


def ordered(store: Store, words: dict[str, str]) -> Answer:
    """The list that is given, in the order of the promoted model of lists that were shown; `words` as
    `read_list` reads them.

    Columns: place, item_id, title, stood (its place as given), chance (of being the one taken), score,
    reason (what speaks for it more than for the others), and adds_… for each group of features (they sum to
    score − usual), usual.
    """
    asked = read_list(words)
    found = order(store, asked)
    # What speaks for all of a list alike is a reason for none.
    reasons = np.where(found.telling, found.shares - found.shares.mean(axis=0), -np.inf)
    rows = [
        {
            "place": at + 1, "item_id": item, "title": found.titles[at], "stood": int(found.places[at]),
            "chance": float(found.chances[at]), "score": float(found.scores[at]),
            "reason": words_of(reasons[at], list(REASONS.values())),
        }
        | {f"adds_{name}": float(found.shares[at, number]) for number, name in enumerate(REASONS)}
        | {"usual": found.usual}
        for at, item in enumerate(found.items)
    ]  # fmt: skip
    whom = path_words(asked.path)
    of = (
        f"model {found.version.number} for a list of {len(rows)} items shown to {whom}: the chance that "
        f"each is the one with {found.version.about.event!r}, an estimate of the model"
    )
    return Answer(pa.Table.from_pylist(rows), "Recommended", of, found.notes)
