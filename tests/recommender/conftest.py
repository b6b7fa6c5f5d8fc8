"""A model of the sample that several tests ask; they leave it as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from core.recommender import item_models
from core.recommender.models import TrainOptions, train_model
from core.store import Store
from tests.analyses import search_oracle


@pytest.fixture(scope="session")
def clicks(sample_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A copy of the sample with a model of clicks."""
    folder = tmp_path_factory.mktemp("clicks") / "sample"
    shutil.copytree(sample_store.path, folder)
    with search_oracle.encoded(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_models, "MOST_DENSE", 100)
        store = Store.open(folder)
        train_model(store, TrainOptions(event="click", days=20))
        yield store
