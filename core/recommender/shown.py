"""Lists that a log says were shown, and how well they can be ordered: the item taken should come first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.errors import CartscapeError
from core.recommender.interactions import LEAST_SHOPPERS
from core.recommender.metrics import draws, interval
from core.store import Store

#: Share of sessions, the last to begin, whose lists are to be ordered.
HELD_OUT = 0.2

_LISTS = """
    WITH began AS (SELECT user_id, session_id, min(ts) AS began FROM log GROUP BY ALL)
    SELECT user_id, session_id, ts, item_id AS taken, shown, began
    FROM log JOIN began USING (user_id, session_id)
    WHERE event = ? AND len(shown) > 1 AND item_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY user_id, session_id ORDER BY ts DESC, event_id DESC) = 1
    ORDER BY began, user_id, session_id
"""
_SEEN = """
    SELECT user_id, session_id, ts, item_id AS item, event FROM log
    WHERE item_id IS NOT NULL AND (user_id, session_id) IN (SELECT (user_id, session_id) FROM lists)
    ORDER BY ts, event_id
"""


@dataclass(frozen=True, eq=False)
class ShownLists:
    """The list shown at each session's last taking, in the order of sessions' begins.

    A row of `frame` is one item of a list: list (number), item, place (from 0), taken (bool), test (bool:
    whether the session is one of the last HELD_OUT), clicked (how often it was taken before the tested
    sessions begin), seen (seconds before the taking that the item was last seen in this session, NaN never).
    """

    frame: pd.DataFrame
    event: str

    @property
    def lists(self) -> int:
        """How many lists are to be ordered."""
        return int(self.frame.loc[self.frame.test, "list"].nunique())


def shown_lists(store: Store, event: str) -> ShownLists:
    """Read the lists of a log; raises `CartscapeError` where it does not say what was shown."""
    cursor = store.cursor()
    lists = cursor.execute(_LISTS, [event]).df()
    if len(lists) < LEAST_SHOPPERS:
        raise CartscapeError(
            f"This log names what was shown beside {event!r} in {len(lists)} sessions; a test of lists needs "
            f"{LEAST_SHOPPERS}. Load a log with a column of shown items, or choose another event=NAME."
        )
    cursor.register("lists", lists[["user_id", "session_id"]])
    seen = cursor.execute(_SEEN).df()
    cursor.unregister("lists")
    lists["list"] = np.arange(len(lists))
    lists["test"] = lists.list >= len(lists) - max(1, round(HELD_OUT * len(lists)))
    frame = lists[["list", "test", "taken", "shown"]].explode("shown", ignore_index=True)
    frame = frame.rename(columns={"shown": "item"}).drop_duplicates(["list", "item"], ignore_index=True)
    frame["place"] = frame.groupby("list").cumcount()
    frame["taken"] = frame.item == frame.taken

    split = lists.loc[lists.test, "began"].min()
    before = seen[(seen.event == event) & (seen.ts < split)]
    frame["clicked"] = frame.item.map(before.item.value_counts()).fillna(0).astype(int)
    own = seen.merge(lists[["user_id", "session_id", "ts", "list"]], on=["user_id", "session_id"])
    own = own[own.ts_x < own.ts_y]
    own["seen"] = (own.ts_y - own.ts_x).dt.total_seconds()
    last = own.groupby(["list", "item"], as_index=False).seen.min()
    return ShownLists(frame.merge(last, on=["list", "item"], how="left"), event)


#: Lower comes first; the place where an item was shown decides among equals.
Order = Callable[[pd.DataFrame], pd.Series]

ORDERS: dict[str, Order] = {
    "as shown": lambda frame: frame.place,
    "popular": lambda frame: -frame.clicked,
    "last seen first": lambda frame: frame.seen.fillna(np.inf),
}


def places_of_taken(shown: ShownLists, order: Order) -> np.ndarray:
    """Where the item taken stands in each tested list, from 1, and infinite where it was not shown:
    float64[lists].
    """
    frame = shown.frame[shown.frame.test].assign(key=order)
    frame = frame.sort_values(["list", "key", "place"], kind="stable")
    frame["rank"] = frame.groupby("list").cumcount() + 1
    found = frame[frame.taken].set_index("list")["rank"].reindex(frame.list.unique())
    return found.fillna(np.inf).to_numpy(float)


def evaluate_shown(store: Store, event: str) -> tuple[pa.Table, str]:
    """One row an order, the best by mrr first, and the words of what they are of; raises as `shown_lists`.

    Columns: model, lists, mrr (mean of 1 ÷ place of the item taken) with low and high (95 % over lists drawn
    anew), hr@1, hr@5, hr@10.
    """
    shown = shown_lists(store, event)
    weights = draws(shown.lists)
    rows: list[dict[str, Any]] = []
    for name, order in ORDERS.items():
        place = places_of_taken(shown, order)
        low, high = interval(1 / place, weights)
        row = {"model": name, "lists": shown.lists, "mrr": float((1 / place).mean())}
        rows.append(
            row | {"mrr_low": low, "mrr_high": high}
            | {f"hr@{k}": float((place <= k).mean()) for k in (1, 5, 10)}
        )  # fmt: skip
    rows.sort(key=lambda row: -row["mrr"])
    of = (
        f"{shown.lists:,} lists, each the last with {event!r} of its session, of the last {HELD_OUT:.0%} of "
        "sessions to begin"
    )
    return pa.Table.from_pylist(rows), of
