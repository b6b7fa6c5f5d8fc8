"""A store with a trained model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from core.store import Store
from tests.quick_models import quick_models


@pytest.fixture(scope="module")
def trained(trained_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The sample with a model, and what it is asked with: the module's own, for it to write rules to."""
    with quick_models():
        yield Store.open(shutil.copytree(trained_store.path, tmp_path_factory.mktemp("trained") / "sample"))
