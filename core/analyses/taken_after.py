"""What had those who took an item looked at before?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.proportions import wilson
from core.analyses.recommended import ItemWords, of_whole_log, read_item
from core.errors import CartscapeError
from core.recommender.models import open_model
from core.recommender.moment import code_of
from core.recommender.recommend import signals_of
from core.recommender.takers import Takers
from core.scope import Scope
from core.store import Store

TOP = 12


def taken_after(store: Store, scope: Scope, options: ItemWords) -> Answer:
    """Items that the takers of an item had done something with before: those of what is asked first, then
    those of most takers.

    Columns: item_id, title, asked (whether it is in the shopper's or the path's own history), shoppers, of
    (takers), share with low and high (95 %, Wilson). A count of fewer than k shoppers, or which leaves fewer
    than k of the takers, is left out. Raises `CartscapeError` where fewer than k took the item.
    """
    of_whole_log(scope)
    model = open_model(store)
    asked, item = read_item(options)
    code = code_of(model.codes, item)
    takers = Takers.of(model, code)
    if len(takers) < max(store.k, 1):
        raise CartscapeError(
            "Nobody took this item yet." if store.k == 1 else f"Fewer than {store.k} shoppers took this item."
        )
    met = takers.met(model.past.items)
    met[code] = 0
    left = len(takers) - met
    told = (met >= max(store.k, 1)) & ((left == 0) | (left >= store.k))
    signals, _ = signals_of(store, model, asked)
    own = np.zeros(met.size, bool)
    own[signals.who.met.indices] = True
    order = np.lexsort((-met, ~own))
    order = order[told[order]][:TOP]
    low, high = wilson(met[order].astype(float), np.full(order.size, float(len(takers))))
    table = pa.table(
        {
            "item_id": pa.array([str(model.ids[at]) for at in order], pa.string()),
            "title": pa.array([str(model.titles[at]) for at in order], pa.string()),
            "asked": pa.array(own[order]),
            "shoppers": pa.array(met[order]),
            "of": pa.array(np.full(order.size, len(takers))),
            "share": pa.array(met[order] / len(takers)),
            "low": pa.array(low),
            "high": pa.array(high),
        }
    )
    return Answer(table, "Looked at before it", f"{len(takers):,} shoppers who took it, of the whole log", ())
