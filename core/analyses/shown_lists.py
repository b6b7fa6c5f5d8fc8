"""Which lists were shown last, what came before them, and what was taken from each?"""

from __future__ import annotations

import pyarrow as pa

from core.analyses.answer import Answer
from core.analyses.asked_words import of_whole_log
from core.errors import CartscapeError, WrongCall
from core.recommender.moment import MOST_ITEMS, MOST_STEPS
from core.scope import Scope
from core.store import Store

#: Lists that can be asked for at most.
MOST = 500

# Words of lists have commas between items, so that an id with a comma cannot be in one.
_LISTS = """
    SELECT user_id, session_id, event_id, ts, device, item_id,
        shown, shown_prices
    FROM log
    WHERE event = $event AND len(shown) BETWEEN 2 AND $items AND list_contains(shown, item_id)
        AND NOT contains(array_to_string(shown, ''), ',')
    QUALIFY row_number() OVER (PARTITION BY user_id, session_id ORDER BY ts DESC, event_id DESC) = 1
    ORDER BY ts DESC, event_id DESC LIMIT $n
"""
_PATHS = """
    SELECT lists.event_id, list(log.event || ':' || log.item_id ORDER BY log.ts, log.event_id) AS path
    FROM log JOIN lists USING (user_id, session_id)
    WHERE log.ts < lists.ts AND log.item_id IS NOT NULL AND NOT contains(log.item_id, ',')
    GROUP BY ALL
"""
_EVENT = """
    SELECT event FROM log WHERE len(shown) > 1 AND list_contains(shown, item_id)
    GROUP BY event ORDER BY count(*) DESC, event LIMIT 1
"""
_SCHEMA = pa.schema(
    [
        ("list", pa.uint64()), ("shown_at", pa.timestamp("us", "UTC")), ("device", pa.string()),
        ("shown", pa.list_(pa.string())), ("prices", pa.list_(pa.float64())),
        ("path", pa.list_(pa.string())), ("taken", pa.string()), ("stood", pa.int64()),
    ]
)  # fmt: skip


def shown_lists(store: Store, scope: Scope, event: str = "", n: str = "20") -> Answer:
    """The list that was shown at the last `event` of each of the last `n` sessions, the newest first; without
    one, of the event that takes from lists most often.

    Columns: list (number of the event), shown_at (UTC), device, shown (different items, as they were shown),
    prices (of each, null for none), path (EVENT:ITEM of what the session did before, the last MOST_STEPS),
    taken, stood (its place, from 1). Raises `WrongCall` for shared data, where nobody's session is told, and
    `CartscapeError` where the log has no such lists.
    """
    of_whole_log(scope)
    if store.k > 1:
        raise WrongCall("On shared data nobody's session is told, nor what was shown in it.")
    if not (n.isdecimal() and 1 <= int(n) <= MOST):
        raise WrongCall(f"n={n!r} is not a number of lists from 1 to {MOST}.")
    cursor = store.cursor()
    if not event:
        found = cursor.execute(_EVENT).fetchall()
        if not found:
            raise CartscapeError("This log says nowhere what was shown.")
        event = str(found[0][0])
    words = {"event": event, "items": MOST_ITEMS, "n": int(n)}
    lists = cursor.sql(_LISTS, params=words).to_arrow_table()
    if not lists.num_rows:
        raise CartscapeError(f"This log says nowhere what was shown beside {event!r}.")
    cursor.register("lists", lists)
    before = dict(cursor.execute(_PATHS).fetchall())
    cursor.unregister("lists")
    rows = []
    for row in lists.to_pylist():
        prices = row["shown_prices"] or [None] * len(row["shown"])
        price_of = dict(reversed(list(zip(row["shown"], prices, strict=True))))  # where it stands first
        shown = [item for item in dict.fromkeys(row["shown"]) if item is not None]
        rows.append(
            {
                "list": row["event_id"], "shown_at": row["ts"], "device": row["device"], "shown": shown,
                "prices": [price_of[item] for item in shown],
                "path": before.get(row["event_id"], [])[-MOST_STEPS:],
                "taken": row["item_id"], "stood": shown.index(row["item_id"]) + 1,
            }
        )  # fmt: skip
    of = f"the last {len(rows)} sessions with a list that was shown beside {event!r}, as it was shown last"
    return Answer(pa.Table.from_pylist(rows, _SCHEMA), "Lists that were shown", of, ())
