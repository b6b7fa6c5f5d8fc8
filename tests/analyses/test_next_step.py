"""The next step of a path: the numbers of `next`, ways and gains by plain loops, nothing of too few."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.analyses import ANALYSES
from core.analyses.next_step import _Question, quoted
from core.analyses.ways import hidden_notes
from core.errors import CartscapeError, WrongCall
from core.marts.privacy import hide_small
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
    end = answer(sample_store, ask="ways", path="cart->purchase")
    assert "With a purchase a way ends, and begins anew" in " ".join(end.notes)


def test_another_goal_is_called_by_its_name(sample_store: Store) -> None:
    found = answer(sample_store, ask="ways", path="view", goal="cart")
    assert found.title == "Ways to “cart” after “view”" and "came to “cart” within" in found.of
    assert "purchase" not in found.title + found.of


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


def test_hidden_ways_are_of_k_shoppers_together(
    sample_store: Store, sessions: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All times less those of the shown ways are of the hidden ones, and a shopper may be on several."""
    monkeypatch.setattr(Store, "k", 10)
    hid = 0
    for path in ("view->cart", "cart", "search", "search->view", "cart->cart", "view->view", "cart->view"):
        prefix = path.split("->")
        for top in ("2", "5", "20", "100"):
            ways: dict[str, list[str]] = {}
            for user, events in sessions:
                for place in range(len(prefix) - 1, len(events)):
                    if events[place - len(prefix) + 1 : place + 1] == prefix:
                        ahead = events[place + 1 : place + 11]
                        if "purchase" in ahead:
                            way = " → ".join(ahead[: ahead.index("purchase") + 1])
                            ways.setdefault(way, []).append(user)
            shown = {row["way"] for row in rows(sample_store, ask="ways", path=path, top=top)}
            first = sorted(ways, key=lambda way: -len(ways[way]))
            if "(other)" in shown:  # whatever of the rest is not among the first `top`
                continue
            left = {user for way in first if way not in shown for user in ways[way]}
            hid += bool(left)
            assert not left or len(left) >= 10 or not shown
    assert hid


def test_hiding_goes_on_until_the_hidden_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ways of the same six shoppers: 12 by the count of each, six together."""
    question = object.__new__(_Question)
    stream, asked = SimpleNamespace(shopper=np.arange(100) % 6), SimpleNamespace(k=10)
    stream.shopper[50:] = np.arange(50)
    object.__setattr__(question, "stream", stream)
    object.__setattr__(question, "asked", asked)
    nodes = [np.arange(50, 70), np.arange(70, 82), np.arange(6), np.arange(6, 12)]
    sizes = np.array([20, 12, 6, 6])
    assert hide_small(sizes, 10).tolist() == [False, False, True, True]
    assert question._hidden_ways(nodes, sizes).tolist() == [False, True, True, True]


def test_nobody_who_buys_is_said_as_it_is(sample_store: Store) -> None:
    """At k = 1 there is nothing that may not be told."""
    found = answer(sample_store, ask="ways", path="support", within="2", support="1")
    assert " times it came to a purchase within 2 steps" in found.of
    none = answer(sample_store, ask="ways", path="purchase", within="2", support="1", goal="support")
    assert "may not be told" not in none.of and " times it came to" in none.of


def test_what_comes_up_rarely_is_a_plain_sentence(sample_store: Store) -> None:
    found = answer(sample_store, ask="next", path="nowhere", support="1000000000")
    assert found.notes and any(note.startswith("Even that came up only ") for note in found.notes)


def test_the_best_of_none_is_not_said(sample_store: Store) -> None:
    words = {"ask": "place", "path": "search"}
    whole = answer(sample_store, **words)
    assert f"the best of {whole.table.num_rows} looks better" in whole.notes[-1]
    words = {"ask": "place", "path": "support", "within": "2"}
    times = answer(sample_store, **words, support="1").table["without_of"][0].as_py()
    none = answer(sample_store, **words, support=str(times))
    assert none.table.num_rows == 0 and "best of" not in " ".join(none.notes)


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ({"ask": "where"}, WrongCall, "it takes next, ways, place, paths"),
        ({"ask": "place"}, WrongCall, "Say after which steps"),
        ({"path": "view", "shopper": "x"}, WrongCall, "not for two"),
        ({"within": "1"}, WrongCall, "within='1'"),
        ({"did": "view:P0"}, WrongCall, "no item 'P0'"),
        ({"did": "wink:P10017"}, WrongCall, "no event 'wink' .* it has .*view"),
        ({"did": "junk"}, WrongCall, "did='junk' is not of the form"),
        ({"ask": "place", "path": "nowhere"}, CartscapeError, "nothing can be said"),
        ({"goal": "dance"}, CartscapeError, "choose another with goal=NAME"),
    ],
)
def test_odd_words_are_a_sentence(
    sample_store: Store, words: dict[str, str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        rows(sample_store, **words)


def test_one_that_is_hidden_is_told_in_the_singular() -> None:
    (note,) = hidden_notes(10, [np.array([True, False])], "ways are")
    assert note.startswith("1 of the ways is not shown: it has fewer than 10 shoppers")
    (note,) = hidden_notes(10, [np.array([True, True])], "ways are")
    assert note.startswith("2 ways are not shown: they have fewer than 10 shoppers")
