"""POST /api/v1/events: what is posted counts in the next list, in every process, and in the log once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import marts
from core.analyses import ANALYSES
from core.errors import WrongCall
from core.recommender.live import open_live
from core.recommender.matching import new_since
from core.recommender.models import open_model
from core.recommender.rule_book import RuleBook
from core.recommender.rule_kinds import Always, InStock, Rule
from core.scope import Scope
from core.settings import settings
from core.store import Store
from tests.api.conftest import Client, client_of
from tests.api.test_recommend import sentence, shopper_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(trained_home: Path, tmp_path: Path) -> Client:
    """A client of a copy that may be written to; its model is open."""
    shutil.copytree(trained_home / "sample", tmp_path / "sample")
    found = client_of(tmp_path)
    open_model(Store.open(tmp_path / "sample"))
    while found.recommend().status_code == 503:
        time.sleep(0.05)
    return found


def event(user: str, item: str, **more: Any) -> dict[str, Any]:
    return {"ts": "2025-07-01T10:00:00Z", "user_id": user, "event": "click", "item_id": item} | more


def post(client: Client, *events: Any) -> dict[str, Any]:
    answer = client.post("events", {"events": list(events)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["stored"] + found["duplicate"] + len(found["rejected"]) == len(events)
    return found


def ids(client: Client, **words: Any) -> list[str]:
    answer = client.recommend(**words)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_the_next_list_follows(fresh: Client) -> None:
    shopper = shopper_of(Store.open(fresh.home / "sample"))
    before = ids(fresh, shopper=shopper, n=20)
    post(fresh, event("somebody", before[0]))  # who has the id in the source is another shopper
    found = post(fresh, *(event("newcomer", item) for item in before[:3]))
    assert found == {"stored": 3, "duplicate": 0, "rejected": [], "notes": []}
    after = ids(fresh, shopper="newcomer", n=100)
    assert not set(before[:3]) & set(after)  # a model of new items shows none that were taken
    assert after != ids(fresh, n=100)  # they are somebody now
    assert ids(fresh, shopper="nobody else", n=100) == ids(fresh, n=100)
    store = Store.open(fresh.home / "sample")
    words = {"shopper": "newcomer", "item": after[0]}
    assert ANALYSES["past-buyers"].run(store, Scope(), **words).table.num_rows
    with pytest.raises(WrongCall, match=r"no shopper 'newcomer' .* after the next build"):
        ANALYSES["next-step"].run(store, Scope(), shopper="newcomer")


def test_a_shopper_of_the_log_goes_on(fresh: Client) -> None:
    store = Store.open(fresh.home / "sample")
    source = "old customer"
    post(fresh, event(source, ids(fresh)[0], ts="2025-06-30T20:00:00Z"))
    store.absorb()
    marts.build(store)
    assert client_waits(fresh, shopper=source)
    first = ids(fresh, shopper=source)[0]
    post(fresh, event(source, first))
    assert first not in ids(fresh, shopper=source, n=100)


def client_waits(client: Client, **words: Any) -> bool:
    """Until the newest generation is open."""
    for _ in range(2_000):
        if client.recommend(**words).status_code == 200:
            return True
        time.sleep(0.05)
    return False


def test_every_process_follows(fresh: Client) -> None:
    """Another process that has the model open knows what was posted here as soon as the post is answered."""
    script = (
        "import sys\nfrom core.store import Store\nfrom core.recommender.models import open_model\n"
        "from core.recommender.moment import Asked\nfrom core.recommender.recommend import recommend\n"
        "from tests.quick_models import quick_models\n"
        "with quick_models():\n"
        "    store = Store.open(sys.argv[1])\n    model = open_model(store)\n"
        "    for shopper in iter(lambda: sys.stdin.readline().strip(), 'end'):\n"
        "        found = recommend(store, model, Asked(shopper=shopper.strip('-'), n=100))\n"
        "        print(*(model.ids[item] for item in found.items), flush=True)\n"
    )
    call = [sys.executable, "-c", script, str(fresh.home / "sample")]
    with subprocess.Popen(
        call, cwd=ROOT, env=os.environ.copy(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout

        def theirs(user: str) -> list[str]:
            assert other.stdin and other.stdout
            other.stdin.write(f"{user}\n")
            other.stdin.flush()
            return other.stdout.readline().split()

        first = theirs("-")
        found = [(first, ids(fresh, n=100))]
        for user in ("one", "two"):
            post(fresh, event(user, first[0]), event(user, first[1], event="view"))
            found.append((theirs(user), ids(fresh, shopper=user, n=100)))
        other.stdin.write("end\n")
    assert all(mine == its for its, mine in found) and found[1] != found[0]


def test_live_events_are_known_as_the_next_build_knows_them(fresh: Client) -> None:
    """Histories and popularity: of events within the log's time, so that its windows stay where they are."""
    path = fresh.home / "sample"
    store = Store.open(path)
    model = open_model(store)
    items = list(model.codes)
    rng = np.random.default_rng(5)
    # Places that the log has: others are places from the next build on.
    places = store.cursor().execute("SELECT lat, lon FROM log WHERE lat IS NOT NULL LIMIT 4").fetchall()
    kinds = ["click", "view", "cart", "purchase", "return", "search"]
    posted = [
        event(
            f"u{rng.integers(6)}", items[rng.integers(12)], event=kinds[rng.integers(6)],
            ts=f"2025-0{rng.integers(2, 7)}-{rng.integers(1, 28):02d}T{rng.integers(24):02d}:00:00Z",
            lat=places[at % 4][0], lon=places[at % 4][1], device="mobile",
        )
        for at in range(60)
    ]  # fmt: skip
    half = [*posted[:30], *posted[:5]]
    post(fresh, *half)  # these are in the log when the others come
    store.absorb()
    marts.build(store)
    post(fresh, *posted[25:])
    before = Store.open(path)
    live = open_live(before, open_model(before))
    known = {f"u{number}": live.number(f"u{number}") for number in range(6)}
    own = {user: live.own(*found) for user, found in known.items() if found}
    assert len(own) > 3
    store.absorb()
    marts.build(store)
    after = Store.open(path)
    rebuilt = open_live(after, open_model(after))
    assert rebuilt.past.end == live.past.end and not rebuilt.touched and live.touched
    np.testing.assert_allclose(live.past.popular, rebuilt.past.popular, atol=1e-5)
    np.testing.assert_array_equal(live.past.cold, rebuilt.past.cold)
    np.testing.assert_array_equal(live.past.age < 0, rebuilt.past.age < 0)
    for user, mine in own.items():
        name, number = rebuilt.number(user) or ("", -1)
        assert number >= 0
        theirs = rebuilt.own(name, number)
        assert len(mine) == len(theirs)

        def rows(acts: Any) -> list[tuple[Any, ...]]:
            names = ("second", "item", "strength", "taken", "cell", "region", "slot", "device")
            return sorted(zip(*(getattr(acts, name).tolist() for name in names), strict=True))

        assert rows(mine) == rows(theirs)
        # Sessions have other numbers, and are as many.
        assert len(set(mine.session.tolist())) == len(set(theirs.session.tolist()))


def test_an_event_that_does_not_fit_costs_no_other(fresh: Client) -> None:
    item = ids(fresh)[0]
    found = post(
        fresh,
        event("a", item),
        event("a", item, price="dear"),
        event("a", item, lat=95),
        {"user_id": "a", "event": "view"},
        "not an event",
        event("a", item, secret_field="x"),
        event("a", item, ts="yesterday"),
        event("a", item),
    )
    assert (found["stored"], found["duplicate"]) == (1, 1)
    told = {row["number"]: row["reason"] for row in found["rejected"]}
    assert sorted(told) == [2, 3, 4, 5, 6, 7]
    assert "price" in told[2] and told[3] == "latitude out of range" and "ts" in told[4]
    assert "event" in told[5] and told[7] == "unreadable time"
    assert told[6].startswith("unknown field 'secret_field'; known are ts, user_id, event, session_id, ")
    store = Store.open(fresh.home / "sample")
    store.absorb()
    kept = store.cursor().execute("SELECT count(*) FROM rejects WHERE file = 'api'").fetchall()
    assert kept == [(6,)]
    unknown = "SELECT reason FROM rejects WHERE file = 'api' AND reason LIKE 'unknown%'"
    assert store.cursor().execute(unknown).fetchall() == [("unknown field",)]  # its name is kept nowhere


def test_what_no_model_knows_is_kept_and_told(fresh: Client) -> None:
    item = ids(fresh)[0]
    found = post(
        fresh, event("a", item), event("a", "P-new"), event("b", "P-new", lat=5),
        event("a", item, event="wink"),
        event("a", "P-newer", lat=95), event("a", "P-newest"), {**event("a", ""), "item_id": None},
    )  # fmt: skip
    assert found["stored"] == 6 and len(found["rejected"]) == 1
    items, kinds = found["notes"]
    assert (
        items
        == "2 items that are named are not known to a model of this log; they count after the next training."
    )
    assert kinds.startswith("1 kind of event is new to this log, which has ") and "click" in kinds
    assert "wink" not in kinds
    assert post(fresh, event("c", item))["notes"] == []


def test_what_a_call_may_hold(fresh: Client) -> None:
    assert "events" in sentence(fresh.post("events", {"events": []}), 422)
    assert "events" in sentence(fresh.post("events", {}), 422)
    many = [event("a", "P10017")] * 1_001
    assert "1,000 events" in sentence(fresh.post("events", {"events": many}), 413)
    assert "no log named" in sentence(fresh.post("events", {"store": "x", "events": many[:1]}), 404)


def test_ids_of_shoppers_are_kept_nowhere(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fresh.post("events", {"events": [event("jane@example.com", "P10017", lat=200)]})
    post(fresh, event("jane@example.com", "P10017"))
    assert "jane" not in found.text
    for file in (fresh.home / "sample").rglob("*"):
        assert not file.is_file() or b"jane@example.com" not in file.read_bytes()
    monkeypatch.setattr(Store, "k", settings().k_anonymity)  # on shared data, posted or not
    assert "shared data" in sentence(fresh.recommend(shopper="jane@example.com"), 403)


def test_another_secret_is_refused(fresh: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "secret_check", "0123")
    assert "another secret" in sentence(fresh.post("events", {"events": [event("a", "P10017")]}), 503)


def test_an_item_that_is_new_to_the_log_stops_no_list(fresh: Client) -> None:
    path = fresh.home / "sample"
    post(fresh, *(event(f"u{at}", "P-new") for at in range(5)), event("u0", "P-newer"))
    store = Store.open(path)
    store.absorb()
    marts.build(store)
    store = Store.open(path)
    model = open_model(store)
    assert model.untrained == 2 and {"P-new", "P-newer"} <= model.codes.keys()
    new = new_since(2)
    assert new.startswith("2 items are new since the model was trained and in no list")
    asked: dict[str, Any] = {"n": 100, "path": [{"event": "view", "item": "P-new"}]}
    answer = fresh.recommend(**asked)
    # Until the model over the new log is open the one before answers, which does not know the item.
    while answer.status_code != 200 and "P-new" in answer.text:
        time.sleep(0.05)
        answer = fresh.recommend(**asked)
    found = answer.json()
    assert new in found["notes"]
    listed = [row["item_id"] for row in found["items"]]
    assert len(listed) == 100 and not {"P-new", "P-newer"} & set(listed)
    assert ANALYSES["models"].run(store, Scope()).notes == (new,)
    asked_for = ANALYSES["smallest-change"].run(store, Scope(), item="P-new")
    assert not asked_for.table.num_rows and "new since the model was trained" in " ".join(asked_for.notes)
    for name in ("leaders", "preview"):
        assert new in ANALYSES[name].run(store, Scope()).notes
    RuleBook(store).save(Rule("launch", Always("P-new", 2)))
    assert ids(fresh)[1] == "P-new"  # a person may list what the model does not know
    with pytest.raises(WrongCall):
        ANALYSES["smallest-change"].run(store, Scope(), item="P-new", region="Nowhere")
    card = ANALYSES["model-card"].run(store, Scope()).table.to_pylist()
    (of,) = [row["note"] for row in card if row["name"] == "Log"]
    assert of == f"the log has changed since: {new}"


def test_a_question_that_leaves_nothing_is_not_to_be_asked_again(fresh: Client) -> None:
    RuleBook(Store.open(fresh.home / "sample")).save(Rule("stock", InStock()))
    assert "'stock'" in sentence(fresh.recommend(at="2024-01-01T00:00"), 422)  # before stock was counted
    assert len(ids(fresh, at="2025-06-07T10:00")) == 10
