"""Lists of the last sessions beside a plain walk through the log; nothing of a session on shared data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from core.analyses import ANALYSES
from core.errors import CartscapeError, WrongCall
from core.recommender.moment import MOST_ITEMS, MOST_STEPS
from core.scope import Scope
from core.store import Store

ASK = ANALYSES["shown-lists"].run


def plainly(store: Store, event: str) -> list[dict[str, Any]]:
    """The same of all sessions, one session after another."""
    log = store.cursor().execute("SELECT * FROM log ORDER BY ts, event_id").df()
    sessions: dict[tuple[str, str], list[dict[Any, Any]]] = defaultdict(list)
    for row in log.to_dict("records"):
        sessions[row["user_id"], row["session_id"]].append(row)
    out: list[dict[str, Any]] = []
    for rows in sessions.values():
        for at in reversed(range(len(rows))):
            row = rows[at]
            shown = [] if row["shown"] is None or isinstance(row["shown"], float) else list(row["shown"])
            if row["event"] != event or not 2 <= len(shown) <= MOST_ITEMS or row["item_id"] not in shown:
                continue
            different = list(dict.fromkeys(shown))
            before = [
                f"{one['event']}:{one['item_id']}"
                for one in rows[:at] if one["ts"] < row["ts"] and isinstance(one["item_id"], str)
            ]  # fmt: skip
            out.append(
                {
                    "shown_at": pd.Timestamp(row["ts"]).tz_localize("UTC"), "device": row["device"],
                    "shown": different, "path": before[-MOST_STEPS:], "taken": row["item_id"],
                    "stood": different.index(row["item_id"]) + 1, "list": row["event_id"],
                }
            )  # fmt: skip
            break
    return sorted(out, key=lambda one: (one["shown_at"], one["list"]), reverse=True)


def test_the_last_lists_are_those_of_a_plain_walk(sample_store: Store) -> None:
    found = ASK(sample_store, Scope(), event="click", n="60").table.to_pylist()
    wanted = plainly(sample_store, "click")[:60]
    assert len(found) == 60 and any(row["path"] for row in found)
    for row, one in zip(found, wanted, strict=True):
        assert {name: row[name] for name in one} == one
        assert len(row["prices"]) == len(row["shown"])


def test_the_event_that_takes_most_from_lists_is_the_usual_one(
    sample_store: Store, online_retail_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ASK(sample_store, Scope(), n="5") == ASK(sample_store, Scope(), event="click", n="5")
    monkeypatch.setattr(Store, "k", 1)
    with pytest.raises(CartscapeError, match="nowhere what was shown"):
        ASK(online_retail_store, Scope())


def test_what_cannot_be_told_is_a_sentence(sample_store: Store) -> None:
    with pytest.raises(CartscapeError, match="nowhere what was shown beside 'search'"):
        ASK(sample_store, Scope(), event="search")
    for n in ("0", "501", "-1", "many"):
        with pytest.raises(WrongCall, match="is not a number of lists from 1 to 500"):
            ASK(sample_store, Scope(), event="click", n=n)
    with pytest.raises(WrongCall, match="of the whole log"):
        ASK(sample_store, replace(Scope(), regions=("Ohio",)), event="click")


def test_on_shared_data_nobodys_session_is_told(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "k", 10)
    with pytest.raises(WrongCall, match="On shared data"):
        ASK(sample_store, Scope(), event="click")
