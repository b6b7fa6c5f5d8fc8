"""POST /api/v1/recommend: the same list as the command line's, and every mistake a status and a sentence."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.analyses import ANALYSES
from core.api import opened
from core.api.description import described
from core.api.failures import STATUSES
from core.recommender import versions
from core.scope import Scope
from core.settings import settings
from core.store import Store
from tests.api.conftest import Client, client_of


def shopper_of(store: Store) -> str:
    """Who clicks most."""
    found = store.cursor().execute(
        "SELECT user_id FROM log WHERE event = 'click' GROUP BY ALL ORDER BY count(*) DESC, user_id LIMIT 1"
    )
    return str(found.fetchall()[0][0])


def sentence(answer: Any, status: int) -> str:
    """The sentence of a call that failed so."""
    assert answer.status_code == status, answer.text
    words = answer.json()
    assert list(words) == ["error"]
    text = str(words["error"])
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text
    assert status in STATUSES
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    return text


def test_the_list_is_the_command_lines(client: Client) -> None:
    store = Store.open(client.home / "sample")
    shopper = shopper_of(store)
    asked: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({}, {}),
        ({"shopper": shopper, "n": 5}, {"shopper": shopper, "n": "5"}),
        ({"region": "Florida", "at": "2025-06-07T21:00"}, {"region": "Florida", "at": "2025-06-07T21:00"}),
        ({"lat": 40, "lon": -74.5, "device": "mobile"}, {"lat": "40", "lon": "-74.5", "device": "mobile"}),
    ]
    first = client.recommend().json()["items"][0]["item_id"]
    asked += [
        ({"path": [{"event": "view", "item": first}]}, {"path": f"view:{first}"}),
        ({"prices": {first: 9.5}, "out_of_stock": ["P10017"]}, {"price": f"{first}=9.5", "out": "P10017"}),
    ]
    for body, words in asked:
        answer = client.recommend(store="sample", **body)
        assert answer.status_code == 200, answer.text
        rows = ANALYSES["recommended"].run(store, Scope(), **words).table.to_pylist()
        found = answer.json()
        names = ("place", "item_id", "title", "category", "price", "chance", "score")
        assert [[item[name] for name in names] for item in found["items"]] == [
            [row[name] for name in names] for row in rows
        ]
        assert found["model"] == 1 and found["event"] == "click" and found["days"] == 20
        assert [", ".join(item["sources"]) for item in found["items"]] == [row["sources"] for row in rows]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"store": "nowhere"}, 404, "no log named 'nowhere'"),
        ({"store": "../sample"}, 404, "no log named"),
        ({"path": [{"event": "view", "item": "P0"}]}, 422, "no item 'P0'"),
        ({"path": [{"event": "view"}]}, 422, "path.0.item"),
        ({"path": [{"event": "flies", "item": "P10017"}]}, 422, "no event 'flies'"),
        ({"shopper": "a", "path": [{"event": "view", "item": "P10017"}]}, 422, "not for both"),
        ({"at": "2025-06-07T25:00"}, 422, "hours go from 00 to 23"),
        ({"lat": 91, "lon": 0}, 422, "lat"),
        ({"lat": 40}, 422, "both lat= and lon="),
        ({"month": 13}, 422, "month"),
        ({"lat": "north", "lon": 0}, 422, "lat"),
        ({"region": "Atlantis"}, 422, "region='Atlantis'"),
        ({"n": 0}, 422, "n"),
        ({"n": 101}, 422, "n"),
        ({"prices": {"P10017": -1}}, 422, "prices.P10017"),
        ({"prices": {"P10017": "free"}}, 422, "prices.P10017"),
        ({"out_of_stock": ["P0"]}, 422, "no item 'P0'"),
        ({"shoper": "x"}, 422, "There is no field shoper;"),
        ([], 422, "body"),
    ],
)  # fmt: skip
def test_words_that_do_not_fit(client: Client, body: Any, status: int, says: str) -> None:
    assert says in sentence(client.post("recommend", body), status)


def test_a_newcomer_gets_the_list_for_nobody(client: Client) -> None:
    """With what the request says of the moment; only the API does, as a shop meets new visitors all day."""
    words = {"region": "Florida", "at": "2025-06-07T21:00", "n": 5}
    found = client.recommend(shopper="nobody at all", **words)
    assert found.status_code == 200, found.text
    nobody = client.recommend(**words).json()
    assert found.json()["items"] == nobody["items"] and nobody["notes"] == []
    (note,) = found.json()["notes"]
    assert "not in the log" in note and "nobody in particular" in note
    assert "no item" in sentence(client.recommend(shopper="nobody at all", prices={"P0": 1}), 422)
    both = {"shopper": "nobody at all", "path": [{"event": "view", "item": "P10017"}]}
    assert "not for both" in sentence(client.recommend(**both), 422)


def test_a_season_of_which_the_model_knows_nothing_is_a_note(client: Client) -> None:
    answer = client.recommend(month=12).json()
    assert answer["items"] and "no moment that it learnt from had a year before it" in answer["notes"][0]


def test_a_place_in_the_sea_is_a_note(client: Client) -> None:
    answer = client.recommend(lat=30, lon=-45).json()
    assert answer["items"] and "within 100 km" in answer["notes"][0]


def test_bodies_that_cannot_be_read(client: Client) -> None:
    def post(content: Any, kind: str = "application/json") -> Any:
        headers = {"Content-Type": kind}
        return client.post("recommend", None, content=content, headers=headers)

    for content in (b"{", b"", b"\xff\xfe", b"[" * 5_000):
        sentence(post(content), 400)
    assert "application/json" in sentence(post(b"n=3", "application/x-www-form-urlencoded"), 415)
    assert "larger than 1,024 KiB" in sentence(post(b"{" + b" " * 10_000_000 + b"}"), 413)

    def parts() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    assert "larger" in sentence(post(parts()), 413)  # without a length said before
    assert "lat" in sentence(post(b'{"lat": NaN, "lon": 0}'), 422)
    assert post(b'{"n": 3}', "application/json; charset=utf-8").status_code == 200


def test_what_was_sent_is_not_told(client: Client) -> None:
    text = client.recommend(lat="somebody@example.com", lon=0).text
    assert "somebody" not in text


def test_other_addresses_and_methods(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.key}"}
    assert "POST" in sentence(client.http.get("/api/v1/recommend", headers=headers), 405)
    assert client.http.get("/api/v1/recommend").headers["allow"] == "POST"
    sentence(client.http.get("/api/v2/recommend", headers=headers), 404)
    sentence(client.http.post("/api/", headers=headers), 404)


def test_a_client_that_asks_too_often_waits(trained_home: Path, client: Client) -> None:
    slow = client_of(trained_home, a_second=1)
    answers = [slow.recommend(n=0) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [422, 422, 429, 429]
    assert "once" not in sentence(answers[-1], 429) and "1 times a second" in answers[-1].json()["error"]
    assert client.recommend().status_code == 200  # others may go on


def test_a_model_that_is_not_open_yet_is_opened_beside(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = client_of(trained_home)
    assert "being opened" in sentence(fresh.recommend(), 503)
    deadline = time.monotonic() + 120
    while (answer := fresh.recommend()).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answer.status_code == 200
    # A newer one is opened while the one before answers.
    monkeypatch.setattr(opened, "open_model", lambda _store: threading.Event().wait())
    (trained_home / "sample" / "audit" / "changes.jsonl").touch()
    assert fresh.recommend().status_code == 200


def test_a_store_without_a_model(trained_home: Path, sample_store: Store, tmp_path: Path) -> None:
    shutil.copytree(sample_store.path, tmp_path / "plain")
    plain = client_of(tmp_path)
    deadline = time.monotonic() + 60
    while (answer := plain.recommend()).status_code == 503 and time.monotonic() < deadline:
        assert "being opened" in sentence(answer, 503)
        time.sleep(0.05)
    text = sentence(answer, 409)
    assert "no model of this log yet; train one" in text and "retry-after" not in answer.headers


def test_a_model_of_lists_is_none_that_recommends(sample_store: Store, tmp_path: Path) -> None:
    shutil.copytree(sample_store.path, tmp_path / "plain")
    store = Store.open(tmp_path / "plain")
    versions.promote(
        store, versions.save(store, {"x": b"y"}, versions.About(settings={"items": "shown"})).number
    )
    lists = client_of(tmp_path)
    deadline = time.monotonic() + 60
    while (answer := lists.recommend()).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    text = sentence(answer, 409)
    assert "version 1, orders lists that are shown" in text and "train one" in text
    assert "retry-after" not in answer.headers


def test_a_home_without_a_store_or_with_two(trained_home: Path, tmp_path: Path) -> None:
    assert "no log here yet" in sentence(client_of(tmp_path).recommend(), 404)
    shutil.copytree(trained_home / "sample", tmp_path / "a")
    shutil.copytree(trained_home / "sample", tmp_path / "b")
    assert "which one" in sentence(client_of(tmp_path).recommend(), 422)
    (tmp_path / "b" / "manifest.json").write_text("{")
    assert "damaged" in sentence(client_of(tmp_path).recommend(store="b"), 503)


def test_on_shared_data_nobody_is_asked_for_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(client.home / "sample")
    monkeypatch.setattr(Store, "k", settings().k_anonymity)
    for shopper in (shopper_of(store), "nobody"):
        assert "shared data" in sentence(client.recommend(shopper=shopper), 403)


def test_answers_fit_the_description(client: Client) -> None:
    for body, name in (({"n": 3}, "RecommendAnswer"), ({"n": 0}, "Problem")):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described()["components"]}
        found = client.recommend(**body).json()
        jsonschema.Draft202012Validator(schema).validate(found)
        assert set(found) == set(described()["components"]["schemas"][name]["properties"])
