"""The secret and the pseudonyms made under it."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CartscapeError
from core.settings import settings
from core.store import Secret, Store
from tests.store.fakes import TableReader, source_table


@given(st.binary(min_size=1, max_size=100), st.lists(st.text(st.characters(codec="utf-8")), max_size=20))
def test_pseudonyms_are_hmac_sha256(key: bytes, users: list[str]) -> None:
    expected = [hmac.new(key, u.encode(), hashlib.sha256).hexdigest()[:32] for u in users]
    assert Secret(key).pseudonyms(users) == expected
    assert [Secret(key).pseudonym(u) for u in users] == expected


def test_the_secret_is_made_once_for_its_owner_alone(home: Path) -> None:
    first = Secret.load().pseudonym("anna")
    path = home / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Secret.load().pseudonym("anna") == first
    path.chmod(0o644)
    Secret.load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_of_the_settings_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARTSCAPE_SECRET", "out of a vault")
    settings.cache_clear()
    assert Secret.load().pseudonym("anna") == Secret(b"out of a vault").pseudonym("anna")
    assert not (home / "secret").exists()


@pytest.mark.parametrize(("content", "words"), [("", "too short"), ("abc", "too short")])
def test_a_secret_that_cannot_be_the_made_one_is_a_sentence(home: Path, content: str, words: str) -> None:
    home.mkdir()
    (home / "secret").write_text(content)
    with pytest.raises(CartscapeError, match=words):
        Secret.load()


def test_the_store_holds_pseudonyms_only(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.append(TableReader(source_table(ts=[0, 1], user_id=["anna@example.org", "Ünal"])))
    found = store.cursor().sql("SELECT user_id FROM events ORDER BY ts").fetchall()
    assert found == [(Secret.load().pseudonym(u),) for u in ("anna@example.org", "Ünal")]
    for path in store.path.rglob("*"):
        assert path.is_dir() or b"anna" not in path.read_bytes()


def test_a_store_does_not_mix_two_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.create(tmp_path / "s")
    monkeypatch.setenv("CARTSCAPE_SECRET", "another one")
    settings.cache_clear()
    with pytest.raises(CartscapeError, match="under another secret"):
        store.append(TableReader(source_table(ts=[0], user_id=["a"])))
    assert Store.open(store.path).events == 0
