"""Lists that were shown, against plain loops over each session of a real log, and known marks of it."""

from __future__ import annotations

import numpy as np
import pytest

from core.recommender.shown import ORDERS, ShownLists, evaluate_shown, places_of_taken, shown_lists
from core.store import Store


@pytest.fixture(scope="module")
def lists(trivago_store: Store) -> ShownLists:
    return shown_lists(trivago_store, "click")


def test_orders_are_those_of_plain_loops(trivago_store: Store, lists: ShownLists) -> None:
    log = trivago_store.cursor().sql("SELECT * FROM log ORDER BY ts, event_id").df()
    taken = log[(log.event == "click") & (log.shown.str.len() > 1) & log.item_id.notna()]
    clicked = {(click.user_id, click.session_id): click for click in taken.itertuples()}  # the last one stays
    last = []
    for (user, name), its in log.groupby(["user_id", "session_id"], sort=False):
        if click := clicked.get((user, name)):
            last.append((its.ts.min(), user, name, its, click))
    last.sort(key=lambda one: one[:3])
    tested = last[len(last) - max(1, round(0.2 * len(last))) :]
    split = tested[0][0]
    clicks = log[(log.event == "click") & log.item_id.notna()]
    kept = {(user, name) for _, user, name, _, _ in last}
    clicks = clicks[[pair in kept for pair in zip(clicks.user_id, clicks.session_id, strict=True)]]
    popular = clicks[clicks.ts < split].item_id.value_counts().to_dict()
    wanted: dict[str, list[float]] = {name: [] for name in ORDERS}
    for _, _, _, its, click in tested:
        shown = list(dict.fromkeys(click.shown))
        before = its[(its.ts < click.ts) & its.item_id.notna()]
        seen = dict(zip(before.item_id, before.ts.astype("int64"), strict=True))  # the last one stays
        for name, keys in (
            ("as shown", [0 for _ in shown]),
            (
                "cheapest",
                [dict(zip(click.shown[::-1], click.shown_prices[::-1], strict=True))[i] for i in shown],
            ),
            ("popular", [-popular.get(item, 0) for item in shown]),
            ("last seen first", [-seen.get(item, 0) for item in shown]),
        ):
            ordered = [item for _, _, item in sorted(zip(keys, range(len(shown)), shown, strict=True))]
            wanted[name].append(ordered.index(click.item_id) + 1 if click.item_id in ordered else np.inf)
    assert lists.lists == len(tested)
    for name, order in ORDERS.items():
        assert places_of_taken(lists, order).tolist() == wanted[name], name


def test_known_marks_of_a_real_log_are_met(trivago_store: Store) -> None:
    table, of = evaluate_shown(trivago_store, "click", model="peers")
    found = {row["model"]: row for row in table.to_pylist()}
    assert found["cheapest"]["mrr"] == pytest.approx(0.266, abs=0.01)
    assert found["as shown"]["mrr"] == pytest.approx(0.499, abs=0.01)
    assert found["last seen first"]["mrr"] == pytest.approx(0.640, abs=0.01)
    assert next(iter(found)) == "last seen first" and "1,438 lists" in of
    for row in found.values():
        assert row["mrr_low"] < row["mrr"] < row["mrr_high"] and row["hr@1"] <= row["hr@5"] <= row["hr@10"]
