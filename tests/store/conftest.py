from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, so that no secret of this machine is used or made."""
    folder = tmp_path / "home"
    monkeypatch.setenv("CARTSCAPE_HOME", str(folder))
    monkeypatch.delenv("CARTSCAPE_SECRET", raising=False)
    settings.cache_clear()
    yield folder
    settings.cache_clear()
