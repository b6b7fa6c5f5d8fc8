"""Who went a way like this and took the item? The nearest past paths that did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import ItemWords, of_model, of_whole_log, read_item
from core.errors import CartscapeError, WrongCall
from core.paths import open_paths
from core.recommender.live import open_live
from core.recommender.models import Model, open_model
from core.recommender.moment import code_of
from core.recommender.recommend import signals_of
from core.recommender.takers import Takers
from core.scope import Scope
from core.store import Store

NEAREST = 5
#: Events that are told of each, up to the taking.
STEPS = 6


def past_buyers(store: Store, scope: Scope, options: ItemWords) -> Answer:
    """The NEAREST shoppers who took an item, by how like what is asked they were on the way to it.

    Columns: rank, likeness (−1 to 1, see `Takers.likeness`), events and titles (their last STEPS events with
    an item up to the first taking, the taking last), minutes (of each since the first told), took_at (UTC),
    of (how many took it). On shared data nobody's path is told: ask `taken-after`. Raises `WrongCall` there,
    and `CartscapeError` where there is no way to compare, or nobody to compare with.
    """
    of_whole_log(scope)
    if store.k > 1:
        raise WrongCall("On shared data nobody's path is told; ask taken-after, which counts them.")
    model = open_model(store)
    asked, item = read_item(options)
    code = code_of(model.codes, item)
    signals, _ = signals_of(store, model, asked)
    if not signals.whole.who.taste.nnz and signals.phrase is None:
        raise CartscapeError("There is no path to compare with; say a shopper, a path or what is looked for.")
    takers = Takers.of(model, code)
    found = open_live(store, model).number(asked.shopper) if asked.shopper else None
    own = found[1] if found else -1
    likeness = np.where(
        takers.shoppers == own, -np.inf, takers.likeness(model.past, signals.whole.who, signals.phrase)
    )
    walked = np.bincount(takers.before.row, minlength=len(takers)) > 0
    likeness[~walked] = -np.inf
    order = np.argsort(-likeness, kind="stable")[:NEAREST]
    order = order[np.isfinite(likeness[order])]
    if not order.size:
        raise CartscapeError("Nobody else who took it had done anything with an item before.")
    rows = [
        {
            "rank": rank,
            "likeness": float(likeness[at]),
            **_way(store, model, takers, int(at)),
            "of": len(takers),
        }
        for rank, at in enumerate(order, start=1)
    ]
    said = f"{of_model(model, asked).split(':')[0]}; {len(takers):,} shoppers took it"
    return Answer(pa.Table.from_pylist(rows), "Past paths that took it", said, ())


def _way(store: Store, model: Model, takers: Takers, at: int) -> dict[str, Any]:
    """The last steps of a taker up to the taking."""
    paths = open_paths(store)
    number, until = int(takers.shoppers[at]), int(takers.second[at])
    low, high = (int(bound) for bound in paths["start"][number : number + 2])
    second = paths["second"][low:high].astype(np.int64)
    item = paths["item"][low:high]
    some = low + np.flatnonzero((item != paths.no_item) & (second <= until))[-STEPS:]
    kinds = paths.kinds[0][paths["kind"][some]]
    titles = model.titles[paths["item"][some].astype(np.int64)]
    seconds = paths["second"][some].astype(np.int64)
    return {
        "events": [str(kind) for kind in kinds],
        "titles": [str(title) for title in titles],
        "minutes": ((seconds - seconds[0]) / 60).tolist(),
        "took_at": datetime(1970, 1, 1) + timedelta(seconds=paths.first_second + until),
    }
