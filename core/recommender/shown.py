"""Lists that a log says were shown, and how well they can be ordered: the item taken should come first."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.errors import CartscapeError, WrongCall
from core.jobs import Told, part_of, untold
from core.recommender.interactions import LEAST_SHOPPERS
from core.recommender.metrics import draws, interval
from core.recommender.shown_features import GROUPS
from core.recommender.shown_log import Catalogue, events, lists_of, since, walk
from core.recommender.shown_scorer import Lists, ShownOptions, fit
from core.store import Store

#: Share of sessions, the last to begin, whose lists are to be ordered.
HELD_OUT = 0.2
#: Lists, the last ones before the split, that are learnt from.
MOST_LEARNT = 20_000
MODELS = ("all", "peers", "scorer")
SCORER = "scorer"
EACH = "each"
MOST_SEEDS = 9

_LISTS = """
    WITH began AS (SELECT user_id, session_id, min(ts) AS began FROM log GROUP BY ALL)
    SELECT user_id, session_id, ts, event_id, item_id AS taken, shown, began,
        list_transform(
            coalesce(shown_prices, list_transform(shown, lambda one: NULL::DOUBLE)),
            lambda one: coalesce(one, 'nan'::DOUBLE)
        ) AS price
    FROM log JOIN began USING (user_id, session_id)
    WHERE event = ? AND ts >= ? AND len(shown) > 1 AND item_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY user_id, session_id ORDER BY ts DESC, event_id DESC) = 1
    ORDER BY began, user_id, session_id
"""
_SEEN = """
    SELECT user_id, session_id, ts, item_id AS item, event FROM log
    WHERE item_id IS NOT NULL AND (user_id, session_id) IN (SELECT (user_id, session_id) FROM lists)
    ORDER BY ts, event_id
"""
_LEARNT = """
    SELECT event_id, shown, item_id,
        row_number() OVER (PARTITION BY user_id, session_id ORDER BY ts DESC, event_id DESC) = 1 AS last
    FROM log
    WHERE event = $event AND ts >= $since AND ts < $split AND len(shown) > 1 AND list_contains(shown, item_id)
    ORDER BY ts DESC, event_id DESC LIMIT $most
"""


@dataclass(frozen=True, eq=False)
class ShownLists:
    """The list shown at each session's last taking, in the order of sessions' begins.

    A row of `frame` is one item of a list: list (number), item, price (that was shown, NaN for none), place
    (from 0), taken (bool), test (bool:
    whether the session is one of the last HELD_OUT), clicked (how often it was taken before the tested
    sessions begin), seen (seconds before the taking that the item was last seen in this session, NaN never).
    """

    frame: pd.DataFrame
    event: str
    split: pd.Timestamp  # when the first tested session begins
    numbers: np.ndarray  # uint64[lists], the event that each tested list belongs to

    @property
    def lists(self) -> int:
        """How many lists are to be ordered."""
        return int(self.frame.loc[self.frame.test, "list"].nunique())


def names_lists(store: Store) -> bool:
    """Whether a log says of any event which items were shown beside it."""
    return bool(store.cursor().execute("SELECT 1 FROM log WHERE len(shown) > 1 LIMIT 1").fetchall())


def shown_lists(store: Store, event: str) -> ShownLists:
    """Read the lists of a log; raises `CartscapeError` where it does not say what was shown."""
    cursor = store.cursor()
    lists = cursor.execute(_LISTS, [event, since(store)]).df()
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
    frame = lists[["list", "test", "taken", "shown", "price"]].explode(["shown", "price"], ignore_index=True)
    frame = frame.rename(columns={"shown": "item"}).dropna(subset="item")
    frame = frame.drop_duplicates(["list", "item"], ignore_index=True)
    frame["place"] = frame.groupby("list").cumcount()
    frame["taken"] = frame.item == frame.taken
    frame["price"] = frame.price.astype(float)

    split = lists.loc[lists.test, "began"].min()
    before = seen[(seen.event == event) & (seen.ts < split)]
    frame["clicked"] = frame.item.map(before.item.value_counts()).fillna(0).astype(int)
    own = seen.merge(lists[["user_id", "session_id", "ts", "list"]], on=["user_id", "session_id"])
    own = own[own.ts_x < own.ts_y]
    own["seen"] = (own.ts_y - own.ts_x).dt.total_seconds()
    last = own.groupby(["list", "item"], as_index=False).seen.min()
    frame = frame.merge(last, on=["list", "item"], how="left")
    return ShownLists(frame, event, split, lists.event_id[lists.test].to_numpy())


#: Lower comes first; the place where an item was shown decides among equals.
Order = Callable[[pd.DataFrame], pd.Series]

ORDERS: dict[str, Order] = {
    "as shown": lambda frame: frame.place,
    "popular": lambda frame: -frame.clicked,
    "cheapest": lambda frame: frame.price.fillna(np.inf),
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


def learnt_and_tested(store: Store, shown: ShownLists, told: Told = untold) -> tuple[Lists, Lists]:
    """What a scorer learns from, every list before the split whose taken item is in it (MOST_LEARNT at most),
    and the tested lists, both with the features of their moment.

    Raises `CartscapeError` where there is no list to learn from.
    """
    words = {"event": shown.event, "since": since(store), "split": shown.split, "most": MOST_LEARNT}
    before = store.cursor().execute(_LEARNT, words).fetchall()[::-1]
    if not before:
        raise CartscapeError(
            "No list was shown before the last sessions begin, so there is nothing to learn."
        )
    wanted = {number for number, *_ in before} | set(shown.numbers.tolist())
    found: dict[int, np.ndarray] = {}
    for number, _, rows in walk(events(store, shown.event), Catalogue.of(store), wanted):
        found[number] = rows
        if len(found) % 256 == 0:
            told(len(found) / len(wanted), f"reading lists, {len(found):,} of {len(wanted):,}")
    places = [list(dict.fromkeys(filter(None, listed))).index(item) for _, listed, item, _ in before]
    learnt = lists_of(found, [(row[0], at, row[3]) for row, at in zip(before, places, strict=True)])
    tested = shown.frame[shown.frame.test]
    taken = tested[tested.taken].set_index("list").place.reindex(tested.list.unique()).fillna(-1).astype(int)
    asked = [(int(n), int(at), True) for n, at in zip(shown.numbers, taken, strict=True)]
    return learnt, lists_of(found, asked)


def evaluate_shown(
    store: Store, event: str, told: Told = untold, model: str = "all", seeds: str = "1", without: str = ""
) -> tuple[pa.Table, str]:
    """One row an order, the best by mrr first, and the words of what they are of; raises as `shown_lists`,
    and `WrongCall` for words that are not known.

    Columns: model, settings (JSON), lists, mrr (mean of 1 ÷ place of the item taken) with low and high (95 %
    over lists drawn anew), hr@1, hr@5, hr@10, and lead (mrr less that of the best peer) with low and high
    over the same lists drawn anew.
    """
    asked = _asked(model, seeds, without)
    shown = shown_lists(store, event)
    found: list[tuple[str, str, np.ndarray]] = [
        (name, "{}", places_of_taken(shown, order))
        for name, order in ORDERS.items()
        if name != "cheapest" or shown.frame.price.notna().any()
    ]
    if asked:
        learnt, tested = learnt_and_tested(store, shown, part_of(told, 0.0, 0.3))
    for done, options in enumerate(asked):
        told(0.3 + 0.7 * done / len(asked), f"training scorer {done + 1} of {len(asked)}")
        words = {"seed": options.seed} | ({"without": ", ".join(options.without)} if options.without else {})
        found.append((SCORER, json.dumps(words), fit(learnt, options).place_of_taken(tested)))
    told(1.0, "done")
    rows = evaluated(shown, found)
    if model == SCORER:
        rows = [row for row in rows if row["model"] == SCORER]
    of = (
        f"{shown.lists:,} lists, each the last with {event!r} of its session, of the last {HELD_OUT:.0%} of "
        "sessions to begin"
    )
    return pa.Table.from_pylist(rows), of


def evaluated(shown: ShownLists, found: list[tuple[str, str, np.ndarray]]) -> list[dict[str, Any]]:
    """The rows of `evaluate_shown`, the best first, of (model, settings, places of the items taken)."""
    weights = draws(shown.lists)
    peers = [1 / place for name, _, place in found if name != SCORER]
    best = max(peers, key=lambda gain: float(gain.mean()), default=None)
    rows: list[dict[str, Any]] = []
    for name, settings, place in found:
        gain = 1 / place
        row: dict[str, Any] = {"model": name, "settings": settings, "lists": shown.lists}
        row["mrr"] = float(gain.mean())
        row["mrr_low"], row["mrr_high"] = interval(gain, weights)
        row |= {f"hr@{k}": float((place <= k).mean()) for k in (1, 5, 10)}
        if best is not None:
            row["lead"] = float((gain - best).mean())
            row["lead_low"], row["lead_high"] = interval(gain - best, weights)
        rows.append(row)
    return sorted(rows, key=lambda row: -row["mrr"])


def _asked(model: str, seeds: str, without: str) -> list[ShownOptions]:
    """The scorers to train; raises `WrongCall`."""
    for name, value, known in (("model", model, MODELS), ("without", without, ("", EACH, *GROUPS))):
        if value not in known:
            raise WrongCall(
                f"{name}={value!r} is not known for lists that were shown; it takes "
                f"{', '.join(filter(None, known))}."
            )
    if not seeds.isdecimal() or not 1 <= int(seeds) <= MOST_SEEDS:
        raise WrongCall(f"seeds={seeds!r} must be a number from 1 to {MOST_SEEDS}.")
    if model == "peers":
        return []
    left_out = [(), *((group,) for group in GROUPS)] if without == EACH else [(without,)]
    return [
        ShownOptions(seed=seed, without=tuple(filter(None, groups)))
        for groups in left_out
        for seed in range(int(seeds))
    ]
