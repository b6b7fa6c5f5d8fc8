"""Keys of clients: kept as hashes, made and revoked while servers run, never told again."""

from __future__ import annotations

import json
import logging
import stat
import threading
from pathlib import Path

import pytest

from core.api.keys import FILE, Keys
from core.cli import main
from core.errors import CartscapeError, WrongCall
from tests.api.conftest import client_of
from tests.api.test_recommend import sentence


def test_only_a_hash_is_kept(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.add("shop front")
    assert key.startswith("cartscape_") and len(key) > 50
    kept = (tmp_path / FILE).read_text()
    assert key not in kept and key.removeprefix("cartscape_") not in kept
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    found = keys.client(key)
    assert found is not None and found.name == "shop front"
    for wrong in ("", "cartscape_", key[:-1], key + "A", key.upper(), "ключ", "\udcff"):
        assert keys.client(wrong) is None


def test_two_processes_see_each_others_keys(tmp_path: Path) -> None:
    one, other = Keys(tmp_path), Keys(tmp_path)
    key = one.add("a")
    assert other.client(key)
    other.revoke("a")
    assert one.client(key) is None
    again = other.add("a")  # a name that is free again, under another key
    assert one.client(key) is None and one.client(again)
    assert [bool(known.revoked) for known in one.all()] == [True, False]


def test_keys_made_at_once_are_all_kept(tmp_path: Path) -> None:
    threads = [threading.Thread(target=Keys(tmp_path).add, args=(f"client {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Keys(tmp_path).holding()) == 8


def test_names_that_cannot_be(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    for name in ("", " a", "a\nb", "a" * 65, "é"):
        with pytest.raises(WrongCall):
            keys.add(name)
    keys.add("a")
    with pytest.raises(WrongCall, match="already"):
        keys.add("a")
    with pytest.raises(WrongCall, match="no key named 'b'"):
        keys.revoke("b")


def test_a_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.add("a")
    (tmp_path / FILE).write_text("{")
    with pytest.raises(CartscapeError, match="no key holds"):
        keys.client(key)
    client = client_of(tmp_path / "other")
    (tmp_path / "other" / FILE).write_text("[]")
    assert "no key holds" in sentence(client.recommend(), 503)


def test_who_may_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(tmp_path)
    assert client.recommend().status_code == 404  # let in: there is only no log
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {client.key}"}):
        answer = client.http.post("/api/v1/recommend", headers=header, json={})
        assert "key" in sentence(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
    wrong = client.http.post("/api/v1/recommend", headers={"Authorization": "Bearer wrong"}, json={})
    assert "not known or was revoked" in sentence(wrong, 401) and "wrong" not in wrong.text
    client.api.keys.revoke("client 0")
    assert "closed" in sentence(client.recommend(), 403)
    assert client.key not in caplog.text


def test_without_a_key_the_api_is_closed(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    (tmp_path / FILE).unlink()
    assert "keys add NAME" in sentence(client.recommend(), 403)
    assert client.http.get("/api/v1/openapi.json").status_code == 200


def test_keys_on_the_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 2
    assert "keys add NAME, revoke NAME, or list" in capsys.readouterr().err
    assert main(["keys", "list"]) == 0
    none = capsys.readouterr()
    assert none.out == "" and "no key yet" in none.err and "keys add NAME" in none.err
    assert main(["keys", "add", "shop"]) == 0
    key = capsys.readouterr().out.strip()
    assert Keys(home).client(key)
    assert main(["keys", "add", "shop"]) == 2
    assert main(["keys", "add"]) == 2
    assert capsys.readouterr().err.endswith("Name the client: python -m core keys add NAME.\n")
    assert main(["keys", "revoke", "shop"]) == 0
    assert Keys(home).client(key) is None
    capsys.readouterr()
    assert main(["keys", "list"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["name"], bool(row["revoked"])) for row in told] == [("shop", True)]
