"""The next step of a path: the numbers of `next`, ways and gains by plain loops, nothing of too few."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core.analyses import ANALYSES
from core.analyses.next_step import quoted
from core.errors import CartscapeError, WrongCall
from core.scope import Scope
from core.store import Store

USUAL = {"nodes": "event", "collapse": "no"}
PATH = "view->cart"


def answer(store: Store, **words: str) -> Any:
    return ANALYSES["next-step"].run(store, Scope(), **(USUAL | words))


def rows(store: Store, **words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(store, **words).table.to_pylist()
    return found


@pytest.fixture(scope="module")
def sessions(sample_store: Store) -> list[tuple[str, list[str]]]:
    """Shopper and events of each session, in time."""
    found = sample_store.cursor().execute(
        "SELECT user_id, session_id, event FROM log ORDER BY user_id, session_id, ts, event_id"
    )
    out: dict[tuple[str, str], list[str]] = {}
    for user, session, event in found.fetchall():
        out.setdefault((user, session), []).append(event)
    return [(user, events) for (user, _), events in out.items()]


def test_what_comes_next_is_what_next_says(sample_store: Store) -> None:
    found = rows(sample_store, path="search->view->cart")
    same = ANALYSES["next"].run(sample_store, Scope(), prefix=PATH, unit="session").table.to_pylist()
    assert [{name: row[name] for name in same[0]} for row in found] == same


def test_buying_from_there_is_counted(sample_store: Store, sessions: list[tuple[str, list[str]]]) -> None:
    row = next(row for row in rows(sample_store, path=PATH, within="4") if row["next"] == "view")
    at = bought = 0
    for _, events in sessions:
        for place, event in enumerate(events):
            if event == "view":
                at, bought = at + 1, bought + ("purchase" in events[place + 1 : place + 5])
    assert (row["of"], row["bought"]) == (at, bought)
    assert row["buys_low"] < row["buys"] == bought / at < row["buys_high"]


def test_ways_are_those_of_plain_loops(sample_store: Store, sessions: list[tuple[str, list[str]]]) -> None:
    ways: Counter[str] = Counter()
    times = 0
    for _, events in sessions:
        for place in range(1, len(events)):
            if events[place - 1 : place + 1] == ["view", "cart"]:
                times += 1
                ahead = events[place + 1 : place + 9]
                if "purchase" in ahead:
                    ways[" → ".join(ahead[: ahead.index("purchase") + 1])] += 1
    found = rows(sample_store, ask="ways", path=PATH, within="8", top="5")
    assert len(ways) > 5 and found[-1]["way"] == "(other)"
    assert {row["way"]: row["count"] for row in found[:-1]}.items() <= ways.items()
    assert [row["count"] for row in found[:-1]] == sorted(ways.values(), reverse=True)[:5]
    assert sum(row["count"] for row in found) == sum(ways.values())
    assert found[0]["share"] == pytest.approx(found[0]["count"] / times)


def test_a_gain_is_the_share_there_less_the_share_here(
    sample_store: Store, sessions: list[tuple[str, list[str]]]
) -> None:
    found = rows(sample_store, ask="place", path="search", within="6")
    row = next(row for row in found if row["show"] == "cart")
    here, there = [0, 0], [0, 0]
    for _, events in sessions:
        for place, event in enumerate(events):
            if event == "search":
                here = [here[0] + 1, here[1] + ("purchase" in events[place + 1 : place + 7])]
                if events[place + 1 : place + 2] == ["cart"]:
                    there = [there[0] + 1, there[1] + ("purchase" in events[place + 2 : place + 7])]
    if row["of"] == "anywhere":
        assert there[0] < 30
        there = [0, 0]
        for _, events in sessions:
            for place, event in enumerate(events):
                if event == "cart":
                    there = [there[0] + 1, there[1] + ("purchase" in events[place + 1 : place + 6])]
    assert (row["without_of"], row["with_of"]) == (here[0], there[0])
    assert row["without"] == pytest.approx(here[1] / here[0])
    assert row["gain"] == pytest.approx(there[1] / there[0] - here[1] / here[0])
    assert row["low"] < row["gain"] < row["high"]
    assert row["chain_with"] > row["chain_without"] and row["steps_with"] > 1


def test_rare_steps_fall_back_and_that_is_said(sample_store: Store) -> None:
    found = answer(sample_store, ask="ways", path="support->purchase->support->view")
    assert "follows “view”" in " ".join(found.notes)
    nothing = answer(sample_store, ask="ways", path="nowhere")
    assert "follows any event" in " ".join(nothing.notes)


def test_a_path_of_items_and_of_a_shopper(sample_store: Store) -> None:
    item, title, user = sample_store.cursor().execute(
        "SELECT item_id, any_value(title), any_value(user_id) FROM log JOIN items USING (item_id)"
        " WHERE event = 'view' GROUP BY ALL ORDER BY count(*) DESC, item_id LIMIT 1"
    ).fetchall()[0]  # fmt: skip
    by_items = answer(sample_store, did=f"view:{item}", nodes="page", ask="ways", support="5")
    assert title in by_items.title
    assert answer(sample_store, did=f"view:{item}", ask="ways").title.endswith("“view”")
    assert answer(sample_store, shopper=user).table.num_rows


def test_pairs_can_be_asked_for(sample_store: Store) -> None:
    first = rows(sample_store, ask="paths")[0]
    assert f"came up {first['count']:,} times" in answer(sample_store, path=first["path"]).of
    assert quoted('a "b" \\') == '"a \\"b\\" \\\\"'


def test_small_groups_are_not_told(sample_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(sample_store, ask="ways", path=PATH)
    monkeypatch.setattr(Store, "k", 10)
    hidden = rows(sample_store, ask="ways", path=PATH)
    assert all(row["shoppers"] >= 10 for row in hidden) and len(hidden) < len(whole)
    for row in rows(sample_store, ask="place", path="search"):
        assert row["shoppers"] is None or row["shoppers"] == 0 or row["shoppers"] >= 10
    with pytest.raises(WrongCall, match="shared data"):
        rows(sample_store, shopper="anybody")


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ({"ask": "where"}, WrongCall, "it takes next, ways, place, paths"),
        ({"ask": "place"}, WrongCall, "Say after which steps"),
        ({"path": "view", "shopper": "x"}, WrongCall, "not for two"),
        ({"within": "1"}, WrongCall, "within='1'"),
        ({"did": "view:P0"}, WrongCall, "no item 'P0'"),
        ({"ask": "place", "path": "nowhere"}, CartscapeError, "nothing can be said"),
        ({"goal": "dance"}, CartscapeError, "choose another with goal=NAME"),
    ],
)
def test_odd_words_are_a_sentence(
    sample_store: Store, words: dict[str, str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        rows(sample_store, **words)
