"""A store with a trained model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.store import Store
from tests.quick_models import quick_models


@pytest.fixture(scope="module")
def trained(trained_store: Store) -> Iterator[Store]:
    """The sample with a model, and what it is asked with. Read only."""
    with quick_models():
        yield trained_store
